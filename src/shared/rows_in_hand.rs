//! The rows that the worker has in hand: it has read them, and has not written its deletes.
//!
//! A thread that changes what may be deleted publishes the change first. Then it waits until the
//! worker has no rows in hand. The worker decides about later rows by the new state.

use crate::callback::lock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// How often the worker checks whether other threads still wait.
const LOOK: Duration = Duration::from_micros(50);

/// The lock that the worker holds while it has rows in hand.
#[derive(Debug, Default)]
pub struct RowsInHand {
    held: Mutex<()>,
    /// The number of threads that wait for the lock.
    waiting: AtomicUsize,
}

impl RowsInHand {
    /// Returns when the rows in hand are finished or put back.
    pub fn wait(&self) {
        self.waiting.fetch_add(1, SeqCst);
        drop(lock(&self.held));
        self.waiting.fetch_sub(1, SeqCst);
    }

    /// Whether a thread waits for the rows in hand.
    pub fn are_waited_for(&self) -> bool {
        self.waiting.load(SeqCst) > 0
    }

    /// Takes the lock. Threads that already wait for the rows in hand have priority.
    pub fn take(&self) -> MutexGuard<'_, ()> {
        while self.are_waited_for() {
            std::thread::sleep(LOOK);
        }
        lock(&self.held)
    }
}
