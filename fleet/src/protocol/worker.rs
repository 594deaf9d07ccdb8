//! The worker that leads moves T, then G, scope by scope. Being blocked is no error.

use super::barrier::{GC_WORKER, is_alive};
use super::etcd::{Compare, Key, Name, Scope, Snapshot, Timestamp, Txn, Value};
use super::guard::{Guard, keeps};

/// etcd takes 128 operations in one transaction.
const EXPIRED_AT_ONCE: usize = 100;

/// What a step finds: what to commit, if anything, and who is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `None`: nothing would change.
    pub txn: Option<Txn>,
    /// Who holds the scope up: barriers and instances for T, nodes for G.
    pub blockers: Vec<Key>,
}

/// The T that the clock asks for.
pub fn target(now_ms: u64, gc_life_time_ms: u64) -> Timestamp {
    now_ms.saturating_sub(gc_life_time_ms) << 18
}

/// The transaction that makes a worker the leader, if none leads. The term must be new.
pub fn campaign(term: u64) -> Txn {
    Txn { compares: vec![Compare::Is(Key::Leader, None)], writes: vec![(Key::Leader, Some(Value::Epoch(term)))] }
}

/// Moves T to the target, or to who is in the way first. Expired barriers go with it.
pub fn advance_txn(read: &Snapshot, term: u64, scope: Scope, target: Timestamp, now: u64) -> Step {
    let (mut least, mut blocker, mut expired) = (target, None, Vec::new());
    let mut stop_at = |key, timestamp| {
        if timestamp < least {
            (least, blocker) = (timestamp, Some(key));
        }
    };
    for (key, timestamp, until) in read.barriers(scope) {
        let guard = if matches!(key, Key::Barrier(None, _)) { Guard::GlobalBarriersBlock } else { Guard::BarriersBlock };
        if key == Key::Barrier(Some(scope), GC_WORKER) {
            continue;
        } else if !is_alive(until, now) {
            expired.push(key);
        } else if keeps(guard) {
            stop_at(key, timestamp);
        }
    }
    for (key, value) in read.min_starts(scope) {
        if let Value::Number(start @ 1..) = value
            && keeps(Guard::MinStartsBlock)
        {
            stop_at(key, start);
        }
    }
    let current = read.number(Key::Txn(scope));
    let next = if keeps(Guard::TxnNeverGoesBack) { least.max(current) } else { least };
    let blockers = blocker.into_iter().collect();
    if next == current && expired.is_empty() {
        return Step { txn: None, blockers };
    }
    let mut txn = txn_of_leader(read, term);
    if keeps(Guard::MinStartsAreCompared) {
        txn.compares.push(Compare::MinStartsAre(scope, read.min_starts(scope)));
    }
    txn.writes.push((Key::Txn(scope), Some(Value::Number(next))));
    txn.writes.extend(expired.into_iter().take(EXPIRED_AT_ONCE).map(|key| (key, None)));
    Step { txn: Some(txn), blockers }
}

/// Moves G to T, or to what the registered nodes have resolved.
pub fn advance_gc(read: &Snapshot, term: u64, scope: Scope) -> Step {
    let txn_safe_point = read.number(Key::Txn(scope));
    let answers = read.nodes().into_iter().map(|(key, epoch)| (key, answer(read, key, epoch, scope)));
    let answers: Vec<(Key, Timestamp)> = answers.collect();
    let behind = answers.iter().filter(|(_, resolved)| *resolved < txn_safe_point);
    let blockers = behind.map(|(key, _)| *key).collect();
    let resolved = answers.iter().map(|(_, resolved)| *resolved).min().unwrap_or(Timestamp::MAX);
    let resolved = if keeps(Guard::NodesAreWaitedFor) { resolved } else { Timestamp::MAX };
    let bound = if keeps(Guard::GcStopsAtTxn) { txn_safe_point } else { txn_safe_point + 1 };
    let current = read.number(Key::Gc(scope));
    let next = resolved.min(bound);
    let next = if keeps(Guard::GcNeverGoesBack) { next.max(current) } else { next };
    if next == current {
        return Step { txn: None, blockers };
    }
    let mut txn = txn_of_leader(read, term);
    if keeps(Guard::NodesAreCompared) {
        txn.compares.push(Compare::NodesAre(read.nodes()));
    }
    txn.writes.push((Key::Gc(scope), Some(Value::Number(next))));
    Step { txn: Some(txn), blockers }
}

/// What the node has resolved in the scope, under this registration; 0 if it has not answered.
fn answer(read: &Snapshot, node: Key, registration: Value, scope: Scope) -> Timestamp {
    let Key::Node(name) = node else { return 0 };
    let of = |scope: Scope| match read.get(Key::Resolved(name, scope)) {
        Some(Value::Answer(resolved, epoch)) if counts(epoch, registration) => resolved,
        _ => 0,
    };
    if keeps(Guard::ScopesAreApart) { of(scope) } else { read.txn_safe_points().map(|(scope, _)| of(scope)).min().unwrap_or(0) }
}

fn counts(epoch: u64, registration: Value) -> bool {
    registration == Value::Epoch(epoch) || !keeps(Guard::AnswersAreOfTheEpoch)
}

fn txn_of_leader(read: &Snapshot, term: u64) -> Txn {
    let mut txn = Txn::on_state(read);
    if keeps(Guard::LeaderIsCompared) {
        txn.compares.push(Compare::Is(Key::Leader, Some(Value::Epoch(term))));
    }
    txn
}

/// Fences a registration: it is gone, and its process stops when it sees this.
pub fn fence(node: Name, epoch: u64) -> Txn {
    let registration = Some(Value::Epoch(epoch));
    Txn {
        compares: vec![Compare::Is(Key::Node(node), registration)],
        writes: vec![(Key::Node(node), None), (Key::Fenced(node), registration)],
    }
}
