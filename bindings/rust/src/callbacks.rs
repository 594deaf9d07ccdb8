//! What the library calls. A panic ends here: it must not unwind into C.

use crate::bytes;
use crate::library::LogLevel;
use std::ffi::{c_char, c_int, c_void};
use std::mem::{self, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

pub type Logger = Box<dyn Fn(LogLevel, &str) + Send + Sync>;
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Runs what the host gave. A panic is None; a panic of the payload of a panic ends here too.
fn caught<T>(call: impl FnOnce() -> T) -> Option<T> {
    let drop_quietly = |payload| mem::forget(catch_unwind(AssertUnwindSafe(|| drop(payload))));
    catch_unwind(AssertUnwindSafe(call)).map_err(drop_quietly).ok()
}

/// Passes a message to a [`Logger`].
///
/// # Safety
///
/// `logger` points to a Logger, and `message` to a text.
pub unsafe extern "C" fn log(logger: *mut c_void, level: c_int, message: *const c_char) {
    // SAFETY: the caller's.
    let (logger, message) = unsafe { (&*logger.cast::<Logger>(), bytes::text(message)) };
    caught(|| logger(LogLevel::of(level), &message));
}

/// Asks a [`Clock`]. After a panic the time is unknown: nothing expires.
///
/// # Safety
///
/// `clock` points to a Clock.
pub unsafe extern "C" fn now(clock: *mut c_void) -> u64 {
    // SAFETY: the caller's.
    let clock = unsafe { &*clock.cast::<Clock>() };
    caught(clock).unwrap_or(0)
}

/// The state of a listing: it collects what `each` makes of the entries.
pub struct Collected<T, F> {
    pub all: Vec<T>,
    pub of: F,
}

/// Adds an entry to [`Collected`].
///
/// # Safety
///
/// `state` points to a `Collected<T, F>`, and `info` to an `I` of the library.
pub unsafe extern "C" fn collect<I, T, F: Fn(&I) -> T>(
    state: *mut c_void,
    info: *const I,
) -> c_int {
    // SAFETY: the caller's.
    let (state, info) = unsafe { (&mut *state.cast::<Collected<T, F>>(), whole(info)) };
    caught(|| state.all.push((state.of)(&info))).map_or(1, |()| 0)
}

/// Copies a struct that the library lends. An older library has fewer fields at its end: they are
/// zero.
///
/// # Safety
///
/// `I` is a struct of `rocks_gc.h` that begins with struct_size, and `lent` has so many bytes.
unsafe fn whole<I>(lent: *const I) -> I {
    let mut whole = MaybeUninit::<I>::zeroed();
    // SAFETY: the caller's. C's structs hold numbers and pointers, which may all be zero.
    unsafe {
        let size = size_of::<I>().min(*lent.cast::<usize>());
        ptr::copy_nonoverlapping(lent.cast::<u8>(), whole.as_mut_ptr().cast::<u8>(), size);
        whole.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Debt;

    #[test]
    fn fields_that_an_older_library_does_not_have_are_zero() {
        let lent = Debt { struct_size: 16, debts: 3, files: 4, bytes: 5 };
        // SAFETY: it is a struct of the header.
        let whole = unsafe { whole(&raw const lent) };
        assert_eq!((whole.debts, whole.files, whole.bytes), (3, 0, 0));
    }
}
