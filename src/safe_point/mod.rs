//! The safe points of all keyspaces: written by whoever learns of them, read by every compaction.

#![forbid(unsafe_code)]

mod cache;
mod page;

use std::fmt;

pub use cache::{AdvanceOutcome, Advanced, Effective, Known, Loaded, SafePoints, TypeConflict, UnknownKeyspace, Unused};
pub use page::{KeepReason, Registration};

/// By which safe point a keyspace's garbage is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GcType {
    /// The store's.
    Global,
    /// Its own.
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
