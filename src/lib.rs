//! Garbage collection for RocksDB hosts, loaded at run time.
//!
//! `librocks_gc.so` removes old MVCC versions during RocksDB compactions, with one safe point per
//! keyspace (tenant). Its users call it through the C ABI of `include/rocks_gc.h`, which is the
//! manual. This page is the map of the modules for developers.
//!
//! | module | content |
//! |---|---|
//! | [`layout`] | bytes and their meaning: keys, ids, timestamps, values, batches, the codec |
//! | [`rule`] | pure decisions about one row or value |
//! | [`safe_point`] | the safe points of all keyspaces; readers never wait |
//! | [`shared`] | the state that filters and worker of a context share |
//! | [`filter`] | the filter of one compaction; when none is needed; what recovery leaves out |
//! | [`engine`] | the interface to a store, and the functions of the host's RocksDB |
//! | [`reclaim`] | deleting from an open store: destroys, schemas, ledger, worker, collect now |
//! | [`ffi`] | every exported function; C types and `unsafe` |
//!
//! Dependencies have one direction. `layout` and `engine` use no other module of this table. `rule`
//! and `safe_point` use `layout`. `shared` uses these three. `filter` uses `shared` and its modules.
//! `reclaim` uses `shared` and its modules, and `engine`. `ffi` uses all of them.
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
