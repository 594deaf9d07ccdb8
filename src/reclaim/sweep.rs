//! What is left of a dropped schema goes, batch by batch. Records before what they name; then it is compacted away; then one more look.
//!
//! Nobody reads it, and its record stands for ever, so runs that meet half of it do no harm. In the plain layout keys that are of no
//! schema may lie between its own, so there they go one by one.

use super::batch::Batch;
use super::covered_families::CoveredFamilies;
use super::ledger::SchemaRecord;
use super::store::Store;
use crate::engine::{Direction, Family, Op, WriteOptions};
use crate::error::Error;
use crate::layout::{SchemaId, StoredRange, Tenant};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// How many keys are looked at in one go.
const MOST_KEYS: usize = 10_000;

/// Where a schema is still to be looked for.
pub(super) struct Sweep {
    tenant: Tenant,
    id: SchemaId,
    places: VecDeque<KeyOwner>,
    /// Deletes that are not written yet.
    unwritten: Batch,
}

struct KeyOwner {
    family: Family,
    range: StoredRange,
    /// Nothing of it has been looked at.
    untouched: bool,
}

impl Sweep {
    /// Everywhere.
    pub(super) fn new(store: &Store, record: &SchemaRecord) -> Self {
        let SchemaRecord { tenant, id, .. } = *record;
        let ranges = store.shared.layout.schema_ranges(tenant, id);
        let place = |family| ranges.iter().map(move |range| KeyOwner { family, range: range.clone(), untouched: true });
        let families = store.in_order().into_iter().filter(|family| store.covers(record).places.contains(family));
        Self { tenant, id, places: families.flat_map(place).collect(), unwritten: Batch::default() }
    }

    /// Has it been everywhere?
    pub(super) fn is_over(&self) -> bool {
        self.places.is_empty() && self.unwritten.is_empty()
    }

    /// Writes the next deletes, if the store takes them without a stall. Returns how many bytes they were.
    pub(super) fn go_on(&mut self, store: &Store) -> Result<usize, Error> {
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
        let Some(place) = self.places.front_mut() else { return Ok(()) };
        let (family, batch) = (place.family, &mut self.unwritten);
        let many = store.shared.deleting.range_min_keys;
        let exact = store.shared.layout.schemas_are_ranges();
        let (start, end) = place.range.clone();
        if std::mem::take(&mut place.untouched) && exact && many > 0 && store.has_keys(family, (&start, &end), many)? {
            batch.push(family, Op::DeleteRange(start, end));
            self.places.pop_front();
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
            Some(next) => place.range.0 = next,
            None => _ = self.places.pop_front(),
        }
        Ok(())
    }
}

impl Store {
    /// Compacts what reaches into a schema. Returns whether no key of it is left; then the order is carried out.
    pub(super) fn finish_sweep(&self, record: &SchemaRecord) -> Result<bool, Error> {
        let ranges = self.shared.layout.schema_ranges(record.tenant, record.id);
        let covers = self.covers(record);
        let families: Vec<_> = self.in_order().into_iter().filter(|family| covers.places.contains(family)).collect();
        for (family, (start, end)) in families.iter().flat_map(|family| ranges.iter().map(move |range| (*family, range))) {
            if self.is_stopping() {
                return Ok(false);
            }
            // What is in memory only goes without: its tombstones are there, too.
            if !self.engine.files(family, (start, end))?.is_empty() {
                self.engine.flush(family)?;
                self.engine.compact(family, (start, end), false)?;
            }
        }
        for range in &ranges {
            for family in &families {
                if self.has_schema(*family, range, record)? {
                    // Of a family that the host dropped, RocksDB shows what it held, and leaves deletes out.
                    self.engine.look_for_family(*family)?;
                    return Ok(false);
                }
            }
        }
        if !covers.missing.is_empty() {
            return Ok(false);
        }
        self.advance_order(record, &SchemaRecord { done: true, ..record.clone() }, &[])?;
        Ok(true)
    }

    fn covers(&self, record: &SchemaRecord) -> CoveredFamilies {
        CoveredFamilies::new(&record.families, &self.families)
    }

    fn has_schema(&self, family: Family, (start, end): &StoredRange, record: &SchemaRecord) -> Result<bool, Error> {
        let mut found = false;
        self.engine.scan(family, (start, end), Direction::Forwards, &mut |key, _| {
            found = self.shared.layout.schema(key) == Some((record.tenant, record.id));
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }
}
