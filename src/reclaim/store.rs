//! An attached store: its engine and families, the records of its ledger, and its worker.
//!
//! Lock order: range lock, publishing, rows in hand, order book.
//!
//! A thread that destroys a range takes the range lock first. Then it publishes the destroyed
//! range, which waits until the worker has no rows in hand. The worker takes the range lock only
//! for a recheck, and has no rows in hand then. With rows in hand it takes the lock of the order
//! book; a thread that holds that lock waits for no other lock. No lock that readers take is held
//! while the engine is called.

use super::closable_engine::ClosableEngine;
use super::covered_families::CoveredFamilies;
use super::families::{ColumnFamily, Role};
use super::known_files::KnownFiles;
use super::ledger::{Destroyed, Ledger, TypesPage, probe};
use super::order_book::OrderBook;
use super::range_lock::RangeLock;
use super::{owner, recorded_types};
use crate::callback::lock;
use crate::engine::{Engine, Family};
use crate::error::{Error, ErrorKind};
use crate::layout::StoredRange;
use crate::log::{Level, log};
use crate::shared::{AttachedFamily, Dropped, DroppedRange, LateKeys, Served, ServedFamily, Shared};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A record, and the range whose keys filters remove because of it.
pub(super) struct LedgerEntry {
    pub(super) record: Destroyed,
    /// Whether the record is known to be in the store. If not, the caller must repeat the destroy,
    /// and filters remove nothing because of the record.
    durable: bool,
    /// Whether the record can be read in the store, durable or not. Then it is listed.
    listed: bool,
    pub(super) dropped: Arc<DroppedRange>,
    pub(super) covers: CoveredFamilies,
}

impl LedgerEntry {
    fn new(record: Destroyed, durable: bool, covers: CoveredFamilies) -> Self {
        let (start, end) = record.range.clone();
        let dropped =
            DroppedRange { start, end, keyspace: record.keyspace, late: LateKeys::new(record.done), covers: covers.places.clone() };
        Self { record, durable, listed: durable, dropped: Arc::new(dropped), covers }
    }
}

/// The records of destroyed ranges, by range; and the finished ones by their time.
#[derive(Default)]
pub(super) struct LedgerEntries {
    by_range: BTreeMap<StoredRange, LedgerEntry>,
    done: BTreeSet<(u64, StoredRange)>,
}

impl LedgerEntries {
    pub(super) fn get(&self, range: &StoredRange) -> Option<&LedgerEntry> {
        self.by_range.get(range)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.by_range.values()
    }

    fn put(&mut self, entry: LedgerEntry) {
        self.remove(&entry.record.range.clone());
        if entry.record.done {
            self.done.insert((entry.record.done_at, entry.record.range.clone()));
        }
        self.by_range.insert(entry.record.range.clone(), entry);
    }

    fn remove(&mut self, range: &StoredRange) {
        if let Some(entry) = self.by_range.remove(range) {
            self.done.remove(&(entry.record.done_at, entry.record.range));
        }
    }

    /// The ranges that were finished at or before that time, and those whose time is unknown.
    pub(super) fn done_by(&self, time: Option<u64>) -> Vec<StoredRange> {
        self.done.iter().take_while(|(at, _)| *at == 0 || time.is_some_and(|time| *at <= time)).map(|(_, range)| range.clone()).collect()
    }
}

/// A destroyed range, for a listing.
#[derive(Debug, Clone)]
pub struct DestroyedRange {
    /// The record of the range.
    pub record: Destroyed,
    /// The range as filters see it.
    pub range: Arc<DroppedRange>,
}

/// An attached store.
pub struct Store {
    pub(super) shared: Arc<Shared>,
    pub(super) engine: Arc<ClosableEngine>,
    pub(super) families: Vec<ColumnFamily>,
    pub(super) ledger: Ledger,
    pub(super) range_lock: RangeLock,
    entries: Mutex<LedgerEntries>,
    /// The types of keyspaces that are in the ledger.
    pub(super) types: Mutex<BTreeMap<u32, TypesPage>>,
    /// The order book. The worker holds this lock while it writes the progress of an order.
    pub(super) orders: Mutex<OrderBook>,
    /// A host's thread holds this lock while it writes an order, also during a stall.
    pub(super) ordering: Mutex<()>,
    /// Held while destroyed ranges are published, so that the last change is published last.
    publishing: Mutex<()>,
    /// The files that collecting remembers.
    pub(super) remembered: Mutex<KnownFiles>,
    stopping: AtomicBool,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens a store and reads its ledger. Filters remove the destroyed keys from now on. The store
    /// is refused if the ledger belongs to another context, or contradicts what the host
    /// registered.
    pub(super) fn open(shared: Arc<Shared>, engine: Box<dyn Engine>, families: Vec<ColumnFamily>) -> Result<Self, Error> {
        let with_role = |role| families.iter().position(|family| family.role == role);
        let ledger =
            Ledger { home: with_role(Role::Ledger).or(with_role(Role::Default)).unwrap_or(0), prefix: shared.layout.ledger_prefix.clone() };
        let engine = Arc::new(ClosableEngine::new(engine, families.iter().map(|family| family.name.clone()), probe(&ledger.prefix)));
        owner::take(&engine, &ledger)?;
        let records = ledger.load(&engine, families.len())?;
        owner::check_families(&records, &families)?;
        recorded_types::check(&shared, &records)?;
        let mut entries = LedgerEntries::default();
        for record in records.destroyed.into_values() {
            let covers = CoveredFamilies::new(&record.families, &families);
            entries.put(LedgerEntry::new(record, true, covers));
        }
        let orders = OrderBook::new(records.schemas.into_values());
        let store = Self {
            shared,
            engine,
            families,
            ledger,
            range_lock: RangeLock::default(),
            entries: Mutex::new(entries),
            types: Mutex::new(records.types.into_values().map(|page| (page.first, page)).collect()),
            orders: Mutex::new(orders),
            ordering: Mutex::default(),
            publishing: Mutex::default(),
            remembered: Mutex::default(),
            stopping: AtomicBool::new(false),
            worker: Mutex::default(),
        };
        store.publish();
        Ok(store)
    }

    /// Sets the worker of the store. From now on filters hand rows over to it.
    pub(super) fn serve(&self, worker: JoinHandle<()>) {
        *lock(&self.worker) = Some(worker);
        let served = |role| {
            let family = self.families.get(self.family(role)?)?;
            Some(family.id.map_or(ServedFamily::SomeId, ServedFamily::Id))
        };
        self.shared.suspend(false);
        self.shared.worker_queue.serve(Served { default: served(Role::Default), write: served(Role::Write) });
    }

    /// Ends the worker. Waiting rows are left to later filters. Calls that use the store continue
    /// until they are done.
    pub fn stop(&self) {
        self.shared.worker_queue.serve(Served::default());
        self.stopping.store(true, SeqCst);
        self.engine.stop();
        self.shared.worker_queue.wake();
        let worker = lock(&self.worker).take();
        if worker.is_some_and(|worker| worker.join().is_err()) {
            log(Level::Error, || "the worker panicked; please report it".into());
        }
        self.end_orders();
        self.shared.stats.shared().rows_deferred.add(self.shared.worker_queue.give_up() as u64);
    }

    /// Forgets the destroyed ranges and schemas of the ledger, because the next attach may bring
    /// another ledger. An unfinished destroy may have left a row whose dead half looks like its
    /// live half. Then filters keep everything until a ledger is attached again.
    pub fn forget_ledger(&self) {
        let cuts_a_row = |entry: &LedgerEntry| {
            let (start, end) = &entry.record.range;
            !entry.record.done && [start, end].into_iter().any(|bound| self.shared.layout.cut_row(bound).is_some())
        };
        let unfinished = self.with_entries(|entries| entries.iter().any(cuts_a_row));
        self.shared.suspend(unfinished);
        self.shared.set_dropped(Arc::default());
        self.shared.forget_schema_orders();
        self.shared.recorded_types.replace(HashMap::new());
        if unfinished {
            log(Level::Warn, || {
                "a destroyed range cuts a row, and the destroy is not finished: filters keep everything until a store is attached again"
                    .into()
            });
        }
    }

    /// Whether the host is closing the database under the store.
    pub fn is_closed(&self) -> bool {
        self.engine.is_closed()
    }

    /// Whether the worker must end.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    /// The family with a role, if there is one.
    pub(super) fn family(&self, role: Role) -> Option<Family> {
        self.families.iter().position(|family| family.role == role)
    }

    /// Whether the ledger has its own family, so that scans of the host do not see its keys.
    pub(super) fn ledger_has_family(&self) -> bool {
        self.families.get(self.ledger.home).is_some_and(|home| home.role == Role::Ledger)
    }

    /// The number of records in the ledger.
    pub fn records(&self) -> usize {
        self.with_entries(|entries| entries.iter().filter(|entry| entry.listed).count())
    }

    /// The destroyed ranges of the ledger, in order.
    pub fn destroyed(&self) -> Vec<DestroyedRange> {
        let of = |entry: &LedgerEntry| DestroyedRange { record: entry.record.clone(), range: entry.dropped.clone() };
        self.with_entries(|entries| entries.iter().filter(|entry| entry.listed).map(of).collect())
    }

    /// Calls `look` with the entries locked.
    pub(super) fn with_entries<R>(&self, look: impl FnOnce(&mut LedgerEntries) -> R) -> R {
        look(&mut lock(&self.entries))
    }

    /// Writes records durably, remembers them, and makes filters remove the keys of their ranges.
    pub(super) fn put_records(&self, records: &[Destroyed]) -> Result<(), Error> {
        let mut written = self.ledger.write(&self.engine, records);
        // A record that cannot be read at the moment counts as written, unless its family was
        // dropped.
        let checked = if written.is_ok() { self.ledger.check(&self.engine, records) } else { Ok(()) };
        if checked.as_ref().is_err_and(|error| error.kind() == ErrorKind::FamilyDropped) {
            written = checked.clone();
        }
        // After a failed write it is unknown whether the store has the record.
        let found: Vec<_> = match written {
            Ok(()) => Vec::new(),
            Err(_) => records.iter().filter(|record| self.ledger.has(&self.engine, *record)).map(|record| record.range.clone()).collect(),
        };
        let mut changed = false;
        self.with_entries(|entries| {
            for record in records {
                let covers = CoveredFamilies::new(&record.families, &self.families);
                match entries.get(&record.range) {
                    // The published range is reused, so that it continues to count late keys.
                    Some(known) if known.durable && known.covers == covers && known.record.keyspace == record.keyspace => {
                        if written.is_ok() {
                            let dropped = known.dropped.clone();
                            dropped.late.set_done(record.done);
                            entries.put(LedgerEntry { record: record.clone(), durable: true, listed: true, dropped, covers });
                        }
                    }
                    Some(known) if known.durable && written.is_err() => {}
                    _ => {
                        let entry = LedgerEntry::new(record.clone(), written.is_ok(), covers);
                        entries.put(LedgerEntry { listed: entry.durable || found.contains(&record.range), ..entry });
                        changed |= written.is_ok();
                    }
                }
            }
        });
        if changed {
            self.publish();
        }
        written.and(checked)
    }

    /// Deletes records durably. Filters keep new keys of their ranges from now on.
    pub(super) fn erase_records(&self, records: &[Destroyed]) -> Result<(), Error> {
        self.ledger.erase(&self.engine, records)?;
        self.with_entries(|entries| records.iter().for_each(|record| entries.remove(&record.range)));
        self.publish();
        Ok(())
    }

    fn publish(&self) {
        let _turn = lock(&self.publishing);
        let ranges = self.with_entries(|entries| entries.iter().filter(|entry| entry.durable).map(|entry| entry.dropped.clone()).collect());
        let families: Vec<_> = self.families.iter().map(|family| AttachedFamily { id: family.id, runs: family.role.runs() }).collect();
        self.shared.set_dropped(Arc::new(Dropped::new(&families, ranges)));
    }

    /// The record of each range, if it has one.
    pub(super) fn records_of(&self, ranges: &[StoredRange]) -> Vec<Option<Destroyed>> {
        self.with_entries(|entries| {
            let of = |range: &StoredRange| entries.get(range).map(|entry| entry.record.clone());
            ranges.iter().map(of).collect()
        })
    }
}
