//! Counts the late keys of a destroyed range or dropped schema: keys that were written into it
//! after all its keys had been deleted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// The late keys of one destroyed range or dropped schema.
#[derive(Debug, Default)]
pub struct LateKeys {
    done: AtomicBool,
    keys: AtomicU64,
}

impl LateKeys {
    /// `done` means that all keys have been deleted.
    pub fn new(done: bool) -> Self {
        Self { done: AtomicBool::new(done), keys: AtomicU64::new(0) }
    }

    /// Whether all keys have been deleted.
    pub fn is_done(&self) -> bool {
        self.done.load(Relaxed)
    }

    /// Sets whether all keys have been deleted.
    pub fn set_done(&self, done: bool) {
        self.done.store(done, Relaxed);
    }

    /// Counts a late key. Returns whether it is the first.
    pub fn count(&self) -> bool {
        self.keys.fetch_add(1, Relaxed) == 0
    }

    /// The number of late keys.
    pub fn keys(&self) -> u64 {
        self.keys.load(Relaxed)
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
    }
}
