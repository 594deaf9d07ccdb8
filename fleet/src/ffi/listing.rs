//! What the library lists: one walk for all that is asked.

use super::c;
use crate::follower::local::{Bounds, Left, Schema, SchemaProgress};
use crate::layout::id::KeyspaceId;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};

type Highest = HashMap<u32, u32>;
type Schemas = HashMap<(u32, u32), SchemaProgress>;
type Ranges<'a> = HashMap<Bounds<'a>, Option<Left>>;

/// How far each schema is.
pub(super) fn schemas(functions: &c::RocksGc, gc: *const c::rgc_t, asked: &[Schema]) -> Vec<SchemaProgress> {
    let none = SchemaProgress { left: Left::Nothing, truncated_up_to: 0 };
    let key = |schema: &Schema| (schema.keyspace.get(), schema.id);
    let mut found: Schemas = asked.iter().map(|schema| (key(schema), none)).collect();
    // SAFETY: `gc` is alive; the function gets the map that it expects, which lives for the call.
    unsafe { functions.rgc_schemas_foreach(gc, Some(schema), (&raw mut found).cast()) };
    asked.iter().map(|schema| found.get(&key(schema)).copied().unwrap_or(none)).collect()
}

/// The highest dropped id of each keyspace.
pub(super) fn highest_dropped(functions: &c::RocksGc, gc: *const c::rgc_t) -> Vec<Schema> {
    let mut found = Highest::new();
    // SAFETY: as in `schemas`.
    unsafe { functions.rgc_schemas_foreach(gc, Some(dropped), (&raw mut found).cast()) };
    let schema = |(keyspace, id)| Some(Schema { keyspace: KeyspaceId::new(keyspace).ok()?, id });
    found.into_iter().filter_map(schema).collect()
}

/// What is left of each range.
pub(super) fn ranges(functions: &c::RocksGc, gc: *const c::rgc_t, asked: &[Bounds<'_>]) -> Vec<Option<Left>> {
    let mut found: Ranges<'_> = asked.iter().map(|bounds| (*bounds, None)).collect();
    // SAFETY: as in `schemas`.
    unsafe { functions.rgc_destroyed_foreach(gc, Some(range), (&raw mut found).cast()) };
    asked.iter().map(|bounds| found.get(bounds).copied().flatten()).collect()
}

/// # Safety
/// `state` is a `Highest`, `info` readable.
unsafe extern "C" fn dropped(state: *mut c_void, info: *const c::rgc_schema_info_t) -> c_int {
    // SAFETY: `highest_dropped` gave this state, and the library shows a whole struct.
    let (found, info) = unsafe { (&mut *state.cast::<Highest>(), &*info) };
    if info.state.cast_unsigned() == c::RGC_SCHEMA_DROPPED {
        let highest = found.entry(info.keyspace).or_default();
        *highest = info.id.max(*highest);
    }
    0
}

/// # Safety
/// `state` is a `Schemas`, `info` readable.
unsafe extern "C" fn schema(state: *mut c_void, info: *const c::rgc_schema_info_t) -> c_int {
    // SAFETY: `schemas` gave this state, and the library shows a whole struct.
    let (found, info) = unsafe { (&mut *state.cast::<Schemas>(), &*info) };
    if let Some(progress) = found.get_mut(&(info.keyspace, info.id)) {
        progress.truncated_up_to = info.truncated_up_to_ts;
        progress.left = match info.state.cast_unsigned() {
            // The timestamp is 0 when no key is left.
            c::RGC_SCHEMA_DROPPED if info.truncated_up_to_ts != 0 => Left::InFiles,
            c::RGC_SCHEMA_TRUNCATING => Left::Visible,
            _ => Left::Nothing,
        };
    }
    0
}

/// # Safety
/// `state` is a `Ranges`, `info` readable.
unsafe extern "C" fn range(state: *mut c_void, info: *const c::rgc_destroyed_info_t) -> c_int {
    // SAFETY: `ranges` gave this state; the library shows a whole struct with its bounds.
    let (found, info, bounds) = unsafe {
        let info = &*info;
        let bytes = |data: *const c_char, len| std::slice::from_raw_parts(data.cast::<u8>(), len);
        (&mut *state.cast::<Ranges<'_>>(), info, (bytes(info.start, info.start_len), bytes(info.end, info.end_len)))
    };
    if let Some(left) = found.get_mut(&bounds) {
        *left = Some(match info.state.cast_unsigned() {
            c::RGC_DESTROY_DONE => Left::Nothing,
            c::RGC_DESTROY_CLEARED => Left::InFiles,
            _ => Left::Visible,
        });
    }
    0
}
