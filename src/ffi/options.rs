//! Options.

use super::c;
use super::export::{answer, guarded};
use super::handles::options;
use super::memory::{malloc_text, text};
use super::opaque::{from_raw, into_raw};
use crate::options::Options;
use std::ffi::c_char;
use std::ptr::null_mut;

/// Makes options with every default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_options_create() -> *mut c::rgc_options_t {
    guarded("rgc_options_create", null_mut(), || into_raw(Box::default()))
}

/// Sets one option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_options_set(
    handle: *mut c::rgc_options_t,
    name: *const c_char,
    value: *const c_char,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `handle` is alive and only this thread uses it, `name` and `value` are readable,
    // `errptr` is writable.
    unsafe { answer(errptr, "rgc_options_set", (), || options(handle)?.set(text("name", name)?, text("value", value)?)) }
}

/// Sets several options, all or none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_options_parse(handle: *mut c::rgc_options_t, list: *const c_char, errptr: *mut *mut c_char) {
    // SAFETY: `handle` is alive and only this thread uses it, `list` is readable, `errptr` is
    // writable.
    unsafe { answer(errptr, "rgc_options_parse", (), || options(handle)?.parse(text("text", list)?)) }
}

/// Returns a text with one line for each option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_options_describe() -> *mut c_char {
    guarded("rgc_options_describe", null_mut(), || malloc_text(&Options::describe()))
}

/// Destroys options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_options_destroy(handle: *mut c::rgc_options_t) {
    // SAFETY: `handle` is alive, and nothing uses it during this call or after it.
    guarded("rgc_options_destroy", (), || unsafe { drop(from_raw(handle)) })
}
