//! Looking at an open store: at its files by their properties, and at its locks.
//!
//! | file | content |
//! |---|---|
//! | `explain` | an answer for each keyspace, and the text |
//! | `why` | the reason why versions are still there, and what to do |
//! | `owners` | the versions of each keyspace in the files of a family |
//! | `garbage` | the garbage of each keyspace, for the metrics |
//! | `locks` | the oldest lock of a keyspace |
//! | `gain` | what a compaction of a file would give back |

pub mod explain;
pub mod gain;
pub mod garbage;
pub mod locks;
mod owners;
mod why;

pub use why::Why;
