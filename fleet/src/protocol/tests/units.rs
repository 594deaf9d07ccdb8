//! What an exploration of tiny numbers cannot show.

use crate::protocol::barrier::{self, GC_WORKER};
use crate::protocol::etcd::{Key, Snapshot, Value};
use crate::protocol::node::Node;
use crate::protocol::worker::{self, advance_gc, advance_txn};

fn with(entries: &[(Key, Value)]) -> Snapshot {
    let mut etcd = Snapshot::default();
    entries.iter().for_each(|(key, value)| etcd.write(*key, Some(*value)));
    etcd
}

#[test]
fn the_target_is_in_milliseconds_and_never_below_0() {
    assert_eq!(worker::target(1_740_000_000_000, 600_000), (1_740_000_000_000 - 600_000) << 18);
    assert_eq!(worker::target(1, 2), 0);
}

#[test]
fn t_stops_at_the_lowest_live_barrier_and_names_it() {
    let barrier = |name, timestamp, until| (Key::Barrier(Some(0), name), Value::Barrier(timestamp, until));
    let etcd = with(&[
        (Key::Leader, Value::Epoch(1)),
        barrier(GC_WORKER, 1, barrier::NEVER),
        barrier(1, 5, 99),
        barrier(2, 10, 100),
        barrier(3, 15, barrier::NEVER),
    ]);
    let step = advance_txn(&etcd, 1, 0, 30, 100);
    assert_eq!(step.blockers, [Key::Barrier(Some(0), 2)]);
    let mut after = etcd.clone();
    assert!(after.commit(&step.txn.unwrap()));
    assert_eq!(after.number(Key::Txn(0)), 10);
    assert_eq!(after.get(Key::Barrier(Some(0), 1)), None);
    assert!(advance_txn(&etcd, 1, 0, 10, 100).blockers.is_empty(), "equal does not block");
}

#[test]
fn a_barrier_that_is_already_below_t_is_no_error() {
    let etcd = with(&[(Key::Txn(0), Value::Number(20)), (Key::Barrier(Some(0), 1), Value::Barrier(10, 99))]);
    let step = advance_txn(&etcd, 1, 0, 30, 5);
    assert_eq!((step.txn, step.blockers), (None, vec![Key::Barrier(Some(0), 1)]));
}

#[test]
fn a_minimal_start_of_0_is_none_and_another_scope_s_does_not_block() {
    let starts = [(Key::MinStart(0, 1), Value::Number(0)), (Key::MinStart(1, 1), Value::Number(5))];
    assert!(advance_txn(&with(&starts), 1, 0, 30, 5).blockers.is_empty());
    assert_eq!(advance_txn(&with(&starts), 1, 1, 30, 5).blockers, [Key::MinStart(1, 1)]);
}

#[test]
fn expired_barriers_go_100_at_once() {
    let barriers: Vec<_> = (1..=150).map(|name| (Key::Barrier(Some(0), name), Value::Barrier(1, 1))).collect();
    let mut etcd = with(&barriers);
    etcd.write(Key::Leader, Some(Value::Epoch(1)));
    for left in [50, 0] {
        let txn = advance_txn(&etcd, 1, 0, 30, 5).txn.unwrap();
        assert!(txn.compares.len() + txn.writes.len() <= 128);
        assert!(etcd.commit(&txn));
        assert_eq!((etcd.barriers(0).count(), etcd.number(Key::Txn(0))), (left, 30));
    }
    assert_eq!(advance_txn(&etcd, 1, 0, 30, 5).txn, None);
}

#[test]
fn barriers_are_refused_with_the_reason() {
    let etcd = with(&[(Key::Txn(0), Value::Number(20)), (Key::Txn(1), Value::Number(30))]);
    let set = |scope, name, timestamp, ttl| barrier::set(&etcd, scope, name, timestamp, ttl, 5).map(|_| ());
    let why = |result: crate::error::Result<()>| result.unwrap_err().to_string();
    assert_eq!(why(set(Some(0), 1, 19, 1)), "barrier 19 is behind the transaction safe point 20");
    assert_eq!(set(Some(0), 1, 20, 1), Ok(()));
    assert_eq!(why(set(None, 1, 29, 1)), "barrier 29 is behind the transaction safe point 30");
    assert_eq!(set(None, GC_WORKER, 30, 1), Ok(()));
    assert_eq!(why(set(Some(0), 1, 20, 0)), "a barrier's time to live must be above 0");
    assert_eq!(why(set(Some(0), 1, 20, -1)), "a barrier's time to live must be above 0");
    assert_eq!(why(set(Some(0), GC_WORKER, 20, 1)), "barrier name \"gc_worker\" is reserved");
    assert!(barrier::delete(&etcd, Some(0), GC_WORKER).is_err());
    let mut after = etcd.clone();
    assert!(after.commit(&barrier::set(&etcd, Some(0), 1, 20, i64::MAX, 5).unwrap()));
    assert_eq!(after.get(Key::Barrier(Some(0), 1)), Some(Value::Barrier(20, barrier::NEVER)));
    assert!(after.commit(&barrier::delete(&after, Some(0), 2).unwrap()), "one that is not there");
}

#[test]
fn g_names_the_nodes_that_are_behind() {
    let etcd = with(&[
        (Key::Txn(0), Value::Number(20)),
        (Key::Node(1), Value::Epoch(5)),
        (Key::Node(2), Value::Epoch(6)),
        (Key::Resolved(1, 0), Value::Answer(20, 5)),
        (Key::Resolved(2, 0), Value::Answer(10, 6)),
    ]);
    let step = advance_gc(&etcd, 1, 0);
    assert_eq!(step.blockers, [Key::Node(2)]);
    assert!(step.txn.unwrap().writes.contains(&(Key::Gc(0), Some(Value::Number(10)))));
}

#[test]
fn a_fenced_process_finds_out_and_answers_no_more() {
    let mut etcd = with(&[(Key::Txn(0), Value::Number(20))]);
    let (mut node, register) = Node::start(1, 5);
    assert!(etcd.commit(&register) && node.is_registered(&etcd) && !node.is_fenced(&etcd));
    node.learn(&etcd, 0);
    node.has_resolved(0, 20);
    let answer = node.answer(&etcd, 0).unwrap();
    assert!(!etcd.clone().commit(&worker::fence(1, 4)), "another registration's fence");
    assert!(etcd.commit(&worker::fence(1, 5)));
    assert!(node.is_fenced(&etcd) && !node.is_registered(&etcd));
    assert!(!etcd.commit(&answer));
    let (again, register) = Node::start(1, 6);
    assert!(etcd.commit(&register) && again.is_registered(&etcd) && !again.is_fenced(&etcd));
}

#[test]
fn a_node_serves_no_scope_before_it_has_learned_t() {
    let etcd = with(&[(Key::Txn(0), Value::Number(20)), (Key::Gc(0), Value::Number(9))]);
    let (mut node, _) = Node::start(1, 5);
    node.follow(&etcd, 0);
    assert!(!node.may_lock(0, 21) && node.filters(0) == 0);
    node.learn(&etcd, 0);
    assert!(node.may_lock(0, 21) && !node.may_lock(0, 20));
    assert_eq!((node.to_resolve(0), node.filters(0)), (Some(20), 0));
}
