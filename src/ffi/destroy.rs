//! Destroying ranges and keyspaces now.

use super::c;
use super::export::answer;
use super::handles::{Context, need_context};
use super::memory::{Sized1, array, bytes, sized_array, write_sized};
use super::safe_points::keyspace;
use super::store::{check_report, need_store};
use crate::error::Error;
use crate::layout::{KeyMode, KeyspaceId};
use crate::reclaim::{DestroyError, DestroyReport, How, RangeToDestroy};
use std::collections::HashMap;
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
            let reusable = how(flags)?.reusable;
            check_report(report)?;
            let wanted = [RangeToDestroy { range, keyspace: None }];
            destroy(context, "rgc_destroy_range", &wanted, reusable, report).map_err(|(_, error)| error)
        })
    }
}

/// Destroys ranges, all in one call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroy_ranges(
    gc: *mut c::rgc_t,
    ranges: *const c::rgc_range_t,
    n: usize,
    flags: c_int,
    failed: *mut usize,
    report: *mut c::rgc_destroy_report_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `ranges` and the bounds of its elements are readable, `failed`,
    // `report` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_destroy_ranges", (), || {
            set_failed(failed, n);
            let context = need_context(gc)?;
            let reusable = how(flags)?.reusable;
            check_report(report)?;
            let wanted = numbered(sized_array("ranges", ranges, n)?, |_, range: c::rgc_range_t| {
                let range = (bytes("start", range.start, range.start_len)?.to_vec(), bytes("end", range.end, range.end_len)?.to_vec());
                Ok([RangeToDestroy { range, keyspace: None }])
            });
            let done = wanted.and_then(|wanted| destroy(context, "rgc_destroy_ranges", &wanted, reusable, report));
            done.map_err(|error| named(error, "range", 1, failed))
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
            let wanted = of_keyspace(context, id, flags)?;
            let reusable = how(flags)?.reusable;
            check_report(report)?;
            destroy(context, "rgc_destroy_keyspace", &wanted, reusable, report).map_err(|(_, error)| error)
        })
    }
}

/// Destroys keyspaces, all in one call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroy_keyspaces(
    gc: *mut c::rgc_t,
    keyspaces: *const u32,
    n: usize,
    flags: c_int,
    failed: *mut usize,
    report: *mut c::rgc_destroy_report_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `keyspaces` is readable, `failed`, `report` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_destroy_keyspaces", (), || {
            set_failed(failed, n);
            let context = need_context(gc)?;
            let reusable = how(flags)?.reusable;
            check_report(report)?;
            let ids = array("keyspaces", keyspaces, n)?;
            let mut first = HashMap::new();
            let wanted = numbered(ids.iter().copied(), |place, id| {
                if let Some(first) = first.insert(id, place) {
                    return Err(Error::invalid(format!("keyspace {id} is also keyspace {first} of the call; give each once")));
                }
                of_keyspace(context, id, flags)
            });
            let done = wanted.and_then(|wanted| destroy(context, "rgc_destroy_keyspaces", &wanted, reusable, report));
            done.map_err(|error| named(error, "keyspace", RANGES_OF_KEYSPACE, failed))
        })
    }
}

/// The number of ranges of a keyspace: one of mode r and one of mode x.
const RANGES_OF_KEYSPACE: usize = 2;

/// The ranges of a keyspace that may be destroyed.
pub(super) fn of_keyspace(context: &Context, id: u32, flags: c_int) -> Result<[RangeToDestroy; RANGES_OF_KEYSPACE], Error> {
    let id = keyspace(id)?;
    refuse_in_use(context, id, flags)?;
    let range = |mode| {
        let range = context.shared.layout.encode_range(Some(mode), Some(id), &[], &[])?;
        let end = range.end.ok_or_else(|| Error::invalid(format!("keyspace {id} has no end in this layout")))?;
        Ok::<_, Error>(RangeToDestroy { range: (range.start, end), keyspace: Some(id) })
    };
    Ok([range(KeyMode::Raw)?, range(KeyMode::Txn)?])
}

/// The ranges of all elements, or the first error with its place.
fn numbered<T, const N: usize>(
    elements: impl IntoIterator<Item = T>,
    mut of: impl FnMut(usize, T) -> Result<[RangeToDestroy; N], Error>,
) -> Result<Vec<RangeToDestroy>, DestroyError> {
    let mut wanted = Vec::new();
    for (place, element) in elements.into_iter().enumerate() {
        wanted.extend(of(place, element).map_err(|error| (Some(place * N), error))?);
    }
    Ok(wanted)
}

/// Sets the index of the element that failed.
///
/// # Safety
/// `failed` is NULL or writable.
unsafe fn set_failed(failed: *mut usize, index: usize) {
    if !failed.is_null() {
        // SAFETY: `failed` is writable, and not NULL; any alignment will do.
        unsafe { failed.write_unaligned(index) };
    }
}

/// The error with the index of the element that caused it, which is also written to `failed`. Each
/// element has this number of ranges.
///
/// # Safety
/// `failed` is NULL or writable.
unsafe fn named((place, error): DestroyError, what: &str, ranges: usize, failed: *mut usize) -> Error {
    let Some(index) = place.map(|place| place / ranges) else { return error };
    // SAFETY: `failed` is NULL or writable.
    unsafe { set_failed(failed, index) };
    error.while_doing(format_args!("{what} {index} of the call"))
}

/// Destroys, and writes the report.
///
/// # Safety
/// `report` is writable and [`check_report`] has accepted it.
unsafe fn destroy(
    context: &Context,
    function: &str,
    wanted: &[RangeToDestroy],
    reusable: bool,
    report: *mut c::rgc_destroy_report_t,
) -> Result<(), DestroyError> {
    let store = need_store(context, function).map_err(|error| (None, error))?;
    // SAFETY: this function demands the same.
    unsafe { reported(report, |done| store.destroy(wanted, reusable, done)) }
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

pub(super) fn how(flags: c_int) -> Result<How, Error> {
    let known = (c::RGC_DESTROY_FORCE | c::RGC_DESTROY_REUSABLE) as c_int;
    if flags & !known != 0 {
        return Err(Error::invalid(format!(
            "flags {flags:#x} are unknown; give RGC_DESTROY_FORCE (1) and RGC_DESTROY_REUSABLE (2), or'ed, or 0"
        )));
    }
    let has = |flag| flags & flag as c_int != 0;
    Ok(How { reusable: has(c::RGC_DESTROY_REUSABLE), forced: has(c::RGC_DESTROY_FORCE) })
}

/// Destroys, and writes the report, also after an error.
///
/// # Safety
/// `report` is writable and [`check_report`] has accepted it.
pub(super) unsafe fn reported<R, E>(
    report: *mut c::rgc_destroy_report_t,
    destroy: impl FnOnce(&mut DestroyReport) -> Result<R, E>,
) -> Result<R, E> {
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
