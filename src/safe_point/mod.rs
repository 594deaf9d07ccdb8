//! The safe points of all keyspaces: written by whoever learns of them, read by every compaction.

#![forbid(unsafe_code)]

mod cache;
mod page;

pub use cache::{Advanced, Effective, SafePoints, Step, TypeConflict, UnknownKeyspace};

/// By which safe point a keyspace's garbage is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GcType {
    /// The store's.
    Global,
    /// Its own.
    KeyspaceLevel,
}
