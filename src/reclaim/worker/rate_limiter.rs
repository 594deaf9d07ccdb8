//! The worker's write rate and its pauses.

use crate::reclaim::store::Store;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time after which a waiting worker notices that it must end.
pub const SHORT_LOOK: Duration = Duration::from_millis(20);
/// The first pause after the store was too busy. Each further pause is twice as long, up to the
/// longest.
pub const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// The longest pause after the store was too busy.
pub const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// The pause after an error of the store.
pub const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Sleeps, unless the worker must end.
pub fn wait(store: &Store, time: Duration) {
    let until = Instant::now() + time;
    while !store.is_stopping() && Instant::now() < until {
        sleep(SHORT_LOOK.min(until.saturating_duration_since(Instant::now())));
    }
}

/// Limits writes to a number of bytes per second.
pub struct RateLimiter {
    bytes_per_second: u64,
    /// The time before which nothing is written.
    pub free_at: Instant,
}

impl RateLimiter {
    /// A limit that begins now.
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, free_at: Instant::now() }
    }

    /// Counts bytes that were written.
    pub fn spend(&mut self, bytes: usize) {
        if self.bytes_per_second > 0 {
            let time = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
            self.free_at = self.free_at.max(Instant::now()) + time;
        }
    }

    /// Waits until the next bytes may be written.
    pub fn keep(&self, store: &Store) {
        wait(store, self.free_at.saturating_duration_since(Instant::now()));
    }
}
