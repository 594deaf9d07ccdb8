//! The follower on a real etcd, with a library and a host that only remember: keyspaces, safe points,
//! registrations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "remembering/fleet.rs"]
mod fleet;
mod remembering;
mod support;

use fleet::*;
use rocks_gc_fleet::etcd::{Keys, Put, Txn};
use rocks_gc_fleet::follower::answers::{Reply, Writes};
use rocks_gc_fleet::follower::local::GcType;
use rocks_gc_fleet::follower::registration::{Identity, Registration};
use rocks_gc_fleet::layout::id::Scope;
use rocks_gc_fleet::layout::keyspace_meta::State;
use rocks_gc_fleet::layout::own_key::OwnKey;
use rocks_gc_fleet::layout::own_value::{Fenced, OwnValue, Role};
use rocks_gc_fleet::layout::pd_key::PdKey;
use rocks_gc_fleet::layout::pd_value;
use std::collections::BTreeMap;
use std::time::Duration;
use support::CLUSTER;

#[test]
fn what_vanished_while_the_node_was_away_is_found() {
    let fleet = Fleet::start(3);
    for number in 1..4 {
        fleet.put(&meta_key(number), meta(number, State::Enabled, "keyspace_level"));
        fleet.put_gc(keyspace(number), 10);
    }
    let follower = fleet.follow(false);
    let epoch = fleet.epoch("n1").unwrap();
    // The follower's only member is silent. Its lease runs out, and what happens meanwhile is compacted.
    fleet.etcd.stop(0);
    fleet.delete(&meta_key(2));
    fleet.put_gc(keyspace(1), 20);
    fleet.put_gc(keyspace(3), 30);
    eventually("the registration ends", || fleet.epoch("n1").is_none());
    assert!(!follower.may_serve(), "its lease ended here before it ended in etcd");
    let newest = fleet.runtime.block_on(fleet.client.list(&[Keys::One("x".into())])).unwrap().revision;
    fleet.runtime.block_on(async {
        let mut raw = etcd_client::Client::connect([fleet.etcd.endpoint(2)], None).await.unwrap();
        raw.compact(newest, None).await.unwrap();
    });
    assert_eq!(fleet.known.get().own, [(id(1), 10), (id(2), 10), (id(3), 10)].into(), "it keeps what it has");
    fleet.etcd.go_on(0);
    fleet.eventually("it catches up", |known| known.own.get(&id(1)) == Some(&20) && known.own.get(&id(3)) == Some(&30));
    fleet.eventually("what vanished is paused", |known| known.paused.contains(&id(2)));
    eventually("a new epoch", || fleet.epoch("n1").is_some_and(|next| next != epoch));
    drop(follower);
    eventually("closing ends the registration", || fleet.epoch("n1").is_none());
}

#[test]
fn a_node_whose_library_is_busy_stops_to_serve_with_its_lease() {
    let fleet = Fleet::start(3);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    let follower = fleet.follow(false);
    fleet.known.change(|_| {
        // The follower waits for the library meanwhile, and sees nothing end.
        fleet.put_gc(keyspace(1), 10);
        std::thread::sleep(Duration::from_secs(1));
        assert!(follower.may_serve());
        fleet.etcd.stop(0);
        eventually("the registration ends", || fleet.epoch("n1").is_none());
        assert!(!follower.may_serve());
    });
    fleet.etcd.go_on(0);
    eventually("it serves again", || follower.may_serve());
    assert_eq!(fleet.known.get().own, [(id(1), 10)].into());
}

#[test]
fn one_process_a_name() {
    let fleet = Fleet::start(1);
    let follower = fleet.follow(false);
    let other = fleet.load_as("n1", false).unwrap();
    let error = other.follow(Duration::from_secs(5)).unwrap_err().to_string();
    assert!(error.contains("registered by another process"), "{error}");
    drop(follower);
    other.follow(LIMIT).unwrap();
}

#[test]
fn what_a_registration_writes_depends_on_its_key() {
    let fleet = Fleet::start(1);
    let identity = Identity {
        name: "n1".into(),
        role: Role::Primary,
        holds_transactions: true,
        versions: BTreeMap::new(),
        lease: Duration::from_secs(60),
    };
    let registration = fleet.runtime.block_on(Registration::new(&fleet.client, &identity, None)).unwrap();
    fleet.put("/order", "drop");
    let revision = fleet.runtime.block_on(fleet.client.list(&[Keys::One("/order".into())])).unwrap().entries[0].mod_revision;
    let writes = |name: &str| {
        let (value, key) = (b"x".to_vec(), |part: &str| format!("/{name}/{part}"));
        fleet.runtime.block_on(async {
            let puts = vec![(key("write"), value.clone())];
            [
                registration.write(Writes { puts, deletes: Vec::new() }).await.unwrap(),
                registration.reply(Reply { key: key("reply"), value: value.clone(), to: "/order".into(), revision }).await.unwrap(),
                registration.note((key("note"), value.clone())).await.unwrap(),
            ]
        })
    };
    assert_eq!(writes("before"), [true; 3]);
    // Its lease lives on.
    fleet.delete(&OwnKey::Node("n1".into()).build(CLUSTER).unwrap());
    assert_eq!(writes("after"), [false; 3]);
    assert!(["write", "reply", "note"].iter().all(|part| fleet.get(&format!("/after/{part}")).is_none()));
}

#[test]
fn a_fenced_node_stops() {
    let fleet = Fleet::start(1);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    let follower = fleet.follow(true);
    eventually("it serves", || follower.may_lock(Some(id(1)), 5));
    let hold = || follower.hold(Some(id(1)), "backup", 120, Duration::from_secs(60), LIMIT);
    let barrier = PdKey::Barrier(keyspace(1), "backup".into()).build(CLUSTER);
    hold().unwrap();
    assert!(follower.is_held(Some(id(1)), "backup") && fleet.get(&barrier).is_some());
    let epoch = fleet.epoch("n1").unwrap();
    let fenced = Put::new(OwnKey::Fenced("n1".into()).build(CLUSTER).unwrap(), Fenced { epoch, why: "no answer".into() }.build().unwrap());
    let node = OwnKey::Node("n1".into()).build(CLUSTER).unwrap();
    fleet.commit(&Txn { puts: vec![fenced], deletes: vec![Keys::One(node)], ..Txn::default() });
    eventually("the host is told", || fleet.host.fenced() == ["no answer"]);
    assert!(!follower.may_lock(Some(id(1)), 500));
    assert!(follower.status().is_fenced && !follower.may_serve());
    eventually("its holds have ended", || !follower.is_held(Some(id(1)), "backup") && fleet.get(&barrier).is_none());
    let error = hold().unwrap_err().to_string();
    assert!(error.contains("this node is fenced") && fleet.get(&barrier).is_none(), "{error}");
    fleet.put_gc(keyspace(1), 70);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(fleet.known.get().own, [].into(), "it follows no more");
    drop(follower);
    fleet.follow(true);
}

#[test]
fn a_registration_that_vanishes_is_noticed_at_once_and_made_anew() {
    let fleet = Fleet::start(1);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    let follower = fleet.follow(true);
    let epoch = fleet.epoch("n1").unwrap();
    fleet.host.set_stuck(keyspace(1), true);
    fleet.delete(&OwnKey::Node("n1".into()).build(CLUSTER).unwrap());
    eventually("a new epoch", || fleet.epoch("n1").is_some_and(|next| next != epoch));
    eventually("it serves again", || follower.may_lock(Some(id(1)), 5));
}

#[test]
fn a_process_whose_earlier_registration_was_fenced_is_fenced() {
    let fleet = Fleet::start(3);
    let follower = fleet.follow(true);
    let first = fleet.epoch("n1").unwrap();
    // Two registrations later it reads of the fence.
    for _ in 0..2 {
        let epoch = fleet.epoch("n1").unwrap();
        fleet.delete(&OwnKey::Node("n1".into()).build(CLUSTER).unwrap());
        eventually("a new epoch", || fleet.epoch("n1").is_some_and(|next| next != epoch));
    }
    fleet.put_own(&OwnKey::Fenced("n1".into()), &Fenced { epoch: first, why: "late".into() });
    eventually("the host is told", || fleet.host.fenced() == ["late"]);
    assert!(!follower.may_serve());
}

#[test]
fn what_etcd_holds_is_what_the_library_is_told() {
    let fleet = Fleet::start(1);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.put(&meta_key(2), meta(2, State::Enabled, "unified"));
    fleet.put(&meta_key(3), meta(3, State::Enabled, "some day"));
    fleet.put(&meta_key(4), b"\xff\xff".to_vec());
    fleet.put_gc(Scope::Global, LARGE);
    fleet.put_gc(keyspace(1), LARGE + 1);
    // A key with an id that is not padded is no safe point of keyspace 1.
    fleet.put(&format!("/pd/{CLUSTER}/keyspaces/gc_safe_point/1"), pd_value::safe_point(id(1), LARGE + 9).unwrap());
    // The path wins over the JSON.
    fleet.put(&PdKey::GcSafePoint(keyspace(5)).build(CLUSTER), pd_value::safe_point(id(6), 7).unwrap());
    let follower = fleet.load_as("n1", false).unwrap();
    let known = fleet.known.get();
    assert_eq!(known.keyspaces[&id(1)].gc_management, "keyspace_level");
    assert_eq!(known.keyspaces[&id(2)].gc_management, "unified");
    assert_eq!(known.keyspaces[&id(3)].gc_management, "some day");
    assert_eq!(known.paused, [id(4)].into());
    assert_eq!((known.global, known.own.clone()), (LARGE, [(id(1), LARGE + 1), (id(5), 7)].into()));
    assert_eq!(follower.status().counts.unwrap().unreadable, 2, "the meta of 4, and the key without zeros");

    follower.follow(LIMIT).unwrap();
    follower.follow(LIMIT).unwrap(); // it follows already
    assert!(follower.may_serve());
    let unknown = follower.hold(Some(id(3)), "backup", LARGE + 5, Duration::from_secs(60), LIMIT).unwrap_err().to_string();
    assert!(unknown.contains("keyspace 3 is not known, or everything of it is kept"), "{unknown}");
    fleet.put_gc(keyspace(1), LARGE + 2);
    fleet.eventually("a safe point moves", |known| known.own[&id(1)] == LARGE + 2);
    fleet.put_gc(keyspace(1), LARGE);
    fleet.put_gc(Scope::Global, 5);
    fleet.delete(&PdKey::GcSafePoint(keyspace(1)).build(CLUSTER));
    fleet.put(&PdKey::GcSafePoint(keyspace(5)).build(CLUSTER), "{");
    fleet.put_gc(keyspace(6), u64::MAX);
    fleet.put(&meta_key(2), meta(2, State::Tombstone, "unified"));
    fleet.eventually("states are made up for", |known| known.keyspaces[&id(2)].state == State::Tombstone);
    let known = fleet.known.get();
    assert_eq!((known.global, known.own.clone()), (LARGE, [(id(1), LARGE + 2), (id(5), 7)].into()), "nothing goes back");
    assert_eq!(follower.status().counts.unwrap().safe_points_went_back, 3);
    let states: Vec<State> = known.loads.iter().filter(|load| load.id == id(2)).map(|load| load.state).collect();
    assert_eq!(states, [State::Enabled, State::Disabled, State::Archived, State::Tombstone]);

    fleet.delete(&meta_key(1));
    fleet.eventually("a keyspace without metadata is paused", |known| known.paused.contains(&id(1)));
    // The library begins at 0 after a pause.
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level_gc"));
    fleet.eventually("it is registered again", |known| known.registered.contains(&(id(1), GcType::KeyspaceLevel)));
    fleet.eventually("and is given its safe point again", |known| known.own.get(&id(1)) == Some(&(LARGE + 2)));
    fleet.put_gc(keyspace(1), LARGE + 3);
    fleet.eventually("and has its safe point", |known| known.own.get(&id(1)) == Some(&(LARGE + 3)));
    fleet.put(&meta_key(4), meta(4, State::Enabled, "unified"));
    fleet.eventually("metadata that can be read end a pause", |known| known.registered.contains(&(id(4), GcType::Global)));
}

#[test]
fn another_cluster_is_refused() {
    let fleet = Fleet::start(1);
    fleet.put(&PdKey::KeyspaceMeta(id(1)).build(CLUSTER + 1), meta(1, State::Enabled, "keyspace_level"));
    let error = fleet.load_as("n1", false).err().unwrap();
    assert!(error.contains("correct the cluster's id"), "{error}");
    // The beginning of a new fleet, and the right cluster.
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.load_as("n1", false).unwrap();
}
