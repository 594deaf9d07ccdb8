//! Locks of transactions.

use super::c;
use super::export::answer;
use super::handles::need_context;
use super::safe_points::keyspace;
use super::store::need_store;
use std::ffi::c_char;

/// Returns the least start timestamp of a keyspace's locks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_oldest_lock(gc: *const c::rgc_t, id: u32, up_to: u64, errptr: *mut *mut c_char) -> u64 {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_oldest_lock", 0, || {
            let context = need_context(gc)?;
            let tenant = if id == c::RGC_KEYSPACE_NONE { None } else { Some(keyspace(id)?) };
            Ok(need_store(context, "rgc_oldest_lock")?.oldest_lock(tenant, up_to)?.unwrap_or(0))
        })
    }
}
