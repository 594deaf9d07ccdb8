//! Finishing the rows that filters handed over. The worker has a limited number of them in hand at
//! a time. A row whose deciding version is only in a memtable waits for a flush.

use super::failures;
use super::paced_writer::PacedWriter;
use super::pauses::{AFTER_ERROR, LONGEST_WAIT, SHORTEST_WAIT, wait};
use crate::engine::{Family, WriteOptions};
use crate::error::{Error, ErrorKind, hex};
use crate::log::{Level, log};
use crate::reclaim::jobs::dead_row::{Plan, plan};
use crate::reclaim::jobs::long_row;
use crate::reclaim::store::{Batch, Store};
use crate::shared::{FilterKind, HandedOverRows};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The most rows in hand at a time, so that other threads do not wait long for them.
const ROWS_IN_HAND: usize = 64;
/// The shortest time between two flushes for rows.
const BETWEEN_FLUSHES: Duration = Duration::from_secs(1);
/// After this number of flushes that helped no row, the row is left to a later filter.
const FLUSHES_IN_VAIN: usize = 3;

/// The state of finishing rows.
pub struct Rows {
    next_flush: Instant,
    flushes_in_vain: usize,
}

/// The result of finishing a batch of rows.
enum Ended {
    Finished,
    /// The next row must wait for a flush of this family.
    NeedsFlush(Family),
}

impl Rows {
    /// A state without flushes.
    pub fn new() -> Self {
        Self { next_flush: Instant::now(), flushes_in_vain: 0 }
    }

    /// Finishes the rows of one compaction run, some at a time.
    pub fn finish(&mut self, writer: &mut PacedWriter<'_>, rows: HandedOverRows) {
        let store = writer.store;
        let mut remaining = RemainingRows { store, kind: rows.kind, rows: rows.iter().collect() };
        while !remaining.rows.is_empty() {
            if store.is_stopping() || !store.shared.enabled() {
                return;
            }
            if store.engine.write_stalled() {
                wait(store, LONGEST_WAIT);
                continue;
            }
            let rows_in_hand = store.shared.rows_in_hand.take();
            // The host may have disabled collecting since the check above, and relies on no row
            // being in hand.
            if !store.shared.enabled() {
                return;
            }
            let finished = self.finish_some(writer, &mut remaining);
            drop(rows_in_hand);
            writer.keep_rate();
            match finished {
                Ok(Ended::Finished) => self.flushes_in_vain = 0,
                Ok(Ended::NeedsFlush(family)) => self.flush(store, family, &mut remaining),
                // The rows were put back, because another thread waits or the store was too busy.
                Err(error) if error.kind() == ErrorKind::Busy => wait(store, SHORTEST_WAIT),
                Err(error) => {
                    log(failures::level(&error), || format!("the worker leaves rows to later filters: {error}"));
                    wait(store, AFTER_ERROR);
                }
            }
        }
    }

    /// Takes rows in hand until their deletes fill a batch, and writes it. An error of kind Busy
    /// means that the rows were put back.
    fn finish_some(&mut self, writer: &mut PacedWriter<'_>, remaining: &mut RemainingRows<'_>) -> Result<Ended, Error> {
        let mut in_flight = InFlightRows { store: writer.store, rows: Vec::new() };
        let finished = finish_in_flight(writer, remaining, &mut in_flight);
        match &finished {
            Ok(_) => in_flight.done(),
            Err(error) if error.kind() == ErrorKind::Busy => in_flight.put_back(remaining),
            Err(_) => {}
        }
        finished
    }

    /// Flushes a family for the next row, or leaves the row to a later filter. No row is in hand
    /// meanwhile.
    fn flush(&mut self, store: &Store, family: Family, remaining: &mut RemainingRows<'_>) {
        if self.flushes_in_vain >= FLUSHES_IN_VAIN {
            self.flushes_in_vain = 0;
            if let Some(row) = remaining.rows.pop_front() {
                drop(InFlightRows { store, rows: vec![row] });
                log(Level::Warn, || format!("a row is left to a later filter, because no flush makes it durable; row {}", hex(row)));
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
            log(failures::level(&error), || format!("rows wait for a flush, which fails: {error}"));
            wait(store, AFTER_ERROR);
        }
    }
}

fn finish_in_flight<'r>(
    writer: &mut PacedWriter<'_>,
    remaining: &mut RemainingRows<'r>,
    in_flight: &mut InFlightRows<'_, 'r>,
) -> Result<Ended, Error> {
    let (store, kind) = (writer.store, remaining.kind);
    let most = store.shared.deleting.batch_bytes;
    let mut batch = Batch::default();
    while in_flight.rows.len() < ROWS_IN_HAND
        && let Some(row) = remaining.rows.pop_front()
    {
        in_flight.rows.push(row);
        let plan = plan(store, kind, row)?;
        let goes_along = batch.is_empty() || matches!(&plan, Plan::Batch(deletes) if batch.bytes + deletes.bytes <= most);
        if !goes_along {
            in_flight.rows.pop();
            remaining.rows.push_front(row);
            break;
        }
        match plan {
            Plan::Batch(deletes) => batch.append(deletes),
            Plan::Unparsed => in_flight.leave_unparsed(),
            Plan::NotDurable(family) => {
                in_flight.rows.pop();
                remaining.rows.push_front(row);
                if in_flight.rows.is_empty() {
                    return Ok(Ended::NeedsFlush(family));
                }
                break;
            }
            Plan::Long(long) => {
                if !long_row::delete(store, &long, &mut |batch, how| writer.write_at_pace(batch, how))? {
                    in_flight.leave_unparsed();
                }
                break;
            }
        }
    }
    if !batch.is_empty() {
        writer.write(&batch, WriteOptions::default())?;
    }
    Ok(Ended::Finished)
}

/// The unfinished rows of one compaction run. When this is dropped, they are put back into the
/// queue.
struct RemainingRows<'r> {
    store: &'r Store,
    kind: FilterKind,
    rows: VecDeque<&'r [u8]>,
}

impl Drop for RemainingRows<'_> {
    fn drop(&mut self) {
        self.store.shared.worker_queue.give_back(self.kind, self.rows.iter().copied());
    }
}

/// The rows in hand. They count as pending until the worker has finished them, or has failed.
struct InFlightRows<'s, 'r> {
    store: &'s Store,
    rows: Vec<&'r [u8]>,
}

impl<'r> InFlightRows<'_, 'r> {
    /// Keeps the last row as it is.
    fn leave_unparsed(&mut self) {
        if let Some(row) = self.rows.pop() {
            log(Level::Warn, || format!("a row is kept as it is, because one of its values does not parse; row {}", hex(row)));
            self.store.shared.stats.shared().rows_left_unparsed.add(1);
            self.store.shared.worker_queue.finish(1);
        }
    }

    fn done(mut self) {
        let rows = std::mem::take(&mut self.rows).len();
        self.store.shared.stats.shared().rows_done.add(rows as u64);
        self.store.shared.worker_queue.finish(rows);
    }

    fn put_back(mut self, remaining: &mut RemainingRows<'r>) {
        std::mem::take(&mut self.rows).into_iter().rev().for_each(|row| remaining.rows.push_front(row));
    }
}

impl Drop for InFlightRows<'_, '_> {
    fn drop(&mut self) {
        self.store.shared.stats.shared().rows_deferred.add(self.rows.len() as u64);
        self.store.shared.worker_queue.finish(self.rows.len());
    }
}
