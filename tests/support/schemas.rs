//! Schemas and keyspaces' metadata of the library under test.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "C calls of a test, with arguments that live long enough")]

use super::gc::{Gc, checked};
use rocks_gc::ffi::{self, c};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::null;

/// A schema as an operator sees it: keyspace, id, state, truncated up to.
pub type Schema = (u32, u32, u32, u64);

unsafe extern "C" fn add(found: *mut c_void, info: *const c::rgc_schema_info_t) -> c_int {
    unsafe {
        let info = &*info;
        (*found.cast::<Vec<Schema>>()).push((info.keyspace, info.id, info.state as u32, info.truncated_up_to_ts));
    }
    0
}

impl Gc {
    pub fn load_schemas(&self, keyspace: u32, ids: &[u32], highest: u32) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_schemas_load(self.handle(), keyspace, ids.as_ptr(), ids.len(), highest, error) })
    }

    pub fn create_schema(&self, keyspace: u32, id: u32) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_schema_create(self.handle(), keyspace, id, error) })
    }

    pub fn drop_schema(&self, keyspace: u32, id: u32) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_schema_drop(self.handle(), keyspace, id, error) })
    }

    pub fn truncate_schema(&self, keyspace: u32, id: u32, up_to_ts: u64) -> Result<(), String> {
        checked(|error| unsafe { ffi::rgc_schema_truncate(self.handle(), keyspace, id, up_to_ts, error) })
    }

    pub fn schema_state(&self, keyspace: u32, id: u32) -> u32 {
        unsafe { ffi::rgc_schema_state(self.handle(), keyspace, id) as u32 }
    }

    /// All that are told.
    pub fn schemas(&self) -> Vec<Schema> {
        let mut found: Vec<Schema> = Vec::new();
        unsafe { ffi::rgc_schemas_foreach(self.handle(), Some(add), (&raw mut found).cast()) };
        found
    }

    pub fn load_keyspace(&self, id: u32, state: u32, gc_type: Option<&str>) -> Result<(), String> {
        let gc_type = gc_type.map(|text| CString::new(text).expect("no NUL"));
        let meta = c::rgc_keyspace_meta_t {
            struct_size: size_of::<c::rgc_keyspace_meta_t>(),
            id,
            state: state as c_int,
            name: c"keyspace".as_ptr(),
            gc_management_type: gc_type.as_deref().map_or(null(), CStr::as_ptr),
        };
        checked(|error| unsafe { ffi::rgc_keyspace_load(self.handle(), &meta, error) })
    }

    /// A WAL filter of RocksDB's C API.
    pub fn wal_filter(&self, families: &[*const c_char]) -> Result<*mut c_void, String> {
        checked(|error| unsafe { ffi::rgc_rocksdb_wal_filter(self.handle(), families.as_ptr(), families.len(), error) }).map(<*mut _>::cast)
    }

    /// Is a put of this key left out at recovery?
    pub fn wal_ignores(&self, key: &[u8]) -> bool {
        unsafe { ffi::rgc_wal_should_skip(self.handle(), key.as_ptr().cast(), key.len()) != 0 }
    }
}
