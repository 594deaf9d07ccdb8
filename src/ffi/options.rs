//! Options.

use super::c;
use super::handles::options;
use super::memory::{malloc_text, text};
use crate::options::Options;
use std::ffi::c_char;
use std::ptr::null_mut;

export! {
    /// Makes options with every default.
    fn rgc_options_create() -> *mut c::rgc_options_t, on error null_mut(); {
        Box::into_raw(Box::<Options>::default()).cast()
    }
}

export! {
    /// Sets one option.
    fn rgc_options_set(handle: *mut c::rgc_options_t, name: *const c_char, value: *const c_char; errptr) -> (), on error (); {
        options(handle)?.set(text("name", name)?, text("value", value)?)
    }
}

export! {
    /// Sets several options, all or none.
    fn rgc_options_parse(handle: *mut c::rgc_options_t, list: *const c_char; errptr) -> (), on error (); {
        options(handle)?.parse(text("text", list)?)
    }
}

export! {
    /// Returns a text with one line for each option.
    fn rgc_options_describe() -> *mut c_char, on error null_mut(); { malloc_text(&Options::describe()) }
}

export! {
    /// Destroys options.
    fn rgc_options_destroy(handle: *mut c::rgc_options_t) -> (), on error (); {
        if !handle.is_null() {
            drop(Box::from_raw(handle.cast::<Options>()));
        }
    }
}
