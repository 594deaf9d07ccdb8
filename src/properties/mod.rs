//! The properties of a table file: figures of its versions, which the collector writes into the
//! file when RocksDB creates it.
//!
//! A file gets TiKV's properties, which describe the file as a whole, and one property of this
//! library, which describes each keyspace and each schema in it. Properties select work: they tell
//! whether a compaction needs a filter, and which files hold garbage. They do not decide that a
//! version is removed, with one exception: whether a skip may pass several transaction records. The
//! figures are counted in one file. A row whose versions are in two files has a newest version in
//! each of them.
//!
//! | file | content |
//! |---|---|
//! | `figures` | the figures of some versions, and what they say under a safe point |
//! | `collector` | counts the figures of a file, key by key |
//! | `row` | the current row of the collector |
//! | `by_owner` | the figures of each keyspace, or of each schema, up to a limit |
//! | `stored` | the format of this library's property |
//! | `tikv` | TiKV's properties |
//! | `file_figures` | the figures of a file, read from either |

#![forbid(unsafe_code)]

mod by_owner;
mod collector;
mod figures;
mod file_figures;
mod owner;
mod row;
mod stored;
mod tikv;

pub use collector::{Collector, Entry};
pub use figures::{Figures, Span};
pub use file_figures::{FileFigures, Property};
pub use owner::OwnerNumber;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]
mod tests;
