//! Locks of this process: which are refused, which are resolved, and how far filters may go.
//!
//! `protocol::node` has the rules. Host threads ask [`Locks::may_lock`] at any time.

use crate::layout::id::Scope;
use crate::protocol::etcd::{Key, Name, Snapshot, Value};
use crate::protocol::node::Node;
use crate::translate::number;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// The protocol's name of this node. There is only one here.
const ME: Name = 0;
/// Scopes whose locks the host resolves at the same time.
const RESOLVES_AT_ONCE: usize = 16;
/// The pause before the host is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// The locks of this process, under its registration.
pub struct Locks(RwLock<State>);

struct State {
    node: Node,
    /// Scopes whose T cannot be read: no lock is let in.
    unreadable: BTreeSet<Scope>,
    /// Scopes whose T has moved, and when the host may be asked.
    waiting: BTreeMap<Scope, Instant>,
    /// Scopes that the host resolves at this moment, also for an earlier registration.
    running: BTreeSet<Scope>,
    /// The host was asked about this scope last: the next one comes after it, so that scopes that
    /// cannot be resolved leave room for the others.
    last: Option<Scope>,
}

/// What the host is to resolve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The scope.
    pub scope: Scope,
    /// No lock at or below it may be left.
    pub up_to: u64,
    /// For this registration.
    epoch: u64,
}

impl Default for Locks {
    fn default() -> Self {
        let (node, _) = Node::start(ME, 0);
        let (unreadable, waiting, running) = Default::default();
        Self(RwLock::new(State { node, unreadable, waiting, running, last: None }))
    }
}

impl Locks {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new registration. What was resolved under the one before does not count: no worker waited
    /// for this node meanwhile.
    pub fn begin(&self, epoch: u64) {
        let mut state = self.write();
        (state.node, _) = Node::start(ME, epoch);
        state.waiting.clear();
    }

    /// T of a scope, read after the registration. Locks at or below it are refused from now on.
    pub fn learn(&self, scope: Scope, txn_safe_point: u64) {
        let mut state = self.write();
        state.unreadable.remove(&scope);
        state.node.learn(&snapshot(Key::Txn(number(scope)), txn_safe_point), number(scope));
        state.wait_until(scope, Instant::now());
    }

    /// T of a scope cannot be read: no lock is let in until it can.
    pub fn cannot_read(&self, scope: Scope) {
        self.write().unreadable.insert(scope);
    }

    /// May a transaction of this start timestamp write a lock, on a node that serves?
    pub fn may_lock(&self, scope: Scope, start: u64) -> bool {
        let state = self.read();
        if state.unreadable.contains(&scope) || state.node.may_lock(number(scope), start) {
            return !state.unreadable.contains(&scope);
        }
        drop(state);
        let mut state = self.write();
        state.node.learn(&Snapshot::default(), number(scope)); // a scope without T
        !state.unreadable.contains(&scope) && state.node.may_lock(number(scope), start)
    }

    /// Something for the host to resolve, if it has not too much to do already.
    pub fn next_order(&self) -> Option<Order> {
        let mut state = self.write();
        if state.running.len() >= RESOLVES_AT_ONCE {
            return None;
        }
        let now = Instant::now();
        let from = state.last.map_or(Unbounded, Excluded);
        let turn = state.waiting.range((from, Unbounded)).chain(state.waiting.iter());
        let mut due = turn.filter(|(scope, at)| **at <= now && !state.running.contains(*scope));
        let scope = *due.next()?.0;
        state.waiting.remove(&scope);
        let up_to = state.node.to_resolve(number(scope))?;
        state.running.insert(scope);
        state.last = Some(scope);
        Some(Order { scope, up_to, epoch: state.node.epoch() })
    }

    /// The host has answered. Returns T to tell etcd, if the locks are resolved and the
    /// registration is the same.
    pub fn answered(&self, order: Order, resolved: bool) -> Option<u64> {
        let mut state = self.write();
        state.running.remove(&order.scope);
        let counts = resolved && state.node.epoch() == order.epoch;
        if counts {
            state.node.has_resolved(number(order.scope), order.up_to);
        }
        state.wait_until(order.scope, if resolved { Instant::now() } else { Instant::now() + PAUSE });
        counts.then_some(order.up_to)
    }

    /// How far filters may go, if etcd's G is this.
    pub fn filters(&self, scope: Scope, gc_safe_point: u64) -> u64 {
        let mut state = self.write();
        let scope = number(scope);
        state.node.follow(&snapshot(Key::Gc(scope), gc_safe_point), scope);
        state.node.filters(scope)
    }

    /// Scopes whose locks are not resolved yet.
    pub fn unresolved(&self) -> Vec<Scope> {
        let state = self.read();
        let all: BTreeSet<Scope> = state.waiting.keys().chain(&state.running).copied().collect();
        all.into_iter().collect()
    }
}

impl State {
    fn wait_until(&mut self, scope: Scope, at: Instant) {
        if self.node.to_resolve(number(scope)).is_some() {
            self.waiting.insert(scope, at);
        }
    }
}

fn snapshot(key: Key, number: u64) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.write(key, Some(Value::Number(number)));
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::id::KeyspaceId;

    fn keyspace(id: u32) -> Scope {
        Scope::Keyspace(KeyspaceId::new(id).unwrap())
    }

    fn next(locks: &Locks) -> Order {
        let begin = Instant::now();
        loop {
            match locks.next_order() {
                Some(order) => return order,
                None => assert!(begin.elapsed() < Duration::from_secs(10)),
            }
        }
    }

    #[test]
    fn filters_wait_for_the_host_and_a_new_registration_begins_anew() {
        let locks = Locks::default();
        locks.begin(1);
        locks.learn(Scope::Global, 10);
        assert!(locks.may_lock(Scope::Global, 11) && !locks.may_lock(Scope::Global, 10));
        assert!(locks.may_lock(keyspace(7), 1) && !locks.may_lock(keyspace(7), 0), "a scope without T");
        assert_eq!(locks.filters(Scope::Global, 10), 0);
        let order = next(&locks);
        assert_eq!((order.up_to, locks.next_order()), (10, None));
        assert_eq!(locks.answered(order, false), None);
        assert_eq!(locks.next_order(), None, "a pause");
        assert_eq!(locks.filters(Scope::Global, 10), 0);
        let order = next(&locks);
        locks.learn(Scope::Global, 20); // meanwhile
        assert_eq!(locks.answered(order, true), Some(10));
        assert_eq!(locks.filters(Scope::Global, 20), 10);
        assert_eq!(locks.unresolved(), [Scope::Global]);
        let late = next(&locks);
        locks.begin(2);
        locks.learn(Scope::Global, 20);
        assert_eq!(locks.next_order(), None, "the host is busy with the scope");
        assert_eq!(locks.answered(late, true), None, "of another registration");
        assert_eq!(locks.filters(Scope::Global, 20), 0);
        let order = next(&locks);
        assert_eq!(locks.answered(order, true), Some(20));
    }

    #[test]
    fn a_t_that_cannot_be_read_lets_no_lock_in() {
        let locks = Locks::default();
        locks.begin(1);
        locks.cannot_read(Scope::Global);
        assert!(!locks.may_lock(Scope::Global, 100));
        locks.begin(2);
        assert!(!locks.may_lock(Scope::Global, 100));
        locks.learn(Scope::Global, 10);
        assert!(locks.may_lock(Scope::Global, 100));
    }

    #[test]
    fn scopes_that_cannot_be_resolved_leave_room_for_others() {
        let locks = Locks::default();
        locks.begin(1);
        (0..40).for_each(|id| locks.learn(keyspace(id), 10));
        let mut asked = BTreeSet::new();
        while asked.len() < 40 {
            let order = next(&locks);
            asked.insert(order.scope);
            assert_eq!(locks.answered(order, false), None);
        }
    }
}
