//! Destroying a range. When the call returns, no key of the range is visible, and a crash brings
//! none back. The call deletes the files that are wholly in the range. Other files that may still
//! hold its keys are a debt: the worker compacts them, see `debt`.
//!
//! ```text
//!   record "started", durable   from now on filters remove the keys of the range, and an attach
//!                               finishes the destroy if it is interrupted
//!   delete whole files          those below level 0 that are wholly in the range; none of a lock
//!                               family, where the file may hold the tombstone of a lock, and the
//!                               lock would be visible again
//!   delete the other keys       in the write family before the default family, so that no record
//!                               is without its value
//!   compact cut rows            see `cut_row`
//!   record "cleared", durable   it names the families whose files may still hold keys of the
//!                               range; if there are none, the record is "done" at once
//!   later: compact files        the worker compacts the files that may hold keys of the range
//!   record "done"               if the range is reusable, the record is deleted instead
//! ```

use super::clear::{Target, clear, phase};
use super::report::DestroyReport;
use crate::error::{Error, ErrorKind, hex, hex_range};
use crate::layout::{KeyspaceId, StoredRange};
use crate::log::{Level, log};
use crate::reclaim::ledger::{CoveredFamilies, Destroyed, Ledger, Progress, named, names, own_keys};
use crate::reclaim::store::{Store, overlap};

/// A range to destroy.
#[derive(Debug, Clone)]
pub struct RangeToDestroy {
    /// The range.
    pub range: StoredRange,
    /// The keyspace, if a whole keyspace is destroyed, and this is one of its ranges.
    pub keyspace: Option<KeyspaceId>,
}

/// An error, and the place of the range that caused it, if it is about one range.
pub type DestroyError = (Option<usize>, Error);

/// Destroys ranges. Each has a record of its own. `reusable` means that the host will write into
/// the ranges again. If one range is refused, nothing is done.
pub fn run(
    store: &Store,
    ledger: &Ledger,
    wanted: &[RangeToDestroy],
    reusable: bool,
    report: &mut DestroyReport,
) -> Result<(), DestroyError> {
    let of_all = |error| (None, error);
    check_ranges(store, wanted)?;
    if wanted.is_empty() {
        return Ok(());
    }
    let ranges: Vec<_> = wanted.iter().map(|wanted| wanted.range.clone()).collect();
    let _turn = store.range_lock.take(&ranges);
    if reusable {
        check_no_other_record(ledger, &ranges)?;
    }
    let now = store.shared.clock.now();
    let known = ledger.destroyed.records_of(&ranges);
    let again = known.iter().flatten().any(|record| record.pending().is_none());
    let begun = |(wanted, known): (&RangeToDestroy, Option<Destroyed>)| Destroyed {
        range: wanted.range.clone(),
        keyspace: wanted.keyspace.or(known.as_ref().and_then(|record| record.keyspace)),
        progress: Progress::Started,
        reusable,
        forced: false,
        started_at: known.filter(Destroyed::is_in_force).map_or(now, |record| record.started_at),
        cleared_at: 0,
        families: names(&store.families),
    };
    let begun: Vec<_> = wanted.iter().zip(known).map(begun).collect();
    phase("record", &ranges);
    ledger.destroyed.put(store, &begun).map_err(of_all)?;
    clear_all(store, ledger, begun, again, report).map_err(of_all)
}

/// Finishes interrupted destroys, as far as a call of the host does: the worker pays the debts.
pub fn resume(store: &Store, ledger: &Ledger) -> Result<(), Error> {
    let started = ledger.destroyed.started();
    for record in &started {
        log(Level::Info, || format!("the interrupted destroy of {} is resumed", hex_range(&record.range)));
    }
    let ranges: Vec<_> = started.iter().map(|record| record.range.clone()).collect();
    let _turn = store.range_lock.take(&ranges);
    let resumed = clear_all(store, ledger, started, true, &mut DestroyReport::default());
    resumed.map_err(|error| {
        let first = ranges.first().map(hex_range).unwrap_or_default();
        error.while_doing(format_args!("the interrupted destroys of {} ranges cannot be finished, the first is {first}", ranges.len()))
    })
}

/// Releases a range that is cleared or done: filters keep new keys there. Its record is deleted. If
/// the range has a debt, the record only remembers the debt from now on.
pub fn release(store: &Store, ledger: &Ledger, range: &StoredRange) -> Result<(), Error> {
    let _turn = store.range_lock.take(std::slice::from_ref(range));
    if let Some(other) = ledger.destroyed.overlapping(std::slice::from_ref(range)).into_iter().find(|record| record.pending().is_some()) {
        return Err(Error::new(
            ErrorKind::Busy,
            format!(
                "the destroy of {} is pending, and would delete new keys; take it back first (rgc_take_back_destroy_range)",
                hex_range(&other.range)
            ),
        ));
    }
    match ledger.destroyed.records_of(std::slice::from_ref(range)).pop().flatten().filter(Destroyed::is_in_force) {
        None => Err(Error::new(
            ErrorKind::NotFound,
            format!("no record has exactly the bounds {}; give those that were destroyed", hex_range(range)),
        )),
        Some(record) if record.is_started() => Err(Error::new(
            ErrorKind::Busy,
            format!("the destroy of {} is not finished; repeat it with the same bounds, then release it", hex_range(range)),
        )),
        // The worker must still compact the files.
        Some(record) if record.to_compact().is_some() => ledger.destroyed.put(store, &[Destroyed { reusable: true, ..record }]),
        Some(record) => ledger.destroyed.erase(store, &[record]),
    }
}

/// Checks the bounds of ranges, and that no two ranges overlap.
pub(super) fn check_ranges(store: &Store, wanted: &[RangeToDestroy]) -> Result<(), DestroyError> {
    for (place, wanted) in wanted.iter().enumerate() {
        check_range(store, &wanted.range).map_err(|error| (Some(place), error))?;
    }
    let mut in_order: Vec<_> = wanted.iter().enumerate().map(|(place, wanted)| (&wanted.range, place)).collect();
    in_order.sort_unstable();
    for ((one, first), (other, second)) in in_order.iter().zip(in_order.iter().skip(1)) {
        // In this order two neighbours overlap if any two ranges do.
        if overlap(one, other) {
            let what = format!("the range {} overlaps {} of the same call", hex_range(other), hex_range(one));
            return Err((Some(*first.max(second)), Error::invalid(format!("{what}; give ranges that do not overlap"))));
        }
    }
    Ok(())
}

fn check_range(store: &Store, range: &StoredRange) -> Result<(), Error> {
    if range.0.is_empty() || range.1.is_empty() {
        return Err(Error::invalid(format!("a bound of {} is missing; give both, as stored keys", hex_range(range))));
    }
    if range.0 >= range.1 {
        return Err(Error::invalid(format!(
            "the range {} is empty or inverted; give its first key and the first key behind it",
            hex_range(range)
        )));
    }
    let own = own_keys(&store.shared.layout.ledger_prefix);
    if overlap(range, &own) {
        return Err(Error::invalid(format!(
            "the range {} overlaps the library's own keys under ledger_prefix {}; give a range that does not",
            hex_range(range),
            hex(&store.shared.layout.ledger_prefix)
        )));
    }
    Ok(())
}

/// Refuses reusable ranges that overlap another record: filters would remove new keys because of
/// that record.
pub(super) fn check_no_other_record(ledger: &Ledger, ranges: &[StoredRange]) -> Result<(), DestroyError> {
    let others = ledger.destroyed.overlapping(ranges);
    let stays = |record: &&Destroyed| match record.progress {
        Progress::Done => true,
        Progress::Cleared(_) => !record.reusable,
        Progress::Started | Progress::Pending(_) => !ranges.contains(&record.range),
    };
    match others.iter().find(stays) {
        None => Ok(()),
        Some(other) => Err((
            ranges.iter().position(|range| overlap(range, &other.range)),
            Error::new(
                ErrorKind::Busy,
                format!(
                    "the record of {} exists, and new keys there would be removed; release it (rgc_release_destroyed), or omit RGC_DESTROY_REUSABLE",
                    hex_range(&other.range)
                ),
            ),
        )),
    }
}

/// Clears the ranges of started records, and records that they are cleared. The caller holds the
/// range lock of these ranges.
pub(super) fn clear_all(
    store: &Store,
    ledger: &Ledger,
    records: Vec<Destroyed>,
    again: bool,
    report: &mut DestroyReport,
) -> Result<(), Error> {
    if records.is_empty() {
        return Ok(());
    }
    let covers: Vec<_> = records.iter().map(|record| CoveredFamilies::new(&record.families, &store.families)).collect();
    let targets: Vec<_> = records.iter().zip(&covers).map(|(record, covers)| Target { range: &record.range, covers, again }).collect();
    let to_compact = clear(store, ledger, &targets, report)?;
    let cleared_at = store.shared.clock.now();
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for ((record, covers), families) in records.into_iter().zip(&covers).zip(to_compact) {
        if !covers.missing.is_empty() {
            log(Level::Warn, || {
                format!(
                    "the destroy of {} is not finished: it also covers the families {}, which are not attached; attach them, or repeat the \
                     destroy without them",
                    hex_range(&record.range),
                    covers.missing.join(", ")
                )
            });
        } else if !families.is_empty() {
            let progress = Progress::Cleared(named(&store.families, &families));
            kept.push(Destroyed { progress, cleared_at, ..record });
        } else if record.reusable {
            gone.push(record);
        } else {
            kept.push(Destroyed { progress: Progress::Done, cleared_at, ..record });
        }
    }
    if !kept.is_empty() {
        ledger.destroyed.put(store, &kept)?;
    }
    if !gone.is_empty() {
        ledger.destroyed.erase(store, &gone)?;
    }
    kept.iter().for_each(|record| phase(if record.is_done() { "done" } else { "cleared" }, std::slice::from_ref(&record.range)));
    gone.iter().for_each(|record| phase("done", std::slice::from_ref(&record.range)));
    Ok(())
}
