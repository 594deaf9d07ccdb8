//! The store that a context has, from attach to detach.

use crate::callback::lock;
use crate::reclaim::{DestroyedRange, Store};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// At most one store.
#[derive(Default)]
pub(super) struct Attached {
    store: Mutex<Option<Arc<Store>>>,
    /// Attaching and detaching go one after the other, and may take long.
    changing: Mutex<()>,
}

impl Attached {
    /// The store, if there is one.
    pub(super) fn get(&self) -> Option<Arc<Store>> {
        lock(&self.store).clone()
    }

    /// Puts a store there that `make` attaches; an error if there is one already.
    pub(super) fn attach<E>(&self, taken: impl FnOnce() -> E, make: impl FnOnce() -> Result<Arc<Store>, E>) -> Result<(), E> {
        let _changing = lock(&self.changing);
        if lock(&self.store).is_some() {
            return Err(taken());
        }
        let store = make()?;
        *lock(&self.store) = Some(store);
        Ok(())
    }

    /// Takes the store away, and returns when nothing uses it any more.
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

    /// Records of the ledger; none without a store.
    pub(super) fn records(&self) -> usize {
        self.get().map_or(0, |store| store.records())
    }

    /// The same, one by one, in order.
    pub(super) fn destroyed(&self) -> Vec<DestroyedRange> {
        self.get().map_or_else(Vec::new, |store| store.destroyed())
    }
}
