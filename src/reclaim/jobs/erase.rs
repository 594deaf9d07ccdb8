//! Erasing a range: the work of a destroy between the "started" and the "done" record.

use super::cut_row::{self, NOW};
use super::file_index::{FileIndex, compact_together, span};
use super::report::DestroyReport;
use crate::engine::{Direction, Family, File, Op};
use crate::error::{Error, hex_range};
use crate::layout::{StoredRange, row_end};
use crate::log::{Level, log};
use crate::reclaim::ledger::{CoveredFamilies, Ledger};
use crate::reclaim::store::{Batch, Role, Store};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Instant;

/// A range to erase.
pub struct Target<'t> {
    /// The range.
    pub range: &'t StoredRange,
    /// The families that the range's record covers.
    pub covers: &'t CoveredFamilies,
    /// Whether an earlier attempt may have left tombstones.
    pub again: bool,
}

/// Does the work between the two records of each range, phase by phase for all of them. So a file
/// at the bounds of several ranges is compacted once.
pub fn erase(store: &Store, ledger: &Ledger, targets: &[Target<'_>], report: &mut DestroyReport) -> Result<(), Error> {
    let families = store.families.in_order();
    let covered = |family: &Family| targets.iter().filter(|target| target.covers.places.contains(family)).collect::<Vec<_>>();
    let begin = |name: &str| {
        targets.iter().for_each(|target| phase(name, std::slice::from_ref(target.range)));
        Instant::now()
    };
    let begun = begin("files");
    let dropped = families.iter().try_for_each(|family| {
        let ranges: Vec<_> = covered(family).iter().map(|target| target.range).collect();
        drop_files(store, *family, &ranges, report)
    });
    report.files_time += begun.elapsed();
    dropped?;

    let begun = begin("keys");
    let mut touched: HashSet<(Family, &StoredRange)> = HashSet::new();
    let deleted = families.iter().try_for_each(|family| {
        covered(family).iter().try_for_each(|target| {
            let before = (report.keys_deleted, report.range_tombstones);
            delete_keys(store, *family, target.range, report)?;
            if target.again || before != (report.keys_deleted, report.range_tombstones) {
                touched.insert((*family, target.range));
            }
            Ok(())
        })
    });
    report.keys_time += begun.elapsed();
    deleted?;

    let begun = begin("compact");
    let compacted = families.iter().try_for_each(|family| {
        let ranges: Vec<_> = covered(family).iter().map(|target| (target.range, touched.contains(&(*family, target.range)))).collect();
        compact_away(store, ledger, *family, &ranges, report)
    });
    report.compact_time += begun.elapsed();
    compacted
}

/// Deletes the files that are wholly in one of the ranges, unless the family holds locks.
pub fn drop_files(store: &Store, family: Family, ranges: &[&StoredRange], report: &mut DestroyReport) -> Result<(), Error> {
    let Some(span) = span(ranges.iter().copied()).filter(|_| store.families.role(family) != Some(Role::Lock)) else { return Ok(()) };
    let list = || store.engine.files(family, (&span.0, &span.1));
    let is_within = |file: &File, (start, end): &StoredRange| file.level > 0 && file.is_within(start, end);
    let before = list()?;
    let whole: Vec<_> = ranges.iter().filter(|range| before.iter().any(|file| is_within(file, range))).collect();
    if whole.is_empty() {
        return Ok(());
    }
    whole.iter().try_for_each(|(start, end)| store.engine.delete_files(family, (start, end)))?;
    let after = list()?;
    let is_gone = |file: &&File| whole.iter().any(|range| is_within(file, range)) && !after.iter().any(|other| other.is_same(file));
    for file in before.iter().filter(is_gone) {
        report.files_dropped += 1;
        report.file_bytes_dropped = report.file_bytes_dropped.saturating_add(file.bytes);
    }
    Ok(())
}

fn delete_keys(store: &Store, family: Family, (start, end): &StoredRange, report: &mut DestroyReport) -> Result<(), Error> {
    // Between these two bounds no row is cut.
    let (mut whole_start, mut whole_end) = (start.clone(), end.clone());
    if let Some(row) = store.shared.layout.cut_row(start) {
        whole_start = row_end(row).min(end.clone());
        delete_one_by_one(store, family, (start, &whole_start), report)?;
    }
    if let Some(row) = store.shared.layout.cut_row(end) {
        whole_end = row.to_vec().max(whole_start.clone());
        delete_one_by_one(store, family, (&whole_end, end), report)?;
    }
    let whole = (whole_start.as_slice(), whole_end.as_slice());
    let many = store.shared.deleting.range_min_keys;
    if many > 0 && store.has_keys(family, whole, many)? {
        let mut batch = Batch::default();
        batch.push(family, Op::DeleteRange(whole_start.clone(), whole_end.clone()));
        store.engine.write(&batch.writes, NOW)?;
        report.range_tombstones += 1;
        return Ok(());
    }
    delete_one_by_one(store, family, whole, report)
}

fn delete_one_by_one(store: &Store, family: Family, range: (&[u8], &[u8]), report: &mut DestroyReport) -> Result<(), Error> {
    if range.0 >= range.1 {
        return Ok(());
    }
    // One batch at a time, so that no iterator is open while a write waits in a stall.
    let mut from = Some(range.0.to_vec());
    while let Some(start) = from.take() {
        let mut batch = Batch::default();
        store.engine.scan(family, (&start, range.1), Direction::Forwards, &mut |key, _| {
            if batch.bytes >= store.shared.deleting.batch_bytes {
                from = Some(key.to_vec());
                return ControlFlow::Break(());
            }
            batch.push(family, Op::Delete(key.to_vec()));
            ControlFlow::Continue(())
        })?;
        if !batch.is_empty() {
            store.engine.write(&batch.writes, NOW)?;
            report.keys_deleted += batch.writes.len() as u64;
        }
    }
    Ok(())
}

/// Compacts the files that may still hold keys of the ranges. Each range comes with whether there
/// are tombstones in it.
fn compact_away(
    store: &Store,
    ledger: &Ledger,
    family: Family,
    ranges: &[(&StoredRange, bool)],
    report: &mut DestroyReport,
) -> Result<(), Error> {
    let Some(span) = span(ranges.iter().map(|(range, _)| *range)) else { return Ok(()) };
    let before = store.engine.files(family, (&span.0, &span.1))?;
    // If no key of a range was found, a file that begins before the range and ends behind it holds
    // none of its keys either.
    let may_hold = |file: &File, (range, touched): &(&StoredRange, bool)| {
        file.overlaps(&range.0, &range.1) && (*touched || file.smallest >= range.0 || file.largest < range.1)
    };
    let reached = ranges.iter().filter(|range| before.iter().any(|file| may_hold(file, range))).collect::<Vec<_>>();
    if !reached.is_empty() {
        store.engine.flush(family)?;
        let below = before.iter().filter(|file| file.level > 0).cloned().collect();
        let ranges = reached.iter().map(|(range, _)| (*range).clone()).collect();
        for (start, end) in compact_together(ranges, &FileIndex::new(below)) {
            store.engine.compact(family, (&start, &end), false)?;
        }
    } else if ranges.iter().any(|(range, _)| before.iter().any(|file| file.overlaps(&range.0, &range.1))) && !ledger.all_is_logged(store)? {
        // Tombstones that a crash would lose may hide keys in these files.
        store.engine.flush(family)?;
    }
    for (range, _) in ranges.iter().filter(|(_, touched)| *touched) {
        cut_row::cut_rows(store, range).iter().try_for_each(|row| cut_row::compact(store, family, range, row))?;
    }
    if reached.is_empty() {
        return Ok(());
    }
    // A file that existed before and still exists may hold keys of a range.
    let after = store.engine.files(family, (&span.0, &span.1))?;
    let is_left = |file: &&File| ranges.iter().any(|range| may_hold(file, range)) && before.iter().any(|other| other.is_same(file));
    for file in after.iter().filter(is_left) {
        report.files_left += 1;
        report.file_bytes_left = report.file_bytes_left.saturating_add(file.bytes);
    }
    Ok(())
}

/// Logs the current phase of a destroy.
pub fn phase(name: &str, ranges: &[StoredRange]) {
    for range in ranges {
        log(Level::Debug, || format!("destroy {}: {name}", hex_range(range)));
    }
}
