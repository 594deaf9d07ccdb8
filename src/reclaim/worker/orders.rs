//! The worker carries out orders about schemas. It does one batch of one order, then one batch of
//! the next order.

use super::failures;
use super::paced_writer::PacedWriter;
use super::pauses::{LONGEST_WAIT, SHORT_LOOK, SHORTEST_WAIT, wait};
use crate::error::{Error, ErrorKind, hex};
use crate::layout::NamedSchema;
use crate::log::{Level, log};
use crate::reclaim::jobs::sweep::Sweep;
use crate::reclaim::jobs::truncate_rows::{self, Truncated};
use crate::reclaim::ledger::{Ledger, Order, OrderProgress, SchemaKey, SchemaOrders, SchemaRecord};
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The first pause of an order after an error. Each further pause is twice as long, up to the
/// longest.
const AGAIN: Duration = Duration::from_secs(1);
const LONGEST_AGAIN: Duration = Duration::from_secs(60);

/// The worker's progress with the orders.
#[derive(Default)]
pub struct Orders {
    /// The schema whose order was served last.
    last: Option<SchemaKey>,
    sweeps: BTreeMap<SchemaKey, Sweep>,
    /// Whether a truncation has deleted anything. One that an earlier process began may have.
    deleted: BTreeMap<SchemaKey, bool>,
    /// Orders that are paused: the end and the length of the pause.
    waiting: BTreeMap<SchemaKey, (Instant, Duration)>,
}

impl Orders {
    fn may_go(&self, key: &SchemaKey) -> bool {
        self.waiting.get(key).is_none_or(|(until, _)| *until <= Instant::now())
    }

    /// Pauses an order. Returns whether it was not paused before.
    fn wait(&mut self, key: SchemaKey) -> bool {
        let before = self.waiting.get(&key).map(|(_, time)| *time);
        let time = before.map_or(AGAIN, |time| LONGEST_AGAIN.min(2 * time));
        self.waiting.insert(key, (Instant::now() + time, time));
        before.is_none()
    }

    /// Carries out a part of the next order.
    pub fn carry_on(&mut self, writer: &mut PacedWriter<'_>, ledger: &Ledger) {
        let store = writer.store;
        let record = ledger.schemas.next(store, self.last, |key| self.may_go(key));
        let Some(record) = record.filter(|_| !store.engine.write_stalled()) else {
            wait(store, SHORT_LOOK);
            return;
        };
        let key = record.schema();
        self.last = Some(key);
        let carried_on = match record.order {
            Order::Truncate => self.truncate(writer, ledger, &record),
            Order::Drop => self.sweep(writer, ledger, &record),
        };
        writer.keep_rate();
        match carried_on {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Busy => wait(store, SHORTEST_WAIT),
            Err(error) => {
                self.wait(key);
                log(failures::level(&error), || {
                    format!("the keys of {} cannot be deleted now, and the worker tries again: {error}", NamedSchema(key))
                });
            }
        }
    }

    fn truncate(&mut self, writer: &mut PacedWriter<'_>, ledger: &Ledger, record: &SchemaRecord) -> Result<(), Error> {
        let store = writer.store;
        let _rows_in_hand = store.shared.rows_in_hand.take();
        // The host may have disabled collecting or paused the keyspace since, and relies on no row
        // being in hand.
        if !store.shared.enabled() || SchemaOrders::rests(store, record) {
            return Ok(());
        }
        let key = record.schema();
        let deleted = self.deleted.entry(key).or_insert(!record.position.is_empty());
        let Truncated { batch, mut to, unparsed } = truncate_rows::run(store, record, &mut |batch, how| {
            *deleted = true;
            writer.write_at_pace(batch, how)
        })?;
        *deleted |= !batch.is_empty();
        if to.progress == OrderProgress::Deleted && !*deleted {
            to.progress = OrderProgress::Done;
        }
        let mut pause = SHORTEST_WAIT;
        while let Err(error) = ledger.schemas.advance(store, record, &to, &batch.writes) {
            if error.kind() != ErrorKind::Busy {
                return Err(error);
            }
            writer.stay_in_hand()?;
            sleep(pause);
            pause = LONGEST_WAIT.min(2 * pause);
        }
        store.delete_rate.spend(batch.bytes as u64);
        self.waiting.remove(&key);
        if to.progress > OrderProgress::Deleting {
            self.deleted.remove(&key);
        }
        store.shared.stats.shared().rows_left_unparsed.add(unparsed.len() as u64);
        for row in unparsed {
            log(Level::Warn, || {
                format!("a row is not truncated up to {}, because one of its records does not parse; row {}", record.up_to, hex(&row))
            });
        }
        Ok(())
    }

    fn sweep(&mut self, writer: &mut PacedWriter<'_>, ledger: &Ledger, record: &SchemaRecord) -> Result<(), Error> {
        let store = writer.store;
        let key = record.schema();
        let sweep = self.sweeps.entry(key).or_insert_with(|| Sweep::new(store, record));
        if !sweep.is_over() {
            let _rows_in_hand = store.shared.rows_in_hand.take();
            if store.shared.enabled() {
                let bytes = sweep.go_on(store)?;
                store.delete_rate.spend(bytes as u64);
            }
            return Ok(());
        }
        self.sweeps.remove(&key);
        let deleted = SchemaRecord { progress: OrderProgress::Deleted, ..record.clone() };
        ledger.schemas.advance(store, record, &deleted, &[])
    }
}
