//! Rechecking destroyed ranges. Some time after a destroy a recheck clears the range once more, to
//! remove late keys, and deletes the record. If files may still hold keys, the record only
//! remembers this debt.

use super::clear::{Target, clear};
use super::cut_row::cut_rows;
use super::file_index::{FileIndex, span};
use super::report::DestroyReport;
use crate::engine::{Direction, Family};
use crate::error::{Error, ErrorKind, hex_range};
use crate::layout::StoredRange;
use crate::log::{Level, log};
use crate::reclaim::ledger::{CoveredFamilies, Destroyed, Ledger, Progress, named};
use crate::reclaim::store::Store;
use std::ops::ControlFlow;

/// The most ranges that one list of files and one write serve.
const MOST_RANGES: usize = 16_384;

/// Rechecks the ranges that are due. Returns their number. All ranges without keys and files
/// together cost one list of files and one write.
pub fn run(store: &Store, ledger: &Ledger, now: u64, report: &mut DestroyReport) -> Result<usize, Error> {
    let mut rechecked = 0;
    if now == 0 {
        return Ok(rechecked);
    }
    let due = ledger.destroyed.cleared_by(now.checked_sub(store.shared.deleting.recheck_seconds));
    for ranges in due.chunks(MOST_RANGES) {
        rechecked += release_empty(store, ledger, ranges, now)?;
        for range in ranges {
            if store.is_stopping() {
                return Ok(rechecked);
            }
            rechecked += usize::from(recheck(store, ledger, range, now, report)?);
        }
    }
    Ok(rechecked)
}

/// Deletes the records of due ranges that are empty: the range holds no key, and no file overlaps
/// it. Returns their number. It leaves out a range whose bound cuts a row. The row's versions may
/// be in one immutable memtable, and their tombstones in a later one. After two flushes a filter
/// may see only the versions.
fn release_empty(store: &Store, ledger: &Ledger, ranges: &[StoredRange], now: u64) -> Result<usize, Error> {
    let _turn = store.range_lock.take(ranges);
    let may_be_empty = |record: &Destroyed| is_due(store, record, now) && cut_rows(store, &record.range).is_empty();
    let mut due: Vec<_> = ledger.destroyed.records_of(ranges).into_iter().flatten().filter(may_be_empty).collect();
    for family in store.families.in_order() {
        let Some((start, end)) = span(due.iter().map(|record| &record.range)) else { return Ok(0) };
        let files = FileIndex::new(store.engine.files(family, (&start, &end))?);
        let covers = |record: &Destroyed| CoveredFamilies::new(&record.families, &store.families).places.contains(&family);
        let (covered, mut empty): (Vec<_>, Vec<_>) = due.into_iter().partition(covers);
        let unfiled = covered.into_iter().filter(|record| !files.reaches(&record.range.0, &record.range.1)).collect();
        empty.extend(without_keys(store, family, unfiled, &end)?);
        due = empty;
    }
    if !due.is_empty() {
        ledger.destroyed.erase(store, &due)?;
        log(Level::Info, || format!("the recheck of {} destroyed ranges found nothing, and their records are deleted", due.len()));
    }
    Ok(due.len())
}

/// The records whose ranges hold no key. One scan finds the first key behind the start of a range.
/// All further ranges that end before that key are empty too.
fn without_keys(store: &Store, family: Family, mut records: Vec<Destroyed>, end: &[u8]) -> Result<Vec<Destroyed>, Error> {
    records.sort_unstable_by(|one, other| one.range.1.cmp(&other.range.1));
    let mut empty = Vec::new();
    let mut records = records.into_iter().peekable();
    while let Some(record) = records.next() {
        let mut first_key = None;
        store.engine.scan(family, (&record.range.0, end), Direction::Forwards, &mut |key, _| {
            first_key = Some(key.to_vec());
            ControlFlow::Break(())
        })?;
        let is_before = |record: &Destroyed| first_key.as_ref().is_none_or(|key| record.range.1 <= *key);
        if !is_before(&record) {
            continue;
        }
        let start = record.range.0.clone();
        empty.push(record);
        while let Some(record) = records.next_if(|record| record.range.0 >= start && is_before(record)) {
            empty.push(record);
        }
    }
    Ok(empty)
}

/// Rechecks one range, if it is due. Returns whether it was.
fn recheck(store: &Store, ledger: &Ledger, range: &StoredRange, now: u64, report: &mut DestroyReport) -> Result<bool, Error> {
    let _turn = store.range_lock.take(std::slice::from_ref(range));
    // The thread that held the lock before may have released or destroyed the range.
    let Some(record) = ledger.destroyed.records_of(std::slice::from_ref(range)).pop().flatten().filter(is_cleared) else {
        return Ok(false);
    };
    if record.cleared_at == 0 {
        ledger.destroyed.put(store, &[Destroyed { cleared_at: now, ..record }])?;
        return Ok(false);
    }
    if !is_due(store, &record, now) {
        return Ok(false);
    }
    recheck_cleared(store, ledger, record, report)?;
    Ok(true)
}

/// Rechecks one range, however old its record is.
pub fn run_one(store: &Store, ledger: &Ledger, range: &StoredRange, report: &mut DestroyReport) -> Result<(), Error> {
    let _turn = store.range_lock.take(std::slice::from_ref(range));
    match ledger.destroyed.records_of(std::slice::from_ref(range)).pop().flatten() {
        Some(record) if is_cleared(&record) => recheck_cleared(store, ledger, record, report),
        Some(record) if record.is_started() => {
            Err(Error::new(ErrorKind::Busy, format!("the destroy of {} is not finished; repeat it with the same bounds", hex_range(range))))
        }
        _ => Err(Error::new(
            ErrorKind::NotFound,
            format!("no record has exactly the bounds {}; give those that were destroyed", hex_range(range)),
        )),
    }
}

/// Clears the range of a record once more. Then it deletes the record, or makes it remember only a
/// debt. The caller holds the lock of the range.
fn recheck_cleared(store: &Store, ledger: &Ledger, record: Destroyed, report: &mut DestroyReport) -> Result<(), Error> {
    let range = &record.range.clone();
    let removed = |report: &DestroyReport| (report.files_dropped, report.keys_deleted, report.range_tombstones);
    let before = removed(report);
    let covers = CoveredFamilies::new(&record.families, &store.families);
    // An earlier recheck that failed may have left tombstones over one half of a row.
    let again = !cut_rows(store, range).is_empty();
    let to_compact = clear(store, ledger, &[Target { range, covers: &covers, again }], report)?;
    let mut to_compact = named(&store.families, &to_compact.concat());
    to_compact
        .extend(record.to_compact().unwrap_or_default().iter().filter(|family| !to_compact.contains(family)).cloned().collect::<Vec<_>>());
    if to_compact.is_empty() {
        ledger.destroyed.erase(store, std::slice::from_ref(&record))?;
    } else {
        let record = Destroyed { progress: Progress::Cleared(to_compact), reusable: true, ..record };
        ledger.destroyed.put(store, std::slice::from_ref(&record))?;
    }
    let (level, late) = if removed(report) == before { (Level::Info, "") } else { (Level::Warn, "; the recheck removed late keys") };
    log(level, || format!("the recheck of {} is done, and filters keep new keys there{late}", hex_range(range)));
    Ok(())
}

/// Whether the range is cleared or done, and in force. Such a range can be rechecked.
fn is_cleared(record: &Destroyed) -> bool {
    record.is_in_force() && !record.is_started()
}

fn is_due(store: &Store, record: &Destroyed, now: u64) -> bool {
    is_cleared(record) && record.cleared_at != 0 && record.cleared_at.saturating_add(store.shared.deleting.recheck_seconds) <= now
}
