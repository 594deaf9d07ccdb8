//! Many RocksDB nodes share one etcd, which holds the truth about safe points.
//!
//! | module | content |
//! |---|---|
//! | [`layout`] | keys and values of etcd: PD's and our own |
//! | [`etcd`] | the client of etcd |
//! | [`follower`] | one node: reads etcd, and feeds the library of its process |
//! | [`protocol`] | who may write what, and when: pure steps |
//! | [`ffi`] | the functions of `rocks_gc_fleet.h`; `unsafe` |
//! | [`translate`] | between the bytes of etcd and the numbers of `protocol` |
//! | [`control`] | the control plane: keyspaces, schemas, barriers, ranges, fences, status |
//! | [`worker`] | the GC worker: the election, and rounds that move safe points |
//!
//! `protocol` uses no bytes of `layout`. These two do no I/O, read no clock, and do not wait.

pub mod control;
pub mod error;
pub mod etcd;
#[allow(unsafe_code)]
pub mod ffi;
pub mod follower;
pub mod layout;
pub mod protocol;
pub mod translate;
pub mod worker;
