//! Calling the host's functions. The host may replace a function at any time. The library calls it
//! with no lock held, and never again when its replacement has returned.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

thread_local! {
    /// The number of callbacks that this thread is inside of.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is inside a callback. Waiting there for callbacks to end might never end.
pub fn inside() -> bool {
    DEPTH.with(Cell::get) > 0
}

/// A function of the host that can be replaced.
pub struct Slot<F: ?Sized> {
    current: Mutex<Option<Arc<Box<F>>>>,
}

impl<F: ?Sized> Slot<F> {
    /// An empty slot.
    pub const fn new() -> Self {
        Self { current: Mutex::new(None) }
    }

    /// Calls `call` with the function, if there is one, with no lock held.
    pub fn with<R>(&self, call: impl FnOnce(&F) -> R) -> Option<R> {
        let function = lock(&self.current).clone()?;
        let _marked = Inside::enter();
        Some(call(function.as_ref()))
    }

    /// Replaces the function at once, by another one or none. It returns when the last call of the
    /// earlier function has ended. It must not be called [`inside`] a callback.
    pub fn replace(&self, function: Option<Box<F>>) {
        let before = std::mem::replace(&mut *lock(&self.current), function.map(Arc::new));
        let Some(mut before) = before else { return };
        // Calls hold a clone, and no new call of the earlier function can begin.
        while let Err(in_use) = Arc::try_unwrap(before) {
            before = in_use;
            thread::sleep(Duration::from_micros(50));
        }
    }
}

impl<F: ?Sized> Default for Slot<F> {
    fn default() -> Self {
        Self::new()
    }
}

/// Marks the thread as inside a callback until it is dropped.
pub struct Inside(());

impl Inside {
    /// Marks this thread as inside a callback.
    pub fn enter() -> Self {
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

/// Locks a mutex even if a panic poisoned it: every critical section of this crate leaves its data
/// valid.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::sync::mpsc;

    #[test]
    fn replace_waits_for_the_call_in_progress() {
        let slot: Slot<dyn Fn() + Send + Sync> = Slot::new();
        let (entered, has_entered) = mpsc::channel();
        let leave = Arc::new(AtomicBool::new(false));
        let ended = Arc::new(AtomicBool::new(false));
        let (may_leave, has_ended) = (leave.clone(), ended.clone());
        let entered = Mutex::new(entered);
        slot.replace(Some(Box::new(move || {
            assert!(inside());
            let _ = lock(&entered).send(());
            while !may_leave.load(SeqCst) {
                thread::yield_now();
            }
            has_ended.store(true, SeqCst);
        })));
        thread::scope(|scope| {
            scope.spawn(|| slot.with(|f| f()));
            assert!(has_entered.recv().is_ok());
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                leave.store(true, SeqCst);
            });
            slot.replace(None);
            assert!(ended.load(SeqCst), "replace returned before the call had ended");
        });
        assert!(slot.with(|f| f()).is_none());
        assert!(!inside());
    }
}
