//! An attached store: its engine and families, the records of its ledger, and its worker.
//!
//! Who waits for whom: whoever destroys a range takes its turn first (`turns`), then publishes what is destroyed, which waits for
//! the worker's rows in hand. The worker takes turns only for a recheck, and has no rows in hand then. With rows in hand it takes the
//! lock of the orders about schemas; who has that waits for nobody. No lock that readers take is held while the engine is called.

use super::ledger::{Destroyed, Ledger};
use super::schemas::OrderBook;
use super::turns::Turns;
use crate::callback::{Inside, lock};
use crate::engine::{Direction, Engine, Family, File, How, Step, Write};
use crate::error::{Error, Kind};
use crate::layout::{StoredRange, Timestamp};
use crate::log::{Level, log};
use crate::shared::{DroppedRange, Late, Segments, Served, ServedFamily, Shared};
use std::collections::HashMap;
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

/// A column family of a store.
#[derive(Debug, Clone)]
pub struct ColumnFamily {
    /// What it is.
    pub role: Role,
    /// Its name in the store.
    pub name: String,
    /// RocksDB's id, where it is known.
    pub id: Option<u32>,
}

/// A record, and the range that runs drop by it.
pub(super) struct Entry {
    pub(super) record: Destroyed,
    /// It is known to be in the store. One of which that is not known stands for its caller, who must repeat, but nothing is dropped by it.
    durable: bool,
    pub(super) dropped: Arc<DroppedRange>,
}

impl Entry {
    fn new(record: Destroyed, durable: bool) -> Self {
        let (start, end) = record.range.clone();
        let dropped = DroppedRange { start, end, keyspace: record.keyspace, late: Late::new(record.done) };
        Self { record, durable, dropped: Arc::new(dropped) }
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
    pub(super) engine: Gate,
    pub(super) families: Vec<ColumnFamily>,
    pub(super) ledger: Ledger,
    pub(super) turns: Turns,
    entries: Mutex<Vec<Entry>>,
    /// Held by the worker while it writes how far it is with an order.
    pub(super) orders: Mutex<OrderBook>,
    /// Held by a host's thread while it orders something, also through a stall.
    pub(super) ordering: Mutex<()>,
    /// One after the other, so that what was published last is what holds.
    publishing: Mutex<()>,
    /// Files that collecting has read, and found nothing in, by the safe points of then.
    pub(super) seen_without_garbage: Mutex<HashMap<(Family, File), (Timestamp, Timestamp)>>,
    stopping: AtomicBool,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// A store with what its ledger says; runs drop by it from now on.
    pub(super) fn open(shared: Arc<Shared>, engine: Box<dyn Engine>, families: Vec<ColumnFamily>) -> Result<Self, Error> {
        let with_role = |role| families.iter().position(|family| family.role == role);
        let ledger =
            Ledger { home: with_role(Role::Ledger).or(with_role(Role::Default)).unwrap_or(0), prefix: shared.layout.ledger_prefix.clone() };
        let engine = Gate { engine, closed: AtomicBool::new(false) };
        let records = ledger.load(&engine, families.len())?;
        let entries = Mutex::new(records.destroyed.into_values().map(|record| Entry::new(record, true)).collect());
        let orders = OrderBook::new(records.schemas.into_values());
        let store = Self {
            shared,
            engine,
            families,
            ledger,
            turns: Turns::default(),
            entries,
            orders: Mutex::new(orders),
            ordering: Mutex::default(),
            publishing: Mutex::default(),
            seen_without_garbage: Mutex::default(),
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
        self.shared.handover.serve(Served { default: served(Role::Default), write: served(Role::Write) });
    }

    /// Ends the worker. Rows that wait are left for later runs. Calls that use the store go on until they are done.
    pub fn stop(&self) {
        self.shared.handover.serve(Served::default());
        self.stopping.store(true, SeqCst);
        self.shared.handover.wake();
        let worker = lock(&self.worker).take();
        if worker.is_some_and(|worker| worker.join().is_err()) {
            log(Level::Error, || "the worker panicked; please report it".into());
        }
        self.end_orders();
        self.shared.stats.shared().rows_refused.add(self.shared.handover.give_up() as u64);
    }

    /// The database was closed before the store was detached: it is never touched again.
    pub fn close_forgotten(&self) {
        self.shared.handover.serve(Served::default());
        self.stopping.store(true, SeqCst);
        if !self.engine.closed.swap(true, SeqCst) {
            log(Level::Error, || {
                "the last factory of an attached store was destroyed: it is closed, and not used any more; call rgc_detach before the DB closes".into()
            });
        }
        self.shared.handover.wake();
    }

    /// Was the database closed under it?
    pub fn is_closed(&self) -> bool {
        self.engine.closed.load(SeqCst)
    }

    /// Must the worker end?
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    /// The family with a role, if there is one.
    pub(super) fn family(&self, role: Role) -> Option<Family> {
        self.families.iter().position(|family| family.role == role)
    }

    /// How many records the ledger has.
    pub fn records(&self) -> usize {
        lock(&self.entries).len()
    }

    /// The destroyed ranges, in order.
    pub fn destroyed(&self) -> Vec<DestroyedRange> {
        let of = |entry: &Entry| DestroyedRange { record: entry.record.clone(), range: entry.dropped.clone() };
        let mut destroyed: Vec<_> = self.with_entries(|entries| entries.iter().map(of).collect());
        destroyed.sort_by(|one, other| one.record.range.cmp(&other.record.range));
        destroyed
    }

    /// Looks at the entries, under their lock.
    pub(super) fn with_entries<R>(&self, look: impl FnOnce(&mut Vec<Entry>) -> R) -> R {
        look(&mut lock(&self.entries))
    }

    /// Writes records durably, then remembers them, and makes runs drop by them.
    pub(super) fn put_records(&self, records: &[Destroyed]) -> Result<(), Error> {
        let written = self.ledger.put(&self.engine, records);
        self.with_entries(|entries| {
            for record in records {
                match entries.iter_mut().find(|entry| entry.record.range == record.range) {
                    Some(entry) if written.is_ok() => {
                        (entry.record, entry.durable) = (record.clone(), true);
                        entry.dropped.late.set_done(record.done);
                    }
                    Some(_) => {}
                    None => entries.push(Entry::new(record.clone(), written.is_ok())),
                }
            }
        });
        self.publish();
        written
    }

    /// Deletes records durably, and lets runs keep what comes into their ranges.
    pub(super) fn erase_records(&self, records: &[Destroyed]) -> Result<(), Error> {
        self.ledger.erase(&self.engine, records)?;
        self.with_entries(|entries| entries.retain(|entry| !records.iter().any(|record| record.range == entry.record.range)));
        self.publish();
        Ok(())
    }

    fn publish(&self) {
        let _turn = lock(&self.publishing);
        let ranges: Vec<_> =
            self.with_entries(|entries| entries.iter().filter(|entry| entry.durable).map(|entry| entry.dropped.clone()).collect());
        self.shared.set_dropped(Arc::new(Segments::new(&ranges)));
    }

    /// The records of those ranges, as far as there are any.
    pub(super) fn records_of(&self, ranges: &[StoredRange]) -> Vec<Option<Destroyed>> {
        self.with_entries(|entries| {
            let of = |range: &StoredRange| entries.iter().find(|entry| entry.record.range == *range).map(|entry| entry.record.clone());
            ranges.iter().map(of).collect()
        })
    }
}

/// The way to the engine: closed for ever once the host has closed its database under it. While the engine is called the thread
/// is inside a callback.
pub(super) struct Gate {
    engine: Box<dyn Engine>,
    closed: AtomicBool,
}

/// What every use of a store is from then on.
pub fn closed() -> Error {
    Error::new(Kind::Aborted, "the DB was closed before rgc_detach; detach, open it again, and attach it")
}

impl Gate {
    fn open(&self) -> Result<(&dyn Engine, Inside), Error> {
        if self.closed.load(SeqCst) {
            return Err(closed());
        }
        Ok((self.engine.as_ref(), Inside::enter()))
    }
}

impl Engine for Gate {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let (engine, _inside) = self.open()?;
        engine.get(family, key)
    }

    fn write(&self, writes: &[Write], how: How) -> Result<(), Error> {
        let (engine, _inside) = self.open()?;
        engine.write(writes, how)
    }

    fn scan(
        &self,
        family: Family,
        range: (&[u8], &[u8]),
        direction: Direction,
        each: &mut dyn FnMut(&[u8], &[u8]) -> Step,
    ) -> Result<(), Error> {
        let (engine, _inside) = self.open()?;
        engine.scan(family, range, direction, each)
    }

    fn delete_files(&self, family: Family, range: (&[u8], &[u8])) -> Result<(), Error> {
        let (engine, _inside) = self.open()?;
        engine.delete_files(family, range)
    }

    fn compact(&self, family: Family, range: (&[u8], &[u8]), last_level_too: bool) -> Result<(), Error> {
        let (engine, _inside) = self.open()?;
        engine.compact(family, range, last_level_too)
    }

    fn flush(&self, family: Family) -> Result<(), Error> {
        let (engine, _inside) = self.open()?;
        engine.flush(family)
    }

    fn files(&self, family: Family) -> Result<Vec<File>, Error> {
        let (engine, _inside) = self.open()?;
        engine.files(family)
    }

    fn write_stalled(&self) -> bool {
        self.open().is_ok_and(|(engine, _inside)| engine.write_stalled())
    }
}
