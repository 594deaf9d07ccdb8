//! The functions of rocksdb/c.h by their addresses, from the list in `rocks_gc_rocksdb_c.h`. The
//! library links no RocksDB, because two copies in one process crash hosts. So each function is the
//! host's own.

use crate::error::{Error, ErrorKind};
use std::ffi::c_void;
use std::mem::{size_of, transmute};
use std::ops::Range;

/// The list of functions in Rust.
#[allow(
    missing_docs,
    non_camel_case_types,
    clippy::all,
    clippy::indexing_slicing,
    clippy::undocumented_unsafe_blocks,
    reason = "generated from the header"
)]
pub mod list {
    include!(concat!(env!("OUT_DIR"), "/rocksdb_functions.rs"));
}

/// The number of functions: the struct is `repr(C)` and holds only function pointers.
const COUNT: usize = size_of::<list::rocksdb_functions>() / size_of::<usize>();

/// The place of the first function that filtering does not need.
const REQUIRED: usize = list::REQUIRED as usize;
/// The place behind the last function that deleting needs.
const DELETING: usize = list::DELETING as usize;

/// A set of bound functions: all required ones, and the others that this RocksDB has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Functions {
    addresses: [usize; COUNT],
}

impl Functions {
    /// Binds each function to the address that `look_up` returns for its name. An error has the
    /// names of all missing required functions.
    ///
    /// # Safety
    /// The address of a name must be that of RocksDB's C function with this name, and must be valid
    /// as long as the process lives.
    pub unsafe fn bind(look_up: impl Fn(&str) -> Option<*mut c_void>) -> Result<Self, Error> {
        let addresses = list::NAMES.map(|name| look_up(name).map_or(0, |found| found as usize));
        let bound = Self { addresses };
        let missing = bound.missing(0..REQUIRED);
        if missing.is_empty() {
            return Ok(bound);
        }
        Err(Error::new(
            ErrorKind::NotFound,
            format!("RocksDB's C API lacks {}; bind RocksDB 6 or later, built with its C API", missing.join(", ")),
        ))
    }

    /// The names of all functions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        list::NAMES.into_iter()
    }

    /// The functions that were found, with their addresses.
    pub fn found(&self) -> impl Iterator<Item = (&'static str, usize)> {
        list::NAMES.into_iter().zip(self.addresses).filter(|(_, address)| *address != 0)
    }

    fn missing(&self, range: Range<usize>) -> Vec<&'static str> {
        let all = list::NAMES.into_iter().zip(self.addresses);
        all.skip(range.start).take(range.len()).filter(|(_, address)| *address == 0).map(|(name, _)| name).collect()
    }

    /// The functions that deleting needs and this RocksDB lacks.
    pub fn missing_for_deleting(&self) -> Vec<&'static str> {
        self.missing(REQUIRED..DELETING)
    }

    /// The functions that a listener needs and this RocksDB lacks: its own ones, and those that
    /// return the levels of files.
    pub fn missing_for_listeners(&self) -> Vec<&'static str> {
        let of_listeners = |name: &&str| ["eventlistener", "jobinfo", "livefiles"].iter().any(|part| name.contains(part));
        let of_sizes = |name: &&str| ["_size", "_entries", "_deletions"].iter().any(|part| name.ends_with(part));
        self.missing(REQUIRED..COUNT).into_iter().filter(|name| of_listeners(name) && !of_sizes(name)).collect()
    }

    /// The functions that a WAL filter needs and this RocksDB lacks.
    pub fn missing_for_wal_filters(&self) -> Vec<&'static str> {
        let of_wal_filters = |name: &&str| name.contains("walfilter") || name.contains("writebatch") && !name.ends_with("_cf");
        self.missing(REQUIRED..COUNT).into_iter().filter(of_wal_filters).collect()
    }

    /// The functions, ready to call.
    pub fn table(&self) -> list::rocksdb_functions {
        // SAFETY: the struct is `repr(C)` and consists of COUNT optional function pointers. Each
        // has the size of an address and is None if that is 0. The caller of `bind` promised that
        // each is the function of its name.
        unsafe { transmute::<[usize; COUNT], list::rocksdb_functions>(self.addresses) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_a_name_for_each_function() {
        assert_eq!(list::NAMES.len(), COUNT);
        assert_eq!(list::NAMES[0], "rocksdb_compactionfilter_create");
        assert_eq!(list::NAMES[REQUIRED], "rocksdb_free");
        assert_eq!(list::NAMES[DELETING - 1], "rocksdb_livefiles_destroy");
    }

    #[test]
    fn missing_functions_are_named() {
        let some = std::ptr::dangling_mut::<c_void>();
        // SAFETY: nothing is called.
        let bound =
            unsafe { Functions::bind(|name| (name != "rocksdb_compactionfilter_create" && name != "rocksdb_livefiles").then_some(some)) };
        let error = bound.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("Not found: ") && error.contains("lacks rocksdb_compactionfilter_create;"), "{error}");
        // SAFETY: nothing is called.
        let bound = unsafe { Functions::bind(|name| (name != "rocksdb_livefiles").then_some(some)) }.unwrap();
        assert_eq!(bound.missing_for_deleting(), ["rocksdb_livefiles"]);
        assert_eq!(bound.missing_for_listeners(), ["rocksdb_livefiles"]);
    }
}
