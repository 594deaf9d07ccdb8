//! RocksDB's own types. Both headers declare them, so Rust has each twice: in `c` for the exported
//! functions, and in `list` for the functions that are bound.

use super::c;
use super::rocksdb_functions::list;

/// A type of RocksDB's that `c` has.
pub(super) trait RocksDbType {
    /// The same type in `list`.
    type Bound;
}

macro_rules! rocksdb_types {
    ($($name:ident)*) => { $(impl RocksDbType for c::$name { type Bound = list::$name; })* };
}

rocksdb_types! {
    rocksdb_t
    rocksdb_column_family_handle_t
    rocksdb_compactionfilter_t
    rocksdb_compactionfilterfactory_t
    rocksdb_compactionfiltercontext_t
    rocksdb_eventlistener_t
    rocksdb_walfilter_t
}

/// An object of RocksDB's for a bound function.
pub(super) fn to_bound<C: RocksDbType>(object: *mut C) -> *mut C::Bound {
    object.cast()
}

/// An object of RocksDB's for the host.
pub(super) fn from_bound<C: RocksDbType>(object: *mut C::Bound) -> *mut C {
    object.cast()
}
