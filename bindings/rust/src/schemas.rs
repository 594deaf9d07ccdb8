//! Schemas: tables of a keyspace that are dropped or truncated as a whole.

use crate::Result;
use crate::abi;
use crate::callbacks::Collected;
use crate::gc::Gc;
use std::ffi::c_int;

/// The state of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum SchemaState {
    /// The host never told of it: its keys are kept.
    Unknown = abi::RGC_SCHEMA_UNKNOWN,
    /// Its keys are kept.
    Valid = abi::RGC_SCHEMA_VALID,
    /// The worker removes its keys up to a timestamp.
    Truncating = abi::RGC_SCHEMA_TRUNCATING,
    /// Filters and the worker remove its keys.
    Dropped = abi::RGC_SCHEMA_DROPPED,
}

impl SchemaState {
    fn of(number: c_int) -> Self {
        match number {
            abi::RGC_SCHEMA_VALID => Self::Valid,
            abi::RGC_SCHEMA_TRUNCATING => Self::Truncating,
            abi::RGC_SCHEMA_DROPPED => Self::Dropped,
            _ => Self::Unknown,
        }
    }
}

/// A schema that was listed, created, dropped or truncated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The keyspace; [`KEYSPACE_NONE`](crate::KEYSPACE_NONE) in the plain layout.
    pub keyspace: u32,
    /// The id.
    pub id: u32,
    /// The state.
    pub state: SchemaState,
    /// The timestamp of the last truncation; 0 means none.
    pub truncated_up_to_ts: u64,
}

impl Gc {
    /// Tells the valid schemas of a keyspace, and the highest id that was ever given.
    ///
    /// Errors: those of `rgc_schemas_load`.
    pub fn load_schemas(&self, keyspace: u32, valid: &[u32], highest_id_ever: u32) -> Result<()> {
        // SAFETY: the context lives, and the array has so many elements.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_schemas_load)(
                self.as_ptr(),
                keyspace,
                valid.as_ptr(),
                valid.len(),
                highest_id_ever,
                error,
            );
        })
    }

    /// Tells of a new schema.
    ///
    /// Errors: those of `rgc_schema_create`.
    pub fn create_schema(&self, keyspace: u32, id: u32) -> Result<()> {
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_schema_create)(self.as_ptr(), keyspace, id, error)
        })
    }

    /// Drops a schema: its keys are removed. The host must never write its id again.
    ///
    /// Errors: those of `rgc_schema_drop`.
    pub fn drop_schema(&self, keyspace: u32, id: u32) -> Result<()> {
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_schema_drop)(self.as_ptr(), keyspace, id, error)
        })
    }

    /// Removes the versions of a schema up to a timestamp.
    ///
    /// Errors: those of `rgc_schema_truncate`.
    pub fn truncate_schema(&self, keyspace: u32, id: u32, up_to_ts: u64) -> Result<()> {
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_schema_truncate)(self.as_ptr(), keyspace, id, up_to_ts, error)
        })
    }

    /// The state of a schema.
    pub fn schema_state(&self, keyspace: u32, id: u32) -> SchemaState {
        // SAFETY: the context lives.
        SchemaState::of(unsafe {
            (self.library().functions().rgc_schema_state)(self.as_ptr(), keyspace, id)
        })
    }

    /// All schemas that the library knows, ordered by keyspace and id.
    pub fn schemas(&self) -> Vec<Schema> {
        let mut collected = Collected {
            all: Vec::new(),
            of: |info: &abi::SchemaInfo| Schema {
                keyspace: info.keyspace,
                id: info.id,
                state: SchemaState::of(info.state),
                truncated_up_to_ts: info.truncated_up_to_ts,
            },
        };
        self.list(&mut collected, |rgc, gc, each, state| {
            // SAFETY: the context lives, and `each` reads this state.
            unsafe { (rgc.rgc_schemas_foreach)(gc, each, state) }
        });
        collected.all
    }
}
