//! The context.

use super::attached::Attached;
use super::c;
use super::export::{answer, guarded};
use super::handles::{Context, context, done, need_context, refuse_inside_callback, refuse_inside_run_of_store};
use super::library::HostState;
use super::opaque::{borrow, from_raw, into_raw};
use crate::shared::Shared;
use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::{Arc, OnceLock};

/// Makes a context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_create(handle: *const c::rgc_options_t, errptr: *mut *mut c_char) -> *mut c::rgc_t {
    // SAFETY: `handle` is alive and only this thread uses it, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_create", null_mut(), || {
            let chosen = borrow(handle).cloned().unwrap_or_default();
            let context = Context { shared: Arc::new(Shared::new(&chosen)?), rocksdb: OnceLock::new(), attached: Attached::default() };
            Ok(into_raw(Arc::new(context)))
        })
    }
}

/// Ends the host's reference to a context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroy(gc: *mut c::rgc_t) -> u8 {
    // SAFETY: `gc` is alive. Once `found` is used no more, the host's reference is taken back: the
    // host must not use `gc` after the answer 1.
    guarded("rgc_destroy", 0, || unsafe {
        let Some(found) = context(gc) else { return 1 };
        done(refuse_inside_run_of_store("rgc_destroy", found).map(|()| {
            found.attached.detach();
            found.shared.clock.release_host();
            drop(from_raw(gc));
        }))
    })
}

/// Sets the clock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_set_clock(gc: *mut c::rgc_t, clock: c::rgc_clock_fn, state: *mut c_void) -> u8 {
    guarded("rgc_set_clock", 0, || {
        // SAFETY: `gc` is alive.
        let found = refuse_inside_callback("rgc_set_clock").and_then(|()| unsafe { need_context(gc) });
        done(found.map(|found| match clock {
            None => found.shared.clock.set_system(),
            Some(clock) => {
                let state = HostState(state);
                found.shared.clock.set_host(Box::new(move || {
                    let state = &state;
                    // SAFETY: the host gave this function for any thread, with the state that it
                    // expects. The host keeps the state until another clock is set, or until
                    // rgc_destroy: both wait for the last call.
                    unsafe { clock(state.0) }
                }));
            }
        }))
    })
}

/// Switches collecting on or off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_set_enabled(gc: *mut c::rgc_t, enabled: u8) -> u8 {
    // SAFETY: `gc` is alive.
    guarded("rgc_set_enabled", 0, || unsafe {
        done(need_context(gc).and_then(|found| {
            refuse_inside_run_of_store("rgc_set_enabled", found)?;
            found.shared.set_enabled(enabled != 0);
            Ok(())
        }))
    })
}
