//! The time that runs see: the system's or the host's, and never going back.

use crate::callback::Slot;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds; 0 = unknown.
type Source = dyn Fn() -> u64 + Send + Sync;

/// A clock that can be replaced, at once: every call sees one source, and nothing of another one.
pub struct Clock {
    source: Slot<Source>,
    is_host: AtomicBool,
}

impl Clock {
    /// The system's clock.
    pub fn new() -> Self {
        let clock = Self { source: Slot::new(), is_host: AtomicBool::new(false) };
        clock.set_system();
        clock
    }

    /// Replaces the source by the host's; waits for calls of the one before.
    pub fn set_host(&self, source: Box<Source>) {
        self.is_host.store(true, SeqCst);
        self.source.replace(Some(never_back(source)));
    }

    /// Back to the system's clock.
    pub fn set_system(&self) {
        self.is_host.store(false, SeqCst);
        self.source.replace(Some(never_back(Box::new(system_now))));
    }

    /// A host's source is never called again, and the time is unknown from then on; the system's clock goes on.
    pub fn release_host(&self) {
        if self.is_host.load(SeqCst) {
            self.source.replace(None);
        }
    }

    /// Unix seconds, never less than before; 0 = unknown.
    pub fn now(&self) -> u64 {
        self.source.with(|source| source()).unwrap_or(0)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// A source that answers no less than it has answered before, but for 0.
fn never_back(source: Box<Source>) -> Box<Source> {
    let latest = AtomicU64::new(0);
    Box::new(move || match source() {
        0 => 0,
        now => latest.fetch_max(now, SeqCst).max(now),
    })
}

fn system_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn never_goes_back_but_for_another_source() {
        let clock = Clock::new();
        assert!(clock.now() > 1_700_000_000);
        let seconds = Arc::new(AtomicU64::new(100));
        let source = seconds.clone();
        clock.set_host(Box::new(move || source.load(SeqCst)));
        let at = |now| {
            seconds.store(now, SeqCst);
            clock.now()
        };
        assert_eq!([100, 90, 0, 95, 101].map(at), [100, 100, 0, 100, 101]);
        clock.set_host(Box::new(|| 5));
        assert_eq!(clock.now(), 5);
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
                        assert!(now == 5 || now == 4_000_000_000, "{now} is the time of no source");
                    }
                });
            }
            for _ in 0..2000 {
                clock.set_host(Box::new(|| 4_000_000_000));
                clock.set_host(Box::new(|| 5));
                assert_eq!(clock.now(), 5);
            }
            done.store(true, SeqCst);
        });
    }
}
