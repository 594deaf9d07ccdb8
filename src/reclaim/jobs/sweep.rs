//! Deleting the rest of a dropped schema, batch by batch: transaction records before the values
//! that they name. Then the worker compacts the files, see `debt`. At last it reads the schema once
//! more, to make sure that it is empty.
//!
//! A filter that sees only half of the schema does no harm: no reader uses the schema, and its
//! record is never deleted. In the plain layout other keys may be between the keys of the schema.
//! There the worker deletes the keys one by one.

use crate::engine::{Direction, Family, Op, WriteOptions};
use crate::error::Error;
use crate::layout::{SchemaId, StoredRange, Tenant};
use crate::reclaim::ledger::{CoveredFamilies, Ledger, Order, OrderProgress, SchemaRecord};
use crate::reclaim::store::{Batch, Store};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// The most keys that are read in one step.
const MOST_KEYS: usize = 10_000;

/// The ranges of a schema that are still to be read.
pub struct Sweep {
    tenant: Tenant,
    id: SchemaId,
    parts: VecDeque<Part>,
    /// Deletes that are not written yet.
    unwritten: Batch,
}

struct Part {
    family: Family,
    range: StoredRange,
    /// Whether no key of the range has been read.
    untouched: bool,
}

impl Sweep {
    /// All ranges of the schema, in all covered families.
    pub fn new(store: &Store, record: &SchemaRecord) -> Self {
        let SchemaRecord { tenant, id, .. } = *record;
        let ranges = store.shared.layout.schema_ranges(tenant, id);
        let part = |family| ranges.iter().map(move |range| Part { family, range: range.clone(), untouched: true });
        let families = store.families.in_order().into_iter().filter(|family| covers(store, record).places.contains(family));
        Self { tenant, id, parts: families.flat_map(part).collect(), unwritten: Batch::default() }
    }

    /// Whether all keys of all ranges are deleted.
    pub fn is_over(&self) -> bool {
        self.parts.is_empty() && self.unwritten.is_empty()
    }

    /// Writes the next deletes, unless the store stalls writes. Returns their size in bytes.
    pub fn go_on(&mut self, store: &Store) -> Result<usize, Error> {
        if self.unwritten.is_empty() {
            self.look(store)?;
        }
        let bytes = self.unwritten.bytes;
        if !self.unwritten.is_empty() {
            store.engine.write(&self.unwritten.writes, WriteOptions { sync: false, no_slowdown: true })?;
            self.unwritten.clear();
        }
        Ok(bytes)
    }

    /// Finds the next deletes.
    fn look(&mut self, store: &Store) -> Result<(), Error> {
        let Some(part) = self.parts.front_mut() else { return Ok(()) };
        let (family, batch) = (part.family, &mut self.unwritten);
        let many = store.shared.deleting.range_min_keys;
        let exact = store.shared.layout.schemas_are_ranges();
        let (start, end) = part.range.clone();
        if std::mem::take(&mut part.untouched) && exact && many > 0 && store.has_keys(family, (&start, &end), many)? {
            batch.push(family, Op::DeleteRange(start, end));
            self.parts.pop_front();
            return Ok(());
        }
        let (mut seen, mut next) = (0, None);
        let schema = Some((self.tenant, self.id));
        store.engine.scan(family, (&start, &end), Direction::Forwards, &mut |key, _| {
            if batch.bytes >= store.shared.deleting.batch_bytes || seen >= MOST_KEYS {
                next = Some(key.to_vec());
                return ControlFlow::Break(());
            }
            seen += 1;
            if store.shared.layout.schema(key) == schema {
                batch.push(family, Op::Delete(key.to_vec()));
            }
            ControlFlow::Continue(())
        })?;
        match next {
            Some(next) => part.range.0 = next,
            None => _ = self.parts.pop_front(),
        }
        Ok(())
    }
}

/// Records that an order is done, when the files of its schema are compacted. Returns whether it is
/// done. If the host has written into a dropped schema since, the worker deletes its keys again.
pub fn finish(store: &Store, ledger: &Ledger, record: &SchemaRecord) -> Result<bool, Error> {
    let is_empty = record.order == Order::Truncate || !has_keys(store, record)?;
    if is_empty && !covers(store, record).missing.is_empty() {
        return Ok(false);
    }
    let progress = if is_empty { OrderProgress::Done } else { OrderProgress::Deleting };
    ledger.schemas.advance(store, record, &SchemaRecord { progress, ..record.clone() }, &[])?;
    Ok(is_empty)
}

fn has_keys(store: &Store, record: &SchemaRecord) -> Result<bool, Error> {
    for range in store.shared.layout.schema_ranges(record.tenant, record.id) {
        for family in covers(store, record).places {
            if has_schema(store, family, &range, record)? {
                // RocksDB still shows the keys of a family that the host dropped, and ignores
                // deletes.
                store.engine.look_for_family(family)?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn covers(store: &Store, record: &SchemaRecord) -> CoveredFamilies {
    CoveredFamilies::new(&record.families, &store.families)
}

fn has_schema(store: &Store, family: Family, (start, end): &StoredRange, record: &SchemaRecord) -> Result<bool, Error> {
    let mut found = false;
    store.engine.scan(family, (start, end), Direction::Forwards, &mut |key, _| {
        found = store.shared.layout.schema(key) == Some((record.tenant, record.id));
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}
