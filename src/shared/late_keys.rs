//! Counts the late keys of a destroyed range or dropped schema: keys that were written into it
//! after all its keys had been deleted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The bit that says that all keys have been deleted; the other bits are the number of late keys.
const DONE: u64 = 1 << 63;

/// The late keys of one destroyed range or dropped schema.
#[derive(Debug, Default)]
pub struct LateKeys(AtomicU64);

impl LateKeys {
    /// `done` means that all keys have been deleted.
    pub fn new(done: bool) -> Self {
        Self(AtomicU64::new(if done { DONE } else { 0 }))
    }

    /// The same number of late keys.
    pub fn again(&self, done: bool) -> Self {
        let again = Self(AtomicU64::new(self.0.load(Relaxed)));
        again.set_done(done);
        again
    }

    /// Whether all keys have been deleted.
    pub fn is_done(&self) -> bool {
        self.0.load(Relaxed) & DONE != 0
    }

    /// Sets whether all keys have been deleted.
    pub fn set_done(&self, done: bool) {
        if done {
            self.0.fetch_or(DONE, Relaxed);
        } else {
            self.0.fetch_and(!DONE, Relaxed);
        }
    }

    /// Counts a late key. Returns whether it is the first.
    pub fn count(&self) -> bool {
        self.0.fetch_add(1, Relaxed) & !DONE == 0
    }

    /// The number of late keys.
    pub fn keys(&self) -> u64 {
        self.0.load(Relaxed) & !DONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_late_key_is_told() {
        let late = LateKeys::new(true);
        assert!(late.count() && !late.count() && late.is_done());
        assert_eq!(late.keys(), 2);
        late.set_done(false);
        assert!(!late.is_done() && late.keys() == 2 && late.again(true).is_done() && late.again(true).keys() == 2);
    }
}
