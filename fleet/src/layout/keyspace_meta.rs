//! PD's keyspace metas: protobuf.
//!
//! The id is in a oneof, so that id 0 is written as `0800`. Older releases leave it out. An absent
//! id is 0, unless the meta has an identity instead. The path wins over both.

use super::gc_management::GcManagement;
use super::id::KeyspaceId;
use crate::error::{Error, Result};
use prost::{Message, Oneof};
use std::collections::HashMap;

/// A keyspace, as PD stores it.
#[derive(Clone, PartialEq, Message)]
pub struct KeyspaceMeta {
    /// Who it is.
    #[prost(oneof = "Identity", tags = "1, 8")]
    pub identity: Option<Identity>,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// 0 enabled, 1 disabled, 2 archived, 3 tombstone.
    #[prost(enumeration = "State", tag = "3")]
    pub state: i32,
    /// Unix seconds.
    #[prost(int64, tag = "4")]
    pub created_at: i64,
    /// Unix seconds.
    #[prost(int64, tag = "5")]
    pub state_changed_at: i64,
    /// Settings; their order is not stable.
    #[prost(map = "string, string", tag = "7")]
    pub config: HashMap<String, String>,
}

/// The id, in the older or the newer form.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub enum Identity {
    /// The id alone.
    #[prost(uint32, tag = "1")]
    Id(u32),
    /// Namespace and id.
    #[prost(message, tag = "8")]
    Qualified(Qualified),
}

/// Namespace and id.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Qualified {
    /// The namespace.
    #[prost(uint32, tag = "1")]
    pub namespace: u32,
    /// The keyspace.
    #[prost(uint32, tag = "2")]
    pub keyspace: u32,
}

/// The life of a keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum State {
    /// In use.
    Enabled = 0,
    /// Not in use; may be enabled again.
    Disabled = 1,
    /// Never in use again.
    Archived = 2,
    /// Its data may be gone.
    Tombstone = 3,
}

impl State {
    /// May PD change the state so? To stay is always allowed, and changes no time.
    pub fn may_become(self, next: Self) -> bool {
        use State::{Archived, Disabled, Enabled, Tombstone};
        self == next || matches!((self, next), (Enabled, Disabled) | (Disabled, Enabled | Archived) | (Archived, Tombstone))
    }
}

impl KeyspaceMeta {
    /// Reads a stored meta; skips fields that it does not know.
    pub fn parse(value: &[u8]) -> Result<Self> {
        let meta = Self::decode(value).map_err(|error| Error(format!("keyspace meta {value:02x?}: {error}")))?;
        meta.id()?;
        Ok(meta)
    }

    /// The id that the value states. A reader that has the path uses the path's.
    pub fn id(&self) -> Result<KeyspaceId> {
        KeyspaceId::new(match self.identity {
            None => 0,
            Some(Identity::Id(id)) => id,
            Some(Identity::Qualified(qualified)) => qualified.keyspace,
        })
    }

    /// Who decides about its safe point.
    pub fn gc_management(&self) -> GcManagement {
        GcManagement::of(&self.config)
    }
}
