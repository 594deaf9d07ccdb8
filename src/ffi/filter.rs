//! A run behind a handle. Keyed by the thread that decides first: a filter that hosts share between compactions keeps
//! everything instead of mixing their keys up.

use super::c;
use super::handles::{kind, need_context};
use super::memory::{Sized1, bytes, clear_out, read_sized};
use crate::error::Error;
use crate::filter::{Kind, Run, Shared, Shown, refusal};
use crate::log::{Level, log};
use crate::rule::Verdict;
use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Behind `rgc_filter_t*`, in a Box.
pub(super) struct Filter {
    /// The thread that decides, 0 = none yet.
    owner: AtomicU64,
    run: UnsafeCell<Run>,
}

/// No thread is this one.
const CLOSED_BY_TWO_THREADS: u64 = u64::MAX;

// SAFETY: of the library's own, and the same for ever.
unsafe impl Sized1 for c::rgc_compaction_t {
    const VERSION_1: usize = 32;
}

impl Filter {
    pub(super) fn create(shared: &Arc<Shared>, kind: Kind, bottommost: Option<bool>) -> *mut Self {
        if let Some(reason) = refusal(kind, &shared.safe_points) {
            shared.stats.shared().runs_refused.add(1);
            log(Level::Debug, || format!("no filter for a compaction of kind {kind:?}: {reason:?}"));
            return null_mut();
        }
        let run = UnsafeCell::new(Run::new(shared.clone(), kind, bottommost));
        Box::into_raw(Box::new(Self { owner: AtomicU64::new(0), run }))
    }

    /// Calls `judge` with the run, on the thread that it belongs to; a panic closes it.
    ///
    /// # Safety
    /// `filter` is NULL or of rgc_filter_create and not destroyed.
    #[inline]
    unsafe fn with<R>(filter: *const Self, keep: R, judge: impl FnOnce(&mut Run) -> R) -> R {
        // SAFETY: the caller's promise.
        let Some(filter) = (unsafe { filter.as_ref() }) else { return keep };
        if !filter.is_owned_here() {
            return keep;
        }
        // SAFETY: only the owning thread comes here, and no callback is called while the reference lives but the logger's,
        // which must not decide on a filter that is deciding.
        let run = unsafe { &mut *filter.run.get() };
        match catch_unwind(AssertUnwindSafe(|| judge(&mut *run))) {
            Ok(answer) => answer,
            Err(payload) => {
                std::mem::forget(payload);
                let _ = catch_unwind(AssertUnwindSafe(|| run.close("it panicked; please report it")));
                keep
            }
        }
    }

    #[inline]
    fn is_owned_here(&self) -> bool {
        // SAFETY: has no conditions.
        let thread = unsafe { libc::pthread_self() };
        self.owner.load(Relaxed) == thread || self.take(thread)
    }

    #[cold]
    fn take(&self, thread: u64) -> bool {
        match self.owner.compare_exchange(0, thread, Relaxed, Relaxed) {
            Ok(_) => true,
            Err(owner) => {
                // Whoever owned it finds, at its next key, that it does no more.
                if owner != CLOSED_BY_TWO_THREADS && self.owner.swap(CLOSED_BY_TWO_THREADS, Relaxed) != CLOSED_BY_TWO_THREADS {
                    log(Level::Error, || {
                        "two threads decide on one filter: it keeps everything from here on; give each compaction its own".into()
                    });
                }
                false
            }
        }
    }
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

fn shown<'v>(value_type: c_int, value: &'v [u8]) -> Shown<'v> {
    match u32::try_from(value_type) {
        Ok(c::RGC_VALUE) => Shown::Value(value),
        Ok(c::RGC_BLOB_INDEX) => Shown::ValueElsewhere,
        _ => Shown::Other,
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
        let (Ok(key), Ok(value)) = (bytes("key", key, key_len), bytes("value", value, value_len)) else { return c::RGC_KEEP as c_int };
        decision(Filter::with(filter.cast(), Verdict::Keep, |run| run.decide(key, shown(value_type, value))))
    }
}

export! {
    /// Judges one key without its value.
    fn rgc_filter_decide_by_key(filter: *mut c::rgc_filter_t, _level: c_int, key: *const c_char, key_len: usize, skip_until: *mut *const c_char,
                                skip_until_len: *mut usize) -> c_int, on error c::RGC_KEEP as c_int; {
        clear_out(skip_until, skip_until_len);
        let Ok(key) = bytes("key", key, key_len) else { return c::RGC_KEEP as c_int };
        Filter::with(filter.cast(), Some(Verdict::Keep), |run| run.decide_by_key(key)).map_or(c::RGC_UNDETERMINED as c_int, decision)
    }
}

export! {
    /// What became known after creation.
    fn rgc_filter_set_bottommost(filter: *mut c::rgc_filter_t, is_bottommost: c_int) -> (), on error (); {
        if (-1..=1).contains(&is_bottommost) {
            Filter::with(filter.cast(), (), |run| run.set_bottommost(tristate(is_bottommost)));
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
        let (Ok(key), Ok(value)) = (bytes("key", key, key_len), bytes("value", value, value_len)) else { return 0 };
        Filter::with(filter.cast(), 0, |run| u8::from(run.decide(key, Shown::Value(value)) == Verdict::Remove))
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
