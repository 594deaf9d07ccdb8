//! The worker: one thread that finishes the rows that runs handed over, carries out orders about schemas, and looks once more at
//! destroyed ranges.
//!
//! A row goes by its newest version, and only if that would survive a crash: what lies in a memtable alone, without a WAL, is flushed
//! first, for all rows that wait, once a second at most.
//!
//! It is nobody's hurry: it waits while the store stalls writes, never writes into a stall, and keeps to its rate. It takes rows in
//! hand by the batch; whoever must know that none is in hand (a removed keyspace, a range that is destroyed) waits for that.

use super::batch::Batch;
use super::destroy::DestroyReport;
use super::orders::Orders;
use super::rate_limiter::{AFTER_ERROR, LONGEST_WAIT, RateLimiter, SHORT_LOOK, SHORTEST_WAIT, wait};
use super::row::Plan;
use super::store::Store;
use crate::engine::{Family, WriteOptions};
use crate::error::{Error, ErrorKind, hex};
use crate::log::{Level, log};
use crate::shared::{FilterKind, HandedOverRows};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often it looks at the clock, and whether it must end.
const LOOK: Duration = Duration::from_secs(1);
/// How many rows it has in hand at most, so that nobody waits long for them.
const ROWS_IN_HAND: usize = 64;
/// How often it flushes for rows at most.
const BETWEEN_FLUSHES: Duration = Duration::from_secs(1);
/// After so many flushes that helped no row it leaves the row to a later run.
const FLUSHES_IN_VAIN: usize = 3;

/// The thread's whole life.
pub(super) fn work(store: &Store) {
    let mut worker = Worker {
        store,
        rate_limiter: RateLimiter::new(store.shared.deleting.bytes_per_second),
        next_recheck: Instant::now(),
        orders: Orders::default(),
        registrations: u64::MAX,
        next_flush: Instant::now(),
        flushes_in_vain: 0,
    };
    while !store.is_stopping() {
        if !store.shared.enabled() {
            sleep(LONGEST_WAIT);
            continue;
        }
        let turn = catch_unwind(AssertUnwindSafe(|| worker.turn()));
        if turn.is_err() {
            log(Level::Error, || "the worker panicked, leaves the rows it had in hand, and goes on with others; please report it".into());
            wait(store, AFTER_ERROR);
        }
    }
}

/// What the thread is at.
pub(super) struct Worker<'s> {
    pub(super) store: &'s Store,
    pub(super) rate_limiter: RateLimiter,
    pub(super) orders: Orders,
    next_recheck: Instant,
    /// Of keyspaces' types, as far as they are recorded.
    registrations: u64,
    next_flush: Instant,
    flushes_in_vain: usize,
}

/// How a hand of rows ended.
enum Ended {
    Finished,
    /// The next row must wait for a flush of this family.
    NeedsFlush(Family),
}

impl Worker<'_> {
    fn turn(&mut self) {
        if self.store.shared.deleting.rechecks && Instant::now() >= self.next_recheck {
            self.recheck();
        }
        self.record_types();
        if let Some(rows) = self.store.shared.worker_queue.take(LOOK) {
            self.finish(rows);
        }
        if self.store.shared.worker_queue.has_orders() {
            self.carry_on();
        }
    }

    fn record_types(&mut self) {
        let registrations = self.store.shared.recorded_types.registrations();
        if registrations != self.registrations && self.store.ledger_has_family() {
            match self.store.record_types() {
                Ok(()) => self.registrations = registrations,
                Err(error) => log(Level::Error, || format!("the types of keyspaces cannot be recorded now: {error}")),
            }
        }
    }

    fn recheck(&mut self) {
        self.next_recheck = Instant::now() + LOOK;
        let any = self.store.with_entries(|entries| entries.iter().any(|entry| entry.record.done));
        if !any {
            return;
        }
        if let Err(error) = self.store.recheck(self.store.shared.clock.now(), &mut DestroyReport::default()) {
            log(Level::Error, || format!("a destroyed range cannot be looked at again, and is kept in the ledger: {error}"));
            self.next_recheck = Instant::now() + 60 * LOOK;
        }
    }

    /// Finishes the rows of one run, some at a time.
    fn finish(&mut self, rows: HandedOverRows) {
        let store = self.store;
        let mut left = Left { store, kind: rows.kind, rows: rows.iter().collect() };
        while !left.rows.is_empty() {
            if store.is_stopping() || !store.shared.enabled() {
                return;
            }
            if store.engine.write_stalled() {
                wait(store, LONGEST_WAIT);
                continue;
            }
            let rows_in_hand = store.shared.take_rows_in_hand();
            // Switched off since the look above: whoever did it believes that no row is in hand.
            if !store.shared.enabled() {
                return;
            }
            let finished = self.finish_some(&mut left);
            drop(rows_in_hand);
            self.rate_limiter.keep(store);
            match finished {
                Ok(Ended::Finished) => self.flushes_in_vain = 0,
                Ok(Ended::NeedsFlush(family)) => self.flush_for_rows(family, &mut left),
                // They were put back, for somebody who waits, or because the store was too busy to be read.
                Err(error) if error.kind() == ErrorKind::Busy => wait(store, SHORTEST_WAIT),
                Err(error) => {
                    log(Level::Error, || format!("the worker leaves rows to later runs: {error}"));
                    wait(store, AFTER_ERROR);
                }
            }
        }
    }

    /// Takes rows in hand until their deletes fill a batch, and writes it. An error of kind Busy: they were put back.
    fn finish_some(&mut self, left: &mut Left<'_>) -> Result<Ended, Error> {
        let mut hand = InFlightRows { store: self.store, rows: Vec::new() };
        let finished = self.finish_in_hand(left, &mut hand);
        match &finished {
            Ok(_) => hand.done(),
            Err(error) if error.kind() == ErrorKind::Busy => hand.put_back(left),
            Err(_) => {}
        }
        finished
    }

    fn finish_in_hand<'r>(&mut self, left: &mut Left<'r>, hand: &mut InFlightRows<'_, 'r>) -> Result<Ended, Error> {
        let (store, kind) = (self.store, left.kind);
        let most = store.shared.deleting.batch_bytes;
        let mut batch = Batch::default();
        while hand.rows.len() < ROWS_IN_HAND
            && let Some(row) = left.rows.pop_front()
        {
            hand.rows.push(row);
            let plan = store.plan(kind, row)?;
            let goes_along = batch.is_empty() || matches!(&plan, Plan::Batch(deletes) if batch.bytes + deletes.bytes <= most);
            if !goes_along {
                hand.rows.pop();
                left.rows.push_front(row);
                break;
            }
            match plan {
                Plan::Batch(deletes) => batch.append(deletes),
                Plan::Unparsed => hand.leave_unparsed(),
                Plan::NotDurable(family) => {
                    hand.rows.pop();
                    left.rows.push_front(row);
                    if hand.rows.is_empty() {
                        return Ok(Ended::NeedsFlush(family));
                    }
                    break;
                }
                Plan::Long(long) => {
                    if !store.delete_long_row(&long, &mut |batch, how| self.write_at_pace(batch, how))? {
                        hand.leave_unparsed();
                    }
                    break;
                }
            }
        }
        if !batch.is_empty() {
            self.write(&batch, WriteOptions::default())?;
        }
        Ok(Ended::Finished)
    }

    /// No row is in hand meanwhile.
    fn flush_for_rows(&mut self, family: Family, left: &mut Left<'_>) {
        let store = self.store;
        if self.flushes_in_vain >= FLUSHES_IN_VAIN {
            self.flushes_in_vain = 0;
            if let Some(row) = left.rows.pop_front() {
                drop(InFlightRows { store, rows: vec![row] });
                log(Level::Warn, || format!("a row is left to a later run, for no flush makes it durable; row {}", hex(row)));
            }
            return;
        }
        wait(store, self.next_flush.saturating_duration_since(Instant::now()));
        if store.is_stopping() {
            return;
        }
        self.next_flush = Instant::now() + BETWEEN_FLUSHES;
        self.flushes_in_vain += 1;
        if let Err(error) = store.engine.flush(family) {
            log(Level::Error, || format!("rows wait for a flush, which fails: {error}"));
            wait(store, AFTER_ERROR);
        }
    }

    /// One batch of a long row, which may be put back between any two.
    pub(super) fn write_at_pace(&mut self, batch: &Batch, how: WriteOptions) -> Result<(), Error> {
        self.write(batch, how)?;
        while Instant::now() < self.rate_limiter.free_at {
            self.stay_in_hand()?;
            sleep(SHORT_LOOK.min(self.rate_limiter.free_at.saturating_duration_since(Instant::now())));
        }
        Ok(())
    }

    /// Writes a batch as soon as the store lets it without a stall.
    fn write(&mut self, batch: &Batch, how: WriteOptions) -> Result<(), Error> {
        let mut pause = SHORTEST_WAIT;
        loop {
            match self.store.engine.write(&batch.writes, WriteOptions { no_slowdown: true, ..how }) {
                Err(error) if error.kind() == ErrorKind::Busy => {
                    self.stay_in_hand()?;
                    sleep(pause);
                    pause = LONGEST_WAIT.min(2 * pause);
                }
                written => {
                    self.rate_limiter.spend(batch.bytes);
                    return written;
                }
            }
        }
    }

    /// May rows stay in hand while nothing can be written? Not if somebody waits for them: who ends the stall may be the one who waits.
    pub(super) fn stay_in_hand(&self) -> Result<(), Error> {
        if self.store.is_stopping() || self.store.shared.wants_rows_in_hand_back() {
            return Err(Error::new(ErrorKind::Busy, "somebody waits for the rows in hand"));
        }
        Ok(())
    }
}

/// Rows of one run that the worker has not got to. What is left of them when it turns away goes back to the queue.
struct Left<'r> {
    store: &'r Store,
    kind: FilterKind,
    rows: VecDeque<&'r [u8]>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.store.shared.worker_queue.give_back(self.kind, self.rows.iter().copied());
    }
}

/// Rows that the worker is at: they are pending until it is done with them, or has failed.
struct InFlightRows<'s, 'r> {
    store: &'s Store,
    rows: Vec<&'r [u8]>,
}

impl<'r> InFlightRows<'_, 'r> {
    /// The last one.
    fn leave_unparsed(&mut self) {
        if let Some(row) = self.rows.pop() {
            log(Level::Warn, || format!("a row is left as it is, for a value of it does not parse; row {}", hex(row)));
            self.store.shared.stats.shared().rows_left_unparsed.add(1);
            self.store.shared.worker_queue.finish(1);
        }
    }

    fn done(mut self) {
        let rows = std::mem::take(&mut self.rows).len();
        self.store.shared.stats.shared().rows_done.add(rows as u64);
        self.store.shared.worker_queue.finish(rows);
    }

    fn put_back(mut self, left: &mut Left<'r>) {
        std::mem::take(&mut self.rows).into_iter().rev().for_each(|row| left.rows.push_front(row));
    }
}

impl Drop for InFlightRows<'_, '_> {
    fn drop(&mut self) {
        self.store.shared.stats.shared().rows_deferred.add(self.rows.len() as u64);
        self.store.shared.worker_queue.finish(self.rows.len());
    }
}
