//! What a node knows of etcd, and gives to its library: facts in, calls of the library out.

use super::directory::Directory;
use super::facts::{self, Fact, Unreadable};
use super::keyspaces::Keyspaces;
use super::local::{Local, Schema};
use super::locks::Locks;
use super::ranges::RangeBook;
use super::safe_points::SafePoints;
use super::schemas::SchemaBook;
use crate::etcd::Change;
use crate::layout::id::Scope;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a node knows.
#[derive(Debug, Default)]
pub struct Knowledge {
    keyspaces: Keyspaces,
    safe_points: SafePoints,
    /// Scopes whose safe point the library must be given.
    moved: BTreeSet<Scope>,
    /// T of each scope, if this node holds transactions.
    txn_safe_points: HashMap<Scope, u64>,
    /// The schemas and their orders.
    pub schemas: SchemaBook,
    /// The ranges to destroy.
    pub ranges: RangeBook,
    /// The epoch that is registered under this node's name.
    pub registered: Option<u64>,
    /// The registration of this node that was fenced last, and why.
    pub fenced: Option<(u64, String)>,
    unreadable: u64,
}

/// Figures of a node's knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Keyspaces whose metadata were loaded.
    pub keyspaces: usize,
    /// Of these, and of others, those that the follower has paused.
    pub paused_keyspaces: usize,
    /// Scopes with a GC safe point.
    pub safe_points: usize,
    /// How often a GC safe point went back or vanished.
    pub safe_points_went_back: u64,
    /// Schemas that are valid in etcd, and were dropped here.
    pub schemas_in_conflict: usize,
    /// Keys and values that could not be read.
    pub unreadable: u64,
}

impl Knowledge {
    /// Takes changes, in order. Keyspaces are given to the library at once, the rest by
    /// [`Knowledge::settle`]: a part of a listing is not the list.
    pub fn take(&mut self, cluster: u64, node: &str, changes: &[Change], local: &impl Local, locks: Option<&Locks>) {
        for change in changes {
            match facts::read(cluster, node, change) {
                Ok(Some(fact)) => self.note(fact, node, local, locks),
                Ok(None) => {}
                Err(unreadable) => self.unreadable(&unreadable, local, locks),
            }
        }
    }

    /// Gives the library what was taken: all changes of some moment.
    pub fn settle(&mut self, local: &impl Local, locks: Option<&Locks>) {
        self.schemas.give_lists(local);
        self.safe_points.give(local, locks, std::mem::take(&mut self.moved).into_iter());
    }

    /// Gives the library the safe point of a scope whose locks are resolved.
    pub fn give(&self, scope: Scope, local: &impl Local, locks: &Locks) {
        self.safe_points.give(local, Some(locks), std::iter::once(scope));
    }

    /// What filters use, of the scopes where this is not G because locks are left.
    pub fn behind(&self, locks: &Locks) -> BTreeMap<Scope, u64> {
        let filters = |scope: Scope| {
            let known = self.safe_points.known(scope);
            Some((scope, locks.filters(scope, known))).filter(|(_, filters)| *filters < known)
        };
        locks.unresolved().into_iter().filter_map(filters).collect()
    }

    /// Tells locks every T: after a new registration.
    pub fn tell_every_txn_safe_point(&self, locks: &Locks) {
        self.txn_safe_points.iter().for_each(|(scope, safe_point)| locks.learn(*scope, *safe_point));
    }

    /// Whose safe point collects which keyspace, for host threads.
    pub fn directory(&self) -> Arc<Directory> {
        self.keyspaces.directory()
    }

    /// Figures.
    pub fn counts(&self) -> Counts {
        let (keyspaces, paused_keyspaces) = self.keyspaces.counts();
        let (safe_points, safe_points_went_back) = self.safe_points.counts();
        let (schemas_in_conflict, unreadable) = (self.schemas.conflicts(), self.unreadable);
        Counts { keyspaces, paused_keyspaces, safe_points, safe_points_went_back, schemas_in_conflict, unreadable }
    }

    fn note(&mut self, fact: Fact, node: &str, local: &impl Local, locks: Option<&Locks>) {
        match fact {
            Fact::Keyspace(id, None) => {
                tracing::error!("the metadata of keyspace {id} are gone: everything of it is kept");
                self.keyspaces.pause(local, id);
            }
            Fact::Keyspace(id, Some(meta)) => match self.keyspaces.load(local, id, &meta) {
                Ok(true) => drop(self.moved.insert(Scope::Keyspace(id))),
                Ok(false) => {}
                Err(error) => tracing::error!("keyspace {id}: {error}"),
            },
            Fact::Gc(scope, safe_point) => {
                self.safe_points.note(scope, safe_point);
                self.moved.insert(scope);
            }
            Fact::Txn(scope, safe_point) => {
                if let (Some(locks), Some(safe_point)) = (locks, safe_point) {
                    self.txn_safe_points.insert(scope, safe_point);
                    locks.learn(scope, safe_point);
                }
            }
            Fact::Registered(epoch) => self.registered = epoch,
            Fact::Fenced(fenced) => self.fenced = fenced.map(|fenced| (fenced.epoch, fenced.why)),
            Fact::SchemaHighest(keyspace, highest) => self.schemas.highest(keyspace, highest),
            Fact::SchemaName(keyspace, name, id) => self.schemas.name(keyspace, name, id),
            Fact::SchemaValid(keyspace, id, is_valid) => self.schemas.valid(keyspace, id, is_valid),
            Fact::Order(keyspace, id, order) => self.schemas.order(Schema { keyspace, id }, order),
            Fact::Todo(job, element, range) => self.ranges.todo((job, element), range),
            Fact::Done(job, element, range) => self.ranges.done((job, element), node, range),
        }
    }

    /// What cannot be read says nothing. Metadata that cannot be read pause the keyspace, and a T lets
    /// no lock in.
    fn unreadable(&mut self, Unreadable { keyspace, txn, error }: &Unreadable, local: &impl Local, locks: Option<&Locks>) {
        self.unreadable += 1;
        tracing::error!("{error}");
        if let Some(id) = keyspace {
            self.keyspaces.pause(local, *id);
        }
        if let (Some(scope), Some(locks)) = (txn, locks) {
            locks.cannot_read(*scope);
        }
    }
}
