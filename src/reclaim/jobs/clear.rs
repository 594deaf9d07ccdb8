//! Clearing ranges: the work of a destroy between the record "started" and the record "cleared".
//! After it no key of the ranges is visible, and a crash brings none back.

use super::cut_row::{self, EVEN_IN_A_STALL};
use super::file_index::{FileIndex, span};
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

/// A range to clear.
pub struct Target<'t> {
    /// The range.
    pub range: &'t StoredRange,
    /// The families that the range's record covers.
    pub covers: &'t CoveredFamilies,
    /// Whether an earlier attempt may have left tombstones.
    pub again: bool,
}

/// The part of a range that is in one family.
struct Part<'t> {
    target: usize,
    range: &'t StoredRange,
    /// Whether the range may hold tombstones of this attempt or of an earlier one.
    touched: bool,
    /// Whether files may still hold keys of the range.
    in_files: bool,
}

/// Clears ranges. It does each phase for all of them before the next phase. Returns for each range
/// the families whose files may still hold its keys.
pub fn clear(store: &Store, ledger: &Ledger, targets: &[Target<'_>], report: &mut DestroyReport) -> Result<Vec<Vec<Family>>, Error> {
    let families = store.families.in_order();
    let begin = |name: &str| {
        targets.iter().for_each(|target| phase(name, std::slice::from_ref(target.range)));
        Instant::now()
    };
    let begun = begin("files");
    let mut parts = Vec::new();
    let dropped = families.iter().try_for_each(|family| {
        let covered = targets.iter().enumerate().filter(|(_, target)| target.covers.places.contains(family));
        let covered: Vec<_> = covered.map(|(at, one)| Part { target: at, range: one.range, touched: one.again, in_files: false }).collect();
        let ranges: Vec<_> = covered.iter().map(|part| part.range).collect();
        parts.push((*family, covered, drop_files(store, *family, &ranges, report)?));
        Ok(())
    });
    report.files_time += begun.elapsed();
    dropped?;

    let begun = begin("keys");
    let deleted = parts.iter_mut().try_for_each(|(family, parts, files)| delete_keys_of(store, *family, parts, files, report));
    report.keys_time += begun.elapsed();
    deleted?;

    let begun = Instant::now();
    let mut is_logged = None;
    let settled = parts.iter_mut().try_for_each(|(family, parts, files)| {
        let (overlap, left) = note_files(parts, files);
        // Tombstones may hide keys in these files, and a crash may lose one that is not logged.
        if overlap {
            let is_logged = match is_logged {
                Some(known) => known,
                None => *is_logged.insert(ledger.all_is_logged(store)?),
            };
            if !is_logged {
                store.engine.flush(*family)?;
            }
        }
        report.files_left += left.0;
        report.file_bytes_left = report.file_bytes_left.saturating_add(left.1);
        compact_cut_rows(store, *family, parts)
    });
    report.compact_time += begun.elapsed();
    settled?;

    let mut to_compact = vec![Vec::new(); targets.len()];
    for (family, part) in parts.iter().flat_map(|(family, parts, _)| parts.iter().map(move |part| (family, part))) {
        if let (true, Some(families)) = (part.in_files, to_compact.get_mut(part.target)) {
            families.push(*family);
        }
    }
    Ok(to_compact)
}

/// Deletes the files that are wholly in one of the ranges, unless the family holds locks. Returns
/// the files that are left between the first and the last key of the ranges.
pub fn drop_files(store: &Store, family: Family, ranges: &[&StoredRange], report: &mut DestroyReport) -> Result<Vec<File>, Error> {
    let Some(span) = span(ranges.iter().copied()) else { return Ok(Vec::new()) };
    let list = || store.engine.files(family, (&span.0, &span.1));
    let is_within = |file: &File, (start, end): &StoredRange| file.level > 0 && file.is_within(start, end);
    let before = list()?;
    let index = FileIndex::new(before.clone());
    let within =
        |range: &StoredRange| index.reaching(&range.0, &range.1).filter(|file| is_within(file, range)).cloned().collect::<Vec<_>>();
    let whole: Vec<_> = ranges.iter().map(|range| (range, within(range))).filter(|(_, files)| !files.is_empty()).collect();
    if whole.is_empty() || store.families.role(family) == Some(Role::Lock) {
        return Ok(before);
    }
    whole.iter().try_for_each(|((start, end), _)| store.engine.delete_files(family, (start, end)))?;
    let after = list()?;
    let still = FileIndex::new(after.clone());
    for file in whole.iter().flat_map(|(_, files)| files).filter(|file| !still.has(file)) {
        report.files_dropped += 1;
        report.file_bytes_dropped = report.file_bytes_dropped.saturating_add(file.bytes);
    }
    Ok(after)
}

/// Deletes the keys that are left in the ranges. If it deletes any, it lists the files again.
fn delete_keys_of(
    store: &Store,
    family: Family,
    parts: &mut [Part<'_>],
    files: &mut Vec<File>,
    report: &mut DestroyReport,
) -> Result<(), Error> {
    let mut any = false;
    for part in parts.iter_mut() {
        let before = (report.keys_deleted, report.range_tombstones);
        delete_keys(store, family, part.range, report)?;
        let deleted = before != (report.keys_deleted, report.range_tombstones);
        part.touched |= deleted;
        any |= deleted;
    }
    if let (true, Some((start, end))) = (any, span(parts.iter().map(|part| part.range))) {
        *files = store.engine.files(family, (&start, &end))?;
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
    // Few keys are read only once: they fit into the first batch.
    let many = store.shared.deleting.range_min_keys;
    let (first, next) = next_deletes(store, family, whole)?;
    let are_many = many > 0 && (first.writes.len() as u64 >= many || next.is_some() && store.has_keys(family, whole, many)?);
    if are_many {
        let mut batch = Batch::default();
        batch.push(family, Op::DeleteRange(whole_start.clone(), whole_end.clone()));
        write(store, &batch)?;
        report.range_tombstones += 1;
        return Ok(());
    }
    write_deletes(store, &first, report)?;
    next.map_or(Ok(()), |next| delete_one_by_one(store, family, (&next, whole.1), report))
}

fn delete_one_by_one(store: &Store, family: Family, range: (&[u8], &[u8]), report: &mut DestroyReport) -> Result<(), Error> {
    // One batch at a time, so that no iterator is open while a write waits in a stall.
    let mut from = Some(range.0.to_vec());
    while let Some(start) = from {
        let (batch, next) = next_deletes(store, family, (&start, range.1))?;
        write_deletes(store, &batch, report)?;
        from = next;
    }
    Ok(())
}

/// The deletes of the first keys of a range, and the first key that is not among them.
fn next_deletes(store: &Store, family: Family, range: (&[u8], &[u8])) -> Result<(Batch, Option<Vec<u8>>), Error> {
    let (mut batch, mut next) = (Batch::default(), None);
    if range.0 < range.1 {
        store.engine.scan(family, range, Direction::Forwards, &mut |key, _| {
            if batch.bytes >= store.shared.deleting.batch_bytes {
                next = Some(key.to_vec());
                return ControlFlow::Break(());
            }
            batch.push(family, Op::Delete(key.to_vec()));
            ControlFlow::Continue(())
        })?;
    }
    Ok((batch, next))
}

fn write_deletes(store: &Store, batch: &Batch, report: &mut DestroyReport) -> Result<(), Error> {
    if !batch.is_empty() {
        write(store, batch)?;
        report.keys_deleted += batch.writes.len() as u64;
    }
    Ok(())
}

/// Writes deletes at the rate of all deletes.
fn write(store: &Store, batch: &Batch) -> Result<(), Error> {
    store.wait_for(&store.delete_rate)?;
    store.engine.write(&batch.writes, EVEN_IN_A_STALL)?;
    store.delete_rate.spend(batch.bytes as u64);
    Ok(())
}

/// Notes for each range whether files may still hold its keys. Returns whether any file overlaps
/// one of the ranges, and the number and size of those that may hold keys.
fn note_files(parts: &mut [Part<'_>], files: &[File]) -> (bool, (u64, u64)) {
    let index = FileIndex::new(files.to_vec());
    let mut overlap = false;
    let mut left = HashSet::new();
    for part in parts.iter_mut() {
        let (start, end) = part.range;
        let overlaps = index.reaches(start, end);
        // Suppose that the scan found no key of a range, and no earlier attempt left tombstones.
        // Then a file that begins before the range and ends behind it holds none of its keys.
        part.in_files = overlaps && (part.touched || index.reaching(start, end).any(|file| file.has_bound_in(start, end)));
        if part.in_files {
            left.extend(index.reaching(start, end));
        }
        overlap |= overlaps;
    }
    (overlap, (left.len() as u64, left.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))))
}

/// Compacts the rows that a bound cuts at once, because their live halves are not safe before.
fn compact_cut_rows(store: &Store, family: Family, parts: &[Part<'_>]) -> Result<(), Error> {
    for part in parts.iter().filter(|part| part.touched) {
        for row in cut_row::cut_rows(store, part.range) {
            phase("compact", std::slice::from_ref(part.range));
            cut_row::compact(store, family, part.range, &row)?;
        }
    }
    Ok(())
}

/// Logs the current phase of a destroy.
pub fn phase(name: &str, ranges: &[StoredRange]) {
    for range in ranges {
        log(Level::Debug, || format!("destroy {}: {name}", hex_range(range)));
    }
}
