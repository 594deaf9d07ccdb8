//! The jobs: what a call of the host or the worker does in an open store. Each is a function of the
//! store and its ledger.
//!
//! | file | content |
//! |---|---|
//! | `destroy`, `recheck` | destroying ranges; destroying them once more for late keys |
//! | `deferred` | destroying a range when its safe point has passed a timestamp |
//! | `clear`, `cut_row` | a destroyed range's files and keys; a row that a bound cuts |
//! | `debt` | compacting the files that may still hold deleted keys |
//! | `file_index` | whether a file overlaps a range; the ranges that are compacted together |
//! | `drop_schema`, `sweep` | dropping a schema; deleting the rest of its keys |
//! | `truncate_schema`, `truncate_rows` | truncating a schema; deleting its versions row by row |
//! | `dead_row`, `long_row` | the deletes of a row that a filter handed over |
//! | `collect`, `pick` | collect now: compacting files; choosing them |
//! | `file_counts`, `garbage` | whether a file holds garbage, by its counts and by its keys |
//! | `compaction_cost`, `known_files` | the cost of a compaction; the findings of earlier calls |
//! | `report` | what one call did |

mod clear;
pub mod collect;
mod compaction_cost;
mod cut_row;
pub mod dead_row;
pub mod debt;
pub mod deferred;
pub mod destroy;
pub mod drop_schema;
mod file_counts;
mod file_index;
mod garbage;
mod known_files;
pub mod long_row;
mod pick;
pub mod recheck;
mod report;
pub mod sweep;
pub mod truncate_rows;
pub mod truncate_schema;

pub use known_files::KnownFiles;
pub use report::{CollectReport, DestroyReport};
