//! The filter's answer to RocksDB.

use crate::rule::Verdict;

/// The filter's answer to RocksDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The key is kept.
    Keep,
    /// The key becomes a tombstone.
    Remove,
    /// This key and every key before [`skip_until`](super::CompactionFilter::skip_until) are
    /// removed without tombstones.
    Skip,
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Keep => Self::Keep,
            Verdict::Remove => Self::Remove,
        }
    }
}
