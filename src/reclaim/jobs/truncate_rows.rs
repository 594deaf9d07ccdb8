//! Deleting the versions of a schema up to a timestamp, row by row, while the schema is in use.
//!
//! ```text
//!   truncate up to 60, reader at 100
//!   a @ 90 put      is kept
//!   a @ 50 delete   is deleted second: until then it hides a @ 40
//!   a @ 40 put      is deleted first
//!   b @ 55 put      its value is at b @ 53 of the default family: one batch deletes both
//! ```
//!
//! Each batch also records a position in the ledger: all rows before it are done. So after a crash
//! the worker repeats one batch at most. A row that does not fit into a batch has batches of its
//! own, the oldest versions first. Until that row is done, the position in the ledger is before it.

use super::long_row::{self, LongRow, value_key};
use crate::engine::{Direction, Family, WriteOptions};
use crate::error::Error;
use crate::layout::write_record::WriteRecord;
use crate::layout::{KeyMode, StoredRange, row_end};
use crate::reclaim::ledger::{OrderProgress, SchemaRecord};
use crate::reclaim::store::{Batch, Role, Store};
use crate::rule::txn::Record;
use crate::shared::FilterKind;
use std::ops::ControlFlow;

/// The most keys that are read before the position is recorded.
const MOST_KEYS: usize = 10_000;

/// The versions of one kind, in one family.
struct Part {
    family: Family,
    kind: FilterKind,
    range: StoredRange,
}

/// The state of a scan over the rows of a part.
struct RowsToTruncate<'s> {
    store: &'s Store,
    part: &'s Part,
    record: &'s SchemaRecord,
    batch: Batch,
    /// The key of the current row.
    row: Vec<u8>,
    /// The deletes of the current row, the newest version first; empty if they do not fit.
    deletes: Vec<Batch>,
    bytes: usize,
    parsed: bool,
    seen: usize,
    unparsed: Vec<Vec<u8>>,
}

/// The result of one scan.
pub struct Truncated {
    /// The deletes.
    pub batch: Batch,
    /// The order with its new position.
    pub to: SchemaRecord,
    /// The rows that are kept because a record does not parse.
    pub unparsed: Vec<Vec<u8>>,
}

/// The reason why a scan ended.
enum Ended {
    /// The batch is full, or enough keys were read: the next scan begins at this key.
    Here(Vec<u8>),
    /// The current row does not fit into a batch.
    LongRow,
    /// The part has no more keys.
    AtTheEnd,
}

/// Finds the next deletes of a truncation. `write` writes the batches of a row that does not
/// fit into one.
pub fn run(
    store: &Store,
    record: &SchemaRecord,
    write: &mut dyn FnMut(&Batch, WriteOptions) -> Result<(), Error>,
) -> Result<Truncated, Error> {
    let Some(part) = parts(store, record).into_iter().find(|part| part.range.1 > record.position) else {
        let to = SchemaRecord { progress: OrderProgress::Deleted, position: Vec::new(), ..record.clone() };
        return Ok(Truncated { batch: Batch::default(), to, unparsed: Vec::new() });
    };
    let start = part.range.0.clone().max(record.position.clone());
    let mut rows = RowsToTruncate::new(store, &part, record);
    let mut ended = Ended::AtTheEnd;
    store.engine.scan(part.family, (&start, &part.range.1), Direction::Forwards, &mut |key, value| match rows.see(key, value) {
        None => ControlFlow::Continue(()),
        Some(end) => {
            ended = end;
            ControlFlow::Break(())
        }
    })?;
    if let (Ended::AtTheEnd, true) = (&ended, rows.is_long()) {
        ended = Ended::LongRow;
    }
    let position = match ended {
        Ended::Here(next) => next,
        Ended::LongRow if rows.batch.is_empty() => {
            let end = row_end(&rows.row);
            let long = LongRow::up_to(part.family, part.kind, &rows.row, record.up_to);
            if !rows.parsed || !long_row::delete(store, &long, write)? {
                rows.leave_unparsed();
            }
            end
        }
        // The long row is deleted after the rows before it.
        Ended::LongRow => rows.row.clone(),
        Ended::AtTheEnd => {
            rows.end_row();
            part.range.1.clone()
        }
    };
    Ok(Truncated { batch: rows.batch, to: SchemaRecord { position, ..record.clone() }, unparsed: rows.unparsed })
}

/// The ranges that hold the schema's versions, in the order of their keys.
fn parts(store: &Store, record: &SchemaRecord) -> Vec<Part> {
    let (layout, tenant, id) = (&store.shared.layout, record.tenant, record.id);
    let raw = (Role::Default, FilterKind::Default, KeyMode::Raw);
    let txn = (Role::Write, FilterKind::Write, KeyMode::Txn);
    let kinds = match (tenant, store.families.with_role(Role::Write)) {
        (Some(_), _) => vec![raw, txn],
        // Plain keys are of one kind. If a family holds records, the default family holds their
        // values.
        (None, Some(_)) => vec![txn],
        (None, None) => vec![raw],
    };
    let part =
        |(role, kind, mode)| Some(Part { family: store.families.with_role(role)?, kind, range: layout.schema_range(mode, tenant, id) });
    kinds.into_iter().filter_map(part).collect()
}

impl<'s> RowsToTruncate<'s> {
    fn new(store: &'s Store, part: &'s Part, record: &'s SchemaRecord) -> Self {
        Self {
            store,
            part,
            record,
            batch: Batch::default(),
            row: Vec::new(),
            deletes: Vec::new(),
            bytes: 0,
            parsed: true,
            seen: 0,
            unparsed: Vec::new(),
        }
    }

    fn most(&self) -> usize {
        self.store.shared.deleting.batch_bytes
    }

    /// Looks at the next key.
    fn see(&mut self, key: &[u8], value: &[u8]) -> Option<Ended> {
        // Keys that the layout cannot read are kept. So are plain keys too short to have a schema.
        let layout = &self.store.shared.layout;
        let of_schema = layout.schema(key) == Some(self.record.schema());
        let Some((row, ts)) = layout.row(key).ok().filter(|_| of_schema) else { return self.pass(key) };
        if row != self.row {
            if self.is_long() {
                return Some(Ended::LongRow);
            }
            self.end_row();
            if self.batch.bytes >= self.most() || self.seen >= MOST_KEYS {
                return Some(Ended::Here(row.to_vec()));
            }
            self.row = row.to_vec();
        }
        self.seen += 1;
        if ts <= self.record.up_to && self.parsed {
            self.delete(key, value);
        }
        // All records of a row must parse before the first one is deleted.
        (self.is_long() && self.part.kind != FilterKind::Write).then_some(Ended::LongRow)
    }

    /// Passes a key that is kept. If it is in the middle of a row, the row continues behind it.
    fn pass(&mut self, key: &[u8]) -> Option<Ended> {
        self.seen += 1;
        if self.seen < MOST_KEYS || !self.row.is_empty() && key.starts_with(&self.row) {
            return None;
        }
        if self.is_long() {
            return Some(Ended::LongRow);
        }
        self.end_row();
        Some(Ended::Here(key.to_vec()))
    }

    fn delete(&mut self, key: &[u8], value: &[u8]) {
        let mut value_of_record = None;
        if self.part.kind == FilterKind::Write {
            match WriteRecord::parse(value) {
                Ok(record) => value_of_record = value_key(key, Record::of(&record, self.record.up_to)),
                Err(_) => self.parsed = false,
            }
        }
        let mut delete = Batch::default();
        self.store.families.delete_version(&mut delete, self.part.family, key, value_of_record);
        self.bytes += delete.bytes;
        if self.is_long() {
            self.deletes = Vec::new();
        } else {
            self.deletes.push(delete);
        }
    }

    fn is_long(&self) -> bool {
        self.bytes > self.most()
    }

    /// Ends the current row, which fits into the batch.
    fn end_row(&mut self) {
        if self.parsed {
            self.deletes.drain(..).rev().for_each(|delete| self.batch.append(delete));
        } else {
            self.leave_unparsed();
        }
        (self.deletes, self.bytes, self.parsed) = (Vec::new(), 0, true);
    }

    fn leave_unparsed(&mut self) {
        self.unparsed.push(self.row.clone());
    }
}
