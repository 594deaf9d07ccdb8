//! The bodies of exported functions: a panic ends here, and an error becomes a text for the host.

use super::memory::malloc_text;
use crate::error::{Error, ErrorKind};
use crate::log::{Level, log};
use std::any::Any;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of an exported function that has no errptr. After a panic the answer is
/// `fallback`.
#[inline]
pub(super) fn guarded<R>(function: &str, fallback: R, body: impl FnOnce() -> R) -> R {
    guard(body).unwrap_or_else(|| {
        panicked(function);
        fallback
    })
}

/// Runs the body of an exported function that has an errptr, and writes errptr. After an error and
/// after a panic the answer is `fallback`.
///
/// # Safety
/// As [`report`].
#[inline]
pub(super) unsafe fn answer<R>(errptr: *mut *mut c_char, function: &str, fallback: R, body: impl FnOnce() -> Result<R, Error>) -> R {
    let outcome = fallible(function, body);
    // SAFETY: `errptr` is NULL or points to a `char*` that may be written to.
    unsafe { report(errptr, outcome) }.unwrap_or(fallback)
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
fn panicked(function: &str) {
    let _ = guard(|| log(Level::Error, || format!("{function} panicked; please report it")));
}

/// Runs `body`; a panic becomes an error.
fn fallible<R>(function: &str, body: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    guard(body).unwrap_or_else(|| {
        panicked(function);
        Err(Error::new(ErrorKind::Aborted, format!("{function} panicked; its work so far is not undone; please report it")))
    })
}

/// Writes errptr, once.
///
/// # Safety
/// `errptr` is NULL, or points to a `char*` that may be written to and that nothing else uses.
unsafe fn report<R>(errptr: *mut *mut c_char, outcome: Result<R, Error>) -> Option<R> {
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
        // SAFETY: not NULL, so it points to a `char*` that nothing else uses. Any alignment will
        // do.
        unsafe { errptr.write_unaligned(text) };
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boom<R>() -> R {
        std::panic::resume_unwind(Box::new("boom"))
    }

    #[test]
    fn a_panic_ends_at_the_border() {
        assert_eq!(guard(|| 1), Some(1));
        assert_eq!(guard(boom::<i32>), None);
        assert_eq!(guarded("f", 2, || 1), 1);
        assert_eq!(guarded("f", 2, boom), 2);
        let mut text = std::ptr::null_mut();
        // SAFETY: a valid pointer to a char*.
        assert_eq!(unsafe { answer(&mut text, "f", 2, boom) }, 2);
        // SAFETY: answer wrote a C string.
        let message = unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy().into_owned();
        assert!(message.starts_with("Aborted: f panicked"), "{message}");
        // SAFETY: it is malloc'ed.
        unsafe { libc::free(text.cast()) };
        // SAFETY: a valid pointer to a char*.
        assert_eq!(unsafe { answer(&mut text, "f", 2, || Ok(1)) }, 1);
        assert!(text.is_null());
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { answer(std::ptr::null_mut(), "f", 2, boom) }, 2);
    }
}
