//! Schemas.

use super::c;
use super::export::{answer, guarded};
use super::handles::{Context, context, need_context};
use super::memory::array;
use super::store::need_store;
use crate::error::Error;
use crate::layout::{KeyForm, KeyspaceId, SchemaId, Tenant, Timestamp};
use crate::shared::SchemaState;
use std::ffi::{c_char, c_int};

/// Loads the list of a tenant's valid schemas.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_schemas_load(
    gc: *mut c::rgc_t,
    keyspace: u32,
    ids: *const u32,
    n: usize,
    highest: u32,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `ids` is readable, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_schemas_load", (), || {
            let context = need_context(gc)?;
            let tenant = tenant(context, keyspace)?;
            let ids = array("valid_ids", ids, n)?;
            if let Some((i, id)) = ids.iter().enumerate().find(|(_, id)| **id > highest) {
                return Err(Error::invalid(format!(
                    "element {i}: schema {id} is above highest_id_ever, {highest}; read the highest id, then the list, and omit higher ids"
                )));
            }
            // Sorted before the lock is taken under which filters look up schemas.
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            context.shared.change_schemas(tenant, |schemas| schemas.load(ids, highest));
            Ok(())
        })
    }
}

/// Adds a new schema.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_schema_create(gc: *mut c::rgc_t, keyspace: u32, id: u32, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_schema_create", (), || {
            let context = need_context(gc)?;
            let tenant = tenant(context, keyspace)?;
            context.shared.change_schemas(tenant, |schemas| {
                if schemas.is_dropped(id) {
                    return Err(Error::invalid(format!(
                        "schema {id} was dropped, which is permanent; ids are never reused; use a new one"
                    )));
                }
                schemas.create(id);
                Ok(())
            })
        })
    }
}

/// Drops a schema with its data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_schema_drop(gc: *mut c::rgc_t, keyspace: u32, id: u32, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_schema_drop", (), || {
            let context = need_context(gc)?;
            let tenant = tenant(context, keyspace)?;
            need_store(context, "rgc_schema_drop")?.drop_schema(tenant, id)
        })
    }
}

/// Lets the worker delete old versions of a schema.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_schema_truncate(gc: *mut c::rgc_t, keyspace: u32, id: u32, up_to_ts: u64, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe {
        answer(errptr, "rgc_schema_truncate", (), || {
            let context = need_context(gc)?;
            let tenant = tenant(context, keyspace)?;
            if up_to_ts == 0 || up_to_ts == Timestamp::MAX {
                return Err(Error::invalid(format!(
                    "up_to_ts {up_to_ts} is no bound: versions written meanwhile would be deleted too; give the current timestamp"
                )));
            }
            need_store(context, "rgc_schema_truncate")?.truncate_schema(tenant, id, up_to_ts)
        })
    }
}

/// Returns the state of a schema.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_schema_state(gc: *const c::rgc_t, keyspace: u32, id: u32) -> c_int {
    // SAFETY: `gc` is alive.
    guarded("rgc_schema_state", c::RGC_SCHEMA_UNKNOWN as c_int, || unsafe {
        number(context(gc).map_or(SchemaState::Unknown, |found| state(found, keyspace, id)))
    })
}

fn state(context: &Context, keyspace: u32, id: SchemaId) -> SchemaState {
    let schemas = tenant(context, keyspace).ok().and_then(|tenant| context.shared.schemas.of(tenant));
    schemas.map_or(SchemaState::Unknown, |schemas| schemas.state(id))
}

pub(super) fn number(state: SchemaState) -> c_int {
    let number = match state {
        SchemaState::Unknown => c::RGC_SCHEMA_UNKNOWN,
        SchemaState::Valid => c::RGC_SCHEMA_VALID,
        SchemaState::Truncating => c::RGC_SCHEMA_TRUNCATING,
        SchemaState::Dropped => c::RGC_SCHEMA_DROPPED,
    };
    number as c_int
}

/// The tenant with this number, if the layout has schemas.
fn tenant(context: &Context, keyspace: u32) -> Result<Tenant, Error> {
    let layout = &context.shared.layout;
    if !layout.schema_ids {
        return Err(Error::invalid("schema_id is off: keys have no schemas; create gc with schema_id=prefix"));
    }
    match (layout.form, keyspace) {
        (KeyForm::ApiV2, id) => super::safe_points::keyspace(id).map(Some),
        (KeyForm::Plain(_), c::RGC_KEYSPACE_NONE) => Ok(None),
        (KeyForm::Plain(_), id) => Err(Error::invalid(format!("plain keys are in no keyspace, not in {id}; give RGC_KEYSPACE_NONE"))),
    }
}

/// The number of a tenant.
pub(super) fn keyspace_number(tenant: Tenant) -> u32 {
    tenant.map_or(c::RGC_KEYSPACE_NONE, KeyspaceId::get)
}
