//! Drops and truncations of schemas on a real RocksDB, through its C API and through the C++
//! adaptor.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod drops;
#[path = "../support/mod.rs"]
mod support;
mod truncations;

use rocks_gc::ffi::c;
use support::gc::Gc;
use support::store::Store;

const DROPPED: u32 = c::RGC_SCHEMA_DROPPED;
const TRUNCATING: u32 = c::RGC_SCHEMA_TRUNCATING;
const VALID: u32 = c::RGC_SCHEMA_VALID;

fn gc(options: &str) -> Gc {
    Gc::new(&format!("schema_id=prefix;{options}"), 1000)
}

/// A user key of a schema.
fn of(schema: u32, rest: &[u8]) -> Vec<u8> {
    [&schema.to_be_bytes(), rest].concat()
}

/// What a family holds, but for the ledger, whose records begin with 01.
fn data(store: &Store, family: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan(family).into_iter().filter(|(key, _)| key[0] > 1).collect()
}

fn keys(store: &Store, family: usize) -> Vec<Vec<u8>> {
    data(store, family).into_iter().map(|(key, _)| key).collect()
}

/// Keys and values that are not of one schema.
fn others(store: &Store, schema: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    data(store, 0).into_iter().filter(|(key, _)| !key.starts_with(schema)).collect()
}
