//! The objects behind the opaque handles, and their owners.

use super::attached::Attached;
use super::c;
use super::opaque::{Opaque, borrow, borrow_mut, share};
use super::rocksdb_functions::Functions;
use crate::callback;
use crate::error::{Error, ErrorKind};
use crate::log::{Level, log};
use crate::options::Options;
use crate::shared::{FilterKind, Shared};
use std::ffi::c_int;
use std::sync::{Arc, OnceLock};

/// The object behind `rgc_t*`.
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pub(super) rocksdb: OnceLock<Functions>,
    pub(super) attached: Attached,
}

/// The host has one reference; factories, listeners and WAL filters have their own.
impl Opaque for c::rgc_t {
    type Owner = Arc<Context>;
}

impl Opaque for c::rgc_options_t {
    type Owner = Box<Options>;
}

/// The context behind a handle, during the call.
///
/// # Safety
/// Unless NULL, rgc_create returned `gc`. During `'a` the host keeps a reference to the context, or
/// a factory does after rgc_destroy.
#[inline]
pub(super) unsafe fn context<'a>(gc: *const c::rgc_t) -> Option<&'a Context> {
    // SAFETY: NULL, or rgc_create has it from `into_raw`, and a reference keeps the context during
    // `'a`. A context is never borrowed mutably.
    unsafe { borrow(gc) }
}

/// The context behind a handle, or the error that it is NULL.
///
/// # Safety
/// As [`context`].
pub(super) unsafe fn need_context<'a>(gc: *const c::rgc_t) -> Result<&'a Context, Error> {
    // SAFETY: NULL, or of rgc_create and kept by a reference during `'a`.
    unsafe { context(gc) }.ok_or_else(no_context)
}

/// Another reference to the context behind a handle.
///
/// # Safety
/// As [`context`].
pub(super) unsafe fn share_context(gc: *const c::rgc_t) -> Result<Arc<Context>, Error> {
    // SAFETY: NULL, or rgc_create has it from `into_raw`, and a reference keeps the context during
    // this call.
    unsafe { share(gc) }.ok_or_else(no_context)
}

fn no_context() -> Error {
    Error::invalid("gc is NULL; make one with rgc_create")
}

/// The error of a function that would wait for the callback that this thread is inside of.
pub(super) fn refuse_inside_callback(function: &str) -> Result<(), Error> {
    if callback::inside() {
        return Err(Error::new(
            ErrorKind::Aborted,
            format!("{function} inside a callback of the library would wait for itself; call it from another thread"),
        ));
    }
    Ok(())
}

/// As [`refuse_inside_callback`], for a function that waits for the store's worker. The worker may
/// wait for the compaction whose filter runs on this thread.
pub(super) fn refuse_inside_run(function: &str, shared: &Shared) -> Result<(), Error> {
    refuse_inside_callback(function)?;
    if shared.stats.is_running_here() {
        return Err(Error::new(
            ErrorKind::Aborted,
            format!(
                "{function} on a thread with a running filter would wait for itself; call it from another thread, or destroy this thread's filter first"
            ),
        ));
    }
    Ok(())
}

/// As [`refuse_inside_run`], for a function that waits for the worker only while a store is
/// attached.
pub(super) fn refuse_inside_run_of_store(function: &str, context: &Context) -> Result<(), Error> {
    match context.attached.get() {
        Some(_) => refuse_inside_run(function, &context.shared),
        None => refuse_inside_callback(function),
    }
}

/// The answer of a function without an errptr: 1 means done, 0 means refused, with the reason in
/// the log.
pub(super) fn done(outcome: Result<(), Error>) -> u8 {
    match outcome {
        Ok(()) => 1,
        Err(error) => {
            log(Level::Error, || format!("{error}; nothing has changed"));
            0
        }
    }
}

/// The options behind a handle, during the call.
///
/// # Safety
/// Unless NULL, rgc_options_create returned `options`, rgc_options_destroy does not take it during
/// `'a`, and no other thread uses it during `'a`.
pub(super) unsafe fn options<'a>(options: *mut c::rgc_options_t) -> Result<&'a mut Options, Error> {
    // SAFETY: NULL, or rgc_options_create has it from `into_raw`; it lives during `'a`, and an
    // exported function borrows it once, so that nothing else holds it.
    unsafe { borrow_mut(options) }.ok_or_else(|| Error::invalid("options is NULL; make one with rgc_options_create"))
}

/// The kind with this number, if the context may have filters of it.
pub(super) fn kind(shared: &Shared, number: c_int) -> Result<FilterKind, Error> {
    let kind = kind_of(number)?;
    shared.admit(kind)?;
    Ok(kind)
}

/// The kind with this number.
pub(super) fn kind_of(number: c_int) -> Result<FilterKind, Error> {
    let kind = match u32::try_from(number) {
        Ok(c::RGC_KIND_DROPPED_ONLY) => FilterKind::DroppedOnly,
        Ok(c::RGC_KIND_RAW) => FilterKind::Default,
        Ok(c::RGC_KIND_TXN) => FilterKind::Write,
        Ok(c::RGC_KIND_TTL_V1) => FilterKind::TtlV1,
        _ => return Err(no_kind(number)),
    };
    Ok(kind)
}

fn no_kind(number: c_int) -> Error {
    let what = match number {
        0..16 => "is no kind: numbers below 16 are roles of families (RGC_CF_), or kinds of an old header",
        _ => "is unknown",
    };
    let [dropped_only, default, write, ttl_v1] = [c::RGC_KIND_DROPPED_ONLY, c::RGC_KIND_RAW, c::RGC_KIND_TXN, c::RGC_KIND_TTL_V1];
    Error::invalid(format!(
        "kind {number} {what}; give RGC_KIND_DROPPED_ONLY ({dropped_only}), RGC_KIND_RAW ({default}), RGC_KIND_TXN ({write}) or \
         RGC_KIND_TTL_V1 ({ttl_v1})"
    ))
}
