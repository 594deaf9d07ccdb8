//! The safe points of all keyspaces: the host writes them, and every compaction reads them.

#![forbid(unsafe_code)]

mod cache;
mod page;

use std::fmt;

pub use cache::{AdvanceOutcome, Advanced, Effective, Known, Loaded, SafePoints, TypeConflict, UnknownKeyspace, Unused};
pub use page::{KeepReason, Registration};

/// The safe point by which a keyspace's garbage is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GcType {
    /// The global safe point of the store.
    Global,
    /// The keyspace's own safe point.
    KeyspaceLevel,
}

impl fmt::Display for GcType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "global",
            Self::KeyspaceLevel => "keyspace level",
        })
    }
}
