//! The rules: pure decisions about removing versions. No I/O, no clock, no C.

#![forbid(unsafe_code)]

pub mod expiry;
pub mod raw;
pub mod txn;

/// The decision about a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The version is kept.
    Keep,
    /// The version is removed.
    Remove,
}
