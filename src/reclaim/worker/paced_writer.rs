//! The worker's writes of rows: at its rate, and never into a write stall. If another thread waits
//! for the rows in hand, the worker puts them back instead of waiting itself.

use super::pauses::{LONGEST_WAIT, SHORT_LOOK, SHORTEST_WAIT, wait};
use crate::engine::WriteOptions;
use crate::error::{Error, ErrorKind};
use crate::reclaim::store::{Batch, Store};
use std::thread::sleep;

/// Writes batches of deletes for the worker.
pub struct PacedWriter<'s> {
    pub store: &'s Store,
}

impl<'s> PacedWriter<'s> {
    pub fn new(store: &'s Store) -> Self {
        Self { store }
    }

    /// Writes one batch of a long row. The row may be put back between two batches.
    pub fn write_at_pace(&mut self, batch: &Batch, how: WriteOptions) -> Result<(), Error> {
        self.write(batch, how)?;
        loop {
            let time = self.store.delete_rate.free_in();
            if time.is_zero() {
                return Ok(());
            }
            self.stay_in_hand()?;
            sleep(SHORT_LOOK.min(time));
        }
    }

    /// Waits until the next deletes may be written. No row may be in hand.
    pub fn keep_rate(&self) {
        wait(self.store, self.store.delete_rate.free_in());
    }

    /// Writes a batch as soon as the store accepts it without a stall.
    pub fn write(&mut self, batch: &Batch, how: WriteOptions) -> Result<(), Error> {
        let mut pause = SHORTEST_WAIT;
        loop {
            match self.store.engine.write(&batch.writes, WriteOptions { no_slowdown: true, ..how }) {
                Err(error) if error.kind() == ErrorKind::Busy => {
                    self.stay_in_hand()?;
                    sleep(pause);
                    pause = LONGEST_WAIT.min(2 * pause);
                }
                written => {
                    self.store.delete_rate.spend(batch.bytes as u64);
                    return written;
                }
            }
        }
    }

    /// Checks whether the worker may keep its rows in hand while it cannot write. If another thread
    /// waits for them, it is an error of kind Busy: that thread may be the one that ends the stall.
    pub fn stay_in_hand(&self) -> Result<(), Error> {
        if self.store.is_stopping() || self.store.shared.wants_rows_in_hand_back() {
            return Err(Error::new(ErrorKind::Busy, "another thread waits for the rows in hand"));
        }
        Ok(())
    }
}
