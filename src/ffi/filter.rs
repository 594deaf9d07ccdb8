//! A run, for hosts that decide themselves and for RocksDB's C API.

use super::c;
use super::handles::{kind, need_context};
use super::memory::{Sized1, clear_out, read_sized, slice};
use super::owned_run::Filter;
use crate::error::Error;
use crate::rule::Verdict;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

// SAFETY: of the library's own, and the same for ever.
unsafe impl Sized1 for c::rgc_compaction_t {
    const VERSION_1: usize = 32;
}

export! {
    /// A run.
    fn rgc_filter_create(gc: *mut c::rgc_t, number: c_int, compaction: *const c::rgc_compaction_t; errptr) -> *mut c::rgc_filter_t, on error null_mut(); {
        let shared = &need_context(gc)?.shared;
        let kind = kind(number)?;
        let bottommost = if compaction.is_null() { None } else { checked(&read_sized("compaction", compaction)?)? };
        Ok(Filter::create(shared, kind, bottommost).cast())
    }
}

/// Checks every field; what matters to a run is whether it is bottommost.
fn checked(compaction: &c::rgc_compaction_t) -> Result<Option<bool>, Error> {
    let c::rgc_compaction_t { is_full, is_manual, is_bottommost, start_level, output_level, .. } = *compaction;
    for (name, value) in [("is_full", is_full), ("is_manual", is_manual), ("is_bottommost", is_bottommost)] {
        if !(-1..=1).contains(&value) {
            return Err(Error::invalid(format!("compaction.{name} is {value}; give 1 (yes), 0 (no) or -1 (unknown)")));
        }
    }
    for (name, value) in [("start_level", start_level), ("output_level", output_level)] {
        if value < -1 {
            return Err(Error::invalid(format!("compaction.{name} is {value}; give a level, or -1 (unknown)")));
        }
    }
    Ok(tristate(is_bottommost))
}

fn tristate(value: c_int) -> Option<bool> {
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn decision(verdict: Verdict) -> c_int {
    match verdict {
        Verdict::Keep => c::RGC_KEEP as c_int,
        Verdict::Remove => c::RGC_REMOVE as c_int,
    }
}

export! {
    /// Judges one key.
    fn rgc_filter_decide(filter: *mut c::rgc_filter_t, _level: c_int, value_type: c_int, key: *const c_char, key_len: usize, value: *const c_char,
                         value_len: usize, skip_until: *mut *const c_char, skip_until_len: *mut usize) -> c_int, on error c::RGC_KEEP as c_int; {
        clear_out(skip_until, skip_until_len);
        let filter = filter.cast();
        decision(match u32::try_from(value_type) {
            Ok(c::RGC_VALUE) => Filter::decide_value(filter, key, key_len, value, value_len),
            _ => Filter::decide_any(filter, value_type, key, key_len, value, value_len),
        })
    }
}

export! {
    /// Judges one key without its value.
    fn rgc_filter_decide_by_key(filter: *mut c::rgc_filter_t, _level: c_int, key: *const c_char, key_len: usize, skip_until: *mut *const c_char,
                                skip_until_len: *mut usize) -> c_int, on error c::RGC_KEEP as c_int; {
        clear_out(skip_until, skip_until_len);
        let Some(key) = slice(key.cast(), key_len) else { return c::RGC_KEEP as c_int };
        Filter::with(filter.cast(), Some(Verdict::Keep), |run| run.decide_by_key(key)).map_or(c::RGC_UNDETERMINED as c_int, decision)
    }
}

export! {
    /// What became known after creation.
    fn rgc_filter_set_bottommost(filter: *mut c::rgc_filter_t, is_bottommost: c_int) -> (), on error (); {
        if (-1..=1).contains(&is_bottommost) {
            Filter::set_bottommost(filter.cast(), tristate(is_bottommost));
        }
    }
}

export! {
    /// Ends the run.
    fn rgc_filter_destroy(filter: *mut c::rgc_filter_t) -> (), on error (); {
        if !filter.is_null() {
            drop(Box::from_raw(filter.cast::<Filter>()));
        }
    }
}

export! {
    /// RocksDB's filter function.
    fn rgc_filter_callback(filter: *mut c_void, _level: c_int, key: *const c_char, key_len: usize, value: *const c_char, value_len: usize,
                           _new_value: *mut *mut c_char, _new_value_len: *mut usize, value_changed: *mut u8) -> u8, on error 0; {
        if !value_changed.is_null() {
            value_changed.write(0);
        }
        u8::from(Filter::decide_value(filter.cast(), key, key_len, value, value_len) == Verdict::Remove)
    }
}

export! {
    /// RocksDB's destructor of a filter.
    fn rgc_filter_destructor(filter: *mut c_void) -> (), on error (); { rgc_filter_destroy(filter.cast()) }
}

export! {
    /// RocksDB's name of a filter.
    fn rgc_filter_name(_filter: *mut c_void) -> *const c_char, on error null(); { c"rocks_gc.filter".as_ptr() }
}
