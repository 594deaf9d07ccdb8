//! Orders about schemas. Each is in the ledger before anything else happens; the worker carries it out, and a restart goes on with it.
//!
//! ```text
//!   drop       record "dropped", durable        runs drop what they meet of it, for ever
//!              whole files                      in the call
//!              what is left                     the worker, see `sweep`; then the log says so, and the record that nothing is left
//!   truncate   record "truncating", durable
//!              versions up to the timestamp     the worker, see `truncate`; its place in the record
//! ```
//!
//! A host's write may wait for a stall to end, which may take somebody who waits for the worker's rows in hand. So no lock that the worker
//! takes is held meanwhile: the schema is marked as being ordered, and the worker leaves it alone.

use super::covered_families::{CoveredFamilies, names};
use super::destroy::DestroyReport;
use super::ledger::{Order, SchemaRecord};
use super::store::{Role, Store};
use crate::callback::lock;
use crate::engine::{Write, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::layout::{KeyForm, SchemaId, Tenant, Timestamp};
use crate::log::{Level, log};
use crate::safe_point::Registration;
use crate::shared::{FilterKind, SchemaState, Truncation};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;

/// A schema of a tenant.
pub(super) type SchemaKey = (Tenant, SchemaId);

/// A schema, for messages.
pub(super) struct Named(pub(super) SchemaKey);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tenant, id) = self.0;
        write!(f, "schema {id}")?;
        tenant.map_or(Ok(()), |keyspace| write!(f, " of keyspace {keyspace}"))
    }
}

/// The records of all schemas, and those of them that are not carried out.
#[derive(Debug, Default)]
pub(super) struct OrderBook {
    records: BTreeMap<SchemaKey, SchemaRecord>,
    open: BTreeSet<SchemaKey>,
    /// A host is writing another record of it.
    being_ordered: Option<SchemaKey>,
}

impl OrderBook {
    pub(super) fn new(records: impl Iterator<Item = SchemaRecord>) -> Self {
        Self { records: records.map(|record| (record.schema(), record)).collect(), ..Self::default() }
    }

    fn put(&mut self, record: SchemaRecord) {
        if record.done {
            self.open.remove(&record.schema());
        } else {
            self.open.insert(record.schema());
        }
        self.records.insert(record.schema(), record);
    }
}

impl Store {
    /// Drops a schema with all its data. After an error whether it is dropped is not known.
    pub fn drop_schema(&self, tenant: Tenant, id: SchemaId) -> Result<(), Error> {
        self.order((tenant, id), |known| {
            let up_to = known.map_or(0, |known| known.up_to);
            Ok(Some(SchemaRecord {
                tenant,
                id,
                order: Order::Drop,
                done: false,
                up_to,
                position: Vec::new(),
                families: names(&self.families),
            }))
        })?;
        if let Err(error) = self.drop_schema_files(tenant, id) {
            log(Level::Warn, || format!("{} is dropped; its files are left to compactions: {error}", Named((tenant, id))));
        }
        Ok(())
    }

    fn drop_schema_files(&self, tenant: Tenant, id: SchemaId) -> Result<(), Error> {
        if !self.shared.layout.schemas_are_ranges() {
            return Ok(());
        }
        for range in self.shared.layout.schema_ranges(tenant, id) {
            for family in self.in_order() {
                if self.families.get(family).is_some_and(|family| family.role != Role::Lock) {
                    self.drop_files(family, &range, &mut DestroyReport::default())?;
                }
            }
        }
        Ok(())
    }

    /// Has the worker delete a schema's versions up to a timestamp. After an error whether it will is not known.
    pub fn truncate_schema(&self, tenant: Tenant, id: SchemaId, up_to: Timestamp) -> Result<(), Error> {
        if self.shared.has_seen(FilterKind::TtlV1) {
            return Err(Error::new(
                ErrorKind::NotSupported,
                "keys of kind RGC_KIND_TTL_V1 have no timestamps to truncate by; drop the schema instead",
            ));
        }
        self.order((tenant, id), |known| {
            if self.shared.schemas.of(tenant).is_some_and(|schemas| schemas.state(id) == SchemaState::Dropped) {
                return Err(Error::invalid(format!("{} is dropped; there is nothing to truncate", Named((tenant, id)))));
            }
            let is_contained = known.is_some_and(|known| known.up_to >= up_to);
            let record = SchemaRecord {
                tenant,
                id,
                order: Order::Truncate,
                done: false,
                up_to,
                position: Vec::new(),
                families: names(&self.families),
            };
            Ok((!is_contained).then_some(record))
        })
    }

    /// Writes a new record of a schema, if `decide` wants one, and lets runs and the worker know.
    fn order(
        &self,
        key: SchemaKey,
        decide: impl FnOnce(Option<&SchemaRecord>) -> Result<Option<SchemaRecord>, Error>,
    ) -> Result<(), Error> {
        // Of several hosts' threads, one after the other.
        let _turn = lock(&self.ordering);
        let mut book = lock(&self.orders);
        let Some(record) = decide(book.records.get(&key))? else { return Ok(()) };
        book.being_ordered = Some(key);
        drop(book);
        let written = self.ledger.put(&self.engine, std::slice::from_ref(&record));
        let mut book = lock(&self.orders);
        book.being_ordered = None;
        written?;
        self.publish_order(&record);
        book.put(record);
        self.count_orders(&book);
        Ok(())
    }

    fn publish_order(&self, record: &SchemaRecord) {
        let SchemaRecord { tenant, id, order, done, up_to, .. } = *record;
        let covers = CoveredFamilies::new(&record.families, &self.families).places;
        self.shared.change_schemas(tenant, |schemas| {
            if order == Order::Drop {
                schemas.drop_for_ever(id, done, covers);
            }
            if up_to > 0 {
                schemas.truncate(id, Truncation { up_to, done: done || order == Order::Drop });
            }
        });
    }

    /// What the ledger says of schemas, and nothing else, holds from now on, and the worker goes on with what was interrupted.
    pub(super) fn take_up_orders(&self) {
        let mut book = lock(&self.orders);
        let (read, unread): (Vec<_>, Vec<_>) = book.records.values().cloned().partition(|record| self.reads(record));
        self.shared.forget_schema_orders();
        for record in read {
            self.publish_order(&record);
            book.put(record);
        }
        self.count_orders(&book);
        drop(book);
        if !unread.is_empty() {
            log(Level::Warn, || {
                format!(
                    "the ledger has {} schemas of another layout, or schema_id is off: nothing of them is dropped; give the options of before",
                    unread.len()
                )
            });
        }
    }

    /// Are the keys of that schema read in this layout?
    fn reads(&self, record: &SchemaRecord) -> bool {
        let layout = &self.shared.layout;
        layout.schema_ids && record.tenant.is_some() == (layout.form == KeyForm::ApiV2)
    }

    /// With the book locked, so that the last count is that of the last change.
    fn count_orders(&self, book: &OrderBook) {
        self.shared.worker_queue.set_orders(if self.is_stopping() { 0 } else { book.open.len() });
    }

    /// Nobody carries anything out any more.
    pub(super) fn end_orders(&self) {
        self.count_orders(&lock(&self.orders));
    }

    /// Of a removed keyspace everything is kept until it is named again; keys without timestamps are not truncated.
    pub(super) fn rests(&self, record: &SchemaRecord) -> bool {
        let removed = |keyspace| matches!(self.shared.safe_points.known(keyspace).naming, Registration::Kept(..));
        record.order == Order::Truncate && (record.tenant.is_some_and(removed) || self.shared.has_seen(FilterKind::TtlV1))
    }

    /// The next order behind that one that is open, and is to have a turn.
    pub(super) fn next_order(&self, behind: Option<SchemaKey>, may_go: impl Fn(&SchemaKey) -> bool) -> Option<SchemaRecord> {
        let book = lock(&self.orders);
        let may_go = |key: &&SchemaKey| {
            let rests = book.records.get(key).is_none_or(|record| self.rests(record));
            may_go(key) && book.being_ordered != Some(**key) && !rests
        };
        let behind = book.open.range((behind.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)).find(may_go);
        book.records.get(behind.or_else(|| book.open.iter().find(may_go))?).cloned()
    }

    /// Writes deletes and how far that brings an order, in one batch; or nothing, if another order has come since, or is coming.
    pub(super) fn advance_order(&self, from: &SchemaRecord, to: &SchemaRecord, writes: &[Write]) -> Result<(), Error> {
        let mut book = lock(&self.orders);
        if book.records.get(&from.schema()) != Some(from) || book.being_ordered == Some(from.schema()) {
            return Ok(());
        }
        let writes = [writes, &[self.ledger.put_of(to)]].concat();
        self.engine.write(&writes, WriteOptions { sync: to.done, no_slowdown: true })?;
        if to.done {
            self.publish_order(to);
        }
        book.put(to.clone());
        drop(book);
        if to.done {
            log(Level::Info, || match to.order {
                Order::Drop => format!("{} was dropped, and none of it is left", Named(to.schema())),
                Order::Truncate => format!("{} is truncated up to {}", Named(to.schema()), to.up_to),
            });
        }
        // After the log: a drain that ends now has seen all of it.
        self.count_orders(&lock(&self.orders));
        Ok(())
    }
}
