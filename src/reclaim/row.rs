//! What goes of a row that a run handed over. The run saw a part of it, some time ago; the database has all of it, as of now.
//!
//! ```text
//!   RawKV, safe point 80                  transactions, safe point 80
//!   a @ 70  delete mark                   a @ 90  put                 not eligible
//!   a @ 60  put                           a @ 75  rollback
//!   a @ 50  put                           a @ 70  delete              the newest put or delete that is eligible
//!                                         a @ 60  put, its value at a @ 55 of the default family
//!   newest version dead and below:        it deletes: all that is eligible goes, oldest first, the delete last,
//!   50, 60, then 70 go                    and a @ 60 in one batch with its value
//!                                         were it a put: what is eligible behind it and has no short value goes, with its value
//! ```
//!
//! What the version that decides is to outlive goes only if that version is durable itself: deletes are in the WAL, and a version
//! without one would be lost in a crash, together with what it hid.
//!
//! A row of any length in the memory of one batch: a first pass decides, counts, and keeps the deletes as long as they fit. If they
//! do not, more passes go backwards, from the oldest version on, a batch each, so that no iterator lives while a write waits; the
//! delete mark goes in a batch of its own, after all others are durable. Stopped anywhere, the row is dead as before. Or, for very
//! many versions and no value elsewhere, one range tombstone and the mark's own tombstone, in one batch.
//!
//! No more is deleted than was read: the deletes begin at the newest key that the first pass saw. A transaction that commits at the
//! safe point meanwhile lies in front of that key.

use super::batch::Batch;
use super::store::{Role, Store};
use crate::engine::{Direction, Family, Op, ScanStep, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::layout::raw_value::RawValue;
use crate::layout::write_record::WriteRecord;
use crate::layout::{Timestamp, append_timestamp, row_end, split_timestamp};
use crate::rule::expiry::ExpiredUpTo;
use crate::rule::raw::Death;
use crate::rule::txn::Record;
use crate::shared::FilterKind;
use std::ops::ControlFlow;

/// What the worker is to do with a row.
#[derive(Debug)]
pub(super) enum Plan {
    /// A value that decides does not parse: the row stays as it is.
    Unparsed,
    /// A crash would lose the version that decides, until this family is flushed.
    NotDurable(Family),
    /// These deletes, perhaps none, all in one batch.
    Batch(Batch),
    /// More than fit into a batch.
    Long(LongRow),
}

/// A row of which more goes than fits into a batch.
#[derive(Debug)]
pub(super) struct LongRow {
    family: Family,
    kind: FilterKind,
    row_len: usize,
    /// From its first eligible version on.
    start: Vec<u8>,
    end: Vec<u8>,
    safe_point: Timestamp,
    head: Head,
}

/// The version that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Head {
    /// Everything goes, this key last, and with it its value if that lies elsewhere.
    Mark(Vec<u8>, Option<Vec<u8>>),
    /// It stays, with its value if that lies elsewhere; of what is older, records with a value elsewhere go.
    Put(Timestamp, Option<Vec<u8>>),
    /// None does: all of it goes.
    None,
}

/// What becomes of a version on the way through a row.
enum Found {
    /// It stays, or a run takes it.
    Stays,
    /// It goes, with its value if that lies elsewhere.
    Goes(Option<Vec<u8>>),
    /// It does not parse.
    Unparsed,
}

impl LongRow {
    /// A row of which all versions up to a timestamp go.
    pub(super) fn up_to(family: Family, kind: FilterKind, row: &[u8], up_to: Timestamp) -> Self {
        let mut start = row.to_vec();
        append_timestamp(&mut start, up_to);
        Self { family, kind, row_len: row.len(), start, end: row_end(row), safe_point: up_to, head: Head::None }
    }
}

impl Store {
    /// Reads a row and decides. Nothing is to be done for rows whose family the store has not.
    pub(super) fn plan(&self, kind: FilterKind, row: &[u8]) -> Result<Plan, Error> {
        let nothing = Plan::Batch(Batch::default());
        let role = if kind == FilterKind::Write { Role::Write } else { Role::Default };
        let Some(family) = self.family(role) else { return Ok(nothing) };
        let mut start = row.to_vec();
        append_timestamp(&mut start, 0);
        let end = row_end(row);
        let safe_point = self.shared.effective(self.shared.layout.place(&start)).safe_point;
        // Its halves are not one row any more, or what is left of it is being deleted.
        let destroyed = self.shared.dropped().in_family(family);
        if safe_point == 0 || destroyed.touch(row, &end) || self.shared.is_of_invalid_schema(&start, Some(family)) {
            return Ok(nothing);
        }
        start.truncate(row.len());
        if kind == FilterKind::Write {
            append_timestamp(&mut start, safe_point);
        }
        let expired = ExpiredUpTo::new(self.shared.clock.now(), self.shared.ttl_grace_seconds);
        let mut pass = FirstPass {
            store: self,
            family,
            kind,
            safe_point,
            expired,
            row_len: row.len(),
            newest: None,
            head: None,
            head_value: Vec::new(),
            seen: Seen::default(),
        };
        let (mut unparsed, mut looks) = (false, Looks::default());
        self.engine.scan(family, (&start, &end), Direction::Forwards, &mut |key, value| {
            if looks.are_over(self) {
                return ControlFlow::Break(());
            }
            pass.see(key, value).unwrap_or_else(|| {
                unparsed = true;
                ControlFlow::Break(())
            })
        })?;
        looks.check()?;
        if unparsed {
            return Ok(Plan::Unparsed);
        }
        let FirstPass { head: Some(head), head_value, newest: Some(newest), seen, .. } = pass else { return Ok(nothing) };
        if seen.versions == 0 {
            return Ok(nothing);
        }
        if let Some(family) = self.not_durable(family, row, &head, &head_value)? {
            return Ok(Plan::NotDurable(family));
        }
        let start = newest;
        let many = self.shared.deleting.range_min_keys;
        Ok(match head {
            Head::Mark(mark, _) if many > 0 && seen.versions >= many && !seen.has_long_values => {
                let mut batch = Batch::default();
                batch.push(family, Op::DeleteRange(start, end));
                batch.push(family, Op::Delete(mark));
                Plan::Batch(batch)
            }
            head if seen.overflowed => Plan::Long(LongRow { family, kind, row_len: row.len(), start, end, safe_point, head }),
            _ => Plan::Batch(seen.oldest_first()),
        })
    }

    /// The family in which a crash would lose the version that decides, or its value.
    fn not_durable(&self, family: Family, row: &[u8], head: &Head, value: &[u8]) -> Result<Option<Family>, Error> {
        let (key, value_key) = match head {
            Head::Mark(key, value_key) => (key.clone(), value_key),
            Head::Put(ts, value_key) => {
                let mut key = row.to_vec();
                append_timestamp(&mut key, *ts);
                (key, value_key)
            }
            Head::None => return Ok(None),
        };
        if self.engine.get_durable(family, &key)?.as_deref() != Some(value) {
            return Ok(Some(family));
        }
        let (Some(value_key), Some(default)) = (value_key, self.family(Role::Default)) else { return Ok(None) };
        // A value that is nowhere is not waited for.
        let is_lost = self.engine.get_durable(default, value_key)?.is_none() && self.engine.get(default, value_key)?.is_some();
        Ok(is_lost.then_some(default))
    }

    /// Deletes a long row, `write` by `write`; a write with `sync` makes durable what was written before it. Returns whether all of it
    /// parsed.
    pub(super) fn delete_long_row(
        &self,
        row: &LongRow,
        write: &mut dyn FnMut(&Batch, WriteOptions) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let mut batch = Batch::default();
        let mut parsed = true;
        let is_mark = matches!(row.head, Head::Mark(..));
        let mut end = Some(row.end.clone());
        while let Some(before) = end.take()
            && parsed
        {
            let mut looks = Looks::default();
            self.engine.scan(row.family, (&row.start, &before), Direction::Backwards, &mut |key, value| {
                if looks.are_over(self) {
                    return ControlFlow::Break(());
                }
                match self.find(row, key, value) {
                    Found::Stays => {}
                    // Only when there is more to come: the last batch is the one that is made durable.
                    Found::Goes(_) if batch.bytes >= self.shared.deleting.batch_bytes => {
                        end = Some([key, b"\0"].concat());
                        return ControlFlow::Break(());
                    }
                    Found::Goes(value_key) => self.push(&mut batch, row.family, key, value_key),
                    Found::Unparsed => {
                        parsed = false;
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            })?;
            looks.check()?;
            if !batch.is_empty() {
                write(&batch, WriteOptions { sync: is_mark && end.is_none(), ..WriteOptions::default() })?;
                batch.clear();
            }
        }
        if let Head::Mark(mark, value_key) = &row.head
            && parsed
        {
            batch.clear();
            self.push(&mut batch, row.family, mark, value_key.clone());
            write(&batch, WriteOptions::default())?;
        }
        Ok(parsed)
    }

    /// What becomes of a version of a long row, but for its mark, which goes last.
    fn find(&self, row: &LongRow, key: &[u8], value: &[u8]) -> Found {
        let Some((_, ts)) = split_timestamp(key).filter(|(bytes, _)| bytes.len() == row.row_len) else { return Found::Stays };
        if matches!(&row.head, Head::Mark(mark, _) if mark == key) {
            return Found::Stays;
        }
        if row.kind != FilterKind::Write {
            return Found::Goes(None);
        }
        let Ok(parsed) = WriteRecord::parse(value) else { return Found::Unparsed };
        let value_key = value_key(key, Record::of(&parsed, row.safe_point));
        match row.head {
            Head::Put(put, _) if ts >= put || value_key.is_none() => Found::Stays,
            _ => Found::Goes(value_key),
        }
    }

    /// Deletes a version, with its value if that lies elsewhere.
    pub(super) fn push(&self, batch: &mut Batch, family: Family, key: &[u8], value_key: Option<Vec<u8>>) {
        batch.push(family, Op::Delete(key.to_vec()));
        if let (Some(value_key), Some(default)) = (value_key, self.family(Role::Default)) {
            batch.push(default, Op::Delete(value_key));
        }
    }
}

/// The key of a record's value in the default family, if it has one there.
pub(super) fn value_key(key: &[u8], record: Record) -> Option<Vec<u8>> {
    let (row, commit_ts) = split_timestamp(key)?;
    record.long_value().map(|value| value.keys(row, commit_ts).1)
}

/// From the newest version on.
struct FirstPass<'s> {
    store: &'s Store,
    family: Family,
    kind: FilterKind,
    safe_point: Timestamp,
    expired: ExpiredUpTo,
    row_len: usize,
    /// The first key that was seen.
    newest: Option<Vec<u8>>,
    head: Option<Head>,
    /// What lies under the key of the version that decides.
    head_value: Vec<u8>,
    seen: Seen,
}

/// Looks, now and then on the way through a row, whether somebody waits for the rows in hand.
#[derive(Default)]
struct Looks {
    keys: usize,
    over: bool,
}

impl Looks {
    /// How many keys are read between two looks.
    const BETWEEN: usize = 1024;

    fn are_over(&mut self, store: &Store) -> bool {
        self.keys += 1;
        if self.keys.is_multiple_of(Self::BETWEEN) {
            self.over = store.is_stopping() || store.shared.wants_rows_in_hand_back();
        }
        self.over
    }

    fn check(&self) -> Result<(), Error> {
        if self.over { Err(Error::new(ErrorKind::Busy, "somebody waits for the rows in hand")) } else { Ok(()) }
    }
}

/// What goes, as far as it has been seen.
#[derive(Debug, Default)]
struct Seen {
    /// A batch a version, newest first.
    deletes: Vec<Batch>,
    bytes: usize,
    overflowed: bool,
    versions: u64,
    has_long_values: bool,
}

impl Seen {
    fn add(&mut self, delete: Batch, most: usize) {
        self.versions += 1;
        self.bytes += delete.bytes;
        self.overflowed |= self.bytes > most;
        if self.overflowed {
            self.deletes = Vec::new();
        } else {
            self.deletes.push(delete);
        }
    }

    fn oldest_first(self) -> Batch {
        let mut batch = Batch::default();
        self.deletes.into_iter().rev().for_each(|delete| batch.append(delete));
        batch
    }
}

impl FirstPass<'_> {
    /// The next older version; `None` = it does not parse, and matters.
    fn see(&mut self, key: &[u8], value: &[u8]) -> Option<ScanStep> {
        let Some((_, ts)) = split_timestamp(key).filter(|(row, _)| row.len() == self.row_len) else {
            return Some(ControlFlow::Continue(()));
        };
        if self.kind == FilterKind::Write { self.see_record(key, ts, value) } else { self.see_version(key, ts, value) }
    }

    fn see_version(&mut self, key: &[u8], ts: Timestamp, value: &[u8]) -> Option<ScanStep> {
        if self.head.is_none() {
            if ts >= self.safe_point {
                return Some(ControlFlow::Break(()));
            }
            let parsed = RawValue::parse_v2(value).ok()?;
            if Death::of(parsed.delete_mark, parsed.expire_ts, self.expired).is_none() {
                return Some(ControlFlow::Break(()));
            }
            self.head_value = value.to_vec();
            self.head = Some(Head::Mark(key.to_vec(), None));
            self.newest = Some(key.to_vec());
        }
        self.goes(key, None);
        Some(ControlFlow::Continue(()))
    }

    fn see_record(&mut self, key: &[u8], ts: Timestamp, value: &[u8]) -> Option<ScanStep> {
        self.newest.get_or_insert_with(|| key.to_vec());
        let record = Record::of(&WriteRecord::parse(value).ok()?, self.safe_point);
        let value_key = value_key(key, record);
        self.seen.has_long_values |= value_key.is_some();
        match (&self.head, record) {
            (None, Record::NoData) => self.goes(key, None),
            (None, record) if record.deletes() => {
                self.head = Some(Head::Mark(key.to_vec(), value_key.clone()));
                self.head_value = value.to_vec();
                self.goes(key, value_key);
            }
            (None, _) => {
                // What stands in front of a put is nothing that needs the worker.
                (self.head, self.seen) = (Some(Head::Put(ts, value_key)), Seen::default());
                self.head_value = value.to_vec();
            }
            (Some(Head::Put(..)), _) if value_key.is_none() => {}
            (Some(_), _) => self.goes(key, value_key),
        }
        Some(ControlFlow::Continue(()))
    }

    fn goes(&mut self, key: &[u8], value_key: Option<Vec<u8>>) {
        let mut delete = Batch::default();
        self.store.push(&mut delete, self.family, key, value_key);
        self.seen.add(delete, self.store.shared.deleting.batch_bytes);
    }
}
