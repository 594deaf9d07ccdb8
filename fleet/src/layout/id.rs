//! Keyspace ids as text, and scopes.

pub use rocks_gc_pd::id::{KeyspaceId, Scope, decimal};
