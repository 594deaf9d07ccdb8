//! What the cache of safe points answers.

use super::gc_type::GcType;
use super::page::{KeepReason, Registration};
use crate::layout::{KeyspaceId, Timestamp};

/// The safe point of keyspaces that were never registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKeyspace {
    /// No safe point: all keys are kept.
    Keep,
    /// The global safe point.
    Global,
}

/// The result of advancing a safe point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdvanceOutcome {
    /// The safe point moved forward.
    Moved,
    /// The safe point already had this value.
    Same,
    /// The value is below the current safe point, or the keyspace is paused.
    Refused,
}

/// The result of advancing several safe points.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Advanced {
    /// The number of safe points that moved.
    pub moved: usize,
    /// The number of safe points that were refused.
    pub refused: usize,
    /// The first own safe points of unregistered keyspaces.
    pub unregistered: Unused,
    /// The first own safe points of keyspaces that are registered as global.
    pub global: Unused,
}

/// Safe points that are stored and not used.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Unused {
    /// Their number.
    pub n: usize,
    /// The keyspace of the first one.
    pub first: Option<KeyspaceId>,
}

impl Unused {
    pub(super) fn add(&mut self, keyspace: KeyspaceId) {
        self.n += 1;
        self.first.get_or_insert(keyspace);
    }
}

/// An attempt to register another type. From now on all keys of each such keyspace are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeConflict {
    /// The number of conflicts in the batch; the other fields describe the first one.
    pub n: usize,
    /// The keyspace's place in the batch.
    pub index: usize,
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// The type that the keyspace is registered with.
    pub in_force: GcType,
}

/// The result of loading a type from metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// The type is registered.
    Registered {
        /// Whether it became keyspace level after [`UnknownKeyspace::Global`] may have judged it.
        late: bool,
    },
    /// All keys remain kept, for this reason.
    StaysKept(KeepReason, GcType),
}

/// The current state of a keyspace, for filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective {
    /// Versions below it may be removed; 0 means that none may.
    pub safe_point: Timestamp,
    /// Whether it is 0 because the keyspace was never registered.
    pub unknown: bool,
}

/// The stored state of a keyspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The registration of its type.
    pub registration: Registration,
    /// Its own safe point; 0 means none.
    pub own: Timestamp,
}
