//! Listings for operators: keyspaces, destroyed ranges and schemas.

use super::c;
use super::export::guarded;
use super::handles::context;
use super::schemas::{keyspace_number, number};
use crate::callback::Inside;
use crate::layout::KeyspaceId;
use crate::reclaim::Progress;
use crate::safe_point::{GcType, Registration};
use crate::shared::{KeyspaceState, Shared};
use std::ffi::{CString, c_int, c_void};
use std::mem::size_of;

/// Passes one item to the host. Returns whether the host wants more.
///
/// # Safety
/// `each` may be called with `state` and with a pointer to a `T`.
pub(super) unsafe fn show<T>(each: unsafe extern "C" fn(*mut c_void, *const T) -> c_int, state: *mut c_void, info: &T) -> bool {
    let _inside = Inside::enter();
    // SAFETY: `state` is the one that `each` expects; `info`, and what it points to, is borrowed
    // until `each` returns.
    unsafe { each(state, info) == 0 }
}

/// Lists every known keyspace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_keyspaces_foreach(
    gc: *const c::rgc_t,
    each: Option<unsafe extern "C" fn(*mut c_void, *const c::rgc_keyspace_info_t) -> c_int>,
    state: *mut c_void,
) {
    // SAFETY: `gc` is alive, `each` expects `state` and a pointer to this struct.
    guarded("rgc_keyspaces_foreach", (), || unsafe {
        let (Some(found), Some(each)) = (context(gc), each) else { return };
        let mut from = KeyspaceId::new(0);
        while let Some(keyspace) = from.and_then(|from| first_keyspace(&found.shared, from)) {
            let (loaded, name) =
                found.shared.keyspaces.state_and_name(keyspace).map_or((-1, CString::default()), |(state, name)| {
                    (KeyspaceState::number(state), CString::new(&*name).unwrap_or_default())
                });
            let known = found.shared.safe_points.known(keyspace);
            let info = c::rgc_keyspace_info_t {
                struct_size: size_of::<c::rgc_keyspace_info_t>(),
                id: keyspace.get(),
                state: loaded,
                gc_type: gc_type(known.registration),
                own_safe_point: known.own,
                effective_safe_point: found.shared.safe_points.effective(keyspace).safe_point,
                name: name.as_ptr(),
            };
            if !show(each, state, &info) {
                return;
            }
            from = KeyspaceId::new(keyspace.get() + 1);
        }
    })
}

fn first_keyspace(shared: &Shared, from: KeyspaceId) -> Option<KeyspaceId> {
    let (loaded, known) = (shared.keyspaces.first_from(from), shared.safe_points.first_known(from));
    loaded.into_iter().chain(known).min()
}

fn gc_type(naming: Registration) -> c_int {
    match naming {
        Registration::Unknown => -1,
        Registration::Kept(..) => -2,
        Registration::Registered(GcType::Global) => c::RGC_GC_GLOBAL as c_int,
        Registration::Registered(GcType::KeyspaceLevel) => c::RGC_GC_KEYSPACE_LEVEL as c_int,
    }
}

/// Lists every record of a destroyed range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_destroyed_foreach(
    gc: *const c::rgc_t,
    each: Option<unsafe extern "C" fn(*mut c_void, *const c::rgc_destroyed_info_t) -> c_int>,
    state: *mut c_void,
) {
    // SAFETY: `gc` is alive, `each` expects `state` and a pointer to this struct.
    guarded("rgc_destroyed_foreach", (), || unsafe {
        let (Some(found), Some(each)) = (context(gc), each) else { return };
        for destroyed in found.attached.destroyed() {
            let (record, (start, end)) = (&destroyed.record, &destroyed.record.range);
            let info = c::rgc_destroyed_info_t {
                struct_size: size_of::<c::rgc_destroyed_info_t>(),
                start: start.as_ptr().cast(),
                start_len: start.len(),
                end: end.as_ptr().cast(),
                end_len: end.len(),
                keyspace: keyspace_number(record.keyspace),
                state: state_number(&record.progress) as c_int,
                started_unix_seconds: record.started_at,
                done_unix_seconds: record.cleared_at,
                late_keys_dropped: destroyed.range.late.keys(),
                pending_ts: record.pending().unwrap_or(0),
            };
            if !show(each, state, &info) {
                return;
            }
        }
    })
}

fn state_number(progress: &Progress) -> u32 {
    match progress {
        Progress::Started => c::RGC_DESTROY_STARTED,
        Progress::Done => c::RGC_DESTROY_DONE,
        Progress::Cleared(_) => c::RGC_DESTROY_CLEARED,
        Progress::Pending(_) => c::RGC_DESTROY_PENDING,
    }
}

/// Lists every known schema.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_schemas_foreach(
    gc: *const c::rgc_t,
    each: Option<unsafe extern "C" fn(*mut c_void, *const c::rgc_schema_info_t) -> c_int>,
    state: *mut c_void,
) {
    // SAFETY: `gc` is alive, `each` expects `state` and a pointer to this struct.
    guarded("rgc_schemas_foreach", (), || unsafe {
        let (Some(found), Some(each)) = (context(gc), each) else { return };
        for (tenant, schemas) in found.shared.schemas.all() {
            for (id, schema_state, truncation) in schemas.each() {
                let info = c::rgc_schema_info_t {
                    struct_size: size_of::<c::rgc_schema_info_t>(),
                    keyspace: keyspace_number(tenant),
                    id,
                    state: number(schema_state),
                    truncated_up_to_ts: truncation.map_or(0, |truncation| truncation.up_to),
                };
                if !show(each, state, &info) {
                    return;
                }
            }
        }
    })
}
