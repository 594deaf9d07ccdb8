//! Deleting from an open store: what runs cannot do by themselves.
//!
//! | file | what it does |
//! |---|---|
//! | `store` | an attached store: its engine and families, its records, and who waits for whom |
//! | `attach` | how a store is attached |
//! | `gate` | the way to the engine: a family that the host dropped is an empty one |
//! | `owner`, `covers`, `types` | whose ledger it is, which families a record is about, the recorded types of keyspaces |
//! | `ledger` | the records of destroyed ranges and of schemas as bytes, and where they lie |
//! | `destroy`, `clear` | a range goes: its record; files, keys, compaction |
//! | `schemas` | a schema is dropped or truncated: its record |
//! | `sweep`, `truncate` | what is left of a dropped schema goes; the versions of a schema up to a timestamp go |
//! | `row` | what goes of a row that a run handed over, read from the database |
//! | `worker`, `orders`, `rate_limiter` | the thread that finishes such rows and carries out orders about schemas, as fast as it may |
//! | `collect`, `garbage`, `dragged`, `remembered` | collect now: which files hold garbage, what their compaction costs, and what is known from before |
//! | `range_lock` | who deletes in overlapping ranges goes one after the other |

#![forbid(unsafe_code)]

mod attach;
mod batch;
mod clear;
mod closable_engine;
mod collect;
mod compaction_cost;
mod covered_families;
mod destroy;
mod garbage;
mod known_files;
mod ledger;
mod orders;
mod owner;
mod range_lock;
mod rate_limiter;
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
pub use store::{ColumnFamily, DestroyedRange, Role, Store};
