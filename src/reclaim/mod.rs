//! Deleting from an open store: the work that a compaction's filter cannot do by itself.
//!
//! | module | content |
//! |---|---|
//! | `attached` | an attached store: what the host may ask of it |
//! | `worker` | the thread that finishes rows, carries out orders and due destroys, pays debts |
//! | `jobs` | destroying, rechecking, dropping, truncating, collecting; debts; deletes of a row |
//! | `survey` | what the files of the store hold, by their properties; its locks |
//! | `ledger` | the durable records of ranges, schemas and keyspace types |
//! | `store` | the engine and families of an open store, the range lock, batches of writes |
//!
//! Each module uses only those below it.

#![forbid(unsafe_code)]

mod attached;
mod jobs;
mod ledger;
mod store;
mod survey;
mod worker;

pub use attached::{AttachedStore, attach};
pub use jobs::collect::CollectOrder;
pub use jobs::destroy::{DestroyError, RangeToDestroy};
pub use jobs::pending::How;
pub use jobs::{CollectReport, DestroyReport};
pub use ledger::{DestroyedRange, Progress};
pub use store::{ColumnFamily, DebtSize, Role, closed};
pub use survey::Why;
pub use survey::explain::{Answer, Explanation, Subject};
