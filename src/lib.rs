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
//! | [`properties`] | the figures of a table file's versions: collected, stored, read |
//! | [`filter`] | the filter of one compaction; when none is needed; what recovery leaves out |
//! | [`engine`] | the interface to a store, which `ffi` implements |
//! | [`metrics`] | the counters as text for a scrape |
//! | [`reclaim`] | deleting from an open store: destroys, schemas, ledger, worker, collect now |
//! | [`ffi`] | every exported function, the functions of the host's RocksDB; C types and `unsafe` |
//!
//! Dependencies have one direction. `layout` and `engine` use no other module of this table. `rule`
//! and `safe_point` use `layout`. `shared` uses `layout`, `rule` and `safe_point`. `properties` and
//! `metrics` use `shared` and the modules that `shared` uses. `filter` uses these modules and
//! `properties`. `reclaim` uses the same modules as `filter`, `engine`, and the walk over rows of
//! `filter`. `ffi` uses all of them.
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
//!
//! **The way of a key** through a compaction, from the outside in:
//!
//! 1. `ffi::filter`: RocksDB, or the C++ adaptor, asks for a decision.
//! 2. `ffi::filter_handle`: only the thread of the first decision reaches the filter.
//! 3. `filter::frequent`: the short ways, for another version of the same row and for the first
//!    version of the next row.
//! 4. `filter::compaction_filter`, `judge`: the general way. A key before the last one closes the
//!    filter.
//! 5. `filter::dropping`: a destroyed key, or a key of a dropped schema, is removed.
//! 6. `filter::row_walk`: a new row gets the effective safe point of its keyspace from
//!    `filter::keyspace_span`.
//! 7. `filter::row_walk`, then `rule`: the verdict on the version.
//! 8. `filter::removal`: a verdict "remove" becomes a tombstone or a skip.
//! 9. `filter::compaction_filter`, `end_row`: a row that the filter must not finish is handed over
//!    to `shared::worker_queue`.
//!
//! **The way of a destroy**, from the outside in:
//!
//! 1. `ffi::destroy`: the arguments become ranges of stored keys.
//! 2. `reclaim::attached`, then `jobs::destroy`: the range lock.
//! 3. `ledger::destroyed_ranges`: writes the record STARTED, durably. Filters remove the range's
//!    keys from now on.
//! 4. `jobs::clear`: deletes whole files, then the keys that are left.
//! 5. `jobs::cut_row`: compacts a row that a bound cuts into the last level.
//! 6. `store::closable_engine`, `engine`: each of these steps is a call of the host's RocksDB.
//! 7. `ledger::destroyed_ranges`: writes the record CLEARED, durably. If no file may hold a key of
//!    the range, the record is DONE. The call returns.
//! 8. `worker::debts`, then `jobs::debt`: compacts the files that may still hold keys, for all
//!    cleared ranges together. Then the record is DONE.
//! 9. After `recheck_seconds` the worker runs `jobs::recheck`: it clears the range once more, and
//!    deletes the record.
//!
//! A destroy for later begins with `jobs::pending`, which writes the record PENDING. When the
//! destroy is due, the worker continues with step 3.

pub mod callback;
pub mod engine;
pub mod error;
pub mod ffi;
pub mod filter;
pub mod layout;
pub mod log;
pub mod metrics;
pub mod options;
pub mod properties;
pub mod reclaim;
pub mod rule;
pub mod safe_point;
pub mod shared;
pub mod stats;
