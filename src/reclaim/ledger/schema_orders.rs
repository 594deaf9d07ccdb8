//! Orders about schemas. A call of the host writes an order into the ledger before it does anything
//! else. The worker carries it out, and continues it after a restart.
//!
//! ```text
//!   drop       record "dropped", durable       filters remove its keys from now on, permanently
//!              whole files                     deleted in the call
//!              the remaining keys              deleted by the worker, see `sweep`
//!              the files                       compacted by the worker, see `debt`; then the log
//!                                              says that no key is left, and the record of a page
//!                                              of ids replaces this one, see `dropped_ids`
//!   truncate   record "truncating", durable
//!              versions up to the timestamp    deleted by the worker, see `truncate_rows`; the
//!                                              record holds its progress
//!              the files                       compacted by the worker, see `debt`
//! ```
//!
//! A host's thread that writes an order may wait until a stall ends. The thread that ends the stall
//! may wait for the worker's rows in hand. So during its write a host's thread holds no lock that
//! the worker takes. Instead it marks the schema as being ordered. The worker skips that schema.

use super::covered_families::CoveredFamilies;
use super::done_drops::ByFamilies;
use super::dropped_ids::DroppedIds;
use super::order_book::{OrderBook, SchemaKey};
use super::schema::{Order, OrderProgress, SchemaRecord};
use super::storage::Storage;
use crate::callback::lock;
use crate::engine::{Write, WriteOptions};
use crate::error::Error;
use crate::layout::{KeyForm, NamedSchema, SchemaId, Tenant};
use crate::log::{Level, log};
use crate::reclaim::store::{ClosableEngine, Store};
use crate::safe_point::Registration;
use crate::shared::{FilterKind, JobKind, Truncation};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};

/// The schema orders of an attached store.
pub struct SchemaOrders {
    storage: Storage,
    /// The worker holds this lock while it writes the progress of an order.
    book: Mutex<OrderBook>,
    /// A host's thread holds this lock while it writes an order. The worker never takes it.
    ordering: Mutex<()>,
}

impl SchemaOrders {
    /// The orders that were read from the ledger. Filters and the worker do not know them yet. This
    /// replaces records of earlier versions.
    pub fn open(
        storage: Storage,
        engine: &ClosableEngine,
        records: impl Iterator<Item = SchemaRecord>,
        dropped_ids: impl Iterator<Item = DroppedIds>,
    ) -> Result<Self, Error> {
        let (book, replaced, outranked) = OrderBook::of(records, dropped_ids);
        for (pages, records) in replaced {
            storage.replace(engine, &pages, &records)?;
        }
        if !outranked.is_empty() {
            storage.erase(engine, &outranked)?;
        }
        Ok(Self { storage, book: Mutex::new(book), ordering: Mutex::default() })
    }

    /// Stops all orders, and the worker's progress with them, until the guard is dropped.
    pub fn stop(&self) -> StoppedOrders<'_> {
        let ordering = lock(&self.ordering);
        StoppedOrders { book: lock(&self.book), _ordering: ordering }
    }

    /// Writes a new record of a schema, if `decide` returns one. Filters and the worker follow it
    /// from then on.
    pub fn order(
        &self,
        store: &Store,
        key: SchemaKey,
        decide: impl FnOnce(Option<&SchemaRecord>) -> Result<Option<SchemaRecord>, Error>,
    ) -> Result<(), Error> {
        // Only one thread of the host orders at a time.
        let _turn = lock(&self.ordering);
        let mut book = lock(&self.book);
        let Some(record) = decide(book.records.get(&key))? else { return Ok(()) };
        book.being_ordered = Some(key);
        drop(book);
        let written = self.storage.put(&store.engine, std::slice::from_ref(&record));
        let mut book = lock(&self.book);
        book.being_ordered = None;
        written?;
        Self::publish(store, &record);
        book.put(record);
        Self::count(store, &book);
        Ok(())
    }

    fn publish(store: &Store, record: &SchemaRecord) {
        let SchemaRecord { tenant, id, order, progress, up_to, .. } = *record;
        let covers = CoveredFamilies::new(&record.families, &store.families).places;
        store.shared.change_schemas(tenant, |schemas| {
            if record.is_done_drop() {
                schemas.drop_done(id, &covers);
                return;
            }
            if order == Order::Drop {
                schemas.drop_permanently(id, &covers);
            }
            if up_to > 0 {
                schemas.truncate(id, Truncation { up_to, done: progress > OrderProgress::Deleting || order == Order::Drop });
            }
        });
    }

    fn publish_done(store: &Store, tenant: Tenant, ids: &ByFamilies) {
        store.shared.change_schemas(tenant, |schemas| {
            for (families, ids) in ids {
                let covers = CoveredFamilies::new(families, &store.families).places;
                ids.for_each_page(&mut |number, page| schemas.drop_page(number, page, &covers));
            }
        });
    }

    /// Replaces all known schema orders by those of the ledger; the worker continues the unfinished
    /// ones.
    pub fn take_up(&self, store: &Store) {
        Self::take_up_book(store, &mut lock(&self.book));
    }

    fn take_up_book(store: &Store, book: &mut OrderBook) {
        let (read, unread): (Vec<_>, Vec<_>) = book.records.values().cloned().partition(|record| Self::reads(store, record.tenant));
        let mut unread = unread.len() as u64;
        store.shared.forget_schema_orders();
        for (tenant, ids) in book.done.tenants() {
            if Self::reads(store, tenant) {
                Self::publish_done(store, tenant, ids);
            } else {
                unread += ids.values().map(|ids| ids.count_to(SchemaId::MAX)).sum::<u64>();
            }
        }
        for record in read {
            Self::publish(store, &record);
            book.put(record);
        }
        Self::count(store, book);
        if unread > 0 {
            log(Level::Warn, || {
                format!(
                    "the ledger has {unread} schemas of another layout, or schema_id is off: none of their keys is removed; use the previous options"
                )
            });
        }
    }

    /// Whether this layout can read the keys of a tenant's schemas.
    fn reads(store: &Store, tenant: Tenant) -> bool {
        let layout = &store.shared.layout;
        layout.schema_ids && tenant.is_some() == (layout.form == KeyForm::ApiV2)
    }

    /// The book must be locked, so that the last count belongs to the last change.
    fn count(store: &Store, book: &OrderBook) {
        let count = |n| if store.is_stopping() { 0 } else { n };
        let jobs = [(JobKind::Order, count(book.open.len())), (JobKind::SchemaToCompact, count(book.to_compact.len()))];
        store.shared.worker_queue.set_jobs(&jobs);
    }

    /// Reports that no order will be carried out any more.
    pub fn end(&self, store: &Store) {
        Self::count(store, &lock(&self.book));
    }

    /// Whether an order must wait. A truncation waits while its keyspace is paused, and keys
    /// without timestamps are not truncated.
    pub fn rests(store: &Store, record: &SchemaRecord) -> bool {
        let removed = |keyspace| matches!(store.shared.safe_points.known(keyspace).registration, Registration::Kept(..));
        record.order == Order::Truncate && (record.tenant.is_some_and(removed) || store.shared.kinds.has(FilterKind::TtlV1))
    }

    /// The next open order that may be carried out now: the first one behind `behind`, or else the
    /// first of all.
    pub fn next(&self, store: &Store, behind: Option<SchemaKey>, may_go: impl Fn(&SchemaKey) -> bool) -> Option<SchemaRecord> {
        let book = lock(&self.book);
        let may_go = |key: &&SchemaKey| {
            let rests = book.records.get(key).is_none_or(|record| Self::rests(store, record));
            may_go(key) && book.being_ordered != Some(**key) && !rests
        };
        let behind = book.open.range((behind.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)).find(may_go);
        book.records.get(behind.or_else(|| book.open.iter().find(may_go))?).cloned()
    }

    /// The records of schemas whose files must be compacted.
    pub fn to_compact(&self) -> Vec<SchemaRecord> {
        let book = lock(&self.book);
        book.to_compact.iter().filter_map(|key| book.records.get(key)).cloned().collect()
    }

    /// Writes deletes and the new progress of an order in one batch. It writes nothing if another
    /// order about the schema has come since, or is being written.
    pub fn advance(&self, store: &Store, from: &SchemaRecord, to: &SchemaRecord, writes: &[Write]) -> Result<(), Error> {
        let mut book = lock(&self.book);
        if book.records.get(&from.schema()) != Some(from) || book.being_ordered == Some(from.schema()) {
            return Ok(());
        }
        let done = book.done.with(Some(to).filter(|to| to.is_done_drop()));
        let record = if done.is_empty() { self.storage.put_of(to) } else { self.storage.erase_of(to) };
        let pages = done.iter().map(|page| self.storage.put_of(page));
        let writes: Vec<_> = writes.iter().cloned().chain(pages).chain([record]).collect();
        let is_deleted = to.progress > OrderProgress::Deleting;
        store.engine.write(&writes, WriteOptions { sync: is_deleted, no_slowdown: true })?;
        if is_deleted {
            Self::publish(store, to);
        }
        if done.is_empty() {
            book.put(to.clone());
        } else {
            book.finish(&to.schema(), done);
        }
        drop(book);
        match to.order {
            Order::Drop if to.is_done_drop() => {
                log(Level::Info, || format!("{} was dropped, and no key of it is left", NamedSchema(to.schema())));
            }
            Order::Truncate if from.progress == OrderProgress::Deleting && is_deleted => {
                log(Level::Info, || format!("{} is truncated up to {}", NamedSchema(to.schema()), to.up_to));
            }
            _ => {}
        }
        // This is after the log, so that the log is complete when a drain ends.
        Self::count(store, &lock(&self.book));
        Ok(())
    }
}

/// The orders, while no other thread changes them.
pub struct StoppedOrders<'o> {
    book: MutexGuard<'o, OrderBook>,
    _ordering: MutexGuard<'o, ()>,
}

impl StoppedOrders<'_> {
    /// Replaces the orders by those that were read from the ledger. Nothing is written: the next
    /// attach replaces records of earlier versions.
    pub fn replace(&mut self, store: &Store, records: impl Iterator<Item = SchemaRecord>, dropped_ids: impl Iterator<Item = DroppedIds>) {
        let (book, ..) = OrderBook::of(records, dropped_ids);
        if (&book.records, &book.done) != (&self.book.records, &self.book.done) {
            *self.book = book;
            SchemaOrders::take_up_book(store, &mut self.book);
        }
    }
}
