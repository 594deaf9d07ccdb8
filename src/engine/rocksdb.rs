//! Functions of rocksdb/c.h by address. The library links no RocksDB: two copies in one process crash hosts, so each function
//! is the host's own, and the one list in `rocks_gc_rocksdb_c.h` says which are needed.

use crate::error::{Error, Kind};
use std::ffi::c_void;
use std::mem::{size_of, transmute};

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

/// A complete set of bound functions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Functions {
    addresses: [usize; COUNT],
}

impl Functions {
    /// Binds each function to what `look_up` finds under its name; an error names all that are missing.
    ///
    /// # Safety
    /// An address under a name must be that of the RocksDB C API's function of this name, for as long as the process lives.
    pub unsafe fn bind(look_up: impl Fn(&str) -> Option<*mut c_void>) -> Result<Self, Error> {
        let mut addresses = [0; COUNT];
        let mut missing = Vec::new();
        for (name, address) in list::NAMES.into_iter().zip(&mut addresses) {
            match look_up(name) {
                Some(found) if !found.is_null() => *address = found as usize,
                _ => missing.push(name),
            }
        }
        if missing.is_empty() {
            return Ok(Self { addresses });
        }
        Err(Error::new(
            Kind::NotFound,
            format!("RocksDB's C API lacks {}; bind a RocksDB from 6 on, built with its C API", missing.join(", ")),
        ))
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
        assert!(list::NAMES.contains(&"rocksdb_compactionfilter_create"));
    }

    #[test]
    fn missing_functions_are_named() {
        let some = std::ptr::dangling_mut::<c_void>();
        // SAFETY: nothing is called.
        let bound = unsafe { Functions::bind(|name| (name != "rocksdb_compactionfilter_create").then_some(some)) };
        let error = bound.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("Not found: ") && error.contains("rocksdb_compactionfilter_create;"), "{error}");
    }
}
