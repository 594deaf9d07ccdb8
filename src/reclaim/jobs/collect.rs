//! Collect now: finds the files that hold garbage, and compacts only their ranges. It also compacts
//! the last level, which RocksDB by itself never compacts again.

use super::compaction_cost::{Budget, compact_at_rate, range_of};
use super::known_files::KnownFiles;
use super::pick::{Candidates, Pick, note_if_in_vain, pick};
use super::report::CollectReport;
use crate::callback::lock;
use crate::engine::{Family, File};
use crate::error::{Error, ErrorKind, hex_range};
use crate::layout::StoredRange;
use crate::log::{Level, log};
use crate::reclaim::store::{Role, Store};
use std::sync::Mutex;
use std::time::Instant;

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
    /// Whether the call only tells what it would do.
    pub dry_run: bool,
}

impl CollectOrder {
    /// Whether a file may hold keys of the range.
    pub fn overlaps(&self, file: &File) -> bool {
        self.start.as_ref().is_none_or(|start| file.largest >= *start) && self.end.as_ref().is_none_or(|end| file.smallest < *end)
    }
}

/// Compacts the files that hold garbage.
pub fn run(store: &Store, known: &Mutex<KnownFiles>, order: &CollectOrder, report: &mut CollectReport) -> Result<(), Error> {
    let begun = Instant::now();
    if let (Some(start), Some(end)) = (&order.start, &order.end)
        && start >= end
    {
        return Err(Error::invalid(format!(
            "the range {} is empty or inverted; give its first key and the first key behind it",
            hex_range(&(start.clone(), end.clone()))
        )));
    }
    if !store.shared.enabled() {
        return Err(Error::invalid("collecting is switched off; call rgc_set_enabled(gc, 1) first"));
    }
    let mut budget = Budget::new(order.max_bytes);
    for family in ordered_families(store, order)? {
        collect_family(store, known, family, order, &mut budget, report)?;
    }
    report.elapsed = begun.elapsed();
    Ok(())
}

fn ordered_families(store: &Store, order: &CollectOrder) -> Result<Vec<Family>, Error> {
    let Some(name) = &order.family else {
        return Ok([Role::Default, Role::Write].into_iter().filter_map(|role| store.families.with_role(role)).collect());
    };
    let found = store.families.iter().position(|family| family.name == *name);
    found.map(|family| vec![family]).ok_or_else(|| {
        let names: Vec<_> = store.families.iter().map(|family| family.name.as_str()).collect();
        Error::new(ErrorKind::NotFound, format!("no column family {name:?} is attached; there are {}", names.join(", ")))
    })
}

fn collect_family(
    store: &Store,
    known: &Mutex<KnownFiles>,
    family: Family,
    order: &CollectOrder,
    budget: &mut Budget,
    report: &mut CollectReport,
) -> Result<(), Error> {
    let runs = runs_so_far(store);
    let all = if order.dry_run { store.engine.files_with_properties(family)? } else { flushed_files(store, family, budget)? };
    let before: Vec<File> = all.iter().filter(|file| order.overlaps(file)).cloned().collect();
    let sum = |files: &[File], of: fn(&File) -> u64| files.iter().map(of).fold(0, u64::saturating_add);
    let mut remembered = lock(known);
    if remembered.is_unfiltered(family, runs) {
        return Err(no_filter(store, family));
    }
    remembered.keep(family, &all);
    let candidates = Candidates { family, order, all: &all };
    let Pick { files: picked, gain } = pick(store, &candidates, &mut remembered, budget, report)?;
    drop(remembered);
    report.files_considered += before.len() as u64;
    report.garbage = (report.garbage.0.saturating_add(gain.versions), report.garbage.1.saturating_add(gain.bytes));
    if order.dry_run {
        report.files_compacted += picked.len() as u64;
        report.bytes_before = report.bytes_before.saturating_add(sum(&before, |file| file.bytes));
        report.bytes_after = report.bytes_before.saturating_sub(report.garbage.1);
        return Ok(());
    }
    let rows = rows_met(store);
    let ranges = merged(&picked, &all);
    for range in &ranges {
        log(Level::Debug, || format!("collect: compacts {}", hex_range(range)));
        compact_at_rate(store, family, range, &all, true)?;
    }
    let all_after = store.engine.files_with_properties(family)?;
    let hands_over = rows_met(store) != rows;
    let mut remembered = lock(known);
    for range in ranges.iter().filter(|_| !hands_over) {
        note_if_in_vain(store, family, range, &all, &all_after, &mut remembered);
    }
    let after: Vec<File> = all_after.into_iter().filter(|file| order.overlaps(file)).collect();
    // If a picked file still exists, RocksDB did not compact it.
    let compacted = picked.iter().filter(|file| !after.iter().any(|other| other.is_same(file))).count() as u64;
    report.files_compacted += compacted;
    let gone = sum(&before, |file| file.entries).saturating_sub(sum(&after, |file| file.entries));
    report.bytes_before = report.bytes_before.saturating_add(sum(&before, |file| file.bytes));
    report.bytes_after = report.bytes_after.saturating_add(sum(&after, |file| file.bytes));
    report.versions_removed = report.versions_removed.saturating_add(gone);
    drop(remembered);
    if compacted > 0 && runs_so_far(store) == runs && compacts_without_filter(store, family, &ranges)? {
        lock(known).note_unfiltered(family, runs);
        return Err(no_filter(store, family));
    }
    Ok(())
}

/// Compacts the ranges once more, and returns whether RocksDB did that without a filter. The first
/// time a compaction of the host, whose filter began earlier, may have compacted the files.
fn compacts_without_filter(store: &Store, family: Family, ranges: &[StoredRange]) -> Result<bool, Error> {
    let in_ranges = |file: &File| ranges.iter().any(|(start, end)| file.overlaps(start, end));
    let before: Vec<File> = store.engine.files_with_properties(family)?.into_iter().filter(in_ranges).collect();
    let runs = runs_so_far(store);
    for range in ranges {
        compact_at_rate(store, family, range, &before, true)?;
    }
    let after = store.engine.files_with_properties(family)?;
    // A rewritten file without a name cannot be told from the old one.
    let is_rewritten = |file: &File| file.name.is_empty() || !after.iter().any(|other| other.is_same(file));
    Ok(runs_so_far(store) == runs && before.iter().any(is_rewritten))
}

/// Flushes the memtables, so that their keys are judged too. The new files count against the
/// budget.
fn flushed_files(store: &Store, family: Family, budget: &mut Budget) -> Result<Vec<File>, Error> {
    let before = if budget.is_bounded() { store.engine.files_with_properties(family)? } else { Vec::new() };
    store.engine.flush(family)?;
    let all = store.engine.files_with_properties(family)?;
    let is_new = |file: &&File| !before.iter().any(|other| other.is_same(file));
    budget.charge(all.iter().filter(is_new).map(|file| file.bytes).fold(0, u64::saturating_add));
    Ok(all)
}

/// The number of compactions that have asked for a filter so far.
fn runs_so_far(store: &Store) -> u64 {
    let sums = store.shared.stats.sums();
    sums.runs_started.get() + sums.filters_not_needed.get()
}

/// The number of rows that filters have found for the worker so far.
fn rows_met(store: &Store) -> u64 {
    let sums = store.shared.stats.sums();
    sums.rows_queued.get() + sums.rows_deferred.get()
}

fn no_filter(store: &Store, family: Family) -> Error {
    let name = store.families.get(family).map_or("", |family| family.name.as_str());
    Error::invalid(format!(
        "files of column family {name:?} were compacted, and no compaction asked this rgc_t for a filter; is its factory in the options \
         that the DB was opened with?"
    ))
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
