//! A row with more deletes than fit into a batch. Its versions are deleted batch by batch, the
//! oldest first, so that after a crash the newer versions still hide the older ones.

use crate::engine::{Direction, Family, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::layout::write_record::WriteRecord;
use crate::layout::{Timestamp, append_timestamp, row_end, split_timestamp};
use crate::reclaim::store::{Batch, Store};
use crate::rule::txn::Record;
use crate::shared::FilterKind;
use std::ops::ControlFlow;

/// A row with more deletes than fit into a batch.
#[derive(Debug)]
pub struct LongRow {
    pub family: Family,
    pub kind: FilterKind,
    pub row_len: usize,
    /// The stored key of the newest version to delete.
    pub start: Vec<u8>,
    pub end: Vec<u8>,
    pub safe_point: Timestamp,
    pub head: Head,
}

/// The version that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A delete: all eligible versions are deleted, and this key last, with its value in the
    /// default family if it has one.
    Mark(Vec<u8>, Option<Vec<u8>>),
    /// A put: it is kept with its value. Older records are deleted if their value is in the default
    /// family.
    Put(Timestamp, Option<Vec<u8>>),
    /// No version decides: all versions are deleted.
    None,
}

/// The decision about one version of a long row.
enum Found {
    /// The version is kept, or left to a filter.
    Keep,
    /// The version is deleted, with its value in the default family if it has one.
    Delete(Option<Vec<u8>>),
    /// The version does not parse.
    Unparsed,
}

impl LongRow {
    /// A row of which all versions up to a timestamp must be deleted.
    pub fn up_to(family: Family, kind: FilterKind, row: &[u8], up_to: Timestamp) -> Self {
        let mut start = row.to_vec();
        append_timestamp(&mut start, up_to);
        Self { family, kind, row_len: row.len(), start, end: row_end(row), safe_point: up_to, head: Head::None }
    }
}

/// Deletes a long row; `write` writes one batch. The last batch before the delete mark is synced,
/// which makes all earlier writes durable. Returns whether the whole row parsed.
pub fn delete(store: &Store, row: &LongRow, write: &mut dyn FnMut(&Batch, WriteOptions) -> Result<(), Error>) -> Result<bool, Error> {
    let mut batch = Batch::default();
    let mut parsed = true;
    let is_mark = matches!(row.head, Head::Mark(..));
    let mut end = Some(row.end.clone());
    while let Some(before) = end.take()
        && parsed
    {
        let mut looks = Looks::default();
        store.engine.scan(row.family, (&row.start, &before), Direction::Backwards, &mut |key, value| {
            if looks.are_over(store) {
                return ControlFlow::Break(());
            }
            match find(row, key, value) {
                Found::Keep => {}
                // The batch is full, and this delete needs another one. So this batch is not the
                // last one, and need not be synced.
                Found::Delete(_) if batch.bytes >= store.shared.deleting.batch_bytes => {
                    end = Some([key, b"\0"].concat());
                    return ControlFlow::Break(());
                }
                Found::Delete(value_key) => store.families.delete_version(&mut batch, row.family, key, value_key),
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
        store.families.delete_version(&mut batch, row.family, mark, value_key.clone());
        write(&batch, WriteOptions::default())?;
    }
    Ok(parsed)
}

/// Decides about a version of a long row. The delete mark is kept here, because it is deleted
/// last.
fn find(row: &LongRow, key: &[u8], value: &[u8]) -> Found {
    let Some((_, ts)) = split_timestamp(key).filter(|(bytes, _)| bytes.len() == row.row_len) else { return Found::Keep };
    if matches!(&row.head, Head::Mark(mark, _) if mark == key) {
        return Found::Keep;
    }
    if row.kind != FilterKind::Write {
        return Found::Delete(None);
    }
    let Ok(parsed) = WriteRecord::parse(value) else { return Found::Unparsed };
    let value_key = value_key(key, Record::of(&parsed, row.safe_point));
    match row.head {
        Head::Put(put, _) if ts >= put || value_key.is_none() => Found::Keep,
        _ => Found::Delete(value_key),
    }
}

/// The key of a record's value in the default family, if it has one there.
pub fn value_key(key: &[u8], record: Record) -> Option<Vec<u8>> {
    let (row, commit_ts) = split_timestamp(key)?;
    record.long_value().map(|value| value.keys(row, commit_ts).1)
}

/// Checks, now and then during a row, whether another thread waits for the rows in hand.
#[derive(Default)]
pub struct Looks {
    keys: usize,
    over: bool,
}

impl Looks {
    /// The number of keys between two checks.
    const BETWEEN: usize = 1024;

    /// Counts a key. Returns whether the scan must end.
    pub fn are_over(&mut self, store: &Store) -> bool {
        self.keys += 1;
        if self.keys.is_multiple_of(Self::BETWEEN) {
            self.over = store.is_stopping() || store.shared.wants_rows_in_hand_back();
        }
        self.over
    }

    /// An error of kind Busy if the scan had to end.
    pub fn check(&self) -> Result<(), Error> {
        if self.over { Err(Error::new(ErrorKind::Busy, "another thread waits for the rows in hand")) } else { Ok(()) }
    }
}
