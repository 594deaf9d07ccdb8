//! The filter, for hosts that call it themselves and for RocksDB's C API.

use super::c;
use super::export::{answer, guarded};
use super::filter_handle::FilterHandle;
use super::handles::{kind, need_context};
use super::memory::{Sized1, array, bytes, clear_out, read_sized, sized_array};
use super::opaque::{borrow, from_raw, from_void};
use crate::error::Error;
use crate::filter::{CompactionContext, Decision};
use crate::rule::Verdict;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_compaction_t {
    const VERSION_1: usize = 32;
}

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_table_properties_t {
    const VERSION_1: usize = 48;
}

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
            let compaction =
                if compaction.is_null() { CompactionContext::default() } else { checked(&read_sized("compaction", compaction)?)? };
            Ok(FilterHandle::create(shared, kind, compaction, false))
        })
    }
}

/// Checks every field. A filter uses only the level, the family, and whether the inputs hold
/// tombstones.
///
/// # Safety
/// `compaction.inputs` is readable.
unsafe fn checked(compaction: &c::rgc_compaction_t) -> Result<CompactionContext, Error> {
    let c::rgc_compaction_t { is_full, is_manual, is_bottommost, start_level, output_level, column_family_id, inputs, num_inputs, .. } =
        *compaction;
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
    // SAFETY: `inputs` is readable.
    let no_tombstones = unsafe { no_tombstones("compaction.inputs", inputs, num_inputs) }?;
    Ok(CompactionContext { bottommost: tristate(is_bottommost), no_tombstones, column_family: Some(column_family_id) })
}

/// Whether there are inputs, and none of them holds a tombstone.
///
/// # Safety
/// `inputs` is readable.
unsafe fn no_tombstones(what: &str, inputs: *const c::rgc_table_properties_t, n: usize) -> Result<bool, Error> {
    // SAFETY: `inputs` is readable; the structs are copied.
    let inputs = unsafe { sized_array(what, inputs, n) }?;
    for (i, input) in inputs.iter().enumerate() {
        let what = format_args!("{what}[{i}].user_collected");
        // SAFETY: the host's struct has this pointer and this length, so it is readable.
        for (j, property) in unsafe { array(what, input.user_collected, input.num_user_collected) }?.iter().enumerate() {
            // SAFETY: so are the bytes of each property.
            unsafe {
                bytes(format_args!("{what}[{j}].name"), property.name, property.name_len)?;
                bytes(format_args!("{what}[{j}].value"), property.value, property.value_len)?;
            }
        }
    }
    Ok(!inputs.is_empty() && inputs.iter().all(|input| input.num_deletions == 0 && input.num_range_deletions == 0))
}

fn tristate(value: c_int) -> Option<bool> {
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
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
        let verdict = match u32::try_from(value_type) {
            Ok(c::RGC_VALUE) => FilterHandle::decide_value(filter, key, key_len, value, value_len),
            _ => FilterHandle::decide_any(filter, value_type, key, key_len, value, value_len),
        };
        number(verdict.into())
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
            if filter.is_null() {
                return Err(Error::invalid("filter is NULL; make one by rgc_filter_create"));
            }
            let none = no_tombstones("inputs", inputs, n)?;
            FilterHandle::tell(borrow(filter), |run| run.set_no_tombstones(none));
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
        u8::from(FilterHandle::decide_value(filter, key, key_len, value, value_len) == Verdict::Remove)
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
