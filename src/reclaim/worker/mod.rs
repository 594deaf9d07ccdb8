//! The worker: one thread that finishes the rows that filters handed over, carries out orders about
//! schemas and pending destroys, compacts the files that may still hold deleted keys, rechecks
//! destroyed ranges, and records the types of keyspaces.
//!
//! The newest version of a row decides what the worker deletes. The worker deletes only if that
//! version would survive a crash. If the version is only in a memtable and not in the WAL, the
//! worker flushes the memtable first. It flushes for all waiting rows together, at most once a
//! second.
//!
//! The worker does background work. It waits while the store stalls writes. It deletes rows and
//! schemas without writing into a stall, and keeps its rate limits. It takes a limited number of
//! rows in hand at a time. A thread that pauses a keyspace or destroys a range waits until no row
//! is in hand.

mod debts;
mod failures;
mod orders;
mod paced_writer;
mod pauses;
mod rows;

use super::jobs::{DestroyReport, pending, recheck};
use super::ledger::Ledger;
use super::store::Store;
use super::survey::garbage::GarbageSurvey;
use crate::error::ErrorKind;
use crate::log::{Level, log};
use crate::shared::JobKind;
use debts::Debts;
use orders::Orders;
use paced_writer::PacedWriter;
use pauses::{AFTER_ERROR, LONGEST_WAIT, wait};
use rows::Rows;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The interval of the worker's checks: for due rechecks and destroys, and whether it must end.
const LOOK: Duration = Duration::from_secs(1);

/// The main function of the worker's thread.
pub fn work(store: &Store, ledger: &Ledger, garbage: &GarbageSurvey) {
    let mut worker = Worker {
        store,
        ledger,
        garbage,
        writer: PacedWriter::new(store),
        next_barriers: Instant::now(),
        next_recheck: Instant::now(),
        next_due: Instant::now(),
        due_rests_until: Instant::now(),
        orders: Orders::default(),
        debts: Debts::new(),
        registrations: u64::MAX,
        rows: Rows::new(),
    };
    while !store.is_stopping() {
        if !store.shared.enabled() {
            sleep(LONGEST_WAIT);
            continue;
        }
        let worked = catch_unwind(AssertUnwindSafe(|| worker.work_once()));
        if worked.is_err() {
            log(Level::Error, || {
                "the worker panicked, leaves its rows in hand to later filters, and continues with others; please report it".into()
            });
            wait(store, AFTER_ERROR);
        }
    }
}

/// The state of the worker's thread.
struct Worker<'s> {
    store: &'s Store,
    ledger: &'s Ledger,
    garbage: &'s GarbageSurvey,
    writer: PacedWriter<'s>,
    orders: Orders,
    debts: Debts,
    rows: Rows,
    next_barriers: Instant,
    next_recheck: Instant,
    next_due: Instant,
    /// The end of the pause after pending destroys failed.
    due_rests_until: Instant,
    /// The number of registrations whose types are recorded.
    registrations: u64,
}

impl Worker<'_> {
    fn work_once(&mut self) {
        if self.store.shared.deleting.rechecks && Instant::now() >= self.next_recheck && !self.store.engine.write_stalled() {
            self.recheck();
        }
        self.record_types();
        if Instant::now() >= self.next_barriers {
            self.next_barriers = Instant::now() + LOOK;
            self.store.shared.let_ended_barriers_go();
        }
        let wait = self.debts.wait(self.store).map_or(LOOK, |wait| wait.min(LOOK));
        if let Some(rows) = self.store.shared.worker_queue.take(wait, || self.store.is_stopping()) {
            self.rows.finish(&mut self.writer, rows);
        }
        if self.store.shared.worker_queue.has(JobKind::Order) {
            self.orders.carry_on(&mut self.writer, self.ledger);
        }
        self.destroy_due();
        self.debts.carry_on(self.store, self.ledger);
        if let Err(error) = self.garbage.run_if_due(self.store) {
            log(Level::Debug, || format!("the garbage of keyspaces cannot be surveyed now: {error}"));
        }
    }

    fn record_types(&mut self) {
        let registrations = self.store.shared.recorded_types.registrations();
        if registrations != self.registrations && self.ledger.types.are_recorded(self.store) {
            match self.ledger.types.record(self.store) {
                Ok(()) => self.registrations = registrations,
                Err(error) => {
                    log(failures::level(&error), || format!("the types of keyspaces cannot be recorded now: {error}"));
                    // Attempts are of no use until the next attach, which has a worker of its own.
                    if error.kind() == ErrorKind::FamilyDropped {
                        self.registrations = registrations;
                    }
                }
            }
        }
    }

    /// Carries out the pending destroys that are due: at once if the queue counts one, otherwise
    /// once a second.
    fn destroy_due(&mut self) {
        let is_told = self.store.shared.worker_queue.has(JobKind::Due);
        let next = if is_told { self.due_rests_until } else { self.due_rests_until.max(self.next_due) };
        if !self.ledger.destroyed.any_pending() || Instant::now() < next || self.store.engine.write_stalled() {
            return;
        }
        self.next_due = Instant::now() + LOOK;
        if let Err(error) = pending::run_due(self.store, self.ledger) {
            log(failures::level(&error), || format!("a pending destroy cannot be carried out now, and the worker tries again: {error}"));
            self.due_rests_until = Instant::now() + failures::pause(&error, AFTER_ERROR);
        }
        self.ledger.destroyed.count(self.store);
    }

    fn recheck(&mut self) {
        self.next_recheck = Instant::now() + LOOK;
        if !self.ledger.destroyed.any_cleared() {
            return;
        }
        if let Err(error) = recheck::run(self.store, self.ledger, self.store.shared.clock.now(), &mut DestroyReport::default()) {
            log(failures::level(&error), || format!("a destroyed range cannot be rechecked now, and its record is kept: {error}"));
            self.next_recheck = Instant::now() + 60 * LOOK;
        }
    }
}
