//! Barriers.

use super::c;
use super::export::{answer, guarded};
use super::handles::{context, need_context};
use super::listing::show;
use super::memory::text;
use crate::error::Error;
use crate::layout::KeyspaceId;
use crate::safe_point::Scope;
use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::size_of;

/// Sets a barrier, or replaces the one of this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_barrier_set(
    gc: *mut c::rgc_t,
    keyspace: u32,
    name: *const c_char,
    ts: u64,
    ttl_seconds: u64,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `name` is readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_barrier_set", (), || {
            need_context(gc)?.shared.set_barrier(scope(keyspace)?, text("name", name)?, ts, ttl_seconds)
        })
    }
}

/// Deletes a barrier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_barrier_delete(gc: *mut c::rgc_t, keyspace: u32, name: *const c_char, errptr: *mut *mut c_char) -> u8 {
    // SAFETY: `gc` is alive, `name` is readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_barrier_delete", 0, || {
            need_context(gc)?.shared.delete_barrier(scope(keyspace)?, text("name", name)?).map(u8::from)
        })
    }
}

/// Lists every barrier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_barriers_foreach(
    gc: *const c::rgc_t,
    each: Option<unsafe extern "C" fn(*mut c_void, *const c::rgc_barrier_info_t) -> c_int>,
    state: *mut c_void,
) {
    // SAFETY: `gc` is alive, `each` expects `state` and a pointer to this struct.
    guarded("rgc_barriers_foreach", (), || unsafe {
        let (Some(found), Some(each)) = (context(gc), each) else { return };
        found.shared.let_ended_barriers_go_if_free();
        for barrier in found.shared.safe_points.barriers() {
            let name = CString::new(&*barrier.name).unwrap_or_default();
            let info = c::rgc_barrier_info_t {
                struct_size: size_of::<c::rgc_barrier_info_t>(),
                keyspace: number(barrier.scope),
                name: name.as_ptr(),
                ts: barrier.ts,
                expires_unix_seconds: barrier.expires_at,
            };
            if !show(each, state, &info) {
                return;
            }
        }
    })
}

fn scope(keyspace: u32) -> Result<Scope, Error> {
    match keyspace {
        c::RGC_KEYSPACE_NONE => Ok(Scope::Global),
        c::RGC_KEYSPACE_ALL => Ok(Scope::All),
        id => KeyspaceId::new(id).map(Scope::Keyspace).ok_or_else(|| {
            Error::invalid(format!(
                "keyspace {id} is out of range; give 0 to {}, RGC_KEYSPACE_NONE for the global safe point, or RGC_KEYSPACE_ALL",
                KeyspaceId::MAX
            ))
        }),
    }
}

fn number(scope: Scope) -> u32 {
    match scope {
        Scope::Keyspace(keyspace) => keyspace.get(),
        Scope::Global => c::RGC_KEYSPACE_NONE,
        Scope::All => c::RGC_KEYSPACE_ALL,
    }
}
