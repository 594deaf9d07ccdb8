//! Destroying a range: it must be gone when the call returns, give its space back, and stay gone after a crash.
//!
//! ```text
//!   record "started", durable     from here on it is destroyed: runs drop what they meet of it, attach finishes what is interrupted
//!   files                         those that lie in it as a whole, but of lock families: a lock's tombstone may go, and the lock come back
//!   keys                          what is left, the write family before the default one: no record is without its value
//!   flush, compact                what level 0 and the files at the borders hold of it
//!   cut rows, by force            see below
//!   record "done"                 or none, if the range is to be used again
//! ```
//!
//! A bound with a timestamp cuts a row. Were the tombstones of one half left in one level and what they hide in another, then, with
//! the record gone, a run that meets only the hidden half would take it for the newest, and remove the other half, which is alive:
//!
//! ```text
//!   destroyed: [a @ 9, a @ 5)      L0: tombstones of a @ 9, a @ 7     L6: a @ 9, a @ 7, a @ 5
//!   a run over L6 alone            keeps a @ 9 (hidden), removes a @ 5 (alive)
//! ```
//!
//! So such a row is compacted into the last level while the record stands. And its half goes by point tombstones, which hide
//! their keys from a run that meets both; a range tombstone does not.

use super::batch::Batch;
use super::ledger::{Record, own_keys};
use super::store::{Role, Store};
use super::turns::{Range, overlap};
use crate::engine::{Direction, Engine, Family, File, How, Op};
use crate::error::{Error, Kind, hex};
use crate::layout::{KeyspaceId, row_end};
use crate::log::{Level, log};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

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
    /// Time of each phase.
    pub files_time: Duration,
    /// Time of each phase.
    pub keys_time: Duration,
    /// Time of each phase.
    pub compact_time: Duration,
}

/// Into a stall too: a destroy is somebody's call, not background work. The record "done" makes it durable.
const NOW: How = How { sync: false, no_slowdown: false };

impl Store {
    /// Destroys ranges, with one record each. `reusable` = they are to be written again.
    pub fn destroy(&self, ranges: &[Range], keyspace: Option<KeyspaceId>, reusable: bool, report: &mut DestroyReport) -> Result<(), Error> {
        for range in ranges {
            self.check_range(range)?;
        }
        let _turn = self.turns.take(ranges);
        if reusable {
            self.check_no_other_record(ranges)?;
        }
        let now = self.shared.clock.now();
        let known = self.records_of(ranges);
        let begun = ranges.iter().zip(known).map(|(range, known)| Record {
            range: range.clone(),
            keyspace: keyspace.or(known.as_ref().and_then(|record| record.keyspace)),
            done: false,
            reusable,
            started_at: known.map_or(now, |record| record.started_at),
            done_at: 0,
        });
        let begun: Vec<_> = begun.collect();
        phase("record", ranges);
        self.put_records(&begun)?;
        self.clear_all(&begun, report)
    }

    /// Finishes what was interrupted.
    pub(super) fn resume(&self) -> Result<(), Error> {
        let started: Vec<Record> = self.with_entries(|entries| entries.iter().map(|e| e.record.clone()).filter(|record| !record.done).collect());
        for record in started {
            log(Level::Info, || format!("the interrupted destroy of {} goes on", show(&record.range)));
            let _turn = self.turns.take(std::slice::from_ref(&record.range));
            let mut report = DestroyReport::default();
            self.clear_all(std::slice::from_ref(&record), &mut report)
                .map_err(|error| error.while_doing(format_args!("the interrupted destroy of {} cannot be finished", show(&record.range))))?;
        }
        Ok(())
    }

    /// Destroys once more what was done long enough ago, and drops the records. Returns how many.
    pub fn recheck(&self, now: u64, report: &mut DestroyReport) -> Result<usize, Error> {
        let mut rechecked = 0;
        if now == 0 {
            return Ok(rechecked);
        }
        let done: Vec<Range> = self.with_entries(|entries| entries.iter().filter(|e| e.record.done).map(|e| e.record.range.clone()).collect());
        for range in done {
            let _turn = self.turns.take(std::slice::from_ref(&range));
            // Whoever had the turn before may have forgotten or destroyed it.
            let Some(record) = self.records_of(std::slice::from_ref(&range)).pop().flatten().filter(|record| record.done) else { continue };
            if record.done_at == 0 {
                self.put_records(&[Record { done_at: now, ..record }])?;
            } else if record.done_at.saturating_add(self.shared.deleting.recheck_seconds) <= now {
                let keys_before = report.keys_deleted;
                self.clear(&range, report)?;
                self.erase_records(std::slice::from_ref(&record))?;
                let late = report.keys_deleted - keys_before;
                log(if late > 0 { Level::Warn } else { Level::Info }, || {
                    format!("{} was destroyed and is looked at no more; {late} keys had come late, and are gone", show(&range))
                });
                rechecked += 1;
            }
        }
        Ok(rechecked)
    }

    /// Drops the record of a range that was done.
    pub fn forget(&self, range: &Range) -> Result<(), Error> {
        let _turn = self.turns.take(std::slice::from_ref(range));
        match self.records_of(std::slice::from_ref(range)).pop().flatten() {
            None => Err(Error::new(Kind::NotFound, format!("no record has exactly the bounds {}; give those that were destroyed", show(range)))),
            Some(record) if !record.done => Err(Error::new(
                Kind::Busy,
                format!("the destroy of {} is not finished; repeat it with the same bounds, then forget it", show(range)),
            )),
            Some(record) => self.erase_records(&[record]),
        }
    }

    fn check_range(&self, range: &Range) -> Result<(), Error> {
        if range.0.is_empty() || range.1.is_empty() {
            return Err(Error::invalid(format!("a bound of {} is missing; give both, as stored keys", show(range))));
        }
        if range.0 >= range.1 {
            return Err(Error::invalid(format!("the range {} is empty or inverted; give its first key and the first key behind it", show(range))));
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
    fn check_no_other_record(&self, ranges: &[Range]) -> Result<(), Error> {
        let other = self.with_entries(|entries| {
            let standing = entries.iter().map(|entry| &entry.record);
            let mut others = standing.filter(|record| ranges.iter().any(|range| overlap(range, &record.range)));
            others.find(|record| record.done || !ranges.contains(&record.range)).map(|record| record.range.clone())
        });
        match other {
            None => Ok(()),
            Some(other) => Err(Error::new(
                Kind::Busy,
                format!(
                    "the record of {} stands, and would go on dropping what is written there; forget it (rgc_forget_destroyed), or leave RGC_DESTROY_REUSABLE out",
                    show(&other)
                ),
            )),
        }
    }

    /// Clears the ranges of started records, which have their turn, and finishes the records.
    fn clear_all(&self, records: &[Record], report: &mut DestroyReport) -> Result<(), Error> {
        for record in records {
            self.clear(&record.range, report)?;
        }
        let now = self.shared.clock.now();
        let (gone, done): (Vec<Record>, Vec<Record>) = records.iter().cloned().partition(|record| record.reusable);
        let done: Vec<_> = done.into_iter().map(|record| Record { done: true, done_at: now, ..record }).collect();
        if !done.is_empty() {
            self.put_records(&done)?;
        }
        if !gone.is_empty() {
            self.erase_records(&gone)?;
        }
        for record in records {
            phase("done", std::slice::from_ref(&record.range));
        }
        Ok(())
    }

    /// Everything between a record's two states.
    fn clear(&self, range: &Range, report: &mut DestroyReport) -> Result<(), Error> {
        let begun = Instant::now();
        phase("files", std::slice::from_ref(range));
        for family in self.in_order() {
            if self.families.get(family).is_some_and(|family| family.role != Role::Lock) {
                self.drop_files(family, range, report)?;
            }
        }
        let files_dropped = Instant::now();
        report.files_time += files_dropped - begun;
        phase("keys", std::slice::from_ref(range));
        for family in self.in_order() {
            self.delete_keys(family, range, report)?;
        }
        let keys_deleted = Instant::now();
        report.keys_time += keys_deleted - files_dropped;
        phase("compact", std::slice::from_ref(range));
        for family in self.in_order() {
            self.compact_away(family, range)?;
        }
        report.compact_time += keys_deleted.elapsed();
        Ok(())
    }

    /// Records before what they name.
    fn in_order(&self) -> Vec<Family> {
        let mut families: Vec<_> = (0..self.families.len()).collect();
        families.sort_by_key(|family| match self.families.get(*family).map(|family| family.role) {
            Some(Role::Write) => 0,
            Some(Role::Default) => 2,
            _ => 1,
        });
        families
    }

    fn drop_files(&self, family: Family, (start, end): &Range, report: &mut DestroyReport) -> Result<(), Error> {
        let within = |files: Vec<File>| files.into_iter().filter(|file| file.level > 0 && file.is_within(start, end)).collect::<Vec<_>>();
        let before = within(self.engine.files(family)?);
        if before.is_empty() {
            return Ok(());
        }
        self.engine.delete_files(family, (start, end))?;
        let after = within(self.engine.files(family)?);
        for file in before.iter().filter(|file| !after.contains(file)) {
            report.files_dropped += 1;
            report.file_bytes_dropped = report.file_bytes_dropped.saturating_add(file.bytes);
        }
        Ok(())
    }

    fn delete_keys(&self, family: Family, (start, end): &Range, report: &mut DestroyReport) -> Result<(), Error> {
        // Between them no row is cut.
        let (mut whole_start, mut whole_end) = (start.clone(), end.clone());
        if let Some(row) = self.shared.layout.cut_row(start) {
            whole_start = row_end(row).min(end.clone());
            self.delete_one_by_one(family, (start, &whole_start), report)?;
        }
        if let Some(row) = self.shared.layout.cut_row(end) {
            whole_end = row.to_vec().max(whole_start.clone());
            self.delete_one_by_one(family, (&whole_end, end), report)?;
        }
        let whole = (whole_start.as_slice(), whole_end.as_slice());
        let many = self.shared.deleting.range_min_keys;
        if many > 0 && self.has_keys(family, whole, many)? {
            let mut batch = Batch::default();
            batch.push(family, Op::DeleteRange(whole_start.clone(), whole_end.clone()));
            self.engine.write(&batch.writes, NOW)?;
            report.range_tombstones += 1;
            return Ok(());
        }
        self.delete_one_by_one(family, whole, report)
    }

    fn has_keys(&self, family: Family, range: (&[u8], &[u8]), many: u64) -> Result<bool, Error> {
        let mut keys = 0;
        if range.0 < range.1 {
            self.engine.scan(family, range, Direction::Forwards, &mut |_, _| {
                keys += 1;
                if keys < many { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        Ok(keys >= many)
    }

    fn delete_one_by_one(&self, family: Family, range: (&[u8], &[u8]), report: &mut DestroyReport) -> Result<(), Error> {
        if range.0 >= range.1 {
            return Ok(());
        }
        let mut batch = Batch::default();
        let mut written = Ok(());
        let mut write = |batch: &mut Batch| {
            if !batch.is_empty() {
                self.engine.write(&batch.writes, NOW)?;
                report.keys_deleted += batch.writes.len() as u64;
                batch.clear();
            }
            Ok(())
        };
        self.engine.scan(family, range, Direction::Forwards, &mut |key, _| {
            batch.push(family, Op::Delete(key.to_vec()));
            if batch.bytes >= self.shared.deleting.batch_bytes {
                written = write(&mut batch);
            }
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        written?;
        write(&mut batch)
    }

    fn compact_away(&self, family: Family, range: &Range) -> Result<(), Error> {
        let (start, end) = range;
        let cut_rows = self.cut_rows(range);
        for (row, _) in &cut_rows {
            // A tombstone in the half that is gone, so that level 0 has something of the row to compact.
            let mut batch = Batch::default();
            batch.push(family, Op::Delete(row.max(start).clone()));
            self.engine.write(&batch.writes, NOW)?;
        }
        self.engine.flush(family)?;
        if self.engine.files(family)?.iter().any(|file| file.overlaps(start, end)) {
            self.engine.compact(family, (start, end), false)?;
        }
        cut_rows.iter().try_for_each(|row| self.compact_cut_row(family, row))
    }

    fn cut_rows(&self, (start, end): &Range) -> Vec<Range> {
        let cut = |bound| self.shared.layout.cut_row(bound).map(|row: &[u8]| (row.to_vec(), row_end(row)));
        let mut rows: Vec<_> = [cut(start), cut(end)].into_iter().flatten().collect();
        rows.dedup();
        rows
    }

    /// RocksDB's C API does not tell whether a compaction went through, so the files of level 0 do: after it none of them is there.
    fn compact_cut_row(&self, family: Family, (start, end): &Range) -> Result<(), Error> {
        let at_the_top = || {
            let mut files = self.engine.files(family)?;
            files.retain(|file| file.level == 0 && file.overlaps(start, end));
            Ok::<_, Error>(files)
        };
        let before = at_the_top()?;
        self.engine.compact(family, (start, end), true)?;
        let after = at_the_top()?;
        if before.iter().any(|file| after.contains(file)) {
            return Err(Error::new(
                Kind::Busy,
                format!("a row that a bound of {} cuts was not compacted; enable manual compactions, and repeat the call", show(&(start.clone(), end.clone()))),
            ));
        }
        Ok(())
    }
}

/// For an operator who wants to know what a destroy is at.
fn phase(name: &str, ranges: &[Range]) {
    for range in ranges {
        log(Level::Debug, || format!("destroy {}: {name}", show(range)));
    }
}

fn show((start, end): &Range) -> String {
    format!("[{}, {})", hex(start), hex(end))
}
