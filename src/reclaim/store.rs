//! An attached store: its engine and families, the records of its ledger, and its worker.
//!
//! Who waits for whom: whoever destroys a range takes its turn first (`range_lock`), then publishes what is destroyed, which waits for
//! the worker's rows in hand. The worker takes turns only for a recheck, and has no rows in hand then. With rows in hand it takes the
//! lock of the orders about schemas; who has that waits for nobody. No lock that readers take is held while the engine is called.

use super::closable_engine::ClosableEngine;
use super::covered_families::CoveredFamilies;
use super::known_files::KnownFiles;
use super::ledger::{Destroyed, Ledger, TypesPage, probe};
use super::range_lock::RangeLock;
use super::schemas::OrderBook;
use super::{owner, types};
use crate::callback::lock;
use crate::engine::{Engine, Family};
use crate::error::{Error, ErrorKind};
use crate::layout::StoredRange;
use crate::log::{Level, log};
use crate::shared::{AllowedFilters, AttachedFamily, Dropped, DroppedRange, FilterKind, LateKeys, Served, ServedFamily, Shared};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What a column family is to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// RawKV rows, and the long values of transactions.
    Default,
    /// Records of transactions.
    Write,
    /// Locks.
    Lock,
    /// Anything else.
    Other,
    /// The library's own records.
    Ledger,
}

impl Role {
    /// Which runs a family with this role may have.
    pub fn runs(self) -> AllowedFilters {
        match self {
            Self::Default => AllowedFilters::Default,
            Self::Write => AllowedFilters::Write,
            Self::Lock => AllowedFilters::DroppedOnly,
            Self::Ledger => AllowedFilters::Ledger,
            Self::Other => AllowedFilters::Any,
        }
    }
}

/// A column family of a store.
#[derive(Debug, Clone)]
pub struct ColumnFamily {
    /// What it is.
    pub role: Role,
    /// Its name in the store.
    pub name: String,
    /// RocksDB's id, where it is known.
    pub id: Option<u32>,
    /// The kind of the filters that it has, where it is known.
    pub filter: Option<FilterKind>,
}

/// A record, and the range that runs drop by it.
pub(super) struct LedgerEntry {
    pub(super) record: Destroyed,
    /// It is known to be in the store. One of which that is not known stands for its caller, who must repeat, but nothing is dropped by it.
    durable: bool,
    /// It can be read there, durable or not: then it is listed.
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

/// The records of destroyed ranges, by range, and those that are done by the time when they were.
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

    /// Those that were done at that time or before, and those of which it is not known.
    pub(super) fn done_by(&self, time: Option<u64>) -> Vec<StoredRange> {
        self.done.iter().take_while(|(at, _)| *at == 0 || time.is_some_and(|time| *at <= time)).map(|(_, range)| range.clone()).collect()
    }
}

/// A destroyed range as an operator sees it.
#[derive(Debug, Clone)]
pub struct DestroyedRange {
    /// Its record.
    pub record: Destroyed,
    /// As runs see it.
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
    /// Held by the worker while it writes how far it is with an order.
    pub(super) orders: Mutex<OrderBook>,
    /// Held by a host's thread while it orders something, also through a stall.
    pub(super) ordering: Mutex<()>,
    /// One after the other, so that what was published last is what holds.
    publishing: Mutex<()>,
    /// What collecting knows of files.
    pub(super) remembered: Mutex<KnownFiles>,
    stopping: AtomicBool,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// A store with what its ledger says; runs drop by it from now on. It is refused if the ledger is another context's, or does not
    /// go with what the host has said.
    pub(super) fn open(shared: Arc<Shared>, engine: Box<dyn Engine>, families: Vec<ColumnFamily>) -> Result<Self, Error> {
        let with_role = |role| families.iter().position(|family| family.role == role);
        let ledger =
            Ledger { home: with_role(Role::Ledger).or(with_role(Role::Default)).unwrap_or(0), prefix: shared.layout.ledger_prefix.clone() };
        let engine = Arc::new(ClosableEngine::new(engine, families.iter().map(|family| family.name.clone()), probe(&ledger.prefix)));
        owner::take(&engine, &ledger)?;
        let records = ledger.load(&engine, families.len())?;
        owner::check_families(&records, &families)?;
        types::check(&shared, &records)?;
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

    /// It has a worker from now on, which runs hand rows over to.
    pub(super) fn serve(&self, worker: JoinHandle<()>) {
        *lock(&self.worker) = Some(worker);
        let served = |role| {
            let family = self.families.get(self.family(role)?)?;
            Some(family.id.map_or(ServedFamily::SomeId, ServedFamily::Id))
        };
        self.shared.suspend(false);
        self.shared.worker_queue.serve(Served { default: served(Role::Default), write: served(Role::Write) });
    }

    /// Ends the worker. Rows that wait are left for later runs. Calls that use the store go on until they are done.
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

    /// What the ledger said does not hold any more: another one may be there when a store is attached again. Half of a row may be
    /// dead that nothing tells from the half that is alive; then everything is kept until a ledger says it again.
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
                "a destroyed range cuts a row, and the destroy is not finished: runs keep everything until a store is attached again".into()
            });
        }
    }

    /// Is the database being closed under it?
    pub fn is_closed(&self) -> bool {
        self.engine.is_closed()
    }

    /// Must the worker end?
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    /// The family with a role, if there is one.
    pub(super) fn family(&self, role: Role) -> Option<Family> {
        self.families.iter().position(|family| family.role == role)
    }

    /// Has the ledger a family of its own, where scans of the host do not meet its keys?
    pub(super) fn ledger_has_family(&self) -> bool {
        self.families.get(self.ledger.home).is_some_and(|home| home.role == Role::Ledger)
    }

    /// How many records the ledger has.
    pub fn records(&self) -> usize {
        self.with_entries(|entries| entries.iter().filter(|entry| entry.listed).count())
    }

    /// The destroyed ranges that the ledger has, in order.
    pub fn destroyed(&self) -> Vec<DestroyedRange> {
        let of = |entry: &LedgerEntry| DestroyedRange { record: entry.record.clone(), range: entry.dropped.clone() };
        self.with_entries(|entries| entries.iter().filter(|entry| entry.listed).map(of).collect())
    }

    /// Looks at the entries, under their lock.
    pub(super) fn with_entries<R>(&self, look: impl FnOnce(&mut LedgerEntries) -> R) -> R {
        look(&mut lock(&self.entries))
    }

    /// Writes records durably, then remembers them, and makes runs drop by them.
    pub(super) fn put_records(&self, records: &[Destroyed]) -> Result<(), Error> {
        let mut written = self.ledger.write(&self.engine, records);
        // A record that cannot be read just now is written all the same; but not one whose family is gone.
        let checked = if written.is_ok() { self.ledger.check(&self.engine, records) } else { Ok(()) };
        if checked.as_ref().is_err_and(|error| error.kind() == ErrorKind::FamilyDropped) {
            written = checked.clone();
        }
        // Of a write that failed it is not known what became of it.
        let found: Vec<_> = match written {
            Ok(()) => Vec::new(),
            Err(_) => records.iter().filter(|record| self.ledger.has(&self.engine, *record)).map(|record| record.range.clone()).collect(),
        };
        let mut changed = false;
        self.with_entries(|entries| {
            for record in records {
                let covers = CoveredFamilies::new(&record.families, &self.families);
                match entries.get(&record.range) {
                    // What is dropped stays the same, and goes on counting what comes late.
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

    /// Deletes records durably, and lets runs keep what comes into their ranges.
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

    /// The records of those ranges, as far as there are any.
    pub(super) fn records_of(&self, ranges: &[StoredRange]) -> Vec<Option<Destroyed>> {
        self.with_entries(|entries| {
            let of = |range: &StoredRange| entries.get(range).map(|entry| entry.record.clone());
            ranges.iter().map(of).collect()
        })
    }
}
