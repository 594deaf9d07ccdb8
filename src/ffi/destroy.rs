//! Destroying ranges and keyspaces.

use super::c;
use super::export::{answer, guarded};
use super::handles::{Context, context, need_context};
use super::memory::{Sized1, bytes, write_sized};
use super::safe_points::keyspace;
use super::store::{check_report, need_store};
use crate::error::Error;
use crate::layout::{KeyMode, KeyspaceId};
use crate::reclaim::DestroyReport;
use std::ffi::{c_char, c_int};

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_destroy_report_t {
    const VERSION_1: usize = 64;
}

/// Destroys a range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroy_range(
    gc: *mut c::rgc_t,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    flags: c_int,
    report: *mut c::rgc_destroy_report_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `start` and `end` are readable, `report` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_destroy_range", (), || {
            let context = need_context(gc)?;
            let range = (bytes("start", start, start_len)?.to_vec(), bytes("end", end, end_len)?.to_vec());
            let reusable = is_reusable(flags)?;
            check_report(report)?;
            let store = need_store(context, "rgc_destroy_range")?;
            reported(report, |done| store.destroy(&[range], None, reusable, done))
        })
    }
}

/// Destroys a keyspace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroy_keyspace(
    gc: *mut c::rgc_t,
    id: u32,
    flags: c_int,
    report: *mut c::rgc_destroy_report_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `report` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_destroy_keyspace", (), || {
            let context = need_context(gc)?;
            let id = keyspace(id)?;
            let reusable = is_reusable(flags)?;
            refuse_in_use(context, id, flags)?;
            check_report(report)?;
            let range = |mode| {
                let range = context.shared.layout.encode_range(Some(mode), Some(id), &[], &[])?;
                let end = range.end.ok_or_else(|| Error::invalid(format!("keyspace {id} has no end in this layout")))?;
                Ok::<_, Error>((range.start, end))
            };
            let ranges = [range(KeyMode::Raw)?, range(KeyMode::Txn)?];
            let store = need_store(context, "rgc_destroy_keyspace")?;
            reported(report, |done| store.destroy(&ranges, Some(id), reusable, done))
        })
    }
}

/// Refuses to destroy a keyspace that may be in use, unless the host forces it.
fn refuse_in_use(context: &Context, id: KeyspaceId, flags: c_int) -> Result<(), Error> {
    match context.shared.keyspaces.state(id) {
        Some(state) if state.is_in_use() && flags & c::RGC_DESTROY_FORCE as c_int == 0 => {
            Err(Error::invalid(format!("keyspace {id} is {state}; archive it first, or give RGC_DESTROY_FORCE")))
        }
        _ => Ok(()),
    }
}

fn is_reusable(flags: c_int) -> Result<bool, Error> {
    let known = (c::RGC_DESTROY_FORCE | c::RGC_DESTROY_REUSABLE) as c_int;
    if flags & !known != 0 {
        return Err(Error::invalid(format!(
            "flags {flags:#x} are unknown; give RGC_DESTROY_FORCE (1) and RGC_DESTROY_REUSABLE (2), or'ed, or 0"
        )));
    }
    Ok(flags & c::RGC_DESTROY_REUSABLE as c_int != 0)
}

/// Destroys, and writes the report, also after an error.
///
/// # Safety
/// `report` is writable and [`check_report`] has accepted it.
unsafe fn reported<R>(
    report: *mut c::rgc_destroy_report_t,
    destroy: impl FnOnce(&mut DestroyReport) -> Result<R, Error>,
) -> Result<R, Error> {
    let mut done = DestroyReport::default();
    let result = destroy(&mut done);
    if !report.is_null() {
        // SAFETY: `report` is writable, not NULL, and at least as long as its struct_size field.
        unsafe { write_sized(report, &to_c(&done)) };
    }
    result
}

fn to_c(report: &DestroyReport) -> c::rgc_destroy_report_t {
    c::rgc_destroy_report_t {
        struct_size: 0,
        files_dropped: report.files_dropped,
        file_bytes_dropped: report.file_bytes_dropped,
        keys_deleted: report.keys_deleted,
        range_tombstones: report.range_tombstones,
        files_microseconds: report.files_time.as_micros() as u64,
        keys_microseconds: report.keys_time.as_micros() as u64,
        compact_microseconds: report.compact_time.as_micros() as u64,
        files_left: report.files_left,
        file_bytes_left: report.file_bytes_left,
    }
}

/// Destroys again the ranges whose recheck is due.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_recheck_destroyed(
    gc: *mut c::rgc_t,
    now: u64,
    report: *mut c::rgc_destroy_report_t,
    errptr: *mut *mut c_char,
) -> usize {
    // SAFETY: `gc` is alive, `report` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_recheck_destroyed", 0, || {
            let context = need_context(gc)?;
            check_report(report)?;
            let store = need_store(context, "rgc_recheck_destroyed")?;
            reported(report, |done| store.recheck(now, done))
        })
    }
}

/// Deletes the record of a destroyed range that is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_release_destroyed(
    gc: *mut c::rgc_t,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `start` and `end` are readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_release_destroyed", (), || {
            let context = need_context(gc)?;
            let range = (bytes("start", start, start_len)?.to_vec(), bytes("end", end, end_len)?.to_vec());
            need_store(context, "rgc_release_destroyed")?.release(&range)
        })
    }
}

/// Returns the number of records of destroyed ranges.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroyed_count(gc: *const c::rgc_t) -> usize {
    // SAFETY: `gc` is alive.
    guarded("rgc_destroyed_count", 0, || unsafe { context(gc).map_or(0, |found| found.attached.records()) })
}
