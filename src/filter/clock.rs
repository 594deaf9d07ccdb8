//! The time that runs see: the system's or the host's, and never going back.

use crate::callback::{Owner, Slot};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds; 0 = unknown.
type Source = dyn Fn() -> u64 + Send + Sync;

/// A clock that can be replaced. No host's source = the system's clock, until a host's source has been released.
pub struct Clock {
    host: Slot<Source>,
    /// The host's source is gone and nothing has taken its place: the time is unknown.
    released: AtomicBool,
    latest: AtomicU64,
}

impl Clock {
    /// The system's clock.
    pub fn new(owner: Owner) -> Self {
        Self { host: Slot::new(owner), released: AtomicBool::new(false), latest: AtomicU64::new(0) }
    }

    /// Replaces the source; waits for calls of the one before.
    pub fn set_host(&self, source: Box<Source>) {
        self.release();
        self.host.replace(Some(source));
        self.released.store(false, SeqCst);
    }

    /// Back to the system's clock.
    pub fn set_system(&self) {
        self.release();
        self.released.store(false, SeqCst);
    }

    /// A host's source is never called again, and the time is unknown from then on; the system's clock goes on.
    pub fn release_host(&self) {
        if self.host.is_set() {
            self.release();
        }
    }

    /// Forgets the source and its time, so that nothing of it holds up or moves the next one.
    fn release(&self) {
        self.released.store(true, SeqCst);
        self.host.replace(None);
        self.latest.store(0, SeqCst);
    }

    /// Unix seconds, never less than before; 0 = unknown.
    pub fn now(&self) -> u64 {
        let now = match self.host.with(|source| source()) {
            Some(now) => now,
            None if self.released.load(SeqCst) => 0,
            None => system_now(),
        };
        if now == 0 { 0 } else { self.latest.fetch_max(now, SeqCst).max(now) }
    }
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
        let clock = Clock::new(1);
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
}
