//! Deleting from an open store: what runs cannot do by themselves.
//!
//! | file | what it does |
//! |---|---|
//! | `store` | an attached store: its engine and families, its records, and who waits for whom |
//! | `attach` | how a store is attached |
//! | `ledger` | the records of destroyed ranges as bytes, and where they lie |
//! | `destroy`, `clear` | a range goes: its record; files, keys, compaction |
//! | `row` | what goes of a row that a run handed over, read from the database |
//! | `worker` | the thread that finishes such rows |
//! | `collect`, `garbage` | collect now: which files hold garbage, and their compaction |
//! | `turns` | who deletes in overlapping ranges goes one after the other |

#![forbid(unsafe_code)]

mod attach;
mod batch;
mod clear;
mod collect;
mod destroy;
mod garbage;
mod ledger;
mod row;
mod store;
mod turns;
mod worker;

pub use attach::attach;
pub use collect::{CollectOrder, CollectReport};
pub use destroy::DestroyReport;
pub use store::{ColumnFamily, Role, Store, closed};
