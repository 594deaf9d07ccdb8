//! The cost of a compaction: the bytes of all files that it rewrites, at every level, not only of
//! the picked file.

use crate::engine::{Family, File};
use crate::error::Error;
use crate::layout::StoredRange;
use crate::reclaim::store::{Store, overlap};

/// Compacts a range, at the rate of all compactions. `files` are those that the compaction may
/// include.
pub fn compact_at_rate(store: &Store, family: Family, range: &StoredRange, files: &[File], last_level_too: bool) -> Result<(), Error> {
    let rate = &store.compact_rate;
    store.wait_for(rate)?;
    store.engine.compact(family, (&range.0, &range.1), last_level_too)?;
    if rate.per_second().is_some() {
        rate.spend(cost(range, files));
    }
    Ok(())
}

/// The bytes that may still be read or compacted.
pub struct Budget(Option<u64>);

impl Budget {
    /// `None` means no limit.
    pub fn new(bytes: Option<u64>) -> Self {
        Self(bytes)
    }

    pub fn is_bounded(&self) -> bool {
        self.0.is_some()
    }

    /// Spends these bytes, if the budget has them left.
    pub fn spend(&mut self, bytes: u64) -> bool {
        match &mut self.0 {
            None => true,
            Some(left) if *left >= bytes => {
                *left -= bytes;
                true
            }
            Some(_) => false,
        }
    }

    /// Charges bytes that are written already.
    pub fn charge(&mut self, bytes: u64) {
        if let Some(left) = &mut self.0 {
            *left = left.saturating_sub(bytes);
        }
    }
}

/// The range from a file's first key to right behind its last key.
pub fn range_of(file: &File) -> StoredRange {
    (file.smallest.clone(), [file.largest.as_slice(), b"\0"].concat())
}

/// The bytes of all files that compacting a range may rewrite. At each level RocksDB adds the files
/// that overlap the keys from the levels above, so the range grows on the way down. RocksDB may add
/// more files of a level if that adds no files below.
pub fn cost(range: &StoredRange, files: &[File]) -> u64 {
    let (mut first, mut behind) = range.clone();
    let mut levels: Vec<i32> = files.iter().map(|file| file.level).collect();
    levels.sort_unstable();
    levels.dedup();
    for level in levels {
        while let Some(file) = files
            .iter()
            .find(|file| file.level == level && file.overlaps(&first, &behind) && (file.smallest < first || file.largest >= behind))
        {
            let (smallest, behind_it) = range_of(file);
            (first, behind) = (first.min(smallest), behind.max(behind_it));
        }
    }
    files.iter().filter(|file| file.overlaps(&first, &behind)).map(|file| file.bytes).fold(0, u64::saturating_add)
}

/// The compactions that the budget has paid for: disjoint ranges, each with its cost in bytes.
#[derive(Default)]
pub struct PaidRanges(Vec<(StoredRange, u64)>);

impl PaidRanges {
    /// Adds a range, if the budget can pay for the additional cost.
    pub fn add(&mut self, range: StoredRange, files: &[File], budget: &mut Budget) -> bool {
        // The known ranges do not overlap each other. So the joined range overlaps only those that
        // the new range overlaps.
        let joins = |other: &StoredRange| overlap(other, &range);
        let (mut joined, mut paid) = (range.clone(), 0);
        for ((start, end), cost) in self.0.iter().filter(|(other, _)| joins(other)) {
            paid += cost;
            joined = (joined.0.min(start.clone()), joined.1.max(end.clone()));
        }
        let cost = cost(&joined, files);
        if !budget.spend(cost.saturating_sub(paid)) {
            return false;
        }
        self.0.retain(|(other, _)| !joins(other));
        self.0.push((joined, cost.max(paid)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(level: i32, smallest: &[u8], largest: &[u8], bytes: u64) -> File {
        let (smallest, largest) = (smallest.to_vec(), largest.to_vec());
        File { name: Vec::new(), level, bytes, entries: 1, deletions: 0, smallest, largest, properties: Vec::new() }
    }

    #[test]
    fn a_budget_is_spent_once() {
        let mut budget = Budget(Some(10));
        assert_eq!([7, 4, 3, 1].map(|bytes| budget.spend(bytes)), [true, false, true, false]);
        assert!(Budget(None).spend(u64::MAX));
        let mut budget = Budget(Some(10));
        budget.charge(8);
        assert!(!budget.spend(3) && budget.spend(2));
        budget.charge(1);
    }

    #[test]
    fn a_wide_file_above_drags_all_below_it() {
        let files = [file(0, b"a", b"y", 1), file(6, b"a", b"c", 10), file(6, b"d", b"f", 100), file(6, b"z", b"zz", 1000)];
        assert_eq!(cost(&range_of(&files[0]), &files), 111);
        assert_eq!(cost(&range_of(&files[2]), &files), 111, "the wide one is taken along, and what lies below it");
        assert_eq!(cost(&range_of(&files[3]), &files), 1000);
        let mut budget = Budget(Some(150));
        let mut paid = PaidRanges::default();
        assert!(paid.add(range_of(&files[1]), &files, &mut budget));
        assert!(!paid.add(range_of(&files[3]), &files, &mut budget));
        assert!(paid.add(range_of(&files[0]), &files, &mut budget), "it is paid for");
        assert_eq!(budget.0, Some(150 - 111));
    }
}
