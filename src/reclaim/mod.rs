//! Deleting from an open store: the work that a compaction's filter cannot do by itself.
//!
//! | file | content |
//! |---|---|
//! | `store` | an attached store: its engine and families, its records, and the lock order |
//! | `attach` | attaching a store |
//! | `closable_engine` | access to the engine; a family that the host dropped is treated as empty |
//! | `owner` | the owner of a ledger |
//! | `families`, `covered_families` | the attached families, and those that a record covers |
//! | `recorded_types` | comparing the recorded types of keyspaces with what the host registered |
//! | `types` | recording the types of keyspaces |
//! | `ledger` | the records of destroyed ranges, schemas and types as bytes, and their location |
//! | `destroy`, `clear` | destroying a range: its record; its files, keys and compaction |
//! | `schemas`, `order_book` | dropping or truncating a schema: its record, and the open orders |
//! | `sweep` | deleting the rest of a dropped schema |
//! | `truncate` | deleting a schema's versions up to a timestamp |
//! | `row` | the deletes of a row that a filter handed over, read from the database |
//! | `worker`, `orders` | the thread that finishes such rows and carries out schema orders |
//! | `paced_writer`, `rate_limiter` | the worker's writes; their rate and pauses |
//! | `collect` | collect now |
//! | `garbage` | whether a file holds garbage |
//! | `compaction_cost` | the cost of a compaction |
//! | `known_files` | the findings of earlier collect calls |
//! | `range_lock` | the lock by which one thread at a time deletes in overlapping ranges |
//! | `batch` | a batch of writes |

#![forbid(unsafe_code)]

mod attach;
mod batch;
mod clear;
mod closable_engine;
mod collect;
mod compaction_cost;
mod covered_families;
mod destroy;
mod families;
mod garbage;
mod known_files;
mod ledger;
mod order_book;
mod orders;
mod owner;
mod paced_writer;
mod range_lock;
mod rate_limiter;
mod recorded_types;
mod row;
mod schemas;
mod store;
mod sweep;
mod truncate;
mod types;
mod worker;

pub use attach::attach;
pub use closable_engine::closed;
pub use collect::{CollectOrder, CollectReport};
pub use destroy::DestroyReport;
pub use families::{ColumnFamily, Role};
pub use store::{DestroyedRange, Store};
