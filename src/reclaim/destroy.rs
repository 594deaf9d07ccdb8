//! Destroying a range. When the call returns, the range is empty, its space is free, and a crash
//! does not bring its keys back.
//!
//! ```text
//!   record "started", durable   from now on filters remove keys of the range, and an attach
//!                               finishes an interrupted destroy
//!   files                       those that are wholly in the range, except in lock families, where
//!                               the tombstone of a lock could be deleted and the lock come back
//!   keys                        the remaining keys; the write family before the default family, so
//!                               that no record is without its value
//!   flush, compact              the keys of the range in level 0 and in the files at its bounds
//!   cut rows, forced            see `clear`
//!   record "done"               or no record, if the range is reusable
//! ```

use super::covered_families::{CoveredFamilies, names};
use super::ledger::{Destroyed, own_keys};
use super::range_lock::overlap;
use super::store::Store;
use crate::error::{Error, ErrorKind, hex};
use crate::layout::{KeyspaceId, StoredRange};
use crate::log::{Level, log};
use std::time::Duration;

/// What one destroy did.
#[derive(Debug, Clone, Copy, Default)]
pub struct DestroyReport {
    /// The number of files that were deleted as a whole.
    pub files_dropped: u64,
    /// The size of these files, in bytes.
    pub file_bytes_dropped: u64,
    /// The number of keys that were deleted by point tombstones.
    pub keys_deleted: u64,
    /// The number of range tombstones that were written.
    pub range_tombstones: u64,
    /// The number of files that may still hold keys of the range, because another compaction has
    /// them.
    pub files_left: u64,
    /// The size of these files, in bytes.
    pub file_bytes_left: u64,
    /// The duration of deleting whole files.
    pub files_time: Duration,
    /// The duration of deleting keys.
    pub keys_time: Duration,
    /// The duration of the compactions.
    pub compact_time: Duration,
}

impl Store {
    /// Destroys ranges, with one record each. `reusable` means that the host will write into them
    /// again.
    pub fn destroy(
        &self,
        ranges: &[StoredRange],
        keyspace: Option<KeyspaceId>,
        reusable: bool,
        report: &mut DestroyReport,
    ) -> Result<(), Error> {
        for range in ranges {
            self.check_range(range)?;
        }
        let _turn = self.range_lock.take(ranges);
        if reusable {
            self.check_no_other_record(ranges)?;
        }
        let now = self.shared.clock.now();
        let known = self.records_of(ranges);
        let begun = |known: Vec<Option<Destroyed>>| {
            ranges.iter().zip(known).map(|(range, known)| Destroyed {
                range: range.clone(),
                keyspace: keyspace.or(known.as_ref().and_then(|record| record.keyspace)),
                done: false,
                reusable,
                started_at: known.map_or(now, |record| record.started_at),
                done_at: 0,
                families: names(&self.families),
            })
        };
        let again = known.iter().any(Option::is_some);
        let begun: Vec<_> = begun(known).collect();
        phase("record", ranges);
        self.put_records(&begun)?;
        self.clear_all(&begun, again, report)
    }

    /// Finishes interrupted destroys.
    pub(super) fn resume(&self) -> Result<(), Error> {
        let started: Vec<Destroyed> =
            self.with_entries(|entries| entries.iter().map(|e| e.record.clone()).filter(|record| !record.done).collect());
        for record in started {
            log(Level::Info, || format!("the interrupted destroy of {} is resumed", show(&record.range)));
            let _turn = self.range_lock.take(std::slice::from_ref(&record.range));
            let mut report = DestroyReport::default();
            self.clear_all(std::slice::from_ref(&record), true, &mut report).map_err(|error| {
                error.while_doing(format_args!("the interrupted destroy of {} cannot be finished", show(&record.range)))
            })?;
        }
        Ok(())
    }

    /// Destroys again the ranges whose recheck is due, and deletes their records. Returns their
    /// number.
    pub fn recheck(&self, now: u64, report: &mut DestroyReport) -> Result<usize, Error> {
        let mut rechecked = 0;
        if now == 0 {
            return Ok(rechecked);
        }
        let due = self.with_entries(|entries| entries.done_by(now.checked_sub(self.shared.deleting.recheck_seconds)));
        for range in due {
            if self.is_stopping() {
                break;
            }
            let _turn = self.range_lock.take(std::slice::from_ref(&range));
            // The previous holder of the lock may have released or destroyed the range.
            let Some(record) = self.records_of(std::slice::from_ref(&range)).pop().flatten().filter(|record| record.done) else { continue };
            if record.done_at == 0 {
                self.put_records(&[Destroyed { done_at: now, ..record }])?;
            } else if record.done_at.saturating_add(self.shared.deleting.recheck_seconds) <= now {
                let removed = |report: &DestroyReport| (report.files_dropped, report.keys_deleted, report.range_tombstones);
                let before = removed(report);
                // A recheck that failed may have left tombstones over one half of a row.
                let again = !self.cut_rows(&range).is_empty();
                self.clear(&range, &CoveredFamilies::new(&record.families, &self.families), again, report)?;
                self.erase_records(std::slice::from_ref(&record))?;
                let (level, late) =
                    if removed(report) == before { (Level::Info, "") } else { (Level::Warn, "; the recheck removed late keys") };
                log(level, || format!("the recheck of {} is done, and its record is deleted{late}", show(&range)));
                rechecked += 1;
            }
        }
        Ok(rechecked)
    }

    /// Deletes the record of a range whose destroy is done.
    pub fn forget(&self, range: &StoredRange) -> Result<(), Error> {
        let _turn = self.range_lock.take(std::slice::from_ref(range));
        match self.records_of(std::slice::from_ref(range)).pop().flatten() {
            None => Err(Error::new(
                ErrorKind::NotFound,
                format!("no record has exactly the bounds {}; give those that were destroyed", show(range)),
            )),
            Some(record) if !record.done => Err(Error::new(
                ErrorKind::Busy,
                format!("the destroy of {} is not finished; repeat it with the same bounds, then forget it", show(range)),
            )),
            Some(record) => self.erase_records(&[record]),
        }
    }

    fn check_range(&self, range: &StoredRange) -> Result<(), Error> {
        if range.0.is_empty() || range.1.is_empty() {
            return Err(Error::invalid(format!("a bound of {} is missing; give both, as stored keys", show(range))));
        }
        if range.0 >= range.1 {
            return Err(Error::invalid(format!(
                "the range {} is empty or inverted; give its first key and the first key behind it",
                show(range)
            )));
        }
        let own = own_keys(&self.ledger.prefix);
        if overlap(range, &own) {
            return Err(Error::invalid(format!(
                "the range {} overlaps the library's own keys under ledger_prefix {}; give a range that does not",
                show(range),
                hex(&self.ledger.prefix)
            )));
        }
        Ok(())
    }

    /// By another record filters would remove keys that the host writes again.
    fn check_no_other_record(&self, ranges: &[StoredRange]) -> Result<(), Error> {
        let other = self.with_entries(|entries| {
            let standing = entries.iter().map(|entry| &entry.record);
            let mut others = standing.filter(|record| ranges.iter().any(|range| overlap(range, &record.range)));
            others.find(|record| record.done || !ranges.contains(&record.range)).map(|record| record.range.clone())
        });
        match other {
            None => Ok(()),
            Some(other) => Err(Error::new(
                ErrorKind::Busy,
                format!(
                    "the record of {} exists, and new keys there would be removed; release it (rgc_release_destroyed), or omit RGC_DESTROY_REUSABLE",
                    show(&other)
                ),
            )),
        }
    }

    /// Clears the ranges of started records and finishes the records. The caller holds their range
    /// lock.
    fn clear_all(&self, records: &[Destroyed], again: bool, report: &mut DestroyReport) -> Result<(), Error> {
        let mut finished = Vec::new();
        for record in records {
            let covers = CoveredFamilies::new(&record.families, &self.families);
            self.clear(&record.range, &covers, again, report)?;
            if covers.missing.is_empty() {
                finished.push(record.clone());
            } else {
                log(Level::Warn, || {
                    format!(
                        "the destroy of {} is not finished: it also covers the families {}, which are not attached; attach them, or repeat the \
                         destroy without them",
                        show(&record.range),
                        covers.missing.join(", ")
                    )
                });
            }
        }
        let now = self.shared.clock.now();
        let (gone, done): (Vec<Destroyed>, Vec<Destroyed>) = finished.iter().cloned().partition(|record| record.reusable);
        let done: Vec<_> = done.into_iter().map(|record| Destroyed { done: true, done_at: now, ..record }).collect();
        if !done.is_empty() {
            self.put_records(&done)?;
        }
        if !gone.is_empty() {
            self.erase_records(&gone)?;
        }
        for record in &finished {
            phase("done", std::slice::from_ref(&record.range));
        }
        Ok(())
    }
}

/// Logs the current phase of a destroy.
pub(super) fn phase(name: &str, ranges: &[StoredRange]) {
    for range in ranges {
        log(Level::Debug, || format!("destroy {}: {name}", show(range)));
    }
}

pub(super) fn show((start, end): &StoredRange) -> String {
    format!("[{}, {})", hex(start), hex(end))
}
