//! Keys and values of etcd, as bytes.
//!
//! | module | content |
//! |---|---|
//! | [`id`] | keyspace ids, padded and not; scopes |
//! | [`name`] | which names are valid |
//! | [`pd_key`], [`pd_value`] | PD's keys; hex, decimal and JSON values |
//! | [`keyspace_meta`], [`gc_management`] | PD's metas; who decides about a keyspace's safe point |
//! | [`allocator`] | PD's keyspace ids: windows of 100, none twice |
//! | [`own_key`], [`own_value`] | our keys and values |
//! | [`stored_range`] | the keyspace of a range of stored keys |
//!
//! The path wins: a value never names its keyspace to a reader, even if its JSON has an id.

pub mod allocator;
pub mod gc_management;
pub mod id;
pub mod keyspace_meta;
pub mod name;
pub mod own_key;
pub mod own_value;
pub mod pd_key;
pub mod pd_value;
pub mod stored_range;
