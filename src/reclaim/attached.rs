//! An attached store. Attaching reads the ledger, then finishes interrupted destroys, then starts
//! the worker.

use super::jobs::collect::{self, CollectOrder};
use super::jobs::destroy::{DestroyError, RangeToDestroy};
use super::jobs::pending::How;
use super::jobs::{CollectReport, DestroyReport, KnownFiles, debt, destroy, drop_schema, pending, recheck, truncate_schema};
use super::ledger::{Destroyed, DestroyedRange, Ledger, probe};
use super::store::{ColumnFamily, DebtSize, Role, Store};
use super::survey::explain::{Explanation, Subject, explain};
use super::survey::garbage::GarbageSurvey;
use super::survey::locks;
use super::worker;
use crate::callback::lock;
use crate::engine::{Engine, Family};
use crate::error::{Error, ErrorKind};
use crate::layout::{KeyspaceId, SchemaId, StoredRange, Tenant, Timestamp};
use crate::log::{Level, log};
use crate::shared::{Served, ServedFamily, Shared};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Starts a thread for the library.
pub type Spawn = fn(Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>;

/// Attaches a store. After an error nothing is attached, and filters remove the same keys as
/// before.
pub fn attach(
    shared: Arc<Shared>,
    engine: Box<dyn Engine>,
    families: Vec<ColumnFamily>,
    spawn: Spawn,
) -> Result<Arc<AttachedStore>, Error> {
    let before = shared.dropped();
    let probe = probe(&shared.layout.ledger_prefix);
    let store = Store::new(shared, engine, families.into(), probe);
    let ledger = Ledger::open(&store)?;
    let attached = Arc::new(AttachedStore {
        store,
        ledger,
        known_files: Mutex::default(),
        garbage: GarbageSurvey::default(),
        worker: Mutex::default(),
    });
    attached.begin(spawn).inspect_err(|_| attached.store.shared.set_dropped(before))?;
    attached.ledger.schemas.take_up(&attached.store);
    Ok(attached)
}

/// An attached store with its ledger and its worker.
pub struct AttachedStore {
    store: Store,
    ledger: Ledger,
    /// The files that collecting remembers.
    known_files: Mutex<KnownFiles>,
    /// The garbage of each keyspace by the last survey.
    garbage: GarbageSurvey,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl AttachedStore {
    fn begin(self: &Arc<Self>, spawn: Spawn) -> Result<(), Error> {
        destroy::resume(&self.store, &self.ledger)?;
        self.ledger.types.record(&self.store)?;
        let working = self.clone();
        let thread = spawn(Box::new(move || worker::work(&working.store, &working.ledger, &working.garbage)));
        self.serve(thread.map_err(|error| Error::new(ErrorKind::Aborted, format!("the worker's thread cannot be started: {error}")))?);
        Ok(())
    }

    /// Sets the worker of the store. From now on filters hand rows over to it.
    fn serve(&self, worker: JoinHandle<()>) {
        *lock(&self.worker) = Some(worker);
        let store = &self.store;
        let served = |role| {
            let family = store.families.get(store.families.with_role(role)?)?;
            Some(family.id.map_or(ServedFamily::SomeId, ServedFamily::Id))
        };
        store.shared.suspend(false);
        store.shared.worker_queue.serve(Served { default: served(Role::Default), write: served(Role::Write) });
    }

    /// Ends the worker. Waiting rows are left to later filters. Calls that use the store continue
    /// until they are done.
    pub fn stop(&self) {
        let shared = &self.store.shared;
        shared.worker_queue.serve(Served::default());
        self.store.engine.stop();
        shared.worker_queue.wake();
        let worker = lock(&self.worker).take();
        if worker.is_some_and(|worker| worker.join().is_err()) {
            log(Level::Error, || "the worker panicked; please report it".into());
        }
        self.ledger.schemas.end(&self.store);
        self.ledger.destroyed.count(&self.store);
        shared.stats.shared().rows_deferred.add(shared.worker_queue.give_up() as u64);
    }

    /// Forgets the destroyed ranges and schemas of the ledger, because the next attach may bring
    /// another ledger. An unfinished destroy may have left a row whose dead half looks like its
    /// live half. Then filters keep everything until a ledger is attached again.
    pub fn forget_ledger(&self) {
        let shared = &self.store.shared;
        let cuts_a_row = |record: &Destroyed| {
            let (start, end) = &record.range;
            [start, end].into_iter().any(|bound| shared.layout.cut_row(bound).is_some())
        };
        let unfinished = self.ledger.destroyed.started().iter().any(cuts_a_row);
        shared.suspend(unfinished);
        shared.set_dropped(Arc::default());
        shared.forget_schema_orders();
        shared.recorded_types.replace(HashMap::new());
        if unfinished {
            log(Level::Warn, || {
                "a destroyed range cuts a row, and the destroy is not finished: filters keep everything until a store is attached again"
                    .into()
            });
        }
    }

    /// Whether the host is closing the database under the store.
    pub fn is_closed(&self) -> bool {
        self.store.engine.is_closed()
    }

    /// The number of records of destroyed ranges, without those that only remember a debt.
    pub fn records(&self) -> usize {
        self.ledger.destroyed.listed()
    }

    /// The destroyed ranges of these records, in order.
    pub fn destroyed(&self) -> Vec<DestroyedRange> {
        self.ledger.destroyed.list()
    }

    /// The size of all debts. If `now`, this lists their files. Otherwise it is the last
    /// measurement.
    pub fn debt(&self, now: bool) -> Result<DebtSize, Error> {
        if now { debt::measure(&self.store, &self.ledger) } else { Ok(*lock(&self.store.debt)) }
    }

    /// Destroys ranges. `reusable` means that the host will write into them again.
    pub fn destroy(&self, ranges: &[RangeToDestroy], reusable: bool, report: &mut DestroyReport) -> Result<(), DestroyError> {
        destroy::run(&self.store, &self.ledger, ranges, reusable, report)
    }

    /// Orders a destroy that begins when the effective safe point of the ranges is above `after`.
    pub fn destroy_after(&self, ranges: &[RangeToDestroy], after: Timestamp, how: How) -> Result<(), Error> {
        pending::order(&self.store, &self.ledger, ranges, after, how).map_err(|(_, error)| error)
    }

    /// Takes back pending destroys of exactly these ranges, all or none.
    pub fn take_back(&self, ranges: &[StoredRange]) -> Result<(), Error> {
        pending::take_back(&self.store, &self.ledger, ranges)
    }

    /// Counts the jobs of the worker again: the pending destroys that are due now, and the debts.
    pub fn count_due(&self) {
        self.ledger.destroyed.count(&self.store);
    }

    /// Destroys once more the ranges whose recheck is due, and deletes their records. Returns the
    /// number of these ranges.
    pub fn recheck(&self, now: u64, report: &mut DestroyReport) -> Result<usize, Error> {
        recheck::run(&self.store, &self.ledger, now, report)
    }

    /// Destroys one range once more, however old its record is, and deletes the record.
    pub fn recheck_range(&self, range: &StoredRange, report: &mut DestroyReport) -> Result<(), Error> {
        recheck::run_one(&self.store, &self.ledger, range, report)
    }

    /// Releases a range that is cleared or done, so that filters keep new keys there.
    pub fn release(&self, range: &StoredRange) -> Result<(), Error> {
        destroy::release(&self.store, &self.ledger, range)
    }

    /// Orders the drop of a schema with all its data, and deletes its whole files.
    pub fn drop_schema(&self, tenant: Tenant, id: SchemaId) -> Result<(), Error> {
        drop_schema::run(&self.store, &self.ledger, tenant, id)
    }

    /// Orders a truncation: the worker deletes a schema's versions up to a timestamp.
    pub fn truncate_schema(&self, tenant: Tenant, id: SchemaId, up_to: Timestamp) -> Result<(), Error> {
        truncate_schema::run(&self.store, &self.ledger, tenant, id, up_to)
    }

    /// The bytes of garbage of each keyspace by the last survey; `None` if there was none yet, or no
    /// file has properties. The worker makes another survey later.
    pub fn garbage(&self) -> Option<HashMap<KeyspaceId, u64>> {
        self.garbage.ask()
    }

    /// The state that the store shares with filters.
    pub fn shared(&self) -> &Shared {
        &self.store.shared
    }

    /// Explains why versions are still there.
    pub fn explain(&self, subject: &Subject) -> Result<Explanation, Error> {
        explain(&self.store, subject)
    }

    /// Reads the ledger anew, after replication has changed it.
    pub fn reload(&self) -> Result<(), Error> {
        self.ledger.reload(&self.store)
    }

    /// The least start timestamp at or below `up_to` of a lock of a keyspace.
    pub fn oldest_lock(&self, tenant: Tenant, up_to: Timestamp) -> Result<Option<Timestamp>, Error> {
        locks::oldest(&self.store, tenant, up_to)
    }

    /// The name of a column family.
    pub fn family_name(&self, family: Family) -> &str {
        self.store.families.get(family).map_or("", |family| family.name.as_str())
    }

    /// Compacts the files that hold garbage.
    pub fn collect(&self, order: &CollectOrder, report: &mut CollectReport) -> Result<(), Error> {
        collect::run(&self.store, &self.known_files, order, report)
    }
}
