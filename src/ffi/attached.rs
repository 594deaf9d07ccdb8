//! The store of a context, from attach to detach.

use crate::callback::lock;
use crate::reclaim::{AttachedStore, DebtSize, DestroyedRange};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// At most one attached store.
#[derive(Default)]
pub(super) struct Attached {
    store: Mutex<Option<Arc<AttachedStore>>>,
    /// Held while a store is attached or detached, which may take long.
    changing: Mutex<()>,
}

impl Attached {
    /// The store, if one is attached.
    pub(super) fn get(&self) -> Option<Arc<AttachedStore>> {
        lock(&self.store).clone()
    }

    /// Attaches the store that `make` returns. It is an error if one is attached already.
    pub(super) fn attach<E>(&self, taken: impl FnOnce() -> E, make: impl FnOnce() -> Result<Arc<AttachedStore>, E>) -> Result<(), E> {
        let _changing = lock(&self.changing);
        if lock(&self.store).is_some() {
            return Err(taken());
        }
        let store = make()?;
        *lock(&self.store) = Some(store);
        Ok(())
    }

    /// Detaches the store, and returns when no call uses it any more.
    pub(super) fn detach(&self) {
        let _changing = lock(&self.changing);
        let Some(mut store) = lock(&self.store).take() else { return };
        store.stop();
        // Calls in progress hold a clone, and no new one can begin.
        let unused = loop {
            match Arc::try_unwrap(store) {
                Ok(unused) => break unused,
                Err(in_use) => store = in_use,
            }
            thread::sleep(Duration::from_micros(50));
        };
        unused.forget_ledger();
    }

    /// The number of records of destroyed ranges; 0 without a store.
    pub(super) fn records(&self) -> usize {
        self.get().map_or(0, |store| store.records())
    }

    /// The size of all debts when they were last measured; zeros without a store.
    pub(super) fn debt(&self) -> DebtSize {
        self.get().and_then(|store| store.debt(false).ok()).unwrap_or_default()
    }

    /// The destroyed ranges of the ledger, in order; none without a store.
    pub(super) fn destroyed(&self) -> Vec<DestroyedRange> {
        self.get().map_or_else(Vec::new, |store| store.destroyed())
    }
}
