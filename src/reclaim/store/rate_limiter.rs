//! A limit of bytes per second, for all deletes or for all compactions. The worker and the calls of
//! the host share it.

use crate::callback::lock;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The longest pause after one piece of work.
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Limits work to a number of bytes per second. A pause follows each piece of work. The next piece
/// begins after the pause.
#[derive(Debug)]
pub struct RateLimiter {
    bytes_per_second: u64,
    free_at: Mutex<Instant>,
}

impl RateLimiter {
    /// A limit that begins now; 0 means no limit.
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, free_at: Mutex::new(Instant::now()) }
    }

    /// The bytes of one second; `None` means no limit.
    pub fn per_second(&self) -> Option<u64> {
        (self.bytes_per_second > 0).then_some(self.bytes_per_second)
    }

    /// Counts work that was done.
    pub fn spend(&self, bytes: u64) {
        if let Some(per_second) = self.per_second() {
            let pause =
                Duration::try_from_secs_f64(bytes as f64 / per_second as f64).map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE));
            let mut free_at = lock(&self.free_at);
            *free_at = (*free_at).max(Instant::now()).checked_add(pause).unwrap_or(*free_at);
        }
    }

    /// The time until the next work may be done.
    pub fn free_in(&self) -> Duration {
        if self.bytes_per_second == 0 { Duration::ZERO } else { lock(&self.free_at).saturating_duration_since(Instant::now()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_must_wait_for_the_work_before() {
        let free = RateLimiter::new(0);
        free.spend(u64::MAX);
        assert_eq!((free.free_in(), free.per_second()), (Duration::ZERO, None));
        let limited = RateLimiter::new(10);
        limited.spend(20);
        limited.spend(10);
        let pause = limited.free_in();
        assert!(Duration::from_secs(2) < pause && pause <= Duration::from_secs(3), "{pause:?}");
        let slow = RateLimiter::new(1);
        slow.spend(u64::MAX);
        slow.spend(u64::MAX);
        assert!(slow.free_in() > Duration::from_secs(3600));
    }
}
