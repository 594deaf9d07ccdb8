//! Destroying a range: it must be gone when the call returns, give its space back, and stay gone after a crash.
//!
//! ```text
//!   record "started", durable     from here on it is destroyed: runs drop what they meet of it, attach finishes what is interrupted
//!   files                         those that lie in it as a whole, but of lock families: a lock's tombstone may go, and the lock come back
//!   keys                          what is left, the write family before the default one: no record is without its value
//!   flush, compact                what level 0 and the files at the borders hold of it
//!   cut rows, by force            see `clear`
//!   record "done"                 or none, if the range is to be used again
//! ```

use super::covered_families::{CoveredFamilies, names};
use super::ledger::{Destroyed, own_keys};
use super::range_lock::overlap;
use super::store::Store;
use crate::error::{Error, ErrorKind, hex};
use crate::layout::{KeyspaceId, StoredRange};
use crate::log::{Level, log};
use std::time::Duration;

/// What destroying did.
#[derive(Debug, Clone, Copy, Default)]
pub struct DestroyReport {
    /// Whole files.
    pub files_dropped: u64,
    /// Their size.
    pub file_bytes_dropped: u64,
    /// By point tombstones.
    pub keys_deleted: u64,
    /// Of many keys each.
    pub range_tombstones: u64,
    /// Files that may still hold something of the range, because another compaction has them.
    pub files_left: u64,
    /// Their size.
    pub file_bytes_left: u64,
    /// Time of each phase.
    pub files_time: Duration,
    /// Time of each phase.
    pub keys_time: Duration,
    /// Time of each phase.
    pub compact_time: Duration,
}

impl Store {
    /// Destroys ranges, with one record each. `reusable` = they are to be written again.
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

    /// Finishes what was interrupted.
    pub(super) fn resume(&self) -> Result<(), Error> {
        let started: Vec<Destroyed> =
            self.with_entries(|entries| entries.iter().map(|e| e.record.clone()).filter(|record| !record.done).collect());
        for record in started {
            log(Level::Info, || format!("the interrupted destroy of {} goes on", show(&record.range)));
            let _turn = self.range_lock.take(std::slice::from_ref(&record.range));
            let mut report = DestroyReport::default();
            self.clear_all(std::slice::from_ref(&record), true, &mut report).map_err(|error| {
                error.while_doing(format_args!("the interrupted destroy of {} cannot be finished", show(&record.range)))
            })?;
        }
        Ok(())
    }

    /// Destroys once more what was done long enough ago, and drops the records. Returns how many.
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
            // Whoever had the turn before may have forgotten or destroyed it.
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
                    if removed(report) == before { (Level::Info, "") } else { (Level::Warn, "; keys had come late, and are gone") };
                log(level, || format!("{} was destroyed and is looked at no more{late}", show(&range)));
                rechecked += 1;
            }
        }
        Ok(rechecked)
    }

    /// Drops the record of a range that was done.
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
                "the range {} touches the library's own keys under ledger_prefix {}; give a range beside them",
                show(range),
                hex(&self.ledger.prefix)
            )));
        }
        Ok(())
    }

    /// Another record would go on dropping what is written again.
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
                    "the record of {} stands, and would go on dropping what is written there; forget it (rgc_release_destroyed), or leave RGC_DESTROY_REUSABLE out",
                    show(&other)
                ),
            )),
        }
    }

    /// Clears the ranges of started records, which have their turn, and finishes the records.
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
                        "the destroy of {} is not finished: it is about the families {}, too, which are not attached; attach them, or repeat the \
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

/// For an operator who wants to know what a destroy is at.
pub(super) fn phase(name: &str, ranges: &[StoredRange]) {
    for range in ranges {
        log(Level::Debug, || format!("destroy {}: {name}", show(range)));
    }
}

pub(super) fn show((start, end): &StoredRange) -> String {
    format!("[{}, {})", hex(start), hex(end))
}
