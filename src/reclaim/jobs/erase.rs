//! Erasing a range: the work of a destroy between the "started" and the "done" record.

use super::cut_row::{self, NOW};
use super::report::DestroyReport;
use crate::engine::{Direction, Family, File, Op};
use crate::error::{Error, hex_range};
use crate::layout::{StoredRange, row_end};
use crate::log::{Level, log};
use crate::reclaim::ledger::{CoveredFamilies, Ledger};
use crate::reclaim::store::{Batch, Role, Store};
use std::ops::ControlFlow;
use std::time::Instant;

/// Does the work between the two records, in the families that the record covers. `again` means
/// that an earlier attempt may have left tombstones.
pub fn erase(
    store: &Store,
    ledger: &Ledger,
    range: &StoredRange,
    covers: &CoveredFamilies,
    again: bool,
    report: &mut DestroyReport,
) -> Result<(), Error> {
    let in_order = || store.families.in_order().into_iter().filter(|family| covers.places.contains(family));
    let begun = Instant::now();
    phase("files", std::slice::from_ref(range));
    let mut lockless = in_order().filter(|family| store.families.role(*family) != Some(Role::Lock));
    let dropped = lockless.try_for_each(|family| drop_files(store, family, range, report));
    report.files_time += begun.elapsed();
    dropped?;

    let begun = Instant::now();
    phase("keys", std::slice::from_ref(range));
    let mut touched = Vec::new();
    let deleted = in_order().try_for_each(|family| {
        let before = (report.keys_deleted, report.range_tombstones);
        delete_keys(store, family, range, report)?;
        if again || before != (report.keys_deleted, report.range_tombstones) {
            touched.push(family);
        }
        Ok(())
    });
    report.keys_time += begun.elapsed();
    deleted?;

    let begun = Instant::now();
    phase("compact", std::slice::from_ref(range));
    let compacted = in_order().try_for_each(|family| compact_away(store, ledger, family, range, touched.contains(&family), report));
    report.compact_time += begun.elapsed();
    compacted
}

/// Deletes the files that are wholly in the range.
pub fn drop_files(store: &Store, family: Family, (start, end): &StoredRange, report: &mut DestroyReport) -> Result<(), Error> {
    let within = |files: Vec<File>| files.into_iter().filter(|file| file.level > 0 && file.is_within(start, end)).collect::<Vec<_>>();
    let before = within(store.engine.files(family, (start, end))?);
    if before.is_empty() {
        return Ok(());
    }
    store.engine.delete_files(family, (start, end))?;
    let after = within(store.engine.files(family, (start, end))?);
    for file in before.iter().filter(|file| !after.iter().any(|other| other.is_same(file))) {
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

/// Compacts the files that may still hold keys of the range. `touched` means that there are
/// tombstones in the range.
fn compact_away(
    store: &Store,
    ledger: &Ledger,
    family: Family,
    range: &StoredRange,
    touched: bool,
    report: &mut DestroyReport,
) -> Result<(), Error> {
    let (start, end) = range;
    let before = store.engine.files(family, (start, end))?;
    // If no key of the range was found, a file that begins before the range and ends behind it
    // holds none of its keys either.
    let ends_inside = |file: &File| file.smallest >= *start || file.largest < *end;
    if before.iter().any(|file| touched || ends_inside(file)) {
        store.engine.flush(family)?;
        store.engine.compact(family, (start, end), false)?;
    } else if !before.is_empty() && !ledger.all_is_logged(store)? {
        // Tombstones that a crash would lose may hide keys in these files.
        store.engine.flush(family)?;
    }
    if touched {
        cut_row::cut_rows(store, range).iter().try_for_each(|row| cut_row::compact(store, family, range, row))?;
    }
    // A file that existed before and still exists may hold keys of the range.
    let after = store.engine.files(family, (start, end))?;
    for file in after.iter().filter(|file| (touched || ends_inside(file)) && before.iter().any(|other| other.is_same(file))) {
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
