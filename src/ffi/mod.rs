//! The C ABI. The header `include/rocks_gc.h` documents the exported functions. The body of each is
//! one call of `export::guarded` or `export::answer`, which a panic does not leave. It converts C's
//! arguments, calls another module, and converts the result.
//!
//! # What the notes at unsafe blocks mean
//!
//! The header demands three things of the host, for every call and until it returns:
//!
//! - *Alive* is a handle, or a state that RocksDB keeps: it is NULL, or `opaque::into_raw` returned
//!   it for this type, and its object is not destroyed. Any thread may use the object, so Rust
//!   borrows it shared. Options are the exception: one thread at a time uses them.
//! - *Readable* is an input: it is NULL, or points to as many bytes, elements or fields as its
//!   length, its terminating NUL or its struct_size says. No code writes to them. If it is a struct
//!   or an array of pointers, what these point to is readable too.
//! - *Writable* is an output: it is NULL, or points to as many elements or fields as the header or
//!   its struct_size says. No other code uses them, and no input overlaps them. The library makes
//!   no reference to them; it writes through the pointer.

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

mod attached;
mod barriers;
mod blob;
mod codec;
mod codec_many;
mod collector;
mod compaction;
mod context;
mod decisions;
mod destroy;
mod destroyed;
mod engine;
mod engine_answers;
mod explain;
mod export;
mod families;
mod filter;
mod filter_handle;
mod handles;
mod keyspaces;
mod library;
mod listener;
mod listing;
mod locks;
mod memory;
mod opaque;
mod options;
mod pd;
mod recovery;
mod rocksdb;
mod rocksdb_calls;
mod rocksdb_engine;
mod rocksdb_finder;
mod rocksdb_functions;
mod rocksdb_types;
mod safe_points;
mod schemas;
mod signatures;
pub(crate) mod standard_error;
mod stats;
mod store;
mod stored_keys;

pub use barriers::*;
pub use codec::*;
pub use codec_many::*;
pub use collector::*;
pub use context::*;
pub use destroy::*;
pub use destroyed::*;
pub use engine::HostEngine;
pub use explain::*;
pub use filter::*;
pub use keyspaces::*;
pub use library::*;
pub use listener::*;
pub use listing::*;
pub use locks::*;
pub use options::*;
pub use pd::*;
pub use recovery::*;
pub use rocksdb::*;
pub use rocksdb_calls::{Handle, RocksDb};
pub use rocksdb_functions::Functions;
pub use safe_points::*;
pub use schemas::*;
pub use stats::*;
pub use store::*;
pub use stored_keys::*;
