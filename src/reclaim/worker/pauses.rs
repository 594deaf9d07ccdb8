//! The worker's pauses.

pub use crate::reclaim::store::SHORT_LOOK;
use crate::reclaim::store::Store;
use std::thread::sleep;
use std::time::{Duration, Instant};

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
