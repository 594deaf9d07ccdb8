//! The worker: one thread that finishes the rows that runs handed over, and looks once more at destroyed ranges.
//!
//! It is nobody's hurry: it waits while the store stalls writes, never writes into a stall, and keeps to its rate. It takes rows in
//! hand by the batch; whoever must know that none is in hand (a removed keyspace, a range that is destroyed) waits for that.

use super::batch::Batch;
use super::destroy::DestroyReport;
use super::row::Plan;
use super::store::Store;
use crate::engine::{Engine, How};
use crate::error::{Error, Kind};
use crate::log::{Level, log};
use crate::shared::{Kind as RowKind, Rows};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often it looks at the clock, and whether it must end.
const LOOK: Duration = Duration::from_secs(1);
/// How soon it tries again what the store was too busy for; doubled up to the longest.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// How soon it notices, in a wait, that it must end.
const SHORT_LOOK: Duration = Duration::from_millis(20);
/// How many rows it has in hand at most, so that nobody waits long for them.
const ROWS_IN_HAND: usize = 64;
/// After an error of the store's.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// The thread's whole life.
pub(super) fn work(store: &Store) {
    let mut worker = Worker { store, pace: Pace::new(store.shared.deleting.bytes_per_second), next_recheck: Instant::now() };
    while !store.is_stopping() {
        if !store.shared.enabled() {
            sleep(LONGEST_WAIT);
            continue;
        }
        let turn = catch_unwind(AssertUnwindSafe(|| worker.turn()));
        if turn.is_err() {
            log(Level::Error, || "the worker panicked over a row, and goes on with others; please report it".into());
        }
    }
}

struct Worker<'s> {
    store: &'s Store,
    pace: Pace,
    next_recheck: Instant,
}

impl Worker<'_> {
    fn turn(&mut self) {
        if self.store.shared.deleting.rechecks && Instant::now() >= self.next_recheck {
            self.recheck();
        }
        if let Some(rows) = self.store.shared.handover.take(LOOK) {
            self.finish(rows);
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
    fn finish(&mut self, rows: Rows) {
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
            self.pace.keep(store);
            if let Err(error) = finished {
                log(Level::Error, || format!("the worker leaves rows to later runs: {error}"));
                wait(store, AFTER_ERROR);
            }
        }
    }

    /// Takes rows in hand until their deletes fill a batch, and writes it.
    fn finish_some(&mut self, left: &mut Left<'_>) -> Result<(), Error> {
        let (store, kind) = (self.store, left.kind);
        let most = store.shared.deleting.batch_bytes;
        let mut hand = Hand { store, rows: 0 };
        let mut batch = Batch::default();
        while let Some(row) = left.rows.front().copied().filter(|_| hand.rows < ROWS_IN_HAND) {
            let plan = store.plan(kind, row);
            let goes_along = batch.is_empty() || matches!(&plan, Ok(Plan::Batch(deletes)) if batch.bytes + deletes.bytes <= most);
            if !goes_along {
                break;
            }
            left.rows.pop_front();
            hand.rows += 1;
            match plan? {
                Plan::Batch(deletes) => batch.append(deletes),
                Plan::Unparsed => hand.leave_unparsed(row),
                Plan::Long(long) => {
                    let parsed = store.delete_long_row(&long, &mut |batch, how| self.write_at_pace(batch, how))?;
                    if !parsed {
                        hand.leave_unparsed(row);
                    }
                    break;
                }
            }
        }
        if !batch.is_empty() {
            self.write(&batch, How::default())?;
        }
        hand.done();
        Ok(())
    }

    fn write_at_pace(&mut self, batch: &Batch, how: How) -> Result<(), Error> {
        self.write(batch, how)?;
        self.pace.keep(self.store);
        Ok(())
    }

    /// Writes a batch as soon as the store lets it without a stall.
    fn write(&mut self, batch: &Batch, how: How) -> Result<(), Error> {
        let mut pause = SHORTEST_WAIT;
        loop {
            if self.store.is_stopping() {
                return Err(Error::new(Kind::Aborted, "the store is being detached"));
            }
            match self.store.engine.write(&batch.writes, How { no_slowdown: true, ..how }) {
                Err(error) if error.kind() == Kind::Busy => {
                    wait(self.store, pause);
                    pause = LONGEST_WAIT.min(2 * pause);
                }
                written => {
                    self.pace.spend(batch.bytes);
                    return written;
                }
            }
        }
    }
}

/// Rows of one run that the worker has not got to. What is left of them when it turns away goes back to the queue.
struct Left<'r> {
    store: &'r Store,
    kind: RowKind,
    rows: VecDeque<&'r [u8]>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let mut rows = Rows::new(self.kind);
        self.rows.iter().for_each(|row| rows.push(row));
        self.store.shared.handover.give_back(rows);
    }
}

/// Rows that the worker is at: they are pending until it is done with them, or has failed.
struct Hand<'s> {
    store: &'s Store,
    rows: usize,
}

impl Hand<'_> {
    fn leave_unparsed(&mut self, row: &[u8]) {
        log(Level::Warn, || format!("a row is left as it is, for a value of it does not parse; row {row:02x?}"));
        self.store.shared.stats.shared().rows_left_unparsed.add(1);
        self.store.shared.handover.finish(1);
        self.rows -= 1;
    }

    fn done(mut self) {
        self.store.shared.stats.shared().rows_done.add(self.rows as u64);
        self.store.shared.handover.finish(std::mem::take(&mut self.rows));
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.store.shared.stats.shared().rows_refused.add(self.rows as u64);
        self.store.shared.handover.finish(self.rows);
    }
}

/// Sleeps, unless the worker must end.
fn wait(store: &Store, time: Duration) {
    let until = Instant::now() + time;
    while !store.is_stopping() && Instant::now() < until {
        sleep(SHORT_LOOK.min(until.saturating_duration_since(Instant::now())));
    }
}

/// Keeps writes to so many bytes a second.
struct Pace {
    bytes_per_second: u64,
    free_at: Instant,
}

impl Pace {
    fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, free_at: Instant::now() }
    }

    fn spend(&mut self, bytes: usize) {
        if self.bytes_per_second > 0 {
            let time = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
            self.free_at = self.free_at.max(Instant::now()) + time;
        }
    }

    fn keep(&self, store: &Store) {
        wait(store, self.free_at.saturating_duration_since(Instant::now()));
    }
}
