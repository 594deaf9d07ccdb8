//! Nothing to call: building this crate puts RocksDB 11.8.1 where the tests find it.
