//! The filter, for hosts that call it themselves and for RocksDB's C API.

use super::c;
use super::filter_handle::FilterHandle;
use super::handles::{kind, need_context};
use super::memory::{Sized1, array, bytes, clear_out, read_sized, sized_array};
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

export! {
    /// Makes the filter of one compaction.
    fn rgc_filter_create(gc: *mut c::rgc_t, number: c_int, compaction: *const c::rgc_compaction_t; errptr) -> *mut c::rgc_filter_t, on error null_mut(); {
        let shared = &need_context(gc)?.shared;
        let kind = kind(shared, number)?;
        let knowledge = if compaction.is_null() { CompactionContext::default() } else { checked(&read_sized("compaction", compaction)?)? };
        Ok(FilterHandle::create(shared, kind, knowledge, false).cast())
    }
}

/// Checks every field. A filter uses only the level, the family, and whether the inputs hold
/// tombstones.
///
/// # Safety
/// `inputs` is as the header demands.
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
    // SAFETY: the caller promises the same, see `# Safety`.
    let no_tombstones = unsafe { no_tombstones("compaction.inputs", inputs, num_inputs) }?;
    Ok(CompactionContext { bottommost: tristate(is_bottommost), no_tombstones, column_family: Some(column_family_id) })
}

/// Whether there are inputs, and none of them holds a tombstone.
///
/// # Safety
/// Unless NULL, `inputs` points to `n` structs as the header describes them.
unsafe fn no_tombstones(what: &str, inputs: *const c::rgc_table_properties_t, n: usize) -> Result<bool, Error> {
    // SAFETY: the caller promises it, see `# Safety`.
    let inputs = unsafe { sized_array(what, inputs, n) }?;
    for (i, input) in inputs.iter().enumerate() {
        let what = format_args!("{what}[{i}].user_collected");
        // SAFETY: the caller promises it, see `# Safety`.
        for (j, property) in unsafe { array(what, input.user_collected, input.num_user_collected) }?.iter().enumerate() {
            // SAFETY: the caller promises it, see `# Safety`.
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
/// Each pointer may be written to, or is NULL and the decision is no skip.
unsafe fn answer((decision, until): (Decision, *const [u8]), skip_until: *mut *const c_char, skip_until_len: *mut usize) -> c_int {
    if decision == Decision::Skip {
        // SAFETY: the caller promises it, see `# Safety`.
        unsafe {
            skip_until.write_unaligned(until.cast());
            skip_until_len.write_unaligned(until.len());
        }
    }
    number(decision)
}

export! {
    /// Judges one key.
    fn rgc_filter_decide(filter: *mut c::rgc_filter_t, _level: c_int, value_type: c_int, key: *const c_char, key_len: usize, value: *const c_char,
                         value_len: usize, skip_until: *mut *const c_char, skip_until_len: *mut usize) -> c_int, on error c::RGC_KEEP as c_int; {
        clear_out(skip_until, skip_until_len);
        let filter = filter.cast();
        if can_skip(skip_until, skip_until_len) && FilterHandle::may_skip(filter) {
            return answer(FilterHandle::decide_or_skip(filter, value_type, key, key_len, value, value_len), skip_until, skip_until_len);
        }
        let verdict = match u32::try_from(value_type) {
            Ok(c::RGC_VALUE) => FilterHandle::decide_value(filter, key, key_len, value, value_len),
            _ => FilterHandle::decide_any(filter, value_type, key, key_len, value, value_len),
        };
        number(verdict.into())
    }
}

fn can_skip(skip_until: *mut *const c_char, skip_until_len: *mut usize) -> bool {
    !skip_until.is_null() && !skip_until_len.is_null()
}

export! {
    /// Judges one key without its value.
    fn rgc_filter_decide_by_key(filter: *mut c::rgc_filter_t, _level: c_int, key: *const c_char, key_len: usize, skip_until: *mut *const c_char,
                                skip_until_len: *mut usize) -> c_int, on error c::RGC_KEEP as c_int; {
        clear_out(skip_until, skip_until_len);
        match FilterHandle::decide_by_key(filter.cast(), key, key_len, can_skip(skip_until, skip_until_len)) {
            None => c::RGC_UNDETERMINED as c_int,
            Some(decision) => answer(decision, skip_until, skip_until_len),
        }
    }
}

export! {
    /// Sets whether the filter's compaction writes the bottommost level.
    fn rgc_filter_set_bottommost(filter: *mut c::rgc_filter_t, is_bottommost: c_int) -> (), on error (); {
        if (-1..=1).contains(&is_bottommost) {
            FilterHandle::tell(filter.cast(), |run| run.set_bottommost(tristate(is_bottommost)));
        }
    }
}

export! {
    /// Sets the inputs of the filter's compaction.
    fn rgc_filter_set_inputs(filter: *mut c::rgc_filter_t, inputs: *const c::rgc_table_properties_t, n: usize; errptr) -> (), on error (); {
        if filter.is_null() {
            return Err(Error::invalid("filter is NULL; make one by rgc_filter_create"));
        }
        let none = no_tombstones("inputs", inputs, n)?;
        FilterHandle::tell(filter.cast(), |run| run.set_no_tombstones(none));
        Ok(())
    }
}

export! {
    /// Destroys the filter.
    fn rgc_filter_destroy(filter: *mut c::rgc_filter_t) -> (), on error (); {
        if !filter.is_null() {
            drop(Box::from_raw(filter.cast::<FilterHandle>()));
        }
    }
}

export! {
    /// The filter function for RocksDB.
    fn rgc_filter_callback(filter: *mut c_void, _level: c_int, key: *const c_char, key_len: usize, value: *const c_char, value_len: usize,
                           _new_value: *mut *mut c_char, _new_value_len: *mut usize, value_changed: *mut u8) -> u8, on error 0; {
        if !value_changed.is_null() {
            value_changed.write(0);
        }
        u8::from(FilterHandle::decide_value(filter.cast(), key, key_len, value, value_len) == Verdict::Remove)
    }
}

export! {
    /// The destructor of a filter for RocksDB.
    fn rgc_filter_destructor(filter: *mut c_void) -> (), on error (); { rgc_filter_destroy(filter.cast()) }
}

export! {
    /// The name of a filter for RocksDB.
    fn rgc_filter_name(_filter: *mut c_void) -> *const c_char, on error null(); { c"rocks_gc.filter".as_ptr() }
}
