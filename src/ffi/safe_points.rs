//! Safe points and GC types.

use super::c;
use super::export::{answer, guarded};
use super::handles::{context, need_context, refuse_inside_run_of_store};
use super::memory::{array, slice};
use crate::error::Error;
use crate::layout::{KeyOwner, KeyspaceId, Timestamp};
use crate::log::{Level, log};
use crate::safe_point::{AdvanceOutcome, Advanced, GcType, UnknownKeyspace, Unused};
use crate::shared::Shared;
use crate::shared::register_keyspaces;
use std::ffi::{c_char, c_int};

/// Moves the global safe point forward.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_advance_global_safe_point(gc: *mut c::rgc_t, ts: u64) -> u8 {
    // SAFETY: `gc` is alive.
    guarded("rgc_advance_global_safe_point", 0, || unsafe {
        let Some(found) = context(gc) else { return 0 };
        let shared = &found.shared;
        if let Err(error) = acceptable(ts, shared.safe_point_limit()) {
            shared.refuse_safe_points(1, || format!("global safe point: {error}"));
            return 0;
        }
        match shared.advance_global(ts) {
            AdvanceOutcome::Moved => 1,
            AdvanceOutcome::Same | AdvanceOutcome::Held => 0,
            AdvanceOutcome::Refused => {
                let from = shared.safe_points.asked_global();
                shared.refuse_safe_points(1, || format!("the global safe point cannot go back to {ts} from {from}"));
                0
            }
        }
    })
}

/// Moves a keyspace's own safe point forward.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_advance_keyspace_safe_point(gc: *mut c::rgc_t, id: u32, ts: u64, errptr: *mut *mut c_char) -> u8 {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_advance_keyspace_safe_point", 0, || {
            let shared = &need_context(gc)?.shared;
            advance(shared, &[id], &[ts], |_, what| what).map(|moved| u8::from(moved > 0))
        })
    }
}

/// Moves keyspaces' own safe points forward, all or none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_advance_keyspace_safe_points(
    gc: *mut c::rgc_t,
    ids: *const u32,
    ts: *const u64,
    n: usize,
    errptr: *mut *mut c_char,
) -> usize {
    // SAFETY: `gc` is alive, `ids` and `ts` are readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_advance_keyspace_safe_points", 0, || {
            let shared = &need_context(gc)?.shared;
            advance(shared, array("keyspaces", ids, n)?, array("ts", ts, n)?, element)
        })
    }
}

/// Registers a keyspace's type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_set_keyspace_gc_type(gc: *mut c::rgc_t, id: u32, gc_type: c_int, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe { answer(errptr, "rgc_set_keyspace_gc_type", (), || name(&need_context(gc)?.shared, &[id], gc_type, |_, what| what)) }
}

/// Registers the type of keyspaces, all or none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_set_keyspace_gc_types(gc: *mut c::rgc_t, ids: *const u32, n: usize, gc_type: c_int, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `ids` is readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_set_keyspace_gc_types", (), || name(&need_context(gc)?.shared, array("keyspaces", ids, n)?, gc_type, element))
    }
}

/// Keeps all keys of a keyspace until the host registers it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_pause_keyspace(gc: *mut c::rgc_t, id: u32, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_pause_keyspace", (), || {
            let found = need_context(gc)?;
            let id = keyspace(id)?;
            refuse_inside_run_of_store("rgc_pause_keyspace", found)?;
            found.shared.pause_keyspace(id);
            log(Level::Info, || {
                format!("keyspace {id} is paused: all its keys are kept until rgc_set_keyspace_gc_type registers it again")
            });
            Ok(())
        })
    }
}

/// Returns the global safe point.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_global_safe_point(gc: *const c::rgc_t) -> u64 {
    // SAFETY: `gc` is alive.
    guarded("rgc_global_safe_point", 0, || unsafe {
        let Some(found) = context(gc) else { return 0 };
        found.shared.let_ended_barriers_go_if_free();
        found.shared.safe_points.global()
    })
}

/// Returns the effective safe point of a keyspace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_keyspace_safe_point(gc: *const c::rgc_t, id: u32) -> u64 {
    // SAFETY: `gc` is alive.
    guarded("rgc_keyspace_safe_point", 0, || unsafe {
        let (Some(found), Some(id)) = (context(gc), KeyspaceId::new(id)) else { return 0 };
        found.shared.let_ended_barriers_go_if_free();
        found.shared.safe_points.effective(id).safe_point
    })
}

/// Returns the effective safe point of a stored key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_safe_point_for_key(gc: *const c::rgc_t, key: *const c_char, len: usize) -> u64 {
    // SAFETY: `gc` is alive, `key` is readable.
    guarded("rgc_safe_point_for_key", 0, || unsafe {
        if key.is_null() || len.cast_signed() <= 0 {
            return 0;
        }
        let (Some(found), Some(key)) = (context(gc), slice(key.cast(), len)) else { return 0 };
        let shared = &found.shared;
        match shared.layout.keyspace_at_once(key).and_then(|keyspace| shared.safe_points.of_registered(keyspace)) {
            Some(safe_point) => safe_point,
            None => any_safe_point(shared, key),
        }
    })
}

/// The effective safe point of any key.
#[inline(never)]
fn any_safe_point(shared: &Shared, key: &[u8]) -> Timestamp {
    match shared.layout.owner(key) {
        KeyOwner::Ledger | KeyOwner::Foreign => 0,
        place if shared.layout.row(key).is_ok() => shared.effective(place).safe_point,
        _ => 0,
    }
}

/// Adds the index of an element to a message.
fn element(index: usize, what: String) -> String {
    format!("element {index}: {what}")
}

pub(super) fn keyspace(id: u32) -> Result<KeyspaceId, Error> {
    KeyspaceId::new(id).ok_or_else(|| Error::invalid(out_of_range(id)))
}

fn out_of_range(id: u32) -> String {
    format!("keyspace {id} is out of range; ids are 0 to {}", KeyspaceId::MAX)
}

fn acceptable(ts: Timestamp, limit: Timestamp) -> Result<(), String> {
    match ts {
        0 => Err("safe point 0 means unknown and cannot be set".into()),
        Timestamp::MAX => Err(format!("safe point {ts} is the maximum; no reader could read above it")),
        _ if ts > limit => Err(format!("safe point {ts} is further ahead of the clock than max_safe_point_ahead_seconds allows ({limit})")),
        _ => Ok(()),
    }
}

/// Ids that have been checked.
fn checked<'a>(ids: &'a [u32], name: impl Fn(usize, String) -> String) -> Result<impl Iterator<Item = KeyspaceId> + Clone + 'a, Error> {
    if let Some((index, &id)) = ids.iter().enumerate().find(|&(_, &id)| KeyspaceId::new(id).is_none()) {
        return Err(Error::invalid(name(index, out_of_range(id))));
    }
    Ok(ids.iter().filter_map(|&id| KeyspaceId::new(id)))
}

fn advance(shared: &Shared, ids: &[u32], ts: &[Timestamp], name: impl Fn(usize, String) -> String) -> Result<usize, Error> {
    let keyspaces = checked(ids, &name)?;
    let limit = shared.safe_point_limit();
    for (index, (id, &ts)) in ids.iter().zip(ts).enumerate() {
        if let Err(what) = acceptable(ts, limit) {
            let what = name(index, format!("keyspace {id}: {what}"));
            shared.refuse_safe_points(1, || what.clone());
            return Err(Error::invalid(what));
        }
    }
    let advanced = shared.advance(keyspaces.zip(ts.iter().copied()));
    if advanced.refused > 0 {
        shared.refuse_safe_points(advanced.refused, || {
            format!(
                "{} of {} keyspace safe points were refused: they are lower than before, or their keyspace is paused",
                advanced.refused,
                ids.len()
            )
        });
    }
    tell_unused(shared, &advanced);
    Ok(advanced.moved)
}

/// Warns once for each keyspace whose own safe point is not in use.
fn tell_unused(shared: &Shared, advanced: &Advanced) {
    let tell = |unused: Unused, what: &str| {
        let Some(keyspace) = unused.first else { return };
        log(Level::Warn, || match unused.n {
            1 => format!("keyspace {keyspace} has a safe point but {what}"),
            n => format!("keyspace {keyspace} has a safe point but {what}; {} more keyspaces are in this state", n - 1),
        });
    };
    shared.stats.shared().own_safe_points_unused.add((advanced.unregistered.n + advanced.global.n) as u64);
    tell(
        advanced.unregistered,
        match shared.safe_points.unknown() {
            UnknownKeyspace::Keep => "was never registered: all its keys are kept until rgc_set_keyspace_gc_type registers it",
            UnknownKeyspace::Global => "was never registered: the global safe point is used until rgc_set_keyspace_gc_type registers it",
        },
    );
    tell(advanced.global, "is registered as global: the global safe point is used, and not its own");
}

fn name(shared: &Shared, ids: &[u32], gc_type: c_int, name: impl Fn(usize, String) -> String) -> Result<(), Error> {
    let gc_type = match u32::try_from(gc_type) {
        Ok(c::RGC_GC_GLOBAL) => GcType::Global,
        Ok(c::RGC_GC_KEYSPACE_LEVEL) => GcType::KeyspaceLevel,
        _ => return Err(Error::invalid(format!("GC type {gc_type} is unknown; give RGC_GC_GLOBAL (0) or RGC_GC_KEYSPACE_LEVEL (1)"))),
    };
    let keyspaces: Vec<_> = checked(ids, &name)?.collect();
    register_keyspaces(shared, &keyspaces, gc_type).map_err(|(index, what)| Error::invalid(name(index, what)))
}
