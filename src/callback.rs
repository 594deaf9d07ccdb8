//! Calling the host: functions that may be replaced at any time, are called under no lock, and are never called again once
//! their replacement has returned.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Whose callback it is: a context's id, or [`PROCESS`].
pub type Owner = u64;

/// The owner of callbacks that belong to the whole process (the logger).
pub const PROCESS: Owner = 0;

thread_local! {
    /// The owners of the callbacks that this thread is inside of, outermost first.
    static INSIDE: RefCell<Vec<Owner>> = const { RefCell::new(Vec::new()) };
}

/// Is this thread inside a callback of `owner` or of the process? Waiting there for callbacks to end would be for ever.
pub fn inside(owner: Owner) -> bool {
    INSIDE.try_with(|owners| owners.borrow().iter().any(|&o| o == owner || o == PROCESS)).unwrap_or(true)
}

/// Is this thread inside any callback?
pub fn inside_any() -> bool {
    INSIDE.try_with(|owners| !owners.borrow().is_empty()).unwrap_or(true)
}

/// A replaceable function of the host's.
pub struct Slot<F: ?Sized> {
    owner: Owner,
    current: Mutex<Option<Arc<Box<F>>>>,
}

impl<F: ?Sized> Slot<F> {
    /// An empty slot.
    pub const fn new(owner: Owner) -> Self {
        Self { owner, current: Mutex::new(None) }
    }

    /// Is there a function?
    pub fn is_set(&self) -> bool {
        lock(&self.current).is_some()
    }

    /// Calls `call` with the function, if there is one, under no lock.
    pub fn with<R>(&self, call: impl FnOnce(&F) -> R) -> Option<R> {
        let function = lock(&self.current).clone()?;
        let _marked = Inside::enter(self.owner);
        Some(call(function.as_ref()))
    }

    /// Puts another function, or none, in its place, and returns when the last call of the one before has ended. Not to be
    /// called where [`inside`] holds.
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

/// Marks the thread for as long as it lives.
struct Inside;

impl Inside {
    fn enter(owner: Owner) -> Self {
        // A thread that is ending has no list any more; `inside` then says yes to everything.
        let _ = INSIDE.try_with(|owners| owners.borrow_mut().push(owner));
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|owners| owners.borrow_mut().pop());
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
        let slot: Slot<dyn Fn() + Send + Sync> = Slot::new(7);
        let (entered, has_entered) = mpsc::channel();
        let leave = Arc::new(AtomicBool::new(false));
        let ended = Arc::new(AtomicBool::new(false));
        let (may_leave, has_ended) = (leave.clone(), ended.clone());
        let entered = Mutex::new(entered);
        slot.replace(Some(Box::new(move || {
            assert!(inside(7) && !inside(8) && inside_any());
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
        assert!(!inside(7) && !inside_any());
    }
}
