//! The time that filters see: the system's or the host's, with a check of its plausibility.

use super::trusted::{ClockNotice, Trusted};
use crate::callback::{Slot, lock};
use crate::log::{Level, log};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Returns Unix seconds; 0 means unknown.
type Source = dyn Fn() -> u64 + Send + Sync;
type Guarded = dyn Fn() -> (u64, Option<ClockNotice>) + Send + Sync;

/// A clock whose source can be replaced at once. Every call reads one source, and nothing of a
/// replaced source is left.
pub struct Clock {
    source: Slot<Guarded>,
    is_host: AtomicBool,
}

impl Clock {
    /// The system's clock.
    pub fn new() -> Self {
        let clock = Self { source: Slot::new(), is_host: AtomicBool::new(false) };
        clock.set_system();
        clock
    }

    /// Replaces the source by the host's, and waits until calls of the earlier source have ended.
    pub fn set_host(&self, source: Box<Source>) {
        self.is_host.store(true, SeqCst);
        self.source.replace(Some(guarded(source)));
    }

    /// Replaces the source by the system's clock.
    pub fn set_system(&self) {
        self.is_host.store(false, SeqCst);
        self.source.replace(Some(guarded(Box::new(system_now))));
    }

    /// Releases a host's source. It is never called again, and the time is unknown from then on.
    /// The system's clock remains in use.
    pub fn release_host(&self) {
        if self.is_host.load(SeqCst) {
            self.source.replace(None);
        }
    }

    /// The plausible time in Unix seconds; 0 means unknown.
    pub fn now(&self) -> u64 {
        let (now, notice) = self.source.with(|source| source()).unwrap_or_default();
        if let Some(notice) = notice {
            let level = if matches!(notice, ClockNotice::NoSeconds { .. }) { Level::Error } else { Level::Warn };
            log(level, || notice.to_string());
        }
        now
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// A source with a plausibility check. The check begins with the system's time, so a host's clock
/// that is far ahead of the system is suspicious too.
fn guarded(source: Box<Source>) -> Box<Guarded> {
    let begun = Instant::now();
    let trusted = Mutex::new(Trusted::new(system_now(), begun.elapsed()));
    Box::new(move || {
        let clock = source();
        lock(&trusted).look(clock, begun.elapsed())
    })
}

fn system_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn a_source_is_guarded_until_another_one_is_set() {
        let clock = Clock::new();
        let system = clock.now();
        assert!(system > 1_700_000_000);
        let seconds = Arc::new(AtomicU64::new(1001));
        let source = seconds.clone();
        clock.set_host(Box::new(move || source.load(SeqCst)));
        let at = |now| {
            seconds.store(now, SeqCst);
            clock.now()
        };
        assert_eq!([1001, 900, 0, 950].map(at), [1001, 900, 0, 950]);
        assert!(at(5000) < 4600, "a leap");
        assert_eq!(at(955), 955);
        clock.set_host(Box::new(|| 5000));
        assert_eq!(clock.now(), 5000, "another clock");
        clock.set_host(Box::new(move || system + 10 * 365 * 86_400));
        assert!(clock.now() < system + 86_400, "the first look is compared with the system's clock");
        clock.set_host(Box::new(move || system * 1000));
        assert_eq!(clock.now(), 0, "milliseconds");
        clock.release_host();
        assert_eq!(clock.now(), 0);
        clock.set_system();
        clock.release_host();
        assert!(clock.now() > 1_700_000_000, "only a host's source is released");
    }

    #[test]
    fn nothing_of_a_replaced_source_is_left() {
        let clock = Clock::new();
        clock.set_host(Box::new(|| 5));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(SeqCst) {
                        let now = clock.now();
                        assert!(now == 5 || now == 1_000_000_000, "{now} is the time of no source");
                    }
                });
            }
            for _ in 0..2000 {
                clock.set_host(Box::new(|| 1_000_000_000));
                clock.set_host(Box::new(|| 5));
                assert_eq!(clock.now(), 5);
            }
            done.store(true, SeqCst);
        });
    }
}
