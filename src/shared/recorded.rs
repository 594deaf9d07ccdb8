//! The GC types that an attached store's ledger has recorded. A keyspace's type holds for its whole life, over all restarts; here the
//! types only refuse others. Nothing is collected because a type was recorded.

use crate::callback::lock;
use crate::layout::KeyspaceId;
use crate::safe_point::GcType;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Recorded types, and how often types were registered.
#[derive(Debug, Default)]
pub struct RecordedTypes {
    types: Mutex<HashMap<KeyspaceId, GcType>>,
    registrations: AtomicU64,
}

impl RecordedTypes {
    /// These hold from now on.
    pub fn replace(&self, types: HashMap<KeyspaceId, GcType>) {
        *lock(&self.types) = types;
    }

    /// The first of these keyspaces that is recorded with another type, its place, and that type.
    pub fn conflict(&self, keyspaces: &[KeyspaceId], gc_type: GcType) -> Option<(usize, KeyspaceId, GcType)> {
        let types = lock(&self.types);
        let other = |keyspace: &KeyspaceId| types.get(keyspace).copied().filter(|recorded| *recorded != gc_type);
        keyspaces.iter().enumerate().find_map(|(place, keyspace)| Some((place, *keyspace, other(keyspace)?)))
    }

    /// Types were registered.
    pub fn registered(&self) {
        self.registrations.fetch_add(1, SeqCst);
    }

    /// Changes when types were registered.
    pub fn registrations(&self) -> u64 {
        self.registrations.load(SeqCst)
    }
}
