//! The host's RocksDB, as far as the library calls it.

#[expect(unsafe_code, reason = "calls C functions by their addresses")]
pub mod rocksdb;
