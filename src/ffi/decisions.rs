//! The decisions for callers that cannot skip. The usual ones take few instructions.

use super::c;
use super::export::guarded;
use super::filter_handle::{FilterHandle, shown};
use super::memory::slice;
use crate::filter::{CompactionFilter, USUAL_KEYS};
use crate::rule::Verdict;
use std::ffi::{c_char, c_int};
use std::hint::assert_unchecked;
use std::slice::from_raw_parts;

impl FilterHandle {
    /// Judges a key with its value. Returns `RGC_KEEP` or `RGC_REMOVE`.
    ///
    /// Each function that this one calls ends it by a jump. So they cannot unwind, and have their
    /// arguments in the registers in which RocksDB's callback gets them.
    ///
    /// # Safety
    /// As [`FilterHandle::with`]; `key` and `value` are readable.
    #[inline(always)]
    pub(super) unsafe fn decide_value(
        filter: Option<&Self>,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
    ) -> u8 {
        // SAFETY: `key` and `value` are readable; the filter is not deciding on this thread, and
        // `run` is used no more when another function gets it.
        unsafe {
            if let Some(run) = Self::run_here(filter)
                && let Some((key_bytes, value_bytes)) = like_last_key(run, key, key_len, value, value_len)
            {
                if !USUAL_KEYS.contains(&key_len) {
                    return Self::decide_unusual(filter, run, key, key_len, value, value_len);
                }
                return match run.decide_shadowed::<true>(key_bytes, value_bytes) {
                    Some(verdict) => number(verdict),
                    None => Self::decide_next_row(filter, run, key, key_len, value, value_len),
                };
            }
            Self::decide_any(filter, c::RGC_VALUE as c_int, key, key_len, value, value_len)
        }
    }

    /// Judges a key that is no shadowed version, as [`FilterHandle::decide_value`] does.
    ///
    /// # Safety
    /// As [`FilterHandle::decide_value`]. `run` is the one of the filter and reached by this thread;
    /// `like_last_key` holds, and the key has a usual length.
    #[inline(never)]
    unsafe extern "C" fn decide_next_row(
        filter: Option<&Self>,
        run: *mut CompactionFilter,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
    ) -> u8 {
        // SAFETY: the caller has checked all of this, and uses `run` no more.
        unsafe {
            assert_unchecked(USUAL_KEYS.contains(&key_len) && key_len == (*run).last_key_len() && value_len > 0);
            let (key_bytes, value_bytes) = (from_raw_parts(key.cast(), key_len), from_raw_parts(value.cast(), value_len));
            match (*run).decide_next_row::<true>(key_bytes, value_bytes) {
                Some(verdict) => number(verdict),
                None => Self::decide_any(filter, c::RGC_VALUE as c_int, key, key_len, value, value_len),
            }
        }
    }

    /// Judges a key of an unusual length, as [`FilterHandle::decide_value`] does.
    ///
    /// # Safety
    /// As [`FilterHandle::decide_value`]. `run` is the one of the filter and reached by this thread;
    /// `like_last_key` holds.
    #[inline(never)]
    unsafe extern "C" fn decide_unusual(
        filter: Option<&Self>,
        run: *mut CompactionFilter,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
    ) -> u8 {
        // SAFETY: the caller has checked all of this, and uses `run` no more.
        unsafe {
            assert_unchecked(key_len == (*run).last_key_len() && value_len > 0);
            let (key_bytes, value_bytes) = (from_raw_parts(key.cast(), key_len), from_raw_parts(value.cast(), value_len));
            if let Some(verdict) = (*run).decide_shadowed::<false>(key_bytes, value_bytes) {
                return number(verdict);
            }
            match (*run).decide_next_row::<false>(key_bytes, value_bytes) {
                Some(verdict) => number(verdict),
                None => Self::decide_any(filter, c::RGC_VALUE as c_int, key, key_len, value, value_len),
            }
        }
    }

    /// Judges a key with a value of any type. Returns `RGC_KEEP` or `RGC_REMOVE`.
    ///
    /// # Safety
    /// As [`FilterHandle::decide_value`].
    #[inline(never)]
    pub(super) unsafe extern "C" fn decide_any(
        filter: Option<&Self>,
        value_type: c_int,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
    ) -> u8 {
        // SAFETY: `key` and `value` are readable; the filter is not deciding on this thread.
        guarded("rgc_filter_decide", c::RGC_KEEP as u8, || unsafe {
            let (Some(key), Some(value)) = (slice(key.cast(), key_len), slice(value.cast(), value_len)) else { return c::RGC_KEEP as u8 };
            number(Self::with(filter, Verdict::Keep, |run| run.decide(key, shown(value_type, value))))
        })
    }
}

/// A verdict as a number of C.
#[inline(always)]
fn number(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Keep => c::RGC_KEEP as u8,
        Verdict::Remove => c::RGC_REMOVE as u8,
    }
}

/// A key and its value, if the key has the length of the last key, and neither is NULL or empty.
///
/// # Safety
/// During `'a` both are readable.
#[inline(always)]
unsafe fn like_last_key<'a>(
    run: &CompactionFilter,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
) -> Option<(&'a [u8], &'a [u8])> {
    if key.is_null() || value.is_null() || key_len != run.last_key_len() || value_len.cast_signed() <= 0 {
        return None;
    }
    // SAFETY: not NULL, and no longer than an object may be: the last key is one, and the value's
    // length was checked. As many bytes are readable during `'a`, and bytes have no alignment.
    unsafe { Some((from_raw_parts(key.cast(), key_len), from_raw_parts(value.cast(), value_len))) }
}
