//! The filter of one compaction, and the reasons why a compaction needs none.

#![forbid(unsafe_code)]

mod balance;
mod compaction_filter;
mod counting;
mod decision;
mod dropping;
mod frequent;
mod keyspace_span;
pub mod level;
pub mod recovery;
mod removal;
mod row_walk;
mod worth;

pub use compaction_filter::CompactionFilter;
pub use decision::Decision;
pub use frequent::USUAL_KEYS;
pub use removal::CompactionContext;
pub use row_walk::{RowWalk, ValueView};
pub use worth::{Inputs, NoFilterReason, count_refusal, refusal};
