//! The safe points of all keyspaces: the host writes them, and every compaction reads them.

#![forbid(unsafe_code)]

mod barriers;
mod cache;
mod gc_type;
mod outcome;
mod page;

pub use barriers::{Barrier, NEVER, Scope};
pub use cache::{Moment, SafePoints, SetError};
pub use gc_type::GcType;
pub use outcome::{AdvanceOutcome, Advanced, Effective, Holding, Known, Loaded, RegisterError, TypeConflict, UnknownKeyspace, Unused};
pub use page::{KeepReason, Registration};
