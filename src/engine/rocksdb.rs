//! Functions of rocksdb/c.h by address. The library links no RocksDB: two copies in one process crash hosts, so each function
//! is the host's own, and the one list in `rocks_gc_rocksdb_c.h` says which are needed.

mod store;

pub use store::{Handle, RocksDb};

use crate::error::{Error, Kind};
use std::ffi::c_void;
use std::mem::{size_of, transmute};
use std::ops::Range;

/// The list as Rust sees it.
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

/// `repr(C)` and nothing but function pointers.
const COUNT: usize = size_of::<list::rocksdb_functions>() / size_of::<usize>();

/// Filtering takes those in front of this place.
const REQUIRED: usize = list::REQUIRED as usize;
/// Deleting takes those between.
const DELETING: usize = list::DELETING as usize;

/// A set of bound functions: all that are required, and of the others those that there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Functions {
    addresses: [usize; COUNT],
}

impl Functions {
    /// Binds each function to what `look_up` finds under its name; an error names all required ones that are missing.
    ///
    /// # Safety
    /// An address under a name must be that of the RocksDB C API's function of this name, for as long as the process lives.
    pub unsafe fn bind(look_up: impl Fn(&str) -> Option<*mut c_void>) -> Result<Self, Error> {
        let addresses = list::NAMES.map(|name| look_up(name).map_or(0, |found| found as usize));
        let bound = Self { addresses };
        let missing = bound.missing(0..REQUIRED);
        if missing.is_empty() {
            return Ok(bound);
        }
        Err(Error::new(
            Kind::NotFound,
            format!("RocksDB's C API lacks {}; bind a RocksDB from 6 on, built with its C API", missing.join(", ")),
        ))
    }

    fn missing(&self, range: Range<usize>) -> Vec<&'static str> {
        let all = list::NAMES.into_iter().zip(self.addresses);
        all.skip(range.start).take(range.len()).filter(|(_, address)| *address == 0).map(|(name, _)| name).collect()
    }

    /// What deleting needs and this RocksDB lacks.
    pub fn missing_for_deleting(&self) -> Vec<&'static str> {
        self.missing(REQUIRED..DELETING)
    }

    /// What a listener needs and this RocksDB lacks: besides its own functions, what tells the levels of files.
    pub fn missing_for_listeners(&self) -> Vec<&'static str> {
        let of_listeners = |name: &&str| ["eventlistener", "jobinfo", "livefiles"].iter().any(|part| name.contains(part));
        let of_sizes = |name: &&str| ["_size", "_entries", "_deletions"].iter().any(|part| name.ends_with(part));
        self.missing(REQUIRED..COUNT).into_iter().filter(|name| of_listeners(name) && !of_sizes(name)).collect()
    }

    /// The functions, ready to call.
    pub fn table(&self) -> list::rocksdb_functions {
        // SAFETY: the struct is `repr(C)` and consists of COUNT optional function pointers, each of which has the size of
        // an address and is None where that is 0; `bind` was promised that each is the function of its name.
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
