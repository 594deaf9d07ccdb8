//! Texts and structs that cross the border.

use super::export::Failure;
use std::ffi::{CStr, c_char};

/// A NUL-terminated UTF-8 text of the caller.
///
/// # Safety
/// Unless NULL, `text` is a text, and nothing writes to it during `'a`.
pub(super) unsafe fn text<'a>(what: &str, text: *const c_char) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::invalid(format!("{what} is NULL; give a NUL-terminated text")));
    }
    // SAFETY: not NULL, so a NUL ends it; nothing writes to it during `'a`.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Failure::invalid(format!("{what} {text:?} is not UTF-8")))
}

/// A malloc'ed C string, which ends at the first NUL; NULL if there is no memory.
pub(super) fn malloc_text(text: &str) -> *mut c_char {
    let text = text.split('\0').next().unwrap_or_default();
    // SAFETY: malloc takes any size.
    let copy = unsafe { libc::malloc(text.len() + 1) }.cast::<u8>();
    if !copy.is_null() {
        // SAFETY: `copy` has room for the text and a NUL, and is new memory.
        unsafe {
            copy.copy_from_nonoverlapping(text.as_ptr(), text.len());
            copy.add(text.len()).write(0);
        }
    }
    copy.cast()
}
