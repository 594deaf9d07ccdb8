//! The GC types that an attached store's ledger has recorded. A keyspace has one type for its whole
//! life, over all restarts. The recorded types only refuse other types. No key is removed because a
//! type was recorded.

use crate::callback::lock;
use crate::layout::KeyspaceId;
use crate::safe_point::GcType;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// The recorded types, and the number of registrations.
#[derive(Debug, Default)]
pub struct RecordedTypes {
    types: Mutex<HashMap<KeyspaceId, GcType>>,
    registrations: AtomicU64,
}

impl RecordedTypes {
    /// Replaces the recorded types.
    pub fn replace(&self, types: HashMap<KeyspaceId, GcType>) {
        *lock(&self.types) = types;
    }

    /// The first of these keyspaces that is recorded with another type, its place, and that type.
    pub fn conflict(&self, keyspaces: &[KeyspaceId], gc_type: GcType) -> Option<(usize, KeyspaceId, GcType)> {
        let types = lock(&self.types);
        let other = |keyspace: &KeyspaceId| types.get(keyspace).copied().filter(|recorded| *recorded != gc_type);
        keyspaces.iter().enumerate().find_map(|(place, keyspace)| Some((place, *keyspace, other(keyspace)?)))
    }

    /// Counts a registration of types.
    pub fn registered(&self) {
        self.registrations.fetch_add(1, SeqCst);
    }

    /// A number that changes with every registration of types.
    pub fn registrations(&self) -> u64 {
        self.registrations.load(SeqCst)
    }
}
