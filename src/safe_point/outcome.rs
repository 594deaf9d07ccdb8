//! What the cache of safe points answers.

use super::barriers::Barrier;
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
    /// A barrier holds the safe point where it is. It moves when the barrier lets go.
    Held,
    /// The value is below what the host asked for before, or the keyspace is paused.
    Refused,
}

/// The result of advancing several safe points.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// The number of safe points that moved.
    pub moved: usize,
    /// The number of safe points that were refused.
    pub refused: usize,
    /// The barriers that began to hold back.
    pub holding: Holding,
    /// The first own safe points of unregistered keyspaces.
    pub unregistered: Unused,
    /// The first own safe points of keyspaces that are registered as global.
    pub global: Unused,
}

/// Barriers that hold back for the first time.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Their number.
    pub n: usize,
    /// The first one, and the safe point that the host asked for.
    pub first: Option<(Barrier, Timestamp)>,
}

impl Holding {
    pub(super) fn add(&mut self, barrier: Option<Barrier>, asked: Timestamp) {
        let Some(barrier) = barrier else { return };
        self.n += 1;
        self.first.get_or_insert((barrier, asked));
    }
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

/// Why a type is not registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisterError {
    /// Another type is registered.
    Type(TypeConflict),
    /// The keyspace has a barrier of its own, which would not hold back the global safe point.
    Barrier {
        /// The keyspace's place in the batch.
        index: usize,
        /// The barrier.
        barrier: Barrier,
    },
}

impl From<TypeConflict> for RegisterError {
    fn from(conflict: TypeConflict) -> Self {
        Self::Type(conflict)
    }
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
    /// Its own safe point, as far as barriers let it move; 0 means none.
    pub own: Timestamp,
    /// What the host asked for, if barriers hold its own safe point back, else 0.
    pub asked: Timestamp,
}
