//! The store that a context has, from attach to detach.

use crate::callback::lock;
use crate::reclaim::{DestroyedRange, Store};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// At most one store.
#[derive(Default)]
pub(super) struct Attached {
    store: Mutex<Option<Arc<Store>>>,
    /// Attaching and detaching go one after the other, and may take long.
    changing: Mutex<()>,
    /// Records that runs still drop by, of the store that was detached.
    left: Mutex<Vec<DestroyedRange>>,
    factories: AtomicUsize,
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
        *lock(&self.left) = unused.destroyed();
    }

    /// Records of the ledger; without a store those that runs still drop by.
    pub(super) fn records(&self) -> usize {
        self.get().map_or_else(|| lock(&self.left).len(), |store| store.records())
    }

    /// The same, one by one, in order.
    pub(super) fn destroyed(&self) -> Vec<DestroyedRange> {
        self.get().map_or_else(|| lock(&self.left).clone(), |store| store.destroyed())
    }

    /// A factory was made.
    pub(super) fn factory_made(&self) {
        self.factories.fetch_add(1, SeqCst);
    }

    /// A factory was destroyed. With the last one the database is closed.
    pub(super) fn factory_destroyed(&self) {
        if self.factories.fetch_sub(1, SeqCst) == 1
            && let Some(store) = self.get()
        {
            store.close_forgotten();
        }
    }
}
