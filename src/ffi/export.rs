//! The one way to export a function: it catches panics, and is checked against the header at
//! compile time.

use super::memory::malloc_text;
use crate::error::{Error, ErrorKind};
use crate::log::{Level, log};
use std::any::Any;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Defines an exported function.
///
/// The body is one unsafe context, for one reason: the arguments are as the header demands. `on
/// error` is followed by the value that is returned after a panic. In the form with `errptr` the
/// macro adds that parameter as the last one, and the body yields a `Result`; the value is also
/// returned after an error. The array at the end does not compile if a parameter or the result has
/// another type than in the header.
macro_rules! export {
    ($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> $result:ty, on error $fallback:expr; $body:block) => {
        $(#[$attribute])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            // SAFETY: the arguments are as the header demands; `memory` checks what can be checked.
            #[allow(unused_unsafe, reason = "some bodies use no pointer")]
            $crate::ffi::export::guard(|| unsafe { $body }).unwrap_or_else(|| {
                $crate::ffi::export::panicked(stringify!($name));
                $fallback
            })
        }
        const _: () = { let _ = [$name, $crate::ffi::c::$name]; };
    };
    ($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),*; errptr) -> $result:ty, on error $fallback:expr; $body:block) => {
        $(#[$attribute])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $type,)* errptr: *mut *mut std::ffi::c_char) -> $result {
            // SAFETY: the arguments are as the header demands; `memory` checks what can be checked.
            #[allow(unused_unsafe, reason = "some bodies use no pointer")]
            let outcome = $crate::ffi::export::fallible(stringify!($name), || unsafe { $body });
            // SAFETY: errptr is NULL or points to a char* of the caller.
            unsafe { $crate::ffi::export::report(errptr, outcome) }.unwrap_or($fallback)
        }
        const _: () = { let _ = [$name, $crate::ffi::c::$name]; };
    };
}

/// Runs `body`; `None` means that it panicked.
#[inline]
pub(super) fn guard<R>(body: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(body)).map_err(discard).ok()
}

/// Drops the payload of a panic. If the drop panics too, that second payload is leaked.
#[cold]
fn discard(payload: Box<dyn Any + Send>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload))).map_err(std::mem::forget);
}

/// Logs that a function panicked. The host's logger must not panic, but building the text could.
#[cold]
pub(super) fn panicked(function: &str) {
    let _ = guard(|| log(Level::Error, || format!("{function} panicked; please report it")));
}

/// Runs `body`; a panic becomes an error.
pub(super) fn fallible<R>(function: &str, body: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    guard(body).unwrap_or_else(|| {
        panicked(function);
        Err(Error::new(ErrorKind::Aborted, format!("{function} panicked; its work so far is not undone; please report it")))
    })
}

/// Writes errptr, once.
///
/// # Safety
/// `errptr` is NULL or points to a `char*`.
pub(super) unsafe fn report<R>(errptr: *mut *mut c_char, outcome: Result<R, Error>) -> Option<R> {
    let (text, result) = match outcome {
        Ok(result) => (std::ptr::null_mut(), Some(result)),
        Err(error) => {
            let text = if errptr.is_null() { std::ptr::null_mut() } else { malloc_text(&error.to_string()) };
            if text.is_null() {
                log(Level::Error, || error.to_string());
            }
            (text, None)
        }
    };
    if !errptr.is_null() {
        // SAFETY: not NULL, so it points to a char* of the caller that may be overwritten.
        unsafe { errptr.write_unaligned(text) };
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_at_the_border() {
        assert_eq!(guard(|| 1), Some(1));
        assert_eq!(guard(|| -> i32 { std::panic::resume_unwind(Box::new("boom")) }), None);
        let outcome: Result<(), Error> = fallible("f", || std::panic::resume_unwind(Box::new("boom")));
        let mut text = std::ptr::null_mut();
        // SAFETY: a valid pointer to a char*.
        assert!(unsafe { report(&mut text, outcome) }.is_none());
        // SAFETY: report wrote a C string.
        let message = unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy().into_owned();
        assert!(message.starts_with("Aborted: f panicked"), "{message}");
        // SAFETY: it is malloc'ed.
        unsafe { libc::free(text.cast()) };
    }
}
