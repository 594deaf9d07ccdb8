//! The context.

use super::attached::Attached;
use super::c;
use super::handles::{Context, context, done, need_context, options, refuse_inside_callback, refuse_inside_run_of_store};
use super::library::HostState;
use crate::options::Options;
use crate::shared::Shared;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::{Arc, OnceLock};

export! {
    /// Makes a context.
    fn rgc_create(handle: *const c::rgc_options_t; errptr) -> *mut c::rgc_t, on error null_mut(); {
        let chosen = if handle.is_null() { Options::default() } else { options(handle.cast_mut())?.clone() };
        let context = Context { shared: Arc::new(Shared::new(&chosen)?), rocksdb: OnceLock::new(), attached: Attached::default() };
        Ok(Arc::into_raw(Arc::new(context)).cast_mut().cast())
    }
}

export! {
    /// Ends the host's reference to a context.
    fn rgc_destroy(gc: *mut c::rgc_t) -> u8, on error 0; {
        let Some(found) = context(gc) else { return 1 };
        done(refuse_inside_run_of_store("rgc_destroy", found).map(|()| {
            found.attached.detach();
            found.shared.clock.release_host();
            drop(Arc::from_raw(gc.cast_const().cast::<Context>()));
        }))
    }
}

export! {
    /// Sets the clock.
    fn rgc_set_clock(gc: *mut c::rgc_t, clock: c::rgc_clock_fn, state: *mut c_void) -> u8, on error 0; {
        done(refuse_inside_callback("rgc_set_clock").and_then(|()| need_context(gc)).map(|found| match clock {
            None => found.shared.clock.set_system(),
            Some(clock) => {
                let state = HostState(state);
                found.shared.clock.set_host(Box::new(move || {
                    let state = &state;
                    // SAFETY: the host's own function, with the state that belongs to it.
                    unsafe { clock(state.0) }
                }));
            }
        }))
    }
}

export! {
    /// Switches collecting on or off.
    fn rgc_set_enabled(gc: *mut c::rgc_t, enabled: u8) -> u8, on error 0; {
        done(need_context(gc).and_then(|found| {
            refuse_inside_run_of_store("rgc_set_enabled", found)?;
            found.shared.set_enabled(enabled != 0);
            Ok(())
        }))
    }
}
