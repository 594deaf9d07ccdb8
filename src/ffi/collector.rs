//! Collectors of table properties.

use super::c;
use super::export::{answer, guarded};
use super::handles::{kind_of, need_context};
use super::memory::slice;
use super::opaque::{Opaque, borrow_mut, from_raw, into_raw};
use crate::callback::Inside;
use crate::properties::{Collector, Entry};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

/// The object behind `rgc_collector_t*`; it is empty once the file is finished.
pub(super) struct CollectorHandle(Option<Collector>);

impl Opaque for c::rgc_collector_t {
    type Owner = Box<CollectorHandle>;
}

/// Makes the collector of one file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_collector_create(gc: *const c::rgc_t, number: c_int, errptr: *mut *mut c_char) -> *mut c::rgc_collector_t {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_collector_create", null_mut(), || {
            let shared = &need_context(gc)?.shared;
            let collector = Collector::new(shared, kind_of(number)?);
            Ok(into_raw(Box::new(CollectorHandle(Some(collector)))))
        })
    }
}

/// Adds an entry.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_collector_add(
    collector: *mut c::rgc_collector_t,
    value_type: c_int,
    key: *const c_char,
    key_len: usize,
    value: *const c_char,
    value_len: usize,
) {
    // SAFETY: `collector` is alive and only this thread uses it, `key` and `value` are readable.
    guarded("rgc_collector_add", (), || unsafe {
        let Some(CollectorHandle(counting)) = borrow_mut(collector) else { return };
        let (Some(key), Some(value)) = (slice(key.cast::<u8>(), key_len), slice(value.cast::<u8>(), value_len)) else {
            // The figures of the other entries would say too little.
            *counting = None;
            return;
        };
        let Some(collector) = counting else { return };
        let entry = match u32::try_from(value_type) {
            Ok(c::RGC_VALUE) => Entry::Value(value),
            Ok(c::RGC_BLOB_INDEX) => Entry::Blob(value.len()),
            Ok(c::RGC_TOMBSTONE) => Entry::Tombstone,
            Ok(c::RGC_RANGE_TOMBSTONE) => Entry::RangeTombstone,
            _ => Entry::Other(value.len()),
        };
        collector.add(key, entry);
    })
}

/// Ends the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_collector_finish(
    collector: *mut c::rgc_collector_t,
    emit: Option<unsafe extern "C" fn(*mut c_void, *const c::rgc_property_t)>,
    state: *mut c_void,
) {
    // SAFETY: `collector` is alive and only this thread uses it; `emit` takes `state` and a
    // property that is valid during the call.
    guarded("rgc_collector_finish", (), || unsafe {
        let Some(finished) = borrow_mut(collector).and_then(|handle| handle.0.take()) else { return };
        let Some(emit) = emit else { return };
        finished.finish(|name, value| {
            let property = c::rgc_property_t {
                name: name.as_ptr().cast(),
                name_len: name.len(),
                value: value.as_ptr().cast(),
                value_len: value.len(),
            };
            let _marked = Inside::enter();
            emit(state, &raw const property);
        });
    })
}

/// Destroys the collector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_collector_destroy(collector: *mut c::rgc_collector_t) {
    // SAFETY: `collector` is alive, and nothing uses it during this call or after it.
    guarded("rgc_collector_destroy", (), || unsafe { drop(from_raw(collector)) })
}
