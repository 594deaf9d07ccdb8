//! The order book: the schemas of the ledger, and which of them the worker must still work on.

use super::done_drops::DoneDrops;
use super::dropped_ids::DroppedIds;
use super::schema::{Order, OrderProgress, SchemaRecord};
use crate::layout::{SchemaId, Tenant};
use crate::shared::IdSet;
use std::collections::{BTreeMap, BTreeSet};

/// The tenant and id of a schema.
pub type SchemaKey = (Tenant, SchemaId);

/// The schemas of a ledger, and which of them the worker must work on.
#[derive(Debug, Default)]
pub struct OrderBook {
    /// The schemas that have a record of their own.
    pub records: BTreeMap<SchemaKey, SchemaRecord>,
    /// The dropped schemas of which no key is left. If such a schema is dropped again, it also has
    /// a record of its own until no key is left.
    pub done: DoneDrops,
    /// The schemas whose keys must be deleted.
    pub open: BTreeSet<SchemaKey>,
    /// The schemas whose files must be compacted.
    pub to_compact: BTreeSet<SchemaKey>,
    /// The schema of which a host's thread is writing another record.
    pub being_ordered: Option<SchemaKey>,
}

/// Pages of dropped ids, and the records that they replace.
type Replaced = (Vec<DroppedIds>, Vec<SchemaRecord>);

impl OrderBook {
    /// The book of a ledger's records, of which nothing is open yet. Also returns the pages that
    /// replace records of earlier versions, and the records that a drop outranks.
    pub fn of(
        records: impl Iterator<Item = SchemaRecord>,
        dropped_ids: impl Iterator<Item = DroppedIds>,
    ) -> (Self, Vec<Replaced>, Vec<SchemaRecord>) {
        let (done, mut own): (Vec<_>, Vec<_>) = records.partition(SchemaRecord::is_done_drop);
        let page = |record: &SchemaRecord| (record.tenant, IdSet::page_of(record.id));
        let mut drops = DoneDrops::new(dropped_ids);
        let mut replaced = Vec::new();
        for neighbours in done.chunk_by(|one, next| page(one) == page(next)) {
            let pages = drops.with(neighbours);
            pages.iter().for_each(|page| drops.put(page.clone()));
            replaced.push((pages, neighbours.to_vec()));
        }
        // A drop outranks a truncation. A ledger has both only if it was merged from two ledgers.
        let outranked = own.extract_if(.., |record| record.order == Order::Truncate && drops.contain(record.schema())).collect();
        let records = own.into_iter().map(|record| (record.schema(), record)).collect();
        (Self { records, done: drops, ..Self::default() }, replaced, outranked)
    }

    pub fn put(&mut self, record: SchemaRecord) {
        let schema = record.schema();
        self.forget(&schema);
        match record.progress {
            OrderProgress::Deleting => _ = self.open.insert(schema),
            OrderProgress::Deleted => _ = self.to_compact.insert(schema),
            OrderProgress::Done => {}
        }
        self.records.insert(schema, record);
    }

    /// Replaces the record of a schema by records of dropped ids.
    pub fn finish(&mut self, schema: &SchemaKey, done: Vec<DroppedIds>) {
        self.forget(schema);
        done.into_iter().for_each(|record| self.done.put(record));
    }

    fn forget(&mut self, schema: &SchemaKey) {
        self.records.remove(schema);
        self.open.remove(schema);
        self.to_compact.remove(schema);
    }
}
