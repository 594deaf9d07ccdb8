//! A process with a store: it learns T, refuses and resolves locks, answers, and takes G.
//!
//! All of it is forgotten when the process ends: a new process is a new epoch, serves no
//! transaction of a scope before it has learned T, and gives its filters nothing before it has
//! resolved. That is why it need not know what happened while no worker waited for it.

use super::etcd::{Compare, Key, Name, Scope, Snapshot, Timestamp, Txn, Value};
use super::guard::{Guard, keeps};
use std::collections::BTreeMap;

/// One registration of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    name: Name,
    epoch: u64,
    scopes: BTreeMap<Scope, Progress>,
}

/// Always: filters <= resolved <= refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Progress {
    refused: Timestamp,
    resolved: Timestamp,
    filters: Timestamp,
}

impl Node {
    /// A new process, and the transaction that registers it. The epoch must be new: a lease's id is.
    pub fn start(name: Name, epoch: u64) -> (Self, Txn) {
        let txn = Txn { compares: Vec::new(), writes: vec![(Key::Node(name), Some(Value::Epoch(epoch)))] };
        (Self { name, epoch, scopes: BTreeMap::new() }, txn)
    }

    /// Its registration.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Does its registration stand? If not, it stops to serve, and begins anew.
    pub fn is_registered(&self, read: &Snapshot) -> bool {
        read.get(Key::Node(self.name)) == Some(Value::Epoch(self.epoch))
    }

    /// Was this registration fenced? Then the host stops to serve at once.
    pub fn is_fenced(&self, read: &Snapshot) -> bool {
        read.get(Key::Fenced(self.name)) == Some(Value::Epoch(self.epoch))
    }

    /// Reads T. From now on locks at or below it are refused.
    pub fn learn(&mut self, read: &Snapshot, scope: Scope) {
        let progress = self.scopes.entry(scope).or_default();
        progress.refused = progress.refused.max(read.number(Key::Txn(scope)));
    }

    /// May a transaction of this start timestamp write a lock?
    pub fn may_lock(&self, scope: Scope, start: Timestamp) -> bool {
        let progress = self.scopes.get(&scope);
        progress.is_some_and(|progress| start > progress.refused || !keeps(Guard::LocksAreRefused))
    }

    /// The host is to resolve all locks at or below this.
    pub fn to_resolve(&self, scope: Scope) -> Option<Timestamp> {
        let progress = self.scopes.get(&scope)?;
        (progress.resolved < progress.refused).then_some(progress.refused)
    }

    /// The host has resolved, durably, all locks at or below what [`Node::to_resolve`] said.
    pub fn has_resolved(&mut self, scope: Scope, up_to: Timestamp) {
        if let Some(progress) = self.scopes.get_mut(&scope) {
            progress.resolved = progress.resolved.max(up_to.min(progress.refused));
        }
    }

    /// The answer to etcd, if it says something new.
    pub fn answer(&self, read: &Snapshot, scope: Scope) -> Option<Txn> {
        let progress = self.scopes.get(&scope)?;
        let resolved = if keeps(Guard::LocksAreResolvedFirst) { progress.resolved } else { progress.refused };
        let key = Key::Resolved(self.name, scope);
        let answer = Some(Value::Answer(resolved, self.epoch));
        if resolved == 0 || read.get(key) == answer {
            return None;
        }
        let compares = vec![Compare::Is(Key::Node(self.name), Some(Value::Epoch(self.epoch)))];
        Some(Txn { compares, writes: vec![(key, answer)] })
    }

    /// Reads G, and gives filters as much of it as this process has resolved.
    pub fn follow(&mut self, read: &Snapshot, scope: Scope) {
        let Some(progress) = self.scopes.get_mut(&scope) else { return };
        let bound = if keeps(Guard::FiltersStopAtResolved) { progress.resolved } else { Timestamp::MAX };
        progress.filters = progress.filters.max(read.number(Key::Gc(scope)).min(bound));
    }

    /// What filters use.
    pub fn filters(&self, scope: Scope) -> Timestamp {
        self.scopes.get(&scope).map_or(0, |progress| progress.filters)
    }
}
