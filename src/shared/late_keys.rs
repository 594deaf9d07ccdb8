//! What is destroyed: is it done, and what came after that?

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Of a destroyed range or a dropped schema.
#[derive(Debug, Default)]
pub struct LateKeys {
    done: AtomicBool,
    keys: AtomicU64,
}

impl LateKeys {
    /// `done` = nothing of it should be left.
    pub fn new(done: bool) -> Self {
        Self { done: AtomicBool::new(done), keys: AtomicU64::new(0) }
    }

    /// Should nothing of it be left?
    pub fn is_done(&self) -> bool {
        self.done.load(Relaxed)
    }

    /// Destroying is over, or begins again.
    pub fn set_done(&self, done: bool) {
        self.done.store(done, Relaxed);
    }

    /// One more key was found after it was done. Is it the first?
    pub fn count(&self) -> bool {
        self.keys.fetch_add(1, Relaxed) == 0
    }

    /// How many were found.
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
