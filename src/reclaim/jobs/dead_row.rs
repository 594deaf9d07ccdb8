//! The deletes of a row that a filter handed over. The filter saw a part of the row, some time ago.
//! The worker reads the whole row from the store, as it is now.
//!
//! ```text
//!   RawKV, safe point 80        transactions, safe point 80
//!   a @ 70  delete mark         a @ 90  put       not eligible: above the safe point
//!   a @ 60  put                 a @ 75  rollback
//!   a @ 50  put                 a @ 70  delete    the newest eligible put or delete: it decides
//!                               a @ 60  put, its value at a @ 55 of the default family
//!
//!   the newest version is       a @ 70 is a delete: all eligible records are deleted, the oldest
//!   dead and below 80:          first, a @ 70 last, and a @ 60 in one batch with its value
//!   50, 60, then 70 are         if a @ 70 were a put: older records with a value in the default
//!   deleted                     family would be deleted, each with its value
//! ```
//!
//! The worker deletes other versions only if the version that decides is durable. The WAL has the
//! deletes. Suppose that a crash loses the deciding version. Then the deletes would still remove
//! the versions that it hid.
//!
//! A row of any length needs the memory of one batch. A first pass decides, counts, and keeps the
//! deletes while they fit into the batch. If they do not fit, further passes read backwards, from
//! the oldest version. Each of them fills one batch, so that no iterator is open while a write
//! waits. The last batch deletes only the delete mark, after all other deletes are durable. If the
//! worker stops anywhere, the row is as dead as before. If a row has very many versions and no
//! values elsewhere, one batch deletes it: one range tombstone, and the tombstone of the mark.
//!
//! The worker deletes no more than it has read: the deletes begin at the newest key that the first
//! pass saw. If a transaction commits at the safe point meanwhile, its record is newer than that
//! key, and is kept.

use super::long_row::{Head, LongRow, Looks, value_key};
use crate::engine::{Direction, Family, Op, ScanStep};
use crate::error::Error;
use crate::layout::raw_value::RawValue;
use crate::layout::write_record::WriteRecord;
use crate::layout::{Timestamp, append_timestamp, row_end, split_timestamp};
use crate::reclaim::store::{Batch, Role, Store};
use crate::rule::expiry::ExpiredUpTo;
use crate::rule::raw::Death;
use crate::rule::txn::Record;
use crate::shared::FilterKind;
use std::ops::ControlFlow;

/// The worker's decision about a row.
#[derive(Debug)]
pub enum Plan {
    /// A value that decides does not parse: the row is kept as it is.
    Unparsed,
    /// A crash would lose the version that decides, until this family is flushed.
    NotDurable(Family),
    /// The deletes, perhaps none, in one batch.
    Batch(Batch),
    /// More deletes than fit into a batch.
    Long(LongRow),
}

/// Reads a row and decides. If the store has no family for such rows, the plan is empty.
pub fn plan(store: &Store, kind: FilterKind, row: &[u8]) -> Result<Plan, Error> {
    let nothing = Plan::Batch(Batch::default());
    let role = if kind == FilterKind::Write { Role::Write } else { Role::Default };
    let Some(family) = store.families.with_role(role) else { return Ok(nothing) };
    let mut start = row.to_vec();
    append_timestamp(&mut start, 0);
    let end = row_end(row);
    let safe_point = store.shared.effective(store.shared.layout.owner(&start)).safe_point;
    // A destroyed range may cut the row. Or another job is deleting the rest of the row.
    let destroyed = store.shared.dropped().in_family(family);
    if safe_point == 0 || destroyed.touch(row, &end) || store.shared.schemas.is_key_invalid(&store.shared.layout, &start, Some(family)) {
        return Ok(nothing);
    }
    start.truncate(row.len());
    if kind == FilterKind::Write {
        append_timestamp(&mut start, safe_point);
    }
    let expired = ExpiredUpTo::new(store.shared.clock.now(), store.shared.ttl_grace_seconds);
    let mut pass = FirstPass {
        store,
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
    store.engine.scan(family, (&start, &end), Direction::Forwards, &mut |key, value| {
        if looks.are_over(store) {
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
    if let Some(family) = not_durable(store, family, row, &head, &head_value)? {
        return Ok(Plan::NotDurable(family));
    }
    let start = newest;
    let many = store.shared.deleting.range_min_keys;
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
fn not_durable(store: &Store, family: Family, row: &[u8], head: &Head, value: &[u8]) -> Result<Option<Family>, Error> {
    let (key, value_key) = match head {
        Head::Mark(key, value_key) => (key.clone(), value_key),
        Head::Put(ts, value_key) => {
            let mut key = row.to_vec();
            append_timestamp(&mut key, *ts);
            (key, value_key)
        }
        Head::None => return Ok(None),
    };
    if store.engine.get_durable(family, &key)?.as_deref() != Some(value) {
        return Ok(Some(family));
    }
    let (Some(value_key), Some(default)) = (value_key, store.families.with_role(Role::Default)) else { return Ok(None) };
    // A value that does not exist at all need not become durable.
    let is_lost = store.engine.get_durable(default, value_key)?.is_none() && store.engine.get(default, value_key)?.is_some();
    Ok(is_lost.then_some(default))
}

/// The first pass over a row, from its newest version.
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
    /// The value of the version that decides.
    head_value: Vec<u8>,
    seen: Seen,
}

/// The deletes that the first pass has found.
#[derive(Debug, Default)]
struct Seen {
    /// One batch for each version, newest first.
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
    /// Looks at the next older version. `None` means that a value does not parse, and that the row
    /// must be kept because of it.
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
        self.delete(key, None);
        Some(ControlFlow::Continue(()))
    }

    fn see_record(&mut self, key: &[u8], ts: Timestamp, value: &[u8]) -> Option<ScanStep> {
        self.newest.get_or_insert_with(|| key.to_vec());
        let record = Record::of(&WriteRecord::parse(value).ok()?, self.safe_point);
        let value_key = value_key(key, record);
        self.seen.has_long_values |= value_key.is_some();
        match (&self.head, record) {
            (None, Record::NoData) => self.delete(key, None),
            (None, record) if record.deletes() => {
                self.head = Some(Head::Mark(key.to_vec(), value_key.clone()));
                self.head_value = value.to_vec();
                self.delete(key, value_key);
            }
            (None, _) => {
                // The versions above a put do not need the worker.
                (self.head, self.seen) = (Some(Head::Put(ts, value_key)), Seen::default());
                self.head_value = value.to_vec();
            }
            (Some(Head::Put(..)), _) if value_key.is_none() => {}
            (Some(_), _) => self.delete(key, value_key),
        }
        Some(ControlFlow::Continue(()))
    }

    fn delete(&mut self, key: &[u8], value_key: Option<Vec<u8>>) {
        let mut delete = Batch::default();
        self.store.families.delete_version(&mut delete, self.family, key, value_key);
        self.seen.add(delete, self.store.shared.deleting.batch_bytes);
    }
}
