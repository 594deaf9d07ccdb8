//! Collect now: the files that hold garbage are found, and only their ranges compacted, also in the last level, where RocksDB by
//! itself never looks again.

use super::garbage::{Judgement, by_counts};
use super::store::{Role, Store};
use crate::callback::lock;
use crate::engine::{Engine, Family, File};
use crate::error::{Error, Kind, hex};
use crate::layout::{StoredRange, Timestamp};
use crate::log::{Level, log};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// What collecting did.
#[derive(Debug, Clone, Copy, Default)]
pub struct CollectReport {
    /// Files that overlap the range.
    pub files_considered: u64,
    /// Of these: compacted.
    pub files_compacted: u64,
    /// Judged by reading their range.
    pub files_read: u64,
    /// Left, because they hold none.
    pub files_without_garbage: u64,
    /// Left, because of the budget.
    pub files_over_budget: u64,
    /// Of the files in the range.
    pub bytes_before: u64,
    /// Of the files in the range.
    pub bytes_after: u64,
    /// Entries that those files had, and have no more.
    pub versions_removed: u64,
    /// All of it.
    pub elapsed: Duration,
}

/// Where and how much to collect.
#[derive(Debug, Clone, Default)]
pub struct CollectOrder {
    /// One family, or those with roles default and write.
    pub family: Option<String>,
    /// Its first key.
    pub start: Option<Vec<u8>>,
    /// The first key behind it.
    pub end: Option<Vec<u8>>,
    /// Of files that are read or compacted.
    pub max_bytes: Option<u64>,
}

/// The bytes that may still be read or compacted.
struct Budget(Option<u64>);

impl Budget {
    fn spend(&mut self, bytes: u64) -> bool {
        match &mut self.0 {
            None => true,
            Some(left) if *left >= bytes => {
                *left -= bytes;
                true
            }
            Some(_) => false,
        }
    }
}

impl CollectOrder {
    fn overlaps(&self, file: &File) -> bool {
        self.start.as_ref().is_none_or(|start| file.largest >= *start) && self.end.as_ref().is_none_or(|end| file.smallest < *end)
    }
}

impl Store {
    /// Compacts the files that hold garbage.
    pub fn collect(&self, order: &CollectOrder, report: &mut CollectReport) -> Result<(), Error> {
        let begun = Instant::now();
        if let (Some(start), Some(end)) = (&order.start, &order.end)
            && start >= end
        {
            return Err(Error::invalid(format!(
                "the range [{}, {}) is empty or inverted; give its first key and the first key behind it",
                hex(start),
                hex(end)
            )));
        }
        let mut budget = Budget(order.max_bytes);
        for family in self.ordered_families(order)? {
            self.collect_family(family, order, &mut budget, report)?;
        }
        report.elapsed = begun.elapsed();
        Ok(())
    }

    fn ordered_families(&self, order: &CollectOrder) -> Result<Vec<Family>, Error> {
        let Some(name) = &order.family else {
            return Ok([Role::Default, Role::Write].into_iter().filter_map(|role| self.family(role)).collect());
        };
        let found = self.families.iter().position(|family| family.name == *name);
        found.map(|family| vec![family]).ok_or_else(|| {
            let names: Vec<_> = self.families.iter().map(|family| family.name.as_str()).collect();
            Error::new(Kind::NotFound, format!("no column family {name:?} is attached; there are {}", names.join(", ")))
        })
    }

    fn collect_family(&self, family: Family, order: &CollectOrder, budget: &mut Budget, report: &mut CollectReport) -> Result<(), Error> {
        // So that what lies in memory is judged, too.
        self.engine.flush(family)?;
        let in_range = |files: Vec<File>| files.into_iter().filter(|file| order.overlaps(file)).collect::<Vec<_>>();
        let all = self.engine.files(family)?;
        // What compacting a file takes with it: all that overlaps it, at any level.
        let cost = |file: &File| {
            all.iter()
                .filter(|other| other.smallest <= file.largest && other.largest >= file.smallest)
                .map(|other| other.bytes)
                .fold(0, u64::saturating_add)
        };
        let before = in_range(all.clone());
        let mut seen = lock(&self.seen_without_garbage);
        let live: HashSet<File> = all.iter().map(File::bare).collect();
        seen.retain(|(of, file), _| *of != family || live.contains(file));
        // The cheapest first; and with a budget that does not suffice for all, what the calls before have not read.
        let seen_as_it_is = |file: &File| seen.get(&(family, file.bare())) == Some(&self.safe_points_of(file));
        let mut in_order: Vec<(bool, u64, &File)> = before.iter().map(|file| (seen_as_it_is(file), cost(file), file)).collect();
        in_order.sort_by_key(|(seen, cost, file)| (*seen, *cost, file.level));
        let mut picked = Vec::new();
        for (_, cost, file) in in_order {
            match self.holds_garbage(family, file, budget, report)? {
                None => report.files_over_budget += 1,
                Some(false) => {
                    seen.insert((family, file.bare()), self.safe_points_of(file));
                    report.files_without_garbage += 1;
                }
                Some(true) if budget.spend(cost) => picked.push(file),
                Some(true) => report.files_over_budget += 1,
            }
        }
        drop(seen);
        report.files_considered += before.len() as u64;
        for (start, end) in merged(&picked, &all) {
            log(Level::Debug, || format!("collect: compacts [{}, {})", hex(&start), hex(&end)));
            self.engine.compact(family, (&start, &end), true)?;
        }
        let after = in_range(self.engine.files(family)?);
        // One that is still there, as it was, a compaction has refused.
        report.files_compacted += picked.iter().filter(|file| !after.iter().any(|other| other.is_same(file))).count() as u64;
        let sum = |files: &[File], of: fn(&File) -> u64| files.iter().map(of).fold(0, u64::saturating_add);
        let gone = sum(&before, |file| file.entries).saturating_sub(sum(&after, |file| file.entries));
        report.bytes_before = report.bytes_before.saturating_add(sum(&before, |file| file.bytes));
        report.bytes_after = report.bytes_after.saturating_add(sum(&after, |file| file.bytes));
        report.versions_removed = report.versions_removed.saturating_add(gone);
        Ok(())
    }

    /// Of the keyspaces that it begins and ends with.
    fn safe_points_of(&self, file: &File) -> (Timestamp, Timestamp) {
        let of = |key| self.shared.effective(self.shared.layout.place(key)).safe_point;
        (of(&file.smallest), of(&file.largest))
    }

    /// Does a file hold garbage? `None` = to find that out would cost more than may be spent.
    fn holds_garbage(&self, family: Family, file: &File, budget: &mut Budget, report: &mut CollectReport) -> Result<Option<bool>, Error> {
        match by_counts(&self.shared, file) {
            Judgement::Garbage => Ok(Some(true)),
            Judgement::None => Ok(Some(false)),
            Judgement::Unknown if budget.spend(file.bytes) => {
                report.files_read += 1;
                self.read_for_garbage(family, file).map(Some)
            }
            Judgement::Unknown => Ok(None),
        }
    }
}

/// The ranges of the picked files, each up to right behind its last key: one range for those between which no other file lies, so that
/// no compaction's border cuts a row that need not be cut.
fn merged(picked: &[&File], all: &[File]) -> Vec<StoredRange> {
    let mut ranges: Vec<StoredRange> =
        picked.iter().map(|file| (file.smallest.clone(), [file.largest.as_slice(), b"\0"].concat())).collect();
    ranges.sort();
    let mut merged: Vec<StoredRange> = Vec::new();
    for (start, end) in ranges {
        let between = |last_end: &[u8]| all.iter().any(|file| file.overlaps(last_end, &start) && !picked.contains(&file));
        match merged.last_mut() {
            Some((_, last_end)) if start <= *last_end || !between(last_end) => *last_end = end.max(std::mem::take(last_end)),
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(smallest: &[u8], largest: &[u8]) -> File {
        File {
            name: smallest.to_vec(),
            level: 6,
            bytes: 1,
            entries: 1,
            deletions: 0,
            smallest: smallest.into(),
            largest: largest.into(),
            properties: Vec::new(),
        }
    }

    #[test]
    fn neighbours_are_compacted_as_one() {
        let files =
            [file(b"m", b"p"), file(b"a", b"c"), file(b"b", b"d"), file(b"f", b"g"), file(b"n", b"o"), file(b"x", b"y"), file(b"r", b"s")];
        let range = |start: &[u8], end: &[u8]| (start.to_vec(), end.to_vec());
        let (picked, _between) = files.split_at(6);
        let picked: Vec<_> = picked.iter().collect();
        assert_eq!(merged(&picked, &files), [range(b"a", b"p\0"), range(b"x", b"y\0")]);
    }

    #[test]
    fn a_budget_is_spent_once() {
        let mut budget = Budget(Some(10));
        assert_eq!([7, 4, 3, 1].map(|bytes| budget.spend(bytes)), [true, false, true, false]);
        assert!(Budget(None).spend(u64::MAX));
    }
}
