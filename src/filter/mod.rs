//! Runs: one compaction's filter, what all runs of a context share, and the reasons not to run at all.

#![forbid(unsafe_code)]

mod clock;
pub mod level;
mod run;
mod shared;

pub use clock::Clock;
pub use run::{Decision, Knowledge, Run, Shown};
pub use shared::{Kind, Shared};

use crate::safe_point::SafePoints;

/// Why a compaction needs no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No effective safe point is above 0 anywhere.
    NoSafePoint,
    /// Nothing is dropped.
    NothingDropped,
}

/// The ladder: the first reason, cheapest first, not to make a run. TTL needs no safe point.
pub fn refusal(kind: Kind, safe_points: &SafePoints) -> Option<Refusal> {
    match kind {
        Kind::DroppedOnly => Some(Refusal::NothingDropped),
        Kind::Default | Kind::Write => (!safe_points.any_effective()).then_some(Refusal::NoSafePoint),
        Kind::TtlV1 => None,
    }
}
