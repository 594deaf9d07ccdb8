//! PD's values, except the metas. `rocks-gc-pd` reads them; writing them is here.

use super::id::KeyspaceId;
use crate::error::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};

pub use rocks_gc_pd::value::{
    Barrier, Expiry, hex, parse_allocator, parse_barrier, parse_decimal, parse_global_barrier, parse_hex, parse_safe_point,
};

#[derive(Serialize)]
struct StoredSafePoint {
    keyspace_id: u32,
    safe_point: u64,
}

#[derive(Serialize)]
struct StoredBarrier<'n> {
    service_id: &'n str,
    expired_at: i64,
    safe_point: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyspace_id: Option<u32>,
}

#[derive(Serialize)]
struct StoredGlobalBarrier<'n> {
    barrier_id: &'n str,
    barrier_ts: u64,
    expiration_time: i64,
}

/// The GC safe point of a keyspace: JSON.
pub fn safe_point(id: KeyspaceId, safe_point: u64) -> Result<Vec<u8>> {
    to_json(&StoredSafePoint { keyspace_id: id.get(), safe_point })
}

/// A barrier of a scope: JSON. `keyspace` is none for the global scope.
pub fn barrier(name: &str, keyspace: Option<KeyspaceId>, barrier: &Barrier) -> Result<Vec<u8>> {
    to_json(&StoredBarrier {
        service_id: name,
        expired_at: barrier.expiry.seconds(i64::MAX),
        safe_point: barrier.timestamp,
        keyspace_id: keyspace.map(KeyspaceId::get),
    })
}

/// A barrier of all scopes: JSON.
pub fn global_barrier(name: &str, barrier: &Barrier) -> Result<Vec<u8>> {
    to_json(&StoredGlobalBarrier { barrier_id: name, barrier_ts: barrier.timestamp, expiration_time: barrier.expiry.seconds(0) })
}

pub(super) fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error(format!("JSON: {error}")))
}

pub(super) fn from_json<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    serde_json::from_slice(value).map_err(|error| Error(format!("{:?}: {error}", String::from_utf8_lossy(value))))
}
