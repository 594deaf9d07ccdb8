//! A lock on key ranges: only one thread at a time deletes in ranges that overlap.

use crate::callback::lock;
use crate::layout::StoredRange;
use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};

/// The ranges in which threads are deleting.
#[derive(Debug, Default)]
pub struct RangeLock {
    taken: Mutex<Taken>,
    ended: Condvar,
}

/// The ranges of each guard, and the number of guards so far.
#[derive(Debug, Default)]
struct Taken {
    by_guard: HashMap<u64, Vec<StoredRange>>,
    guards: u64,
}

impl RangeLock {
    /// Waits until no other thread is deleting in any of these ranges. It takes all ranges at once,
    /// so that two threads never wait for each other.
    pub fn take<'t>(&'t self, ranges: &[StoredRange]) -> RangeGuard<'t> {
        let mut taken = lock(&self.taken);
        while taken.any_overlaps(ranges) {
            taken = self.ended.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        let guard = taken.take(ranges);
        RangeGuard { range_lock: self, guard }
    }

    /// Takes all ranges, unless another thread is deleting in one of them.
    pub fn try_take<'t>(&'t self, ranges: &[StoredRange]) -> Option<RangeGuard<'t>> {
        let mut taken = lock(&self.taken);
        if taken.any_overlaps(ranges) {
            return None;
        }
        let guard = taken.take(ranges);
        Some(RangeGuard { range_lock: self, guard })
    }
}

impl Taken {
    fn any_overlaps(&self, ranges: &[StoredRange]) -> bool {
        self.by_guard.values().flatten().any(|one| ranges.iter().any(|other| overlap(one, other)))
    }

    fn take(&mut self, ranges: &[StoredRange]) -> u64 {
        self.guards += 1;
        self.by_guard.insert(self.guards, ranges.to_vec());
        self.guards
    }
}

/// Whether two ranges overlap.
pub fn overlap(one: &StoredRange, other: &StoredRange) -> bool {
    one.0 < other.1 && other.0 < one.1
}

/// Holds its ranges until it is dropped.
pub struct RangeGuard<'t> {
    range_lock: &'t RangeLock,
    guard: u64,
}

impl Drop for RangeGuard<'_> {
    fn drop(&mut self) {
        lock(&self.range_lock.taken).by_guard.remove(&self.guard);
        self.range_lock.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    fn range(start: &str, end: &str) -> StoredRange {
        (start.into(), end.into())
    }

    #[test]
    fn overlapping_ranges_go_one_after_the_other() {
        let (range_lock, inside) = (RangeLock::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for bounds in [[("a", "c"), ("x", "z")], [("b", "d"), ("m", "n")], [("m", "x"), ("y", "z")], [("c", "d"), ("x", "y")]] {
                let ranges = bounds.map(|(start, end)| range(start, end));
                let (range_lock, inside) = (&range_lock, &inside);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _turn = range_lock.take(&ranges);
                        // "x" is in the first, the third and the fourth; "b" in the first two; "m"
                        // in the second and third.
                        let before = inside.fetch_add(1, SeqCst);
                        assert!(before < 2, "more than two cannot go together");
                        inside.fetch_sub(1, SeqCst);
                    }
                });
            }
        });
        assert!(lock(&range_lock.taken).by_guard.is_empty());
    }

    #[test]
    fn a_range_that_another_thread_has_is_not_waited_for() {
        let range_lock = RangeLock::default();
        let taken = range_lock.take(&[range("a", "c")]);
        assert!(range_lock.try_take(&[range("x", "z"), range("b", "d")]).is_none());
        assert!(range_lock.try_take(&[range("c", "d")]).is_some());
        drop(taken);
        assert!(range_lock.try_take(&[range("b", "d")]).is_some());
    }

    #[test]
    fn a_range_that_ends_where_another_begins_does_not_overlap_it() {
        assert!(!overlap(&range("a", "b"), &range("b", "c")) && overlap(&range("a", "b\0"), &range("b", "c")));
    }
}
