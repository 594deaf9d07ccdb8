//! Calling the host: functions that may be replaced at any time, are called under no lock, and are never called again once
//! their replacement has returned.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

thread_local! {
    /// How many callbacks this thread is inside of.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Is this thread inside a callback? Waiting there for callbacks to end could be for ever.
pub fn inside() -> bool {
    DEPTH.with(Cell::get) > 0
}

/// A replaceable function of the host's.
pub struct Slot<F: ?Sized> {
    current: Mutex<Option<Arc<Box<F>>>>,
}

impl<F: ?Sized> Slot<F> {
    /// An empty slot.
    pub const fn new() -> Self {
        Self { current: Mutex::new(None) }
    }

    /// Calls `call` with the function, if there is one, under no lock.
    pub fn with<R>(&self, call: impl FnOnce(&F) -> R) -> Option<R> {
        let function = lock(&self.current).clone()?;
        let _marked = Inside::enter();
        Some(call(function.as_ref()))
    }

    /// Puts another function, or none, in its place at once, and returns when the last call of the one before has ended. Not to
    /// be called [`inside`] a callback.
    pub fn replace(&self, function: Option<Box<F>>) {
        let before = std::mem::replace(&mut *lock(&self.current), function.map(Arc::new));
        let Some(mut before) = before else { return };
        // Calls hold a clone, and no new one can begin.
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

/// Marks the thread for as long as it lives.
pub struct Inside(());

impl Inside {
    /// The thread is inside a callback from now on.
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

/// Locks whether or not a panic poisoned the mutex: every critical section of this crate leaves its data whole.
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
