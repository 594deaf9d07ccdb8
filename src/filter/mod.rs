//! Runs: one compaction's filter, and the reasons not to run at all.

#![forbid(unsafe_code)]

mod compaction_filter;
pub mod level;
pub mod recovery;

pub use compaction_filter::{CompactionContext, CompactionFilter, Decision, ValueView};

use crate::shared::{FilterKind, Shared};

/// Why a compaction needs no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFilterReason {
    /// No effective safe point is above 0 anywhere.
    NoSafePoint,
    /// Nothing is destroyed, and no schema is invalid.
    NothingDropped,
}

/// The ladder: the first reason, cheapest first, not to make a run. TTL needs no safe point, and what is dropped none either.
pub fn refusal(kind: FilterKind, shared: &Shared) -> Option<NoFilterReason> {
    if !shared.dropped().is_empty() || shared.schemas.any_invalid() {
        return None;
    }
    match kind {
        FilterKind::DroppedOnly => Some(NoFilterReason::NothingDropped),
        FilterKind::Default | FilterKind::Write => (!shared.safe_points.any_effective()).then_some(NoFilterReason::NoSafePoint),
        FilterKind::TtlV1 => None,
    }
}
