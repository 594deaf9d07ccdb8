//! Garbage collection for RocksDB hosts in Rust, over `librocks_gc.so`.
//!
//! The library removes old MVCC versions during compactions, by one safe point per keyspace. This
//! crate loads it at run time, and links no RocksDB. [`join!`] makes a module that joins it to the
//! RocksDB crate of the program.
//!
//! ```no_run
//! use rocks_gc::{GcType, Gc, Library, Mode};
//!
//! let library = Library::load("librocks_gc.so.1")?;
//! let gc = Gc::builder(&library)?.set("data_prefix", "z")?.create()?;
//! gc.set_keyspace_gc_type(7, GcType::KeyspaceLevel)?;
//! gc.advance_keyspace_safe_point(7, 100)?;
//! let key = gc.encode_key(Mode::Raw, 7, b"row", 10)?;
//! assert_eq!(gc.decode_key(&key)?.user_key, b"row");
//! # Ok::<(), rocks_gc::Error>(())
//! ```
//!
//! [`Gc`] may be shared by any number of threads. A clone is another reference to the same context.
//! The manual of the functions is `rocks_gc.h`, which also lists what the host promises (H1 to
//! H10). A broken promise can lose data.

#![deny(missing_debug_implementations, missing_docs, unsafe_op_in_unsafe_fn)]

#[macro_use]
mod functions;
#[allow(missing_docs, clippy::type_complexity, reason = "generated, and the header documents it")]
#[rustfmt::skip]
mod abi;
mod attachment;
mod barriers;
mod bytes;
mod callbacks;
mod codec;
mod collect;
mod destroy;
mod destroyed;
mod error;
mod explain;
mod gc;
mod join;
mod keys;
mod keyspaces;
mod library;
mod rocksdb;
mod safe_points;
mod schemas;
#[cfg(feature = "shim")]
mod shim;
mod stats;
#[rustfmt::skip]
mod symbols;
mod why;

pub use attachment::{AttachedDb, Attachment, Family, NotAttached, Role};
pub use barriers::Barrier;
pub use codec::Codec;
pub use collect::{CollectReport, Debt};
pub use destroy::{DestroyReport, Flags};
pub use destroyed::{DestroyState, Destroyed};
pub use error::{Error, ErrorKind};
pub use explain::{Explained, Explanation};
pub use gc::{Builder, Gc};
pub use keys::{Key, Mode, Range};
pub use keyspaces::{GcType, Keyspace, KeyspaceMeta, KeyspaceState, Registered};
pub use library::{Library, LogLevel};
pub use rocksdb::{Kind, Symbol};
pub use schemas::{Schema, SchemaState};
pub use stats::Stats;
pub use why::Why;

/// The highest id of a keyspace.
pub const KEYSPACE_MAX: u32 = abi::RGC_KEYSPACE_MAX;
/// The keyspace of keys that belong to none: modes `m` and `t`, and the plain layout.
pub const KEYSPACE_NONE: u32 = abi::RGC_KEYSPACE_NONE;
/// Every safe point, of a barrier.
pub const KEYSPACE_ALL: u32 = abi::RGC_KEYSPACE_ALL;
/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;
