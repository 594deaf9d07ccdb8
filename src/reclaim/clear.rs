//! Clearing a range: the work of a destroy between the "started" and the "done" record.
//!
//! A bound with a timestamp cuts a row into a destroyed half and a live half. Suppose the
//! tombstones of the destroyed half are in one level and the versions that they hide are in
//! another. When the record is gone, a filter that sees only the hidden versions treats them as the
//! newest ones. It then removes the live half:
//!
//! ```text
//!   destroyed: [a @ 9, a @ 5)      L0: tombstones of a @ 9, a @ 7    L6: a @ 9, a @ 7, a @ 5
//!   a filter over L6 alone         keeps a @ 9 (hidden), removes a @ 5 (live)
//! ```
//!
//! So a destroy that wrote a tombstone compacts such a row into the last level before it removes
//! the record. It deletes the destroyed half with point tombstones. A point tombstone removes its
//! key when a compaction meets both; a range tombstone does not.

use super::batch::Batch;
use super::covered_families::CoveredFamilies;
use super::destroy::{DestroyReport, phase, show};
use super::families::Role;
use super::store::Store;
use crate::engine::{Direction, Family, File, Op, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::layout::{StoredRange, row_end};
use std::ops::ControlFlow;
use std::time::Instant;

/// A destroy writes into a write stall too, because a host's thread waits for it. The "done" record
/// makes these writes durable.
const NOW: WriteOptions = WriteOptions { sync: false, no_slowdown: false };

/// The number of attempts at a compaction that RocksDB may refuse.
const TRIES: usize = 5;

impl Store {
    /// Does the work between the two records, in the families that the record covers. `again` means
    /// that an earlier attempt may have left tombstones.
    pub(super) fn clear(
        &self,
        range: &StoredRange,
        covers: &CoveredFamilies,
        again: bool,
        report: &mut DestroyReport,
    ) -> Result<(), Error> {
        let in_order = || self.in_order().into_iter().filter(|family| covers.places.contains(family));
        let begun = Instant::now();
        phase("files", std::slice::from_ref(range));
        let mut lockless = in_order().filter(|family| self.families.get(*family).is_some_and(|family| family.role != Role::Lock));
        let dropped = lockless.try_for_each(|family| self.drop_files(family, range, report));
        report.files_time += begun.elapsed();
        dropped?;

        let begun = Instant::now();
        phase("keys", std::slice::from_ref(range));
        let mut touched = Vec::new();
        let deleted = in_order().try_for_each(|family| {
            let before = (report.keys_deleted, report.range_tombstones);
            self.delete_keys(family, range, report)?;
            if again || before != (report.keys_deleted, report.range_tombstones) {
                touched.push(family);
            }
            Ok(())
        });
        report.keys_time += begun.elapsed();
        deleted?;

        let begun = Instant::now();
        phase("compact", std::slice::from_ref(range));
        let compacted = in_order().try_for_each(|family| self.compact_away(family, range, touched.contains(&family), report));
        report.compact_time += begun.elapsed();
        compacted
    }

    /// The families in the order of deletion: transaction records before the values that they name.
    pub(super) fn in_order(&self) -> Vec<Family> {
        let mut families: Vec<_> = (0..self.families.len()).collect();
        families.sort_by_key(|family| match self.families.get(*family).map(|family| family.role) {
            Some(Role::Write) => 0,
            Some(Role::Default) => 2,
            _ => 1,
        });
        families
    }

    pub(super) fn drop_files(&self, family: Family, (start, end): &StoredRange, report: &mut DestroyReport) -> Result<(), Error> {
        let within = |files: Vec<File>| files.into_iter().filter(|file| file.level > 0 && file.is_within(start, end)).collect::<Vec<_>>();
        let before = within(self.engine.files(family, (start, end))?);
        if before.is_empty() {
            return Ok(());
        }
        self.engine.delete_files(family, (start, end))?;
        let after = within(self.engine.files(family, (start, end))?);
        for file in before.iter().filter(|file| !after.iter().any(|other| other.is_same(file))) {
            report.files_dropped += 1;
            report.file_bytes_dropped = report.file_bytes_dropped.saturating_add(file.bytes);
        }
        Ok(())
    }

    fn delete_keys(&self, family: Family, (start, end): &StoredRange, report: &mut DestroyReport) -> Result<(), Error> {
        // Between these two bounds no row is cut.
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

    pub(super) fn has_keys(&self, family: Family, range: (&[u8], &[u8]), many: u64) -> Result<bool, Error> {
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
        // One batch at a time, so that no iterator is open while a write waits in a stall.
        let mut from = Some(range.0.to_vec());
        while let Some(start) = from.take() {
            let mut batch = Batch::default();
            self.engine.scan(family, (&start, range.1), Direction::Forwards, &mut |key, _| {
                if batch.bytes >= self.shared.deleting.batch_bytes {
                    from = Some(key.to_vec());
                    return ControlFlow::Break(());
                }
                batch.push(family, Op::Delete(key.to_vec()));
                ControlFlow::Continue(())
            })?;
            if !batch.is_empty() {
                self.engine.write(&batch.writes, NOW)?;
                report.keys_deleted += batch.writes.len() as u64;
            }
        }
        Ok(())
    }

    /// Compacts the files that may still hold keys of the range. `touched` means that there are
    /// tombstones in the range.
    fn compact_away(&self, family: Family, range: &StoredRange, touched: bool, report: &mut DestroyReport) -> Result<(), Error> {
        let (start, end) = range;
        let before = self.files_of(family, range)?;
        // If no key of the range was found, a file that begins before the range and ends behind it
        // holds none of its keys either.
        let ends_inside = |file: &File| file.smallest >= *start || file.largest < *end;
        if before.iter().any(|file| touched || ends_inside(file)) {
            self.engine.flush(family)?;
            self.engine.compact(family, (start, end), false)?;
        } else if !before.is_empty() && !self.engine.all_is_logged(self.ledger.home)? {
            // Tombstones that a crash would lose may hide keys in these files.
            self.engine.flush(family)?;
        }
        if touched {
            self.cut_rows(range).iter().try_for_each(|row| self.compact_cut_row(family, range, row))?;
        }
        // A file that existed before and still exists may hold keys of the range.
        let after = self.files_of(family, range)?;
        for file in after.iter().filter(|file| (touched || ends_inside(file)) && before.iter().any(|other| other.is_same(file))) {
            report.files_left += 1;
            report.file_bytes_left = report.file_bytes_left.saturating_add(file.bytes);
        }
        Ok(())
    }

    /// The rows that a bound of the range cuts.
    pub(super) fn cut_rows(&self, (start, end): &StoredRange) -> Vec<StoredRange> {
        let cut = |bound| self.shared.layout.cut_row(bound).map(|row: &[u8]| (row.to_vec(), row_end(row)));
        let mut rows: Vec<_> = [cut(start), cut(end)].into_iter().flatten().collect();
        rows.dedup();
        rows
    }

    /// RocksDB's C API does not report whether a compaction was done. So this function makes it
    /// visible. A tombstone in the destroyed half makes a file at level 0, which the compaction
    /// must remove. If a compaction of the host removes that file first, this one must rewrite the
    /// row's last level.
    fn compact_cut_row(&self, family: Family, range: &StoredRange, row: &StoredRange) -> Result<(), Error> {
        for _ in 0..TRIES {
            let mut batch = Batch::default();
            batch.push(family, Op::Delete(row.0.clone().max(range.0.clone())));
            self.engine.write(&batch.writes, NOW)?;
            self.engine.flush(family)?;
            let before = self.files_of(family, row)?;
            self.engine.compact(family, (&row.0, &row.1), true)?;
            let after = self.files_of(family, row)?;
            let is_gone = |file: &File| !after.iter().any(|other| other.is_same(file));
            let (at_the_top, below): (Vec<_>, Vec<_>) = before.into_iter().partition(|file| file.level == 0);
            let went_through =
                if at_the_top.is_empty() { below.is_empty() || below.iter().any(is_gone) } else { at_the_top.iter().all(is_gone) };
            // A row without keys has no live half to protect.
            if went_through || !self.has_keys(family, (&row.0, &row.1), 1)? {
                return Ok(());
            }
            // For a dropped family RocksDB may report success for writes, flushes and compactions
            // that it ignored.
            self.engine.look_for_family(family)?;
            if self.engine.is_dropped(family) {
                return Ok(());
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!("the row {}, which a bound cuts, was not compacted; enable manual compactions, and repeat the call", show(row)),
        ))
    }

    fn files_of(&self, family: Family, (start, end): &StoredRange) -> Result<Vec<File>, Error> {
        self.engine.files(family, (start, end))
    }
}
