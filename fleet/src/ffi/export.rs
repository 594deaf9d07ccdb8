//! The bodies of exported functions: a panic ends here, and an error becomes a text for the host.

use super::memory::malloc_text;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An error with the kind that its text begins with.
pub(super) struct Failure(pub String);

impl Failure {
    /// The call is wrong.
    pub fn invalid(why: impl std::fmt::Display) -> Self {
        Self(format!("Invalid argument: {why}"))
    }

    /// etcd, or the way to it.
    pub fn io(why: impl std::fmt::Display) -> Self {
        Self(format!("IO error: {why}"))
    }
}

/// Runs the body of a function without errptr.
pub(super) fn guarded<R>(function: &str, fallback: R, body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        panicked(function, payload);
        fallback
    })
}

/// Runs the body of a function with errptr, and writes errptr once.
///
/// # Safety
/// `errptr` is NULL, or points to a `char*` that may be written to and that nothing else uses.
pub(super) unsafe fn answer<R>(errptr: *mut *mut c_char, function: &str, fallback: R, body: impl FnOnce() -> Result<R, Failure>) -> R {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        panicked(function, payload);
        Err(Failure(format!("Aborted: {function} panicked; its work so far is not undone; please report it")))
    });
    let (text, result) = match outcome {
        Ok(result) => (std::ptr::null_mut(), result),
        Err(Failure(why)) if errptr.is_null() => {
            tracing::error!("{why}");
            return fallback;
        }
        Err(Failure(why)) => (malloc_text(&why), fallback),
    };
    if !errptr.is_null() {
        // SAFETY: not NULL, so it points to a `char*` that nothing else uses.
        unsafe { errptr.write_unaligned(text) };
    }
    result
}

/// A payload whose drop panics too is leaked.
fn panicked(function: &str, payload: Box<dyn std::any::Any + Send>) {
    std::mem::forget(payload);
    let _ = catch_unwind(|| tracing::error!("{function} panicked; please report it"));
}
