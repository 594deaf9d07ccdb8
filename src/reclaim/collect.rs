//! Collect now: finds the files that hold garbage, and compacts only their ranges. It compacts the
//! last level too, which RocksDB by itself never compacts again.

use super::compaction_cost::{Budget, PaidRanges, cost, range_of};
use super::families::Role;
use super::garbage::{Judgement, by_counts};
use super::known_files::{Found, KnownFiles, LookedAtUnder};
use super::store::Store;
use crate::callback::lock;
use crate::engine::{Family, File};
use crate::error::{Error, ErrorKind, hex};
use crate::layout::{KeyOwner, KeyspaceId, StoredRange};
use crate::log::{Level, log};
use crate::rule::expiry::ExpiredUpTo;
use std::time::{Duration, Instant};

/// The largest number of keyspaces of a file whose safe points are added up. Adding up more would
/// cost more than reading the file.
const MOST_KEYSPACES: u32 = 1 << 16;

/// What one collect call did.
#[derive(Debug, Clone, Copy, Default)]
pub struct CollectReport {
    /// The number of files that overlap the range.
    pub files_considered: u64,
    /// The number of these files that were compacted.
    pub files_compacted: u64,
    /// The number of files whose range was read to find garbage.
    pub files_read: u64,
    /// The number of files that hold no garbage and were not compacted.
    pub files_without_garbage: u64,
    /// The number of files that were not compacted because of the budget.
    pub files_over_budget: u64,
    /// The size of the files in the range before the call, in bytes.
    pub bytes_before: u64,
    /// The size of the files in the range after the call, in bytes.
    pub bytes_after: u64,
    /// The number of entries in these files that the call removed.
    pub versions_removed: u64,
    /// The duration of the whole call.
    pub elapsed: Duration,
}

/// The range and the budget of a collect call.
#[derive(Debug, Clone, Default)]
pub struct CollectOrder {
    /// The family to collect; `None` means the families with the roles default and write.
    pub family: Option<String>,
    /// The first key of the range.
    pub start: Option<Vec<u8>>,
    /// The first key behind the range.
    pub end: Option<Vec<u8>>,
    /// The budget: the most bytes of files to read or compact.
    pub max_bytes: Option<u64>,
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
        if !self.shared.enabled() {
            return Err(Error::invalid("collecting is switched off; call rgc_set_enabled(gc, 1) first"));
        }
        let mut budget = Budget::new(order.max_bytes);
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
            Error::new(ErrorKind::NotFound, format!("no column family {name:?} is attached; there are {}", names.join(", ")))
        })
    }

    fn collect_family(&self, family: Family, order: &CollectOrder, budget: &mut Budget, report: &mut CollectReport) -> Result<(), Error> {
        let runs = self.runs();
        let all = self.flushed_files(family, budget)?;
        let before: Vec<File> = all.iter().filter(|file| order.overlaps(file)).cloned().collect();
        let mut remembered = lock(&self.remembered);
        if remembered.is_unfiltered(family, runs) {
            return Err(self.no_filter(family));
        }
        remembered.keep(family, &all);
        let picked = self.pick(family, &before, &all, &mut remembered, budget, report)?;
        drop(remembered);
        report.files_considered += before.len() as u64;
        let rows = self.rows_met();
        let ranges = merged(&picked, &all);
        for (start, end) in &ranges {
            log(Level::Debug, || format!("collect: compacts [{}, {})", hex(start), hex(end)));
            self.engine.compact(family, (start, end), true)?;
        }
        let all_after = self.engine.files_with_properties(family)?;
        let hands_over = self.rows_met() != rows;
        let mut remembered = lock(&self.remembered);
        for range in ranges.iter().filter(|_| !hands_over) {
            self.note_if_in_vain(family, range, &all, &all_after, &mut remembered);
        }
        let after: Vec<File> = all_after.into_iter().filter(|file| order.overlaps(file)).collect();
        // A picked file that still exists unchanged was refused by the compaction.
        let compacted = picked.iter().filter(|file| !after.iter().any(|other| other.is_same(file))).count() as u64;
        report.files_compacted += compacted;
        let sum = |files: &[File], of: fn(&File) -> u64| files.iter().map(of).fold(0, u64::saturating_add);
        let gone = sum(&before, |file| file.entries).saturating_sub(sum(&after, |file| file.entries));
        report.bytes_before = report.bytes_before.saturating_add(sum(&before, |file| file.bytes));
        report.bytes_after = report.bytes_after.saturating_add(sum(&after, |file| file.bytes));
        report.versions_removed = report.versions_removed.saturating_add(gone);
        drop(remembered);
        if compacted > 0 && self.runs() == runs && self.compacts_without_filter(family, &ranges)? {
            lock(&self.remembered).note_unfiltered(family, runs);
            return Err(self.no_filter(family));
        }
        Ok(())
    }

    /// Compacts the ranges once more, and reports whether that used no filter. A compaction of the
    /// host with an earlier filter may have compacted the files the first time.
    fn compacts_without_filter(&self, family: Family, ranges: &[StoredRange]) -> Result<bool, Error> {
        let in_ranges = |file: &File| ranges.iter().any(|(start, end)| file.overlaps(start, end));
        let before: Vec<File> = self.engine.files_with_properties(family)?.into_iter().filter(in_ranges).collect();
        let runs = self.runs();
        for (start, end) in ranges {
            self.engine.compact(family, (start, end), true)?;
        }
        let after = self.engine.files_with_properties(family)?;
        // A rewritten file without a name cannot be told from the old one.
        let is_rewritten = |file: &File| file.name.is_empty() || !after.iter().any(|other| other.is_same(file));
        Ok(self.runs() == runs && before.iter().any(is_rewritten))
    }

    /// Flushes the memtables, so that their keys are judged too. The new files count against the
    /// budget.
    fn flushed_files(&self, family: Family, budget: &mut Budget) -> Result<Vec<File>, Error> {
        let before = if budget.is_bounded() { self.engine.files_with_properties(family)? } else { Vec::new() };
        self.engine.flush(family)?;
        let all = self.engine.files_with_properties(family)?;
        let is_new = |file: &&File| !before.iter().any(|other| other.is_same(file));
        budget.charge(all.iter().filter(is_new).map(|file| file.bytes).fold(0, u64::saturating_add));
        Ok(all)
    }

    /// The files to compact: first those known to hold garbage, the cheapest first.
    fn pick<'f>(
        &self,
        family: Family,
        files: &'f [File],
        all: &[File],
        remembered: &mut KnownFiles,
        budget: &mut Budget,
        report: &mut CollectReport,
    ) -> Result<Vec<&'f File>, Error> {
        let snapshots = self.engine.snapshots();
        let expired = ExpiredUpTo::new(self.shared.clock.now(), self.shared.ttl_grace_seconds);
        let mut in_order = Vec::new();
        for file in files {
            let as_of = self.as_of(file);
            if remembered.pauses(family, file, as_of, snapshots) {
                log(Level::Debug, || "collect: skips a file whose last compaction removed nothing; is a snapshot held?".into());
                continue;
            }
            let judgement = match remembered.of(family, file, as_of) {
                Some(Found::Garbage) => Judgement::Garbage,
                Some(Found::Nothing { next_expiry }) if !next_expiry.is_some_and(|time| expired.covers(Some(time))) => Judgement::None,
                _ => by_counts(&self.shared, family, file),
            };
            match judgement {
                Judgement::None => report.files_without_garbage += 1,
                known => in_order.push((known == Judgement::Unknown, cost(&range_of(file), all), file)),
            }
        }
        in_order.sort_by_key(|(unknown, cost, file)| (*unknown, *cost, file.level));
        let (mut picked, mut paid) = (Vec::new(), PaidRanges::default());
        for (unknown, _, file) in in_order {
            if unknown {
                if !budget.spend(file.bytes) {
                    report.files_over_budget += 1;
                    continue;
                }
                report.files_read += 1;
                let found = self.read_for_garbage(family, file)?;
                remembered.note(family, file, self.as_of(file), found);
                if found != Found::Garbage {
                    report.files_without_garbage += 1;
                    continue;
                }
            }
            if paid.add(range_of(file), all, budget) {
                picked.push(file);
            } else {
                report.files_over_budget += 1;
            }
        }
        Ok(picked)
    }

    /// If compacting a range removed nothing, the next calls skip its files.
    fn note_if_in_vain(&self, family: Family, range: &StoredRange, before: &[File], after: &[File], remembered: &mut KnownFiles) {
        let in_range = |file: &&File| file.overlaps(&range.0, &range.1);
        let of = |files: &[File]| files.iter().filter(in_range).map(|file| file.entries).fold(0, u64::saturating_add);
        if of(after) < of(before) {
            return;
        }
        let known = |file: &File| remembered.of(family, file, self.as_of(file));
        let snapshots = self.engine.snapshots();
        let pause = KnownFiles::next_pause(before.iter().filter(|file| file.overlaps(&range.0, &range.1)).filter_map(known), snapshots);
        let found = Found::InVain { pause, left: pause, snapshots };
        log(Level::Warn, || {
            format!(
                "collect: a compaction of [{}, {}) removed nothing; is a RocksDB snapshot held? It is tried again when \
                 snapshots, safe points or files change, or after {pause} calls",
                hex(&range.0),
                hex(&range.1)
            )
        });
        after
            .iter()
            .filter(|file| file.overlaps(&range.0, &range.1))
            .for_each(|file| remembered.note(family, file, self.as_of(file), found));
    }

    fn as_of(&self, file: &File) -> LookedAtUnder {
        LookedAtUnder { safe_points: self.safe_points_of(file), generation: self.shared.generation() }
    }

    /// The sum of the safe points of all keyspaces of a file, if these keyspaces are few enough.
    fn safe_points_of(&self, file: &File) -> Option<u64> {
        let of = |place| self.shared.effective(place).safe_point;
        match (self.shared.layout.place(&file.smallest), self.shared.layout.place(&file.largest)) {
            (KeyOwner::Keyspace(mode, first), KeyOwner::Keyspace(last_mode, last)) if mode == last_mode => {
                let ids = (first.get()..=last.get()).filter_map(KeyspaceId::new);
                let few = last.get().saturating_sub(first.get()) <= MOST_KEYSPACES;
                few.then(|| ids.map(|id| of(KeyOwner::Keyspace(mode, id))).fold(0, u64::wrapping_add))
            }
            (first, last) => (first == last).then(|| of(first)),
        }
    }

    /// The number of compactions that have asked for a filter so far.
    fn runs(&self) -> u64 {
        let sums = self.shared.stats.sums();
        sums.runs_started.get() + sums.filters_not_needed.get()
    }

    /// The number of rows that filters have found for the worker so far.
    fn rows_met(&self) -> u64 {
        let sums = self.shared.stats.sums();
        sums.rows_queued.get() + sums.rows_deferred.get()
    }

    fn no_filter(&self, family: Family) -> Error {
        let name = self.families.get(family).map_or("", |family| family.name.as_str());
        Error::invalid(format!(
            "files of column family {name:?} were compacted, and no compaction asked this rgc_t for a filter; is its factory in the options \
             that the DB was opened with?"
        ))
    }
}

/// The ranges of the picked files. Each range ends right behind the last key of its file.
/// Neighbours are merged if no other file is between them, so that the bounds of compactions cut
/// fewer rows.
fn merged(picked: &[&File], all: &[File]) -> Vec<StoredRange> {
    let mut ranges: Vec<StoredRange> = picked.iter().map(|file| range_of(file)).collect();
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
}
