//! The GC type of a keyspace.

use std::fmt;

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
