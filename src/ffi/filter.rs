//! The filter, for hosts that call it themselves and for RocksDB's C API.

use super::c;
use super::compaction::{self, tristate};
use super::export::{answer, guarded};
use super::filter_handle::FilterHandle;
use super::handles::{kind, need_context};
use super::memory::clear_out;
use super::opaque::{borrow, from_raw, from_void};
use crate::error::Error;
use crate::filter::Decision;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

/// Makes the filter of one compaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_create(
    gc: *mut c::rgc_t,
    number: c_int,
    compaction: *const c::rgc_compaction_t,
    errptr: *mut *mut c_char,
) -> *mut c::rgc_filter_t {
    // SAFETY: `gc` is alive, `compaction` is readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_filter_create", null_mut(), || {
            let shared = &need_context(gc)?.shared;
            let kind = kind(shared, number)?;
            let (known, inputs) = compaction::read(shared, kind, compaction)?;
            Ok(FilterHandle::create(shared, kind, known, &inputs, false))
        })
    }
}

fn number(decision: Decision) -> c_int {
    let number = match decision {
        Decision::Keep => c::RGC_KEEP,
        Decision::Remove => c::RGC_REMOVE,
        Decision::Skip => c::RGC_REMOVE_AND_SKIP_UNTIL,
    };
    number as c_int
}

/// The number of a decision; for a skip the bytes of its key are written.
///
/// # Safety
/// If the decision is a skip, both pointers are writable and not NULL.
unsafe fn number_and_skip((decision, until): (Decision, *const [u8]), skip_until: *mut *const c_char, skip_until_len: *mut usize) -> c_int {
    if decision == Decision::Skip {
        // SAFETY: the decision is a skip, so both are writable and not NULL.
        unsafe {
            skip_until.write_unaligned(until.cast());
            skip_until_len.write_unaligned(until.len());
        }
    }
    number(decision)
}

/// Judges one key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_decide(
    filter: *mut c::rgc_filter_t,
    _level: c_int,
    value_type: c_int,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
    skip_until: *mut *const c_char,
    skip_until_len: *mut usize,
) -> c_int {
    // SAFETY: `filter` is alive and not deciding on this thread, `key` and `value` are readable,
    // `skip_until` and `skip_until_len` are writable.
    guarded("rgc_filter_decide", c::RGC_KEEP as c_int, || unsafe {
        clear_out(skip_until, skip_until_len);
        let filter = borrow(filter);
        if can_skip(skip_until, skip_until_len) && FilterHandle::may_skip(filter) {
            return number_and_skip(
                FilterHandle::decide_or_skip(filter, value_type, key, key_len, value, value_len),
                skip_until,
                skip_until_len,
            );
        }
        c_int::from(match u32::try_from(value_type) {
            Ok(c::RGC_VALUE) => FilterHandle::decide_value(filter, key, key_len, value, value_len),
            _ => FilterHandle::decide_any(filter, value_type, key, key_len, value, value_len),
        })
    })
}

fn can_skip(skip_until: *mut *const c_char, skip_until_len: *mut usize) -> bool {
    !skip_until.is_null() && !skip_until_len.is_null()
}

/// Judges one key without its value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_decide_by_key(
    filter: *mut c::rgc_filter_t,
    _level: c_int,
    key: *const c_char,
    key_len: usize,
    skip_until: *mut *const c_char,
    skip_until_len: *mut usize,
) -> c_int {
    // SAFETY: `filter` is alive and not deciding on this thread, `key` is readable, `skip_until`
    // and `skip_until_len` are writable.
    guarded("rgc_filter_decide_by_key", c::RGC_KEEP as c_int, || unsafe {
        clear_out(skip_until, skip_until_len);
        match FilterHandle::decide_by_key(borrow(filter), key, key_len, can_skip(skip_until, skip_until_len)) {
            None => c::RGC_UNDETERMINED as c_int,
            Some(decision) => number_and_skip(decision, skip_until, skip_until_len),
        }
    })
}

/// Sets whether the filter's compaction writes the bottommost level.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_set_bottommost(filter: *mut c::rgc_filter_t, is_bottommost: c_int) {
    // SAFETY: `filter` is alive and not deciding on this thread.
    guarded("rgc_filter_set_bottommost", (), || unsafe {
        if (-1..=1).contains(&is_bottommost) {
            FilterHandle::tell(borrow(filter), |run| run.set_bottommost(tristate(is_bottommost)));
        }
    })
}

/// Sets the inputs of the filter's compaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_set_inputs(
    filter: *mut c::rgc_filter_t,
    inputs: *const c::rgc_table_properties_t,
    n: usize,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `filter` is alive and not deciding on this thread, `inputs` is readable, `errptr` is
    // writable.
    unsafe {
        answer(errptr, "rgc_filter_set_inputs", (), || {
            let found = borrow(filter).ok_or_else(|| Error::invalid("filter is NULL; make one by rgc_filter_create"))?;
            let inputs = compaction::read_inputs(found.shared(), found.kind(), "inputs", inputs, n)?;
            FilterHandle::tell(Some(found), |run| run.set_inputs(inputs.no_tombstones, inputs.all_values_in_records));
            Ok(())
        })
    }
}

/// Destroys the filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_destroy(filter: *mut c::rgc_filter_t) {
    // SAFETY: `filter` is alive, and nothing uses it during this call or after it.
    guarded("rgc_filter_destroy", (), || unsafe { drop(from_raw(filter)) })
}

/// The filter function for RocksDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_callback(
    filter: *mut c_void,
    _level: c_int,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
    _new_value: *mut *mut c_char,
    _new_value_len: *mut usize,
    value_changed: *mut u8,
) -> u8 {
    // SAFETY: `filter` is an `rgc_filter_t*`, alive and not deciding on this thread, `key` and
    // `value` are readable, `value_changed` is writable.
    guarded("rgc_filter_callback", 0, || unsafe {
        if !value_changed.is_null() {
            value_changed.write(0);
        }
        let filter = borrow(from_void::<c::rgc_filter_t>(filter));
        FilterHandle::decide_value(filter, key, key_len, value, value_len)
    })
}

/// The destructor of a filter for RocksDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_destructor(filter: *mut c_void) {
    // SAFETY: `filter` is an `rgc_filter_t*` and alive; RocksDB gives it back here, once.
    guarded("rgc_filter_destructor", (), || unsafe { rgc_filter_destroy(from_void(filter)) })
}

/// The name of a filter for RocksDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_filter_name(_filter: *mut c_void) -> *const c_char {
    guarded("rgc_filter_name", null(), || c"rocks_gc.filter".as_ptr())
}
