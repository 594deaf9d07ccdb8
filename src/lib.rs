//! Garbage collection for RocksDB hosts, loaded at run time.
//!
//! `librocks_gc.so` judges, inside RocksDB's compactions, which old versions may go, by one safe point per keyspace
//! (tenant). Its users call it through the C ABI of `include/rocks_gc.h`, which is the manual; this page is the map of
//! the house for those who work on it.
//!
//! | room | what it holds | knows of |
//! |---|---|---|
//! | [`layout`] | bytes to meaning: stored keys, keyspace and schema ids, timestamps, values, write batches, the codec | nothing |
//! | [`rule`] | pure decisions on one row or value | `layout` |
//! | [`safe_point`] | the safe points of all keyspaces, read without waiting | `layout` |
//! | [`shared`] | what runs and the worker of a context share: safe points, clock, what is destroyed, schemas, keyspaces' metadata, rows handed over | `rule`, `safe_point`, `layout` |
//! | [`filter`] | a run: one compaction's filter, and whether one is needed at all; what recovery leaves out | `shared`, and what that knows |
//! | [`engine`] | the port through which is deleted, and the functions bound from the host's RocksDB | nothing |
//! | [`reclaim`] | deleting from an open store: destroying, schemas, the ledger, the worker, collect now | `shared`, `engine`, and what these know |
//! | [`ffi`] | every exported function; C types and `unsafe` | all of the above |
//!
//! Beside the rooms, for all of them: [`error`], [`log`] (which borrows standard error from `ffi`, for it takes C) and
//! [`callback`]; from `shared` on: [`options`] and [`stats`].
//!
//! **The one principle.** A run sees neither what is newer nor what is older elsewhere, and cannot see tombstones. So by
//! itself it removes only what no legal reader could see whatever lies elsewhere: a version shadowed by a newer version
//! of the same row that this run keeps, or a key that is destroyed, of a dropped schema, or expired as a whole. Everything that needs the whole row is
//! handed to the worker, which reads the database.

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
