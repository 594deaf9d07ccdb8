//! The safe points of all keyspaces: the host writes them, and every compaction reads them.

#![forbid(unsafe_code)]

mod cache;
mod gc_type;
mod outcome;
mod page;

pub use cache::SafePoints;
pub use gc_type::GcType;
pub use outcome::{AdvanceOutcome, Advanced, Effective, Known, Loaded, TypeConflict, UnknownKeyspace, Unused};
pub use page::{KeepReason, Registration};
