//! Random transactions of `protocol` on a real etcd, computed from readings that are old. Oracle: a
//! map.
//!
//! etcd commits one if and only if its compares hold in what etcd held at that moment, and changes
//! exactly what it writes. `HISTORY_SEED=N cargo test -p rocks-gc-fleet --test histories` repeats a
//! history.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Helpers of tests are not in `#[test]` functions.

mod support;

use fastrand::Rng;
use rocks_gc_fleet::etcd::{Client, Keys, Txn as EtcdTxn};
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::layout::own_value::{Leader, Node};
use rocks_gc_fleet::protocol::etcd::{Compare, Key, Txn, Value};
use rocks_gc_fleet::protocol::node;
use rocks_gc_fleet::protocol::{barrier, worker};
use rocks_gc_fleet::translate::{Details, Reading, number};
use std::collections::BTreeMap;
use support::{Etcd, put};

const STEPS: usize = 600;

/// A transaction, and the reading that it was computed from.
struct Pending {
    reading: Reading,
    txn: Txn,
    details: Details,
}

/// Raw keys and values, with the revision that wrote each.
type Held = BTreeMap<Vec<u8>, (Vec<u8>, i64)>;

async fn held(client: &Client) -> Held {
    let entries = client.list(&[Keys::Prefix("/".into())]).await.unwrap().entries;
    entries.into_iter().map(|entry| (entry.key, (entry.value, entry.mod_revision))).collect()
}

fn scopes() -> [Scope; 2] {
    [Scope::Global, Scope::Keyspace(KeyspaceId::new(42).unwrap())]
}

fn term(leases: &[i64], rng: &mut Rng) -> (i64, u64) {
    let lease = leases[rng.usize(..leases.len())];
    (lease, lease.unsigned_abs())
}

/// A random step of a random actor. `None`: it has nothing to do.
fn step(mut reading: Reading, leases: &[i64], counter: u64, rng: &mut Rng) -> Option<Pending> {
    let scope = number(scopes()[rng.usize(..2)]);
    let (lease, term) = term(leases, rng);
    let name = reading.names.number(["a", "b", "c"][rng.usize(..3)]);
    let details = Details {
        lease: Some(lease),
        leader: Some(Leader { worker: "w".into(), since: counter }),
        node: Some(serde_json::from_str::<Node>(r#"{"role":"primary","versions":{},"since":1,"epoch":0}"#).unwrap()),
        why: "test".into(),
    };
    let target = rng.u64(..2 * counter);
    let txn = match rng.u8(..8) {
        0 => worker::campaign(term),
        1 | 2 => worker::advance_txn(&reading.snapshot, term, scope, target, counter).txn?,
        3 => worker::advance_gc(&reading.snapshot, term, scope).txn?,
        4 => {
            let of = [None, Some(scope)][rng.usize(..2)];
            barrier::set(&reading.snapshot, of, name, target, rng.i64(1..100), counter).ok()?
        }
        5 => barrier::delete(&reading.snapshot, Some(scope), name).unwrap(),
        6 => node::Node::start(name, counter).1,
        _ => match reading.snapshot.get(Key::Node(name)) {
            Some(Value::Epoch(epoch)) if rng.bool() => {
                let registration = Some(Value::Epoch(epoch));
                let answer = Some(Value::Answer(counter, epoch));
                Txn { compares: vec![Compare::Is(Key::Node(name), registration)], writes: vec![(Key::Resolved(name, scope), answer)] }
            }
            Some(Value::Epoch(epoch)) => worker::fence(name, epoch),
            _ => return None,
        },
    };
    Some(Pending { reading, txn, details })
}

/// Foreign writers compare nothing.
async fn disturb(client: &Client, counter: u64, rng: &mut Rng) {
    let instance = format!("/keyspaces/tidb/42/tidb/server/minstartts/{}", ["i", "j"][rng.usize(..2)]);
    let key = match rng.u8(..8) {
        0 => "/pd/7/leader".into(),
        1 | 2 => {
            let one = ["/pd/7/leader".into(), "/rocks-gc/7/worker/leader".into(), instance.clone()];
            let deletes = vec![Keys::One(one[rng.usize(..3)].clone())];
            assert!(client.commit(&EtcdTxn { deletes, ..EtcdTxn::default() }).await.unwrap());
            return;
        }
        3 => instance,
        _ => return,
    };
    put(client, &key, counter.to_string()).await;
}

/// Must etcd commit it, as etcd is now?
fn must_commit(pending: &Pending, leases: &BTreeMap<Vec<u8>, i64>, now: &Held) -> bool {
    let Pending { reading, txn, .. } = pending;
    let path = |key: Key| reading.path(key).unwrap().into_bytes();
    let untouched = |prefix: &str| {
        now.iter().filter(|(key, _)| key.starts_with(prefix.as_bytes())).all(|(_, (_, revision))| *revision <= reading.revision)
    };
    txn.compares.iter().all(|compare| match compare {
        Compare::Is(key, None) => !now.contains_key(&path(*key)),
        Compare::Is(Key::Revision, Some(Value::Number(number))) => {
            now.get(&path(Key::Revision)).is_some_and(|it| it.0 == number.to_string().into_bytes())
        }
        Compare::Is(Key::Leader, Some(Value::Epoch(term))) => {
            leases.get(&path(Key::Leader)).is_some_and(|lease| lease.unsigned_abs() == *term)
        }
        // A registration: no other one has come since.
        Compare::Is(key, Some(_)) => now.get(&path(*key)).is_some_and(|(_, revision)| *revision <= reading.revision),
        Compare::NodesAre(_) => untouched("/rocks-gc/7/nodes/"),
        Compare::MinStartsAre(of, _) if *of == number(Scope::Global) => untouched("/tidb/server/minstartts/"),
        Compare::MinStartsAre(..) => untouched("/keyspaces/tidb/42/tidb/server/minstartts/"),
    })
}

#[tokio::test]
async fn etcd_commits_what_holds_and_changes_what_is_written() {
    let seed = std::env::var("HISTORY_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("HISTORY_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/keyspaces/meta/00000042", &b"\x3a\x24\x0a\x12gc_management_type\x12\x0ekeyspace_level"[..]).await;
    let mut leases = Vec::new();
    for _ in 0..3 {
        leases.push(client.lease(std::time::Duration::from_secs(600)).await.unwrap());
    }
    let ids: Vec<i64> = leases.iter().map(rocks_gc_fleet::etcd::Lease::id).collect();
    let (mut pending, mut committed, mut refused) = (Vec::new(), 0, 0);
    for counter in 1..=STEPS as u64 {
        disturb(&client, counter, &mut rng).await;
        pending.extend(step(Reading::take(&client).await.unwrap(), &ids, counter, &mut rng));
        // Mostly the newest; an older one now and then.
        if pending.len() < 3 || rng.bool() && pending.len() < 6 {
            continue;
        }
        let one: Pending = if rng.u8(..3) == 0 { pending.swap_remove(rng.usize(..pending.len())) } else { pending.pop().unwrap() };
        let before = held(&client).await;
        let leader = client.list(&[Keys::One("/rocks-gc/7/worker/leader".into())]).await.unwrap().entries;
        let leader = leader.into_iter().map(|entry| (entry.key, entry.lease)).collect();
        let expected = must_commit(&one, &leader, &before);
        let did = client.commit(&one.reading.txn(&one.txn, &one.details).unwrap()).await.unwrap();
        assert_eq!(did, expected, "step {counter}: {:?}", one.txn);
        let after = held(&client).await;
        let written: Vec<Vec<u8>> = one.txn.writes.iter().map(|(key, _)| one.reading.path(*key).unwrap().into_bytes()).collect();
        let untouched = |held: &Held| held.clone().into_iter().filter(|(key, _)| !did || !written.contains(key)).collect::<Held>();
        assert_eq!(untouched(&before), untouched(&after), "step {counter}");
        if did {
            let mut reading = Reading::take(&client).await.unwrap();
            for (key, value) in &one.txn.writes {
                let same = renamed(*key, &one.reading, &mut reading);
                assert_eq!(reading.snapshot.get(same), *value, "step {counter}: {key:?}");
            }
        }
        *(if did { &mut committed } else { &mut refused }) += 1;
    }
    println!("{committed} committed, {refused} refused");
    assert!(committed > STEPS / 20 && refused > STEPS / 20);
}

/// The key in the numbers of another reading.
fn renamed(key: Key, from: &Reading, to: &mut Reading) -> Key {
    let mut again = |number| to.names.number(from.names.name(number).unwrap());
    match key {
        Key::Barrier(of, name) => Key::Barrier(of, again(name)),
        Key::MinStart(of, name) => Key::MinStart(of, again(name)),
        Key::Node(name) => Key::Node(again(name)),
        Key::Resolved(name, of) => Key::Resolved(again(name), of),
        Key::Fenced(name) => Key::Fenced(again(name)),
        other => other,
    }
}
