//! Errors say what is wrong, with the value.

pub use rocks_gc_pd::error::Error;

/// A result, by default with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;
