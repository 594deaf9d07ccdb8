//! Orders about schemas. The ledger has an order before anything else happens. The worker carries
//! it out, and continues it after a restart.
//!
//! ```text
//!   drop       record "dropped", durable       filters remove its keys from now on, permanently
//!              whole files                     deleted in the call
//!              the remaining keys              deleted by the worker, see `sweep`; then the log
//!                                              and the record say that no key is left
//!   truncate   record "truncating", durable
//!              versions up to the timestamp    deleted by the worker, see `truncate`; the record
//!                                              holds its progress
//! ```
//!
//! A host's write may wait until a stall ends. The thread that ends the stall may wait for the
//! worker's rows in hand. So a host's thread holds no lock that the worker takes while it writes:
//! it marks the schema as being ordered, and the worker skips that schema.

use super::covered_families::{CoveredFamilies, names};
use super::destroy::DestroyReport;
use super::families::Role;
use super::ledger::{Order, SchemaRecord};
use super::order_book::{Named, OrderBook, SchemaKey};
use super::store::Store;
use crate::callback::lock;
use crate::engine::{Write, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::layout::{KeyForm, SchemaId, Tenant, Timestamp};
use crate::log::{Level, log};
use crate::safe_point::Registration;
use crate::shared::{FilterKind, SchemaState, Truncation};
use std::ops::Bound;

impl Store {
    /// Drops a schema with all its data. After an error it is unknown whether the schema is
    /// dropped.
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
            log(Level::Warn, || {
                format!(
                    "{} is dropped, but its files could not be deleted at once; compactions and the worker delete its keys: {error}",
                    Named((tenant, id))
                )
            });
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

    /// Lets the worker delete a schema's versions up to a timestamp. After an error it is unknown
    /// whether the worker will.
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

    /// Writes a new record of a schema, if `decide` returns one, and publishes it to filters and
    /// worker.
    fn order(
        &self,
        key: SchemaKey,
        decide: impl FnOnce(Option<&SchemaRecord>) -> Result<Option<SchemaRecord>, Error>,
    ) -> Result<(), Error> {
        // Only one thread of the host orders at a time.
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

    /// Replaces all known schema orders by those of the ledger; the worker continues the unfinished
    /// ones.
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
                    "the ledger has {} schemas of another layout, or schema_id is off: none of their keys is removed; use the previous options",
                    unread.len()
                )
            });
        }
    }

    /// Whether this layout can read the keys of that schema.
    fn reads(&self, record: &SchemaRecord) -> bool {
        let layout = &self.shared.layout;
        layout.schema_ids && record.tenant.is_some() == (layout.form == KeyForm::ApiV2)
    }

    /// The book must be locked, so that the last count belongs to the last change.
    fn count_orders(&self, book: &OrderBook) {
        self.shared.worker_queue.set_orders(if self.is_stopping() { 0 } else { book.open.len() });
    }

    /// Reports that no order will be carried out any more.
    pub(super) fn end_orders(&self) {
        self.count_orders(&lock(&self.orders));
    }

    /// Whether an order must wait. A truncation waits while its keyspace is paused, and keys
    /// without timestamps are not truncated.
    pub(super) fn rests(&self, record: &SchemaRecord) -> bool {
        let removed = |keyspace| matches!(self.shared.safe_points.known(keyspace).naming, Registration::Kept(..));
        record.order == Order::Truncate && (record.tenant.is_some_and(removed) || self.shared.has_seen(FilterKind::TtlV1))
    }

    /// The next open order behind that one that may be carried out now.
    pub(super) fn next_order(&self, behind: Option<SchemaKey>, may_go: impl Fn(&SchemaKey) -> bool) -> Option<SchemaRecord> {
        let book = lock(&self.orders);
        let may_go = |key: &&SchemaKey| {
            let rests = book.records.get(key).is_none_or(|record| self.rests(record));
            may_go(key) && book.being_ordered != Some(**key) && !rests
        };
        let behind = book.open.range((behind.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)).find(may_go);
        book.records.get(behind.or_else(|| book.open.iter().find(may_go))?).cloned()
    }

    /// Writes deletes and the new progress of an order in one batch. It writes nothing if another
    /// order about the schema has come since, or is being written.
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
                Order::Drop => format!("{} was dropped, and no key of it is left", Named(to.schema())),
                Order::Truncate => format!("{} is truncated up to {}", Named(to.schema()), to.up_to),
            });
        }
        // This is after the log, so that the log is complete when a drain ends.
        self.count_orders(&lock(&self.orders));
        Ok(())
    }
}
