//! The jobs: what the worker, or a call of the host, does in an open store.
//!
//! | file | content |
//! |---|---|
//! | `destroy`, `recheck` | destroying ranges; destroying them once more for late keys |
//! | `pending` | destroying a range when its safe point has passed a timestamp |
//! | `clear`, `cut_row` | deleting a range's files and keys; compacting a row that a bound cuts |
//! | `debt` | compacting the files that may still hold deleted keys |
//! | `file_index` | the files that overlap a range; the ranges that are compacted together |
//! | `drop_schema`, `sweep` | dropping a schema; deleting the rest of its keys |
//! | `truncate_schema`, `truncate_rows` | truncating a schema; deleting its versions row by row |
//! | `dead_row`, `long_row` | the deletes of a row that a filter handed over |
//! | `collect`, `pick` | collect now: compacting files; choosing them |
//! | `across_files` | garbage that no file names for itself |
//! | `file_counts`, `garbage` | whether a file holds garbage, by its counts and by its keys |
//! | `compaction_cost` | the cost of a compaction; the rate and the budget of compactions |
//! | `known_files` | what earlier collect calls found in files |
//! | `report` | what one destroy or one collect call did |

mod across_files;
mod clear;
pub mod collect;
mod compaction_cost;
mod cut_row;
pub mod dead_row;
pub mod debt;
pub mod destroy;
pub mod drop_schema;
mod file_counts;
mod file_index;
mod garbage;
mod known_files;
pub mod long_row;
pub mod pending;
mod pick;
pub mod recheck;
mod report;
pub mod sweep;
pub mod truncate_rows;
pub mod truncate_schema;

pub use known_files::KnownFiles;
pub use report::{CollectReport, DestroyReport};
