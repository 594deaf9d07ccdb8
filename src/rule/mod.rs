//! The rules: pure decisions on what may go. No I/O, no clock, no C.

#![forbid(unsafe_code)]

pub mod expiry;
pub mod raw;
pub mod txn;

/// What becomes of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
}
