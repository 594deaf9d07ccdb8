//! A destroyed range, as filters and the ledger know it. A store may have very many of them, so it
//! is small.

use super::{Coverage, LateKeys};
use crate::layout::{KeyspaceId, StoredRange};
use std::sync::Arc;

/// The number that means "no keyspace".
const NO_KEYSPACE: u32 = u32::MAX;
/// The length of the first bound's length.
const LEN: usize = size_of::<u32>();

/// The progress of a destroyed range whose keys filters remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeProgress {
    /// Keys of the range may be visible.
    Started,
    /// No key of the range is visible, and files may still hold its keys.
    Cleared,
    /// No key of the range is visible, and the worker has compacted the files that held its keys.
    Done,
}

/// A destroyed range, half open.
#[derive(Debug)]
pub struct DroppedRange {
    /// The length of the first bound as four bytes, then both bounds.
    bounds: Box<[u8]>,
    keyspace: u32,
    /// The progress of the destroy.
    pub progress: RangeProgress,
    /// Whether the host will write into the range again.
    pub reusable: bool,
    /// The time when the destroy began, in Unix seconds; 0 means unknown.
    pub started_at: u64,
    /// The time when the range was cleared, in Unix seconds; 0 means unknown or not yet.
    pub cleared_at: u64,
    /// The families in which the range is destroyed.
    pub covers: Arc<Coverage>,
    /// The late keys of the range.
    pub late: LateKeys,
}

impl DroppedRange {
    /// A range whose destroy has begun, in these families.
    pub fn new((start, end): &StoredRange, keyspace: Option<KeyspaceId>, covers: Arc<Coverage>) -> Self {
        let len = (start.len() as u32).to_be_bytes();
        Self {
            bounds: [&len[..], start, end].concat().into(),
            keyspace: keyspace.map_or(NO_KEYSPACE, KeyspaceId::get),
            progress: RangeProgress::Started,
            reusable: false,
            started_at: 0,
            cleared_at: 0,
            covers,
            late: LateKeys::default(),
        }
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let (len, bounds) = self.bounds.split_first_chunk::<LEN>().unwrap_or((&[0; LEN], &[]));
        bounds.split_at_checked(u32::from_be_bytes(*len) as usize).unwrap_or_default()
    }

    /// The first key of the range.
    pub fn start(&self) -> &[u8] {
        self.parts().0
    }

    /// The first key behind the range.
    pub fn end(&self) -> &[u8] {
        self.parts().1
    }

    /// Both bounds.
    pub fn range(&self) -> StoredRange {
        let (start, end) = self.parts();
        (start.to_vec(), end.to_vec())
    }

    /// Whether these are its bounds.
    pub fn is(&self, (start, end): &StoredRange) -> bool {
        self.parts() == (start.as_slice(), end.as_slice())
    }

    /// The keyspace, if a whole keyspace was destroyed.
    pub fn keyspace(&self) -> Option<KeyspaceId> {
        KeyspaceId::new(self.keyspace)
    }

    /// The time since which the range waits for its recheck; the maximum means that it does not
    /// wait.
    pub fn recheck_from(&self) -> u64 {
        if self.progress == RangeProgress::Started { u64::MAX } else { self.cleared_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_small_and_keeps_its_bounds() {
        assert!(size_of::<DroppedRange>() <= 56, "{}", size_of::<DroppedRange>());
        for (start, end) in [("a", "b"), ("", "z"), ("k", "kk")] {
            let bounds = (start.as_bytes().to_vec(), end.as_bytes().to_vec());
            let range = DroppedRange::new(&bounds, KeyspaceId::new(7), Arc::default());
            assert!(range.range() == bounds && range.is(&bounds) && range.start() == bounds.0 && range.end() == bounds.1);
            assert_eq!(range.keyspace(), KeyspaceId::new(7));
        }
        assert_eq!(DroppedRange::new(&(b"a".to_vec(), b"b".to_vec()), None, Arc::default()).keyspace(), None);
    }
}
