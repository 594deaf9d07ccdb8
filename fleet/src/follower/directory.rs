//! Whose safe point collects a keyspace. Host threads ask at any time.

use super::local::GcType;
use crate::layout::id::{KeyspaceId, Scope};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// The keyspaces that the library collects. One of which everything is kept is not among them.
#[derive(Debug, Default)]
pub struct Directory(RwLock<HashMap<KeyspaceId, GcType>>);

impl Directory {
    /// The scope of a keyspace; `None`, if the keyspace is not known. No keyspace: the global one.
    pub fn scope(&self, keyspace: Option<KeyspaceId>) -> Option<Scope> {
        let Some(id) = keyspace else { return Some(Scope::Global) };
        match self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id)? {
            GcType::Global => Some(Scope::Global),
            GcType::KeyspaceLevel => Some(Scope::Keyspace(id)),
        }
    }

    pub(super) fn put(&self, id: KeyspaceId, gc_type: Option<GcType>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match gc_type {
            Some(gc_type) => drop(all.insert(id, gc_type)),
            None => drop(all.remove(&id)),
        }
    }
}
