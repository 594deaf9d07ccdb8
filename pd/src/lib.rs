//! The keys and values that PD keeps in etcd, as bytes. The library reads them for its hosts, and
//! the fleet for its follower and worker. It has no dependencies, because it is part of the
//! library's process.
//!
//! | module | content |
//! |---|---|
//! | [`id`] | keyspace ids, padded and not; scopes |
//! | [`key`] | PD's keys |
//! | [`value`] | hex, decimal and JSON values |
//! | [`error`] | what is wrong, with the value |
//!
//! The path wins: a value never names its keyspace to a reader, even if its JSON has an id.

pub mod error;
pub mod id;
mod json;
pub mod key;
pub mod value;
