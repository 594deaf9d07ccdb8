//! Pending destroys. The host orders a destroy with a timestamp. Readers may use the range until
//! its effective safe point is above the timestamp. Then the worker destroys the range. Until then
//! the host can take the order back.

use super::destroy::{DestroyError, RangeToDestroy, check_no_other_record, check_ranges, clear_all};
use super::report::DestroyReport;
use crate::error::{Error, ErrorKind, hex_range};
use crate::layout::{StoredRange, Timestamp};
use crate::log::{Level, log};
use crate::reclaim::ledger::{Destroyed, Ledger, Progress, names};
use crate::reclaim::store::Store;

/// How ranges are destroyed.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// The host will write into the ranges again.
    pub reusable: bool,
    /// A pending destroy begins although its keyspace is in use.
    pub forced: bool,
}

/// Records pending destroys, which begin when the effective safe point of their range is above
/// `after`.
pub fn order(store: &Store, ledger: &Ledger, wanted: &[RangeToDestroy], after: Timestamp, how: How) -> Result<(), DestroyError> {
    check_ranges(store, wanted)?;
    for (place, wanted) in wanted.iter().enumerate() {
        check_one_owner(store, &wanted.range).map_err(|error| (Some(place), error))?;
    }
    let ranges: Vec<_> = wanted.iter().map(|wanted| wanted.range.clone()).collect();
    let _turn = store.range_lock.take(&ranges);
    if how.reusable {
        check_no_other_record(ledger, &ranges)?;
    }
    let known = ledger.destroyed.records_of(&ranges);
    if let Some((place, record)) =
        known.iter().enumerate().find_map(|(place, record)| Some((place, record.as_ref().filter(|one| one.pending().is_none())?)))
    {
        let what = if record.is_in_force() {
            "is destroyed already"
        } else {
            "was destroyed, and its files are not compacted yet: call rgc_worker_drain"
        };
        return Err((Some(place), Error::new(ErrorKind::Busy, format!("the range {} {what}", hex_range(&record.range)))));
    }
    let pending = |wanted: &RangeToDestroy| Destroyed {
        range: wanted.range.clone(),
        keyspace: wanted.keyspace,
        progress: Progress::Pending(after),
        reusable: how.reusable,
        forced: how.forced,
        started_at: 0,
        cleared_at: 0,
        families: names(&store.families),
    };
    ledger.destroyed.put(store, &wanted.iter().map(pending).collect::<Vec<_>>()).map_err(|error| (None, error))
}

/// Takes back pending destroys, all or none.
pub fn take_back(store: &Store, ledger: &Ledger, ranges: &[StoredRange]) -> Result<(), Error> {
    let _turn = store.range_lock.take(ranges);
    let mut pending = Vec::new();
    for (range, record) in ranges.iter().zip(ledger.destroyed.records_of(ranges)) {
        match record {
            Some(record) if record.pending().is_some() => pending.push(record),
            Some(record) if record.is_in_force() => {
                return Err(Error::new(
                    ErrorKind::Busy,
                    format!("the destroy of {} has begun or is done; it cannot be taken back", hex_range(range)),
                ));
            }
            _ => return Err(Error::new(ErrorKind::NotFound, format!("no destroy of exactly {} is pending", hex_range(range)))),
        }
    }
    ledger.destroyed.erase(store, &pending)
}

/// Carries out the pending destroys that are due, and those that an earlier call of this function
/// began and did not finish.
pub fn run_due(store: &Store, ledger: &Ledger) -> Result<(), Error> {
    // An attempt that failed may have left tombstones over one half of a row.
    let again = !ledger.destroyed.begun().is_empty();
    begin_due(store, ledger)?;
    let begun = ledger.destroyed.begun();
    // If a call of the host holds a range, the worker does not wait: the call may take long.
    let Some(_turn) = store.range_lock.try_take(&begun) else { return Ok(()) };
    // The thread that held the lock before may have finished a destroy.
    let still = ledger.destroyed.begun();
    let records = ledger.destroyed.records_of(&begun).into_iter().flatten().filter(|record| still.contains(&record.range)).collect();
    clear_all(store, ledger, records, again, &mut DestroyReport::default())
}

fn begin_due(store: &Store, ledger: &Ledger) -> Result<(), Error> {
    let due = ledger.destroyed.due(store);
    let Some(_turn) = store.range_lock.try_take(&due).filter(|_| !due.is_empty()) else { return Ok(()) };
    // The thread that held the lock before may have taken back a destroy, or begun it.
    let still = ledger.destroyed.due(store);
    let now = store.shared.clock.now();
    let pending = ledger.destroyed.records_of(&due).into_iter().flatten().filter(|record| still.contains(&record.range));
    let begins = |mut record: Destroyed| {
        record.cover(names(&store.families));
        Destroyed { progress: Progress::Started, started_at: now, ..record }
    };
    let begun: Vec<_> = pending.map(begins).collect();
    for record in &begun {
        log(Level::Info, || format!("the pending destroy of {} begins", hex_range(&record.range)));
    }
    if begun.is_empty() { Ok(()) } else { ledger.destroyed.begin(store, &begun) }
}

/// A pending destroy waits for the safe point of one keyspace, or for the global one.
fn check_one_owner(store: &Store, range: &StoredRange) -> Result<(), Error> {
    if store.shared.layout.has_one_owner(range) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the range {} is not wholly in one keyspace or mode, so no single safe point decides when it may be destroyed; give one range for each",
        hex_range(range)
    )))
}
