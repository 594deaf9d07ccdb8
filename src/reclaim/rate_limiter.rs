//! How fast the worker goes, and how it waits.

use super::store::Store;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How soon it notices, in a wait, that it must end.
pub(super) const SHORT_LOOK: Duration = Duration::from_millis(20);
/// How soon it tries again what the store was too busy for; doubled up to the longest.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// See there.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// After an error of the store's.
pub(super) const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Sleeps, unless the worker must end.
pub(super) fn wait(store: &Store, time: Duration) {
    let until = Instant::now() + time;
    while !store.is_stopping() && Instant::now() < until {
        sleep(SHORT_LOOK.min(until.saturating_duration_since(Instant::now())));
    }
}

/// Keeps writes to so many bytes a second.
pub(super) struct RateLimiter {
    bytes_per_second: u64,
    /// Nothing is written before.
    pub(super) free_at: Instant,
}

impl RateLimiter {
    /// From now on.
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, free_at: Instant::now() }
    }

    /// So many bytes were written.
    pub(super) fn spend(&mut self, bytes: usize) {
        if self.bytes_per_second > 0 {
            let time = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
            self.free_at = self.free_at.max(Instant::now()) + time;
        }
    }

    /// Waits until the next bytes may be written.
    pub(super) fn keep(&self, store: &Store) {
        wait(store, self.free_at.saturating_duration_since(Instant::now()));
    }
}
