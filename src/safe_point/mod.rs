//! The safe points of all keyspaces: written by whoever learns of them, read by every compaction.

#![forbid(unsafe_code)]

mod cache;
mod page;

use std::fmt;

pub use cache::{Advanced, Effective, Known, Loaded, SafePoints, Step, TypeConflict, UnknownKeyspace, Unused};
pub use page::{Registration, Why};

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
