//! The worker carries out orders about schemas: each gets its turn, a batch at a time.

use super::ledger::{Order, SchemaRecord};
use super::pace::{AFTER_ERROR, SHORT_LOOK, SHORTEST_WAIT, wait};
use super::schemas::Named;
use super::sweep::Sweep;
use super::worker::Worker;
use crate::engine::Engine;
use crate::error::{Error, Kind};
use crate::layout::{SchemaId, Tenant};
use crate::log::{Level, log};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How soon a schema is looked at again that somebody writes into.
const LOOK: Duration = Duration::from_secs(1);
/// After errors that go on.
const LONGEST_AFTER_ERROR: Duration = Duration::from_secs(60);

/// Where the worker is with them.
pub(super) struct Orders {
    /// The one that had the last turn.
    last: Option<(Tenant, SchemaId)>,
    sweeps: BTreeMap<(Tenant, SchemaId), Sweep>,
    /// When the next one has its turn, and how long that takes after an error.
    next: Instant,
    after_error: Duration,
}

impl Orders {
    /// At the beginning.
    pub(super) fn new() -> Self {
        Self { last: None, sweeps: BTreeMap::new(), next: Instant::now(), after_error: AFTER_ERROR }
    }
}

impl Worker<'_> {
    /// Gives the next order about a schema its turn.
    pub(super) fn carry_on(&mut self) {
        let store = self.store;
        if Instant::now() < self.orders.next || store.engine.write_stalled() {
            wait(store, SHORT_LOOK);
            return;
        }
        let Some(record) = store.next_order(self.orders.last) else {
            // They rest.
            wait(store, SHORT_LOOK);
            return;
        };
        self.orders.last = Some((record.tenant, record.id));
        let carried_on = match record.order {
            Order::Truncate => self.truncate(&record),
            Order::Drop => self.sweep(&record),
        };
        self.pace.keep(store);
        match carried_on {
            Ok(()) => self.orders.after_error = AFTER_ERROR,
            Err(error) if error.kind() == Kind::Busy => wait(store, SHORTEST_WAIT),
            Err(error) => {
                log(Level::Error, || format!("{} cannot be cleared or truncated now: {error}", Named(record.tenant, record.id)));
                self.orders.next = Instant::now() + self.orders.after_error;
                self.orders.after_error = LONGEST_AFTER_ERROR.min(2 * self.orders.after_error);
            }
        }
    }

    fn truncate(&mut self, record: &SchemaRecord) -> Result<(), Error> {
        let store = self.store;
        let _rows_in_hand = store.shared.take_rows_in_hand();
        // Switched off or removed since: whoever did it believes that no row is in hand.
        if !store.shared.enabled() || store.rests(record) {
            return Ok(());
        }
        let bytes = store.truncate_some(record, &mut |batch, how| self.write_at_pace(batch, how))?;
        self.pace.spend(bytes);
        Ok(())
    }

    fn sweep(&mut self, record: &SchemaRecord) -> Result<(), Error> {
        let store = self.store;
        let key = (record.tenant, record.id);
        let sweep = self.orders.sweeps.entry(key).or_insert_with(|| Sweep::new(store, record));
        if !sweep.is_over() {
            let _rows_in_hand = store.shared.take_rows_in_hand();
            if store.shared.enabled() {
                let bytes = sweep.go_on(store)?;
                self.pace.spend(bytes);
            }
            return Ok(());
        }
        self.orders.sweeps.remove(&key);
        if !store.finish_sweep(record)? {
            // Somebody writes into it. Runs drop that meanwhile.
            self.orders.next = Instant::now() + LOOK;
        }
        Ok(())
    }
}
