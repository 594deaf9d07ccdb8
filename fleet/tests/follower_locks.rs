//! The follower on a real etcd: locks, and holds of readers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "remembering/fleet.rs"]
mod fleet;
mod remembering;
mod support;

use fleet::*;
use rocks_gc_fleet::layout::id::Scope;
use rocks_gc_fleet::layout::keyspace_meta::State;
use rocks_gc_fleet::layout::own_key::OwnKey;
use rocks_gc_fleet::layout::own_value::{Clock, Node, Resolved};
use rocks_gc_fleet::layout::pd_key::PdKey;
use rocks_gc_fleet::layout::pd_value;
use std::time::Duration;
use support::CLUSTER;

#[test]
fn filters_wait_for_locks_and_a_new_epoch_resolves_first() {
    let fleet = Fleet::start(3);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.put(&meta_key(2), meta(2, State::Enabled, "keyspace_level"));
    fleet.put_txn(keyspace(1), 100);
    fleet.put_gc(keyspace(1), 90);
    fleet.host.set_stuck(keyspace(1), true);
    let follower = fleet.follow(true);
    assert_eq!(fleet.known.get().own, [].into(), "nothing is resolved");
    eventually("T is known", || follower.may_lock(Some(id(1)), 101));
    assert!(!follower.may_lock(Some(id(1)), 100));
    assert!(follower.may_lock(Some(id(2)), 1), "no T");
    // Another scope goes on.
    fleet.put_txn(keyspace(2), 50);
    fleet.put_gc(keyspace(2), 40);
    fleet.eventually("a stuck scope holds up no other scope", |known| known.own.get(&id(2)) == Some(&40));
    let resolved = |scope| fleet.get_own::<Resolved>(&OwnKey::Resolved("n1".into(), scope));
    let epoch = fleet.epoch("n1").unwrap();
    assert_eq!(resolved(keyspace(2)), Some(Resolved { txn_safe_point: 50, epoch }));
    assert_eq!(resolved(keyspace(1)), None);
    let behind = OwnKey::Applied("n1".into(), keyspace(1)).build(CLUSTER).unwrap();
    eventually("who is behind is told", || fleet.get(&behind).is_some());
    fleet.host.set_stuck(keyspace(1), false);
    fleet.eventually("filters go on", |known| known.own.get(&id(1)) == Some(&90));
    assert_eq!(resolved(keyspace(1)), Some(Resolved { txn_safe_point: 100, epoch }));
    eventually("it is behind no more", || fleet.get(&behind).is_none());

    // Away: no lock may be written. Back: a new epoch, which resolves before its filters go on.
    fleet.etcd.stop(0);
    eventually("the lease counts as lost", || !follower.may_lock(Some(id(1)), 1_000));
    fleet.host.set_stuck(keyspace(1), true);
    eventually("the registration ends", || fleet.epoch("n1").is_none());
    fleet.put_txn(keyspace(1), 200);
    fleet.put_gc(keyspace(1), 200); // no node is waited for
    fleet.etcd.go_on(0);
    eventually("T is known again", || follower.may_lock(Some(id(1)), 201));
    assert!(!follower.may_lock(Some(id(1)), 200));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(fleet.known.get().own[&id(1)], 90, "locks are left");
    fleet.host.set_stuck(keyspace(1), false);
    fleet.eventually("filters go on", |known| known.own[&id(1)] == 200);
}

#[test]
fn locks_without_a_host_that_resolves_them_hold_everything_up() {
    let fleet = Fleet::start(1);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.put_gc(keyspace(1), 10);
    fleet.known.change(|known| known.has_locks = true);
    fleet.host.set_stuck(keyspace(1), true);
    let follower = fleet.follow(false);
    fleet.put_txn(keyspace(1), 30);
    fleet.put_gc(keyspace(1), 20);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(fleet.known.get().own[&id(1)], 10, "what it had when it loaded");
    let node: Node = fleet.get_own(&OwnKey::Node("n1".into())).unwrap();
    assert!(node.is_waited_for() && !follower.may_lock(Some(id(1)), 100));
    let told: Option<Clock> = fleet.get_own(&OwnKey::NodeClock("n1".into()));
    assert!(told.is_some_and(|clock| clock.unix_ms > 1_700_000_000_000), "the node tells its time");
}

#[test]
fn a_keyspace_that_follows_the_global_safe_point_counts_as_the_global_scope() {
    let fleet = Fleet::start(1);
    fleet.put(&meta_key(2), meta(2, State::Enabled, "unified"));
    fleet.put_txn(Scope::Global, 100);
    let follower = fleet.follow(true);
    assert!(follower.may_lock(Some(id(2)), 101) && !follower.may_lock(Some(id(2)), 100));
    assert!(follower.may_lock(None, 101) && !follower.may_lock(None, 100));
    assert!(!follower.may_lock(Some(id(3)), 500), "not known");
    follower.hold(Some(id(2)), "backup", 120, Duration::from_secs(60), LIMIT).unwrap();
    assert!(fleet.get(&PdKey::Barrier(Scope::Global, "backup".into()).build(CLUSTER)).is_some());
    assert!(follower.is_held(Some(id(2)), "backup") && follower.is_held(None, "backup"));
    let error = follower.hold(Some(id(3)), "backup", 120, Duration::from_secs(3), LIMIT).unwrap_err();
    assert!(error.to_string().contains("keyspace 3 is not known"), "{error}");
    // Everything of it is kept: nothing needs to be held, and nothing may be locked.
    fleet.delete(&meta_key(2));
    eventually("it is paused", || !follower.may_lock(Some(id(2)), 500));
}

#[test]
fn a_t_that_cannot_be_read_lets_no_lock_in() {
    let fleet = Fleet::start(1);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.put(&PdKey::TxnSafePoint(keyspace(1)).build(CLUSTER), "1x0");
    let follower = fleet.follow(true);
    assert!(follower.may_serve() && !follower.may_lock(Some(id(1)), 1_000_000));
    let error = follower.hold(Some(id(1)), "backup", 1_000_000, Duration::from_secs(60), LIMIT).unwrap_err().to_string();
    assert!(error.contains("saved_safe_point") && !follower.is_held(Some(id(1)), "backup"), "{error}");
    fleet.put_txn(keyspace(1), 100);
    eventually("T is known", || follower.may_lock(Some(id(1)), 101));
}

#[test]
fn t_is_read_after_the_registration() {
    let fleet = Fleet::start(1);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.put_txn(keyspace(1), 100);
    let follower = fleet.follow(true);
    assert!(follower.may_lock(Some(id(1)), 101));
    let (client, runtime) = (fleet.client.clone(), fleet.runtime.handle().clone());
    let key = PdKey::TxnSafePoint(keyspace(1)).build(CLUSTER);
    let (moved, has_moved) = std::sync::mpsc::channel();
    fleet.known.after_next_registration(move || {
        runtime.block_on(support::put(&client, &key, "200"));
        moved.send(()).unwrap();
    });
    fleet.delete(&OwnKey::Node("n1".into()).build(CLUSTER).unwrap());
    has_moved.recv_timeout(LIMIT).unwrap();
    let begin = std::time::Instant::now();
    while !follower.may_lock(Some(id(1)), 201) {
        assert!(!follower.may_lock(Some(id(1)), 200), "no worker waits for a lock at or below T");
        assert!(begin.elapsed() < LIMIT);
    }
    assert!(!follower.may_lock(Some(id(1)), 200));
}

#[test]
fn holds_of_one_name_take_turns() {
    let fleet = Fleet::start(1);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    let follower = fleet.follow(false);
    let key = PdKey::Barrier(keyspace(1), "n".into()).build(CLUSTER);
    for round in 0..20 {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let follower = &follower;
                scope.spawn(move || follower.hold(Some(id(1)), "n", 100 + round * 10 + thread, Duration::from_secs(60), LIMIT).unwrap());
            }
        });
        assert_eq!((follower.is_held(Some(id(1)), "n"), fleet.get(&key).is_some()), (true, true), "round {round}");
    }
    // A call that is given up leaves no hold, whatever etcd has.
    let given_up = follower.hold(Some(id(1)), "n", 900, Duration::from_secs(3), Duration::from_micros(300));
    assert!(given_up.is_err() && !follower.is_held(Some(id(1)), "n"));
}

#[test]
fn holds_are_barriers_that_end_with_their_node() {
    let fleet = Fleet::start(3);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.put(&meta_key(2), meta(2, State::Enabled, "unified"));
    fleet.put_txn(keyspace(1), 100);
    let follower = fleet.follow(false);
    let key = |name: &str| PdKey::Barrier(keyspace(1), name.into()).build(CLUSTER);
    let hold = |name: &str, ts| follower.hold(Some(id(1)), name, ts, Duration::from_secs(6), LIMIT);
    let error = hold("late", 99).unwrap_err().to_string();
    assert!(error.contains("99") && error.contains("100"), "{error}");
    assert_eq!(fleet.get(&key("late")), None);
    let leases = fleet.runtime.block_on(async { fleet.etcd.raw().await.leases().await.unwrap().leases().len() });
    assert_eq!(leases, 1, "the node's; that of the barrier is given up");
    hold("backup", 100).unwrap();
    hold("backup", 120).unwrap();
    let (value, lease) = fleet.get(&key("backup")).unwrap();
    assert_eq!((pd_value::parse_barrier(&value).unwrap().timestamp, lease != 0), (120, true));
    std::thread::sleep(Duration::from_secs(8));
    assert!(fleet.get(&key("backup")).is_some(), "it is renewed");
    follower.release(Some(id(1)), "backup", LIMIT).unwrap();
    follower.release(Some(id(1)), "backup", LIMIT).unwrap();
    assert_eq!(fleet.get(&key("backup")), None);

    hold("lost", 130).unwrap();
    assert!(follower.is_held(Some(id(1)), "lost") && !follower.is_held(Some(id(1)), "backup"));
    fleet.etcd.stop(0);
    eventually("etcd deletes it", || fleet.get(&key("lost")).is_none());
    assert!(!follower.is_held(Some(id(1)), "lost"), "it ended here before it ended in etcd");
    eventually("the host is told", || fleet.host.lost() == [(keyspace(1), "lost".to_owned())]);
    fleet.etcd.go_on(0);
    eventually("it is back", || hold("last", 140).is_ok());
    drop(follower);
    // At once, or when its lease ends: the member that was stopped may not answer in time.
    eventually("closing ends it", || fleet.get(&key("last")).is_none());
}
