//! The C ABI: `export!` makes every exported function here, and no other function. The header
//! `include/rocks_gc.h` documents them. A body converts C's arguments, calls another module, and
//! converts the result.

#![expect(unsafe_code, reason = "C hands over raw pointers")]
#![expect(clippy::missing_safety_doc, reason = "the header documents the exported functions")]

/// The C types and functions in Rust, generated from `include/rocks_gc.h`.
#[allow(
    missing_docs,
    non_camel_case_types,
    clippy::all,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    reason = "generated from the header"
)]
pub mod c {
    include!(concat!(env!("OUT_DIR"), "/rocks_gc.rs"));
}

#[macro_use]
mod export;
mod attached;
mod blob;
mod codec;
mod context;
mod destroy;
mod engine;
mod filter;
mod filter_handle;
mod handles;
mod keyspaces;
mod library;
mod listener;
mod listing;
mod memory;
mod options;
mod recovery;
mod rocksdb;
mod rocksdb_finder;
mod safe_points;
mod schemas;
pub(crate) mod standard_error;
mod stats;
mod store;
mod stored_keys;

pub use codec::*;
pub use context::*;
pub use destroy::*;
pub use engine::HostEngine;
pub use filter::*;
pub use keyspaces::*;
pub use library::*;
pub use listener::*;
pub use listing::*;
pub use options::*;
pub use recovery::*;
pub use rocksdb::*;
pub use safe_points::*;
pub use schemas::*;
pub use stats::*;
pub use store::*;
pub use stored_keys::*;
