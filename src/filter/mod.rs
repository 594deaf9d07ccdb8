//! The filter of one compaction, and the reasons why a compaction needs none.

#![forbid(unsafe_code)]

mod balance;
mod bytes;
mod compaction_filter;
mod counting;
mod decision;
mod dropping;
mod frequent;
mod keyspace_span;
pub mod level;
pub mod recovery;
mod removal;
mod row_walk;

pub use compaction_filter::CompactionFilter;
pub use decision::Decision;
pub use removal::CompactionContext;
pub use row_walk::{RowWalk, ValueView};

use crate::shared::{FilterKind, Shared};

/// The reason why a compaction needs no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFilterReason {
    /// No keyspace has an effective safe point above 0.
    NoSafePoint,
    /// No range is destroyed, and no schema is invalid.
    NothingDropped,
}

/// The first reason, the cheapest first, to make no filter. TTL values and dropped keys need no
/// safe point.
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
