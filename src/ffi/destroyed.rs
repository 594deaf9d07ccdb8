//! Functions about destroyed ranges: destroys that begin later, and the recheck and release of
//! ranges that are cleared or done.

use super::c;
use super::destroy::{how, of_keyspace, reported};
use super::export::{answer, guarded};
use super::handles::{context, need_context};
use super::memory::bytes;
use super::store::{check_report, need_store};
use crate::error::Error;
use crate::layout::StoredRange;
use crate::reclaim::RangeToDestroy;
use std::ffi::{c_char, c_int};

/// A range of the host.
///
/// # Safety
/// `start` and `end` are readable.
unsafe fn range(start: *const c_char, start_len: usize, end: *const c_char, end_len: usize) -> Result<StoredRange, Error> {
    // SAFETY: this function demands the same.
    unsafe { Ok((bytes("start", start, start_len)?.to_vec(), bytes("end", end, end_len)?.to_vec())) }
}

/// The timestamp that a destroy waits for.
fn after(ts: u64) -> Result<u64, Error> {
    if ts == u64::MAX {
        return Err(Error::invalid(format!("ts {ts} is above every safe point, so the destroy would never begin; give a lower one")));
    }
    Ok(ts)
}

/// Orders a destroy that begins when the range's effective safe point is above a timestamp.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroy_range_after(
    gc: *mut c::rgc_t,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    ts: u64,
    flags: c_int,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `start` and `end` are readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_destroy_range_after", (), || {
            let context = need_context(gc)?;
            let wanted = [RangeToDestroy { range: range(start, start_len, end, end_len)?, keyspace: None }];
            let (ts, how) = (after(ts)?, how(flags)?);
            need_store(context, "rgc_destroy_range_after")?.destroy_after(&wanted, ts, how)
        })
    }
}

/// Orders the destroy of a keyspace that begins when its effective safe point is above a timestamp.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroy_keyspace_after(gc: *mut c::rgc_t, keyspace: u32, ts: u64, flags: c_int, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_destroy_keyspace_after", (), || {
            let context = need_context(gc)?;
            let wanted = of_keyspace(context, keyspace, flags)?;
            let (ts, how) = (after(ts)?, how(flags)?);
            need_store(context, "rgc_destroy_keyspace_after")?.destroy_after(&wanted, ts, how)
        })
    }
}

/// Takes back the pending destroy of a range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_take_back_destroy_range(
    gc: *mut c::rgc_t,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `start` and `end` are readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_take_back_destroy_range", (), || {
            let context = need_context(gc)?;
            need_store(context, "rgc_take_back_destroy_range")?.take_back(&[range(start, start_len, end, end_len)?])
        })
    }
}

/// Takes back the pending destroy of a keyspace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_take_back_destroy_keyspace(gc: *mut c::rgc_t, keyspace: u32, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_take_back_destroy_keyspace", (), || {
            let context = need_context(gc)?;
            let ranges = of_keyspace(context, keyspace, c::RGC_DESTROY_FORCE as c_int)?.map(|wanted| wanted.range);
            need_store(context, "rgc_take_back_destroy_keyspace")?.take_back(&ranges)
        })
    }
}

/// Destroys one range once more, however old its record is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_recheck_destroyed_range(
    gc: *mut c::rgc_t,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    report: *mut c::rgc_destroy_report_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `start` and `end` are readable, `report` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_recheck_destroyed_range", (), || {
            let context = need_context(gc)?;
            let range = range(start, start_len, end, end_len)?;
            check_report(report)?;
            let store = need_store(context, "rgc_recheck_destroyed_range")?;
            reported(report, |done| store.recheck_range(&range, done))
        })
    }
}

/// Destroys once more the ranges whose recheck is due.
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

/// Releases a destroyed range that is cleared or done.
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
            need_store(context, "rgc_release_destroyed")?.release(&range(start, start_len, end, end_len)?)
        })
    }
}

/// Returns the number of records of destroyed ranges, without those that only remember a debt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroyed_count(gc: *const c::rgc_t) -> usize {
    // SAFETY: `gc` is alive.
    guarded("rgc_destroyed_count", 0, || unsafe { context(gc).map_or(0, |found| found.attached.records()) })
}
