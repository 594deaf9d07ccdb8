//! Garbage collection for RocksDB hosts, loaded at run time.
//!
//! `librocks_gc.so` removes old MVCC versions during RocksDB compactions, with one safe point per
//! keyspace (tenant). Its users call it through the C ABI of `include/rocks_gc.h`, which is the
//! manual. This page is the map of the modules for developers.
//!
//! | module | content | uses |
//! |---|---|---|
//! | [`layout`] | bytes and their meaning: stored keys, keyspace and schema ids, timestamps, values, write batches, the codec | nothing |
//! | [`rule`] | pure decisions about one row or value | `layout` |
//! | [`safe_point`] | the safe points of all keyspaces; readers never wait | `layout` |
//! | [`shared`] | the state that filters and worker of a context share: safe points, clock, destroyed ranges, schemas, keyspace metadata, handed-over rows | `rule`, `safe_point`, `layout` |
//! | [`filter`] | the filter of one compaction, the reasons to make none, and the records that recovery leaves out | `shared` and the modules that it uses |
//! | [`engine`] | the interface to a store, and the functions bound from the host's RocksDB | nothing |
//! | [`reclaim`] | deleting from an open store: destroying, schemas, the ledger, the worker, collect now | `shared`, `engine` and the modules that they use |
//! | [`ffi`] | every exported function; C types and `unsafe` | all of the above |
//!
//! All modules may use [`error`], [`log`] (which writes to standard error through `ffi`, because
//! that needs C) and [`callback`]. `shared` and the modules that use it also use [`options`] and
//! [`stats`].
//!
//! **The one principle.** A filter does not see newer or older versions in other files, and does
//! not see tombstones. So by itself it removes only keys that no legal reader could see, whatever
//! other files hold. These are versions shadowed by a newer version of the same row that the filter
//! keeps, destroyed keys, keys of dropped schemas, and expired keys. A decision that needs the
//! whole row is handed over to the worker, which reads the database.

pub mod callback;
pub mod engine;
pub mod error;
pub mod ffi;
pub mod filter;
pub mod layout;
pub mod log;
pub mod options;
pub mod reclaim;
pub mod rule;
pub mod safe_point;
pub mod shared;
pub mod stats;
