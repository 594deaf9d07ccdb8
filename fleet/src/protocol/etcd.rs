//! What is in etcd, without its bytes, and transactions on it.
//!
//! Names and scopes are numbers here: a client gives each a number, and keeps the table.

use super::guard::{Guard, keeps};
use std::collections::BTreeMap;

/// A timestamp of the host's transactions.
pub type Timestamp = u64;
/// The number of a scope.
pub type Scope = u32;
/// The number of a node's, a barrier's or an instance's name.
pub type Name = u32;

/// A key. The order is that of ranges: all keys of a kind are next to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// PD's `gc_state_revision`: one for all scopes.
    Revision,
    /// The PD that leads. While it is there, only PD writes GC states.
    PdLeader,
    /// T: no reader begins below it.
    Txn(Scope),
    /// G: what filters use.
    Gc(Scope),
    /// A barrier of a scope; `None`: of all scopes.
    Barrier(Option<Scope>, Name),
    /// The minimal start timestamp of a TiDB instance.
    MinStart(Scope, Name),
    /// The worker that leads.
    Leader,
    /// A node's registration.
    Node(Name),
    /// Up to which T the node has no lock left.
    Resolved(Name, Scope),
    /// The epoch of the node's registration that was fenced.
    Fenced(Name),
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A revision, a safe point, or a start timestamp.
    Number(u64),
    /// A barrier, and the last second in which it is alive.
    Barrier(Timestamp, u64),
    /// The epoch of a registration, the term of a leader. Never given twice.
    Epoch(u64),
    /// An answer, and the epoch of the registration that gives it.
    Answer(Timestamp, u64),
}

/// All that etcd holds at one revision. A value that cannot be read is no absent value: then there
/// is no snapshot, and nothing moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Snapshot(BTreeMap<Key, Value>);

/// What must be so that a transaction is committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// The key has this value; `None`: it is not there.
    Is(Key, Option<Value>),
    /// No node has registered since the read. In etcd: a range compare of revisions, which does not
    /// see that one has gone: that only makes the step more careful than needed.
    NodesAre(Vec<(Key, Value)>),
    /// No minimal start timestamp of the scope was written since the read.
    MinStartsAre(Scope, Vec<(Key, Value)>),
}

/// What a transaction writes; `None` deletes.
pub type Write = (Key, Option<Value>);

/// Compares and writes: all at once, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Txn {
    /// All must hold.
    pub compares: Vec<Compare>,
    /// In any order.
    pub writes: Vec<Write>,
}

impl Snapshot {
    /// The value of the key.
    pub fn get(&self, key: Key) -> Option<Value> {
        self.0.get(&key).copied()
    }

    /// A number; 0 if there is none.
    pub fn number(&self, key: Key) -> u64 {
        if let Some(Value::Number(number)) = self.get(key) { number } else { 0 }
    }

    /// The entries from this key on, as long as they are of a kind.
    fn range(&self, from: Key, of: impl Fn(&Key) -> bool) -> impl Iterator<Item = (Key, Value)> {
        self.0.range(from..).map(|(key, value)| (*key, *value)).take_while(move |entry| of(&entry.0))
    }

    /// The registrations.
    pub fn nodes(&self) -> Vec<(Key, Value)> {
        self.range(Key::Node(0), |key| matches!(key, Key::Node(_))).collect()
    }

    /// The minimal start timestamps of the scope.
    pub fn min_starts(&self, scope: Scope) -> Vec<(Key, Value)> {
        self.range(Key::MinStart(scope, 0), |key| matches!(key, Key::MinStart(of, _) if *of == scope)).collect()
    }

    /// T of each scope.
    pub fn txn_safe_points(&self) -> impl Iterator<Item = (Scope, Timestamp)> {
        self.range(Key::Txn(0), |key| matches!(key, Key::Txn(_))).filter_map(|entry| match entry {
            (Key::Txn(scope), Value::Number(timestamp)) => Some((scope, timestamp)),
            _ => None,
        })
    }

    /// The barriers of all scopes and of each.
    pub fn all_barriers(&self) -> Vec<(Key, Value)> {
        self.range(Key::Barrier(None, 0), |key| matches!(key, Key::Barrier(..))).collect()
    }

    /// The barriers that hold up the scope, those of all scopes among them: key, timestamp, last second.
    pub fn barriers(&self, scope: Scope) -> impl Iterator<Item = (Key, Timestamp, u64)> {
        [None, Some(scope)].into_iter().flat_map(move |of| {
            let barriers = self.range(Key::Barrier(of, 0), move |key| matches!(key, Key::Barrier(is, _) if *is == of));
            barriers.filter_map(|entry| match entry {
                (key, Value::Barrier(timestamp, until)) => Some((key, timestamp, until)),
                _ => None,
            })
        })
    }

    /// Commits the transaction, unless a compare does not hold.
    pub fn commit(&mut self, txn: &Txn) -> bool {
        let holds = |compare: &Compare| match compare {
            Compare::Is(key, value) => self.get(*key) == *value,
            Compare::NodesAre(nodes) => self.nodes() == *nodes,
            Compare::MinStartsAre(scope, starts) => self.min_starts(*scope) == *starts,
        };
        if !txn.compares.iter().all(holds) {
            return false;
        }
        txn.writes.iter().for_each(|(key, value)| self.write(*key, *value));
        true
    }

    /// Writes without a compare, as leases and foreign writers do.
    pub fn write(&mut self, key: Key, value: Option<Value>) {
        match value {
            Some(value) => self.0.insert(key, value),
            None => self.0.remove(&key),
        };
    }
}

impl Txn {
    /// A transaction on a GC state: compares and counts up the revision, and gives way to a PD.
    pub fn on_state(read: &Snapshot) -> Self {
        let mut txn = Self::default();
        if keeps(Guard::RevisionIsCompared) {
            txn.compares.push(Compare::Is(Key::Revision, read.get(Key::Revision)));
        }
        if keeps(Guard::PdGoesFirst) {
            txn.compares.push(Compare::Is(Key::PdLeader, None));
        }
        txn.writes.push((Key::Revision, Some(Value::Number(read.number(Key::Revision) + 1))));
        txn
    }
}
