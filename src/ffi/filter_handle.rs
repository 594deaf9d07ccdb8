//! A filter behind a handle. It belongs to the thread that decides first. A filter that a host
//! shares between compactions keeps everything, because it cannot tell their keys apart.

use super::c;
use super::export::guard;
use super::memory::slice;
use super::opaque::{Opaque, into_raw};
use crate::filter::{CompactionContext, CompactionFilter, Decision, Inputs, ValueView, count_refusal, level, refusal};
use crate::log::{Level, log};
use crate::shared::{FilterKind, Shared};
#[cfg(target_arch = "x86_64")]
use std::arch::asm;
use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// The object behind `rgc_filter_t*`.
#[repr(C)]
pub(super) struct FilterHandle {
    /// It is the first field, so that its address needs no computation.
    run: UnsafeCell<CompactionFilter>,
    /// The thread that decides.
    owner: AtomicUsize,
    gc: Arc<Shared>,
    /// Whether a listener may set the level, on the filter's own thread, before its first decision.
    listens: bool,
    kind: FilterKind,
}

impl Opaque for c::rgc_filter_t {
    type Owner = Box<FilterHandle>;
}

/// The decision without a filter.
const KEEP: (Decision, *const [u8]) = (Decision::Keep, &[]);
/// The owner of a filter that has not decided yet.
const NO_THREAD: usize = 0;
/// The owner of a filter that two threads tried to use; no thread has this number.
const SHARED_BY_THREADS: usize = usize::MAX;

impl FilterHandle {
    /// Makes a filter, or returns NULL if none is needed. It allocates the filter, its counters and
    /// their place in the list of running filters: some kilobytes, for any number of keys. Later
    /// allocations of a filter may fail.
    pub(super) fn create(
        shared: &Arc<Shared>,
        kind: FilterKind,
        compaction: CompactionContext,
        inputs: &Inputs,
        listens: bool,
    ) -> *mut c::rgc_filter_t {
        shared.let_ended_barriers_go_if_free();
        if let Some(reason) = refusal(kind, shared, compaction, inputs) {
            count_refusal(shared, kind, reason, inputs);
            return null_mut();
        }
        let run = UnsafeCell::new(CompactionFilter::new(shared.clone(), kind, compaction));
        into_raw(Box::new(Self { owner: AtomicUsize::new(NO_THREAD), run, gc: shared.clone(), listens, kind }))
    }

    /// The state of the context.
    pub(super) fn shared(&self) -> &Shared {
        &self.gc
    }

    /// The kind of the filter.
    pub(super) fn kind(&self) -> FilterKind {
        self.kind
    }

    /// Judges a key with a value of any type. A skip returns bytes that are valid until the next
    /// decision.
    ///
    /// # Safety
    /// As [`FilterHandle::decide_value`].
    pub(super) unsafe fn decide_or_skip(
        filter: Option<&Self>,
        value_type: c_int,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
    ) -> (Decision, *const [u8]) {
        // SAFETY: `key` and `value` are readable; the filter is not deciding on this thread.
        unsafe {
            let (Some(key), Some(value)) = (slice(key.cast(), key_len), slice(value.cast(), value_len)) else { return KEEP };
            Self::with(filter, KEEP, |run| {
                let decision = run.decide_or_skip(key, shown(value_type, value));
                (decision, &raw const *run.skip_until())
            })
        }
    }

    /// Judges a key without its value; `None` means that the value is needed.
    ///
    /// # Safety
    /// As [`FilterHandle::decide_value`].
    pub(super) unsafe fn decide_by_key(
        filter: Option<&Self>,
        key: *const c_char,
        key_len: usize,
        can_skip: bool,
    ) -> Option<(Decision, *const [u8])> {
        // SAFETY: `key` is readable; the filter is not deciding on this thread.
        unsafe {
            let Some(key) = slice(key.cast(), key_len) else { return Some(KEEP) };
            Self::with(filter, Some(KEEP), |run| Some((run.decide_by_key(key, can_skip)?, &raw const *run.skip_until())))
        }
    }

    /// Whether the filter may skip. A filter of another thread never does.
    ///
    /// # Safety
    /// As [`FilterHandle::with`].
    #[inline]
    pub(super) unsafe fn may_skip(filter: Option<&Self>) -> bool {
        // SAFETY: the filter is not deciding on this thread; the result ends with this call.
        unsafe { Self::run_here(filter).or_else(|| Self::take(filter)) }.is_some_and(|run| run.may_skip())
    }

    /// Calls `judge` with the filter, on the thread that owns it; a panic closes the filter.
    ///
    /// # Safety
    /// The filter is not deciding on this thread. While it decides, the only code of the host that
    /// runs is the logger, which the header forbids to use this filter.
    pub(super) unsafe fn with<R>(filter: Option<&Self>, keep: R, judge: impl FnOnce(&mut CompactionFilter) -> R) -> R {
        // SAFETY: the filter is not deciding on this thread; the result ends with this call.
        match unsafe { Self::run_here(filter).or_else(|| Self::take(filter)) } {
            Some(run) => or_close(run, keep, judge),
            None => keep,
        }
    }

    /// Calls `tell` with the filter, unless another thread owns it. The filter gets no owner by
    /// that.
    ///
    /// # Safety
    /// As [`FilterHandle::with`].
    pub(super) unsafe fn tell(filter: Option<&Self>, tell: impl FnOnce(&mut CompactionFilter)) {
        let Some(filter) = filter else { return };
        let owner = filter.owner.compare_exchange(NO_THREAD, this_thread(), Acquire, Relaxed);
        if owner.is_ok() || owner == Err(this_thread()) {
            // SAFETY: the filter belongs to this thread now, so no other thread has the run; nor
            // has this one, as the filter is not deciding here.
            tell(unsafe { &mut *filter.run.get() });
        }
        if owner.is_ok() {
            // Unless another thread has closed it meanwhile.
            let _ = filter.owner.compare_exchange(this_thread(), NO_THREAD, Release, Relaxed);
        }
    }

    /// The filter, if it belongs to this thread.
    ///
    /// # Safety
    /// As [`FilterHandle::with`]. A thread drops one result before it asks for the next one.
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "the run is in an UnsafeCell")]
    pub(super) unsafe fn run_here(filter: Option<&Self>) -> Option<&mut CompactionFilter> {
        let filter = filter?;
        // SAFETY: a thread reaches the run only while it is the owner, and this thread is. It has
        // no other reference to the run, as the filter is not deciding here.
        is_this_thread(filter.owner.load(Relaxed)).then(|| unsafe { &mut *filter.run.get() })
    }

    /// The filter, if it has belonged to no thread so far.
    ///
    /// # Safety
    /// As [`FilterHandle::run_here`].
    #[cold]
    #[expect(clippy::mut_from_ref, reason = "the run is in an UnsafeCell")]
    unsafe fn take(filter: Option<&Self>) -> Option<&mut CompactionFilter> {
        let filter = filter?;
        match filter.owner.compare_exchange(NO_THREAD, this_thread(), Acquire, Relaxed) {
            Ok(_) => {
                // SAFETY: the filter had no owner and belongs to this thread now, so nothing else
                // uses the compaction filter.
                let run = unsafe { &mut *filter.run.get() };
                run.is_here();
                if let Some(bottommost) = level::told().filter(|_| filter.listens) {
                    run.set_bottommost(Some(bottommost));
                }
                Some(run)
            }
            Err(_) => {
                // The earlier owner finds out at its next key that it has lost the filter.
                if filter.owner.swap(SHARED_BY_THREADS, Relaxed) != SHARED_BY_THREADS {
                    filter.gc.stats.shared().runs_closed.add(1);
                    log(Level::Error, || {
                        "two threads decide on one filter: it keeps everything from here on; give each compaction its own".into()
                    });
                }
                None
            }
        }
    }
}

/// Calls `judge` with the filter; a panic closes the filter.
fn or_close<R>(run: &mut CompactionFilter, keep: R, judge: impl FnOnce(&mut CompactionFilter) -> R) -> R {
    guard(|| judge(&mut *run)).unwrap_or_else(|| {
        let _ = guard(|| run.close("it panicked; please report it"));
        keep
    })
}

/// A number that no two living threads share. Every decision reads it, so it needs no call on
/// x86-64.
#[inline]
fn this_thread() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        let thread_pointer: usize;
        // SAFETY: on x86-64 Linux the word at fs:0 holds its own address (System V ABI, TLS).
        unsafe { asm!("mov {}, fs:0", out(reg) thread_pointer, options(nostack, pure, readonly, preserves_flags)) };
        thread_pointer
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // SAFETY: pthread_self has no conditions.
        unsafe { libc::pthread_self() as usize }
    }
}

/// Whether a number is the one of this thread.
#[inline(always)]
fn is_this_thread(number: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: as in `this_thread`; the comparison changes only flags.
        unsafe { asm!("cmp {}, fs:0", "jne {}", in(reg) number, label { return false }, options(nostack, readonly)) };
        true
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        number == this_thread()
    }
}

pub(super) fn shown<'v>(value_type: c_int, value: &'v [u8]) -> ValueView<'v> {
    match u32::try_from(value_type) {
        Ok(c::RGC_VALUE) => ValueView::Value(value),
        Ok(c::RGC_BLOB_INDEX) => ValueView::ValueElsewhere,
        _ => ValueView::Other,
    }
}
