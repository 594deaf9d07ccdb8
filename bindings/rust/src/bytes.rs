//! What the library returns as malloc'ed bytes.

use crate::Result;
use crate::error::Error;
use crate::library::Library;
use std::ffi::{CStr, CString, c_char, c_void};
use std::slice;

impl Library {
    /// Copies bytes that the library returned, and frees them. NULL is empty.
    ///
    /// # Safety
    ///
    /// `start` is NULL, or the library returned it with `len` readable bytes for rgc_free.
    pub(crate) unsafe fn take_bytes(&self, start: *mut c_char, len: usize) -> Vec<u8> {
        if start.is_null() {
            return Vec::new();
        }
        // SAFETY: the caller's.
        let copy = unsafe { slice::from_raw_parts(start.cast(), len) }.to_vec();
        // SAFETY: the caller's, and this is the only rgc_free of it.
        unsafe { (self.functions().rgc_free)(start.cast::<c_void>()) };
        copy
    }

    /// Copies a text that the library returned, and frees it. NULL is empty.
    ///
    /// # Safety
    ///
    /// `start` is NULL, or the library returned it, with a NUL at its end, for rgc_free.
    pub(crate) unsafe fn take_text(&self, start: *mut c_char) -> String {
        // SAFETY: the caller's.
        let text = unsafe { text(start) };
        // SAFETY: the caller's, and this is the only rgc_free of it.
        unsafe { (self.functions().rgc_free)(start.cast::<c_void>()) };
        text
    }
}

/// Texts as C takes them, with a NUL at the end of each.
///
/// Errors: Invalid argument: a text that has a NUL byte.
pub(crate) fn c_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<CString>> {
    texts.into_iter().map(|text| CString::new(text).map_err(Error::from)).collect()
}

/// Copies a text that the library lends. NULL is empty.
///
/// # Safety
///
/// `start` is NULL, or a text with a NUL at its end that is valid during the call.
pub(crate) unsafe fn text(start: *const c_char) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: the caller's.
    unsafe { CStr::from_ptr(start) }.to_string_lossy().into_owned()
}

/// Copies bytes that the library lends. NULL is empty.
///
/// # Safety
///
/// `start` is NULL, or has `len` bytes that are valid during the call.
pub(crate) unsafe fn bytes(start: *const c_char, len: usize) -> Vec<u8> {
    if start.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller's.
    unsafe { slice::from_raw_parts(start.cast(), len) }.to_vec()
}
