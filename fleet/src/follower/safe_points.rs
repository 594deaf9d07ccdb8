//! G of each scope, as etcd holds it, and as the filters of this process use it.

use super::local::Local;
use super::locks::Locks;
use crate::layout::id::{KeyspaceId, Scope};
use std::collections::HashMap;

/// G of each scope.
#[derive(Debug, Default)]
pub struct SafePoints {
    known: HashMap<Scope, u64>,
    went_back: u64,
}

impl SafePoints {
    /// Notes what etcd holds. A safe point that goes back was restored from a backup, or is a
    /// fault: filters keep what they have.
    pub fn note(&mut self, scope: Scope, safe_point: Option<u64>) {
        let known = self.known.entry(scope).or_default();
        match safe_point {
            Some(next) if next >= *known => *known = next,
            next => {
                self.went_back += 1;
                let next = next.map_or("is gone".to_owned(), |next| format!("went back to {next}"));
                tracing::error!("the GC safe point of scope {scope} {next}; this node keeps {known}");
            }
        }
    }

    /// What etcd holds; 0: nothing.
    pub fn known(&self, scope: Scope) -> u64 {
        self.known.get(&scope).copied().unwrap_or(0)
    }

    /// Gives the library the safe points of these scopes, as far as locks are resolved.
    pub fn give(&self, local: &impl Local, locks: Option<&Locks>, scopes: impl Iterator<Item = Scope>) {
        let mut keyspaces = Vec::new();
        for scope in scopes {
            let known = self.known(scope);
            // The library refuses 0 and the highest number.
            match (scope, locks.map_or(known, |locks| locks.filters(scope, known))) {
                (_, 0 | u64::MAX) => {}
                (Scope::Global, safe_point) => local.advance_global(safe_point),
                (Scope::Keyspace(id), safe_point) => keyspaces.push((id, safe_point)),
            }
        }
        if local.advance(&keyspaces).is_err() {
            keyspaces.iter().for_each(|safe_point| advance_alone(local, *safe_point));
        }
    }

    /// How many scopes have a safe point, and how often one went back.
    pub fn counts(&self) -> (usize, u64) {
        (self.known.len(), self.went_back)
    }
}

/// After an error of a batch: the good ones must not wait for the bad one.
fn advance_alone(local: &impl Local, (id, safe_point): (KeyspaceId, u64)) {
    if let Err(error) = local.advance(&[(id, safe_point)]) {
        tracing::error!("the library does not take the safe point {safe_point} of keyspace {id}: {error}");
    }
}
