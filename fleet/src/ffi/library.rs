//! The library of this process, by its C ABI. A second copy of the library would have safe points
//! of its own, so it is never loaded here, only found.

use super::c;
use super::export::Failure;
use super::listing;
use crate::error::{Error, Result};
use crate::follower::local::{Bounds, GcType, Keyspace, Left, Local, Schema, SchemaProgress};
use crate::layout::id::KeyspaceId;
use crate::layout::keyspace_meta::State;
use libloading::os::unix::{Library as Loaded, RTLD_NOW};
use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::null_mut;

/// glibc's number: finds a library that is loaded, and loads none.
const RTLD_NOLOAD: c_int = 4;
const SONAME: &str = "librocks_gc.so.1";

/// The library, and the context that the host feeds through this follower.
pub(super) struct Library {
    functions: c::RocksGc,
    gc: *mut c::rgc_t,
}

// SAFETY: `rgc_t` is shared by threads: the header says so of each function that is called here.
unsafe impl Send for Library {}
// SAFETY: as above.
unsafe impl Sync for Library {}

impl Library {
    /// Finds the functions.
    ///
    /// # Safety
    /// `gc` is NULL, or alive until the library is dropped.
    pub unsafe fn find(gc: *mut c::rgc_t) -> Result<Self, Failure> {
        if gc.is_null() {
            return Err(Failure::invalid("gc is NULL; create a context first"));
        }
        // SAFETY: nothing is loaded, so no initializer runs.
        let loaded = unsafe { Loaded::open(Some(SONAME), RTLD_NOW | RTLD_NOLOAD) };
        // A static executable, or one that is linked with the library's archive.
        let loaded = loaded.unwrap_or_else(|_| Loaded::this());
        // SAFETY: the names have the types of the header, if the ABI is the header's: checked next.
        let functions = unsafe { c::RocksGc::from_library(libloading::Library::from(loaded)) };
        let functions = functions.map_err(|error| {
            Failure(format!("Not found: {SONAME} is not loaded in this process ({error}); load the library that gc belongs to"))
        })?;
        // SAFETY: takes nothing.
        let abi = unsafe { functions.rgc_abi_version() };
        if abi != c::RGC_ABI_VERSION {
            return Err(Failure(format!(
                "Not supported: {SONAME} has ABI {abi}, this library needs {}; install both from one release",
                c::RGC_ABI_VERSION
            )));
        }
        Ok(Self { functions, gc })
    }

    /// The version of the library.
    pub fn version(&self) -> String {
        // SAFETY: returns a static text.
        unsafe { CStr::from_ptr(self.functions.rgc_version()) }.to_string_lossy().into_owned()
    }

    /// Calls a function, and takes its error.
    fn call<R>(&self, call: impl FnOnce(&c::RocksGc, *mut c::rgc_t, *mut *mut c_char) -> R) -> Result<R> {
        let mut text = null_mut();
        let answer = call(&self.functions, self.gc, &raw mut text);
        if text.is_null() {
            return Ok(answer);
        }
        // SAFETY: the library wrote a text, which is freed once.
        let error = unsafe {
            let error = CStr::from_ptr(text).to_string_lossy().into_owned();
            self.functions.rgc_free(text.cast());
            error
        };
        Err(Error(error))
    }
}

impl Local for Library {
    fn load_keyspace(&self, keyspace: &Keyspace) -> Result<()> {
        let text = |what: &str, text: &str| CString::new(text).map_err(|_| Error(format!("the {what} {text:?} has a NUL")));
        let (name, gc_management) = (text("name", &keyspace.name)?, text("GC type", &keyspace.gc_management)?);
        let meta = c::rgc_keyspace_meta_t {
            struct_size: size_of::<c::rgc_keyspace_meta_t>(),
            id: keyspace.id.get(),
            state: match keyspace.state {
                State::Enabled => c::RGC_KEYSPACE_ENABLED,
                State::Disabled => c::RGC_KEYSPACE_DISABLED,
                State::Archived => c::RGC_KEYSPACE_ARCHIVED,
                State::Tombstone => c::RGC_KEYSPACE_TOMBSTONE,
            } as c_int,
            name: name.as_ptr(),
            gc_management_type: gc_management.as_ptr(),
        };
        // SAFETY: `gc` is alive; `meta` and its texts live for the call.
        self.call(|library, gc, error| unsafe { library.rgc_keyspace_load(gc, &raw const meta, error) })
    }

    fn register(&self, id: KeyspaceId, gc_type: GcType) -> Result<()> {
        let gc_type = match gc_type {
            GcType::Global => c::RGC_GC_GLOBAL,
            GcType::KeyspaceLevel => c::RGC_GC_KEYSPACE_LEVEL,
        } as c_int;
        // SAFETY: `gc` is alive.
        self.call(|library, gc, error| unsafe { library.rgc_set_keyspace_gc_type(gc, id.get(), gc_type, error) })
    }

    fn pause(&self, id: KeyspaceId) -> Result<()> {
        // SAFETY: `gc` is alive.
        self.call(|library, gc, error| unsafe { library.rgc_pause_keyspace(gc, id.get(), error) })
    }

    fn advance_global(&self, safe_point: u64) {
        // SAFETY: `gc` is alive.
        unsafe { self.functions.rgc_advance_global_safe_point(self.gc, safe_point) };
    }

    fn advance(&self, safe_points: &[(KeyspaceId, u64)]) -> Result<()> {
        let (keyspaces, timestamps): (Vec<u32>, Vec<u64>) = safe_points.iter().map(|(id, ts)| (id.get(), *ts)).unzip();
        // SAFETY: `gc` is alive; both arrays have as many elements, and live for the call.
        let advance = |library: &c::RocksGc, gc, error| unsafe {
            library.rgc_advance_keyspace_safe_points(gc, keyspaces.as_ptr(), timestamps.as_ptr(), keyspaces.len(), error)
        };
        self.call(advance).map(drop)
    }

    fn load_schemas(&self, keyspace: KeyspaceId, valid: &[u32], highest: u32) -> Result<()> {
        // SAFETY: `gc` is alive; the array lives for the call.
        let load = |library: &c::RocksGc, gc, error| unsafe {
            library.rgc_schemas_load(gc, keyspace.get(), valid.as_ptr(), valid.len(), highest, error);
        };
        self.call(load)
    }

    fn drop_schema(&self, Schema { keyspace, id }: Schema) -> Result<()> {
        // SAFETY: `gc` is alive.
        self.call(|library, gc, error| unsafe { library.rgc_schema_drop(gc, keyspace.get(), id, error) })
    }

    fn is_dropped(&self, Schema { keyspace, id }: Schema) -> bool {
        // SAFETY: `gc` is alive.
        unsafe { self.functions.rgc_schema_state(self.gc, keyspace.get(), id) == c::RGC_SCHEMA_DROPPED as c_int }
    }

    fn truncate_schema(&self, Schema { keyspace, id }: Schema, up_to: u64) -> Result<()> {
        // SAFETY: `gc` is alive.
        self.call(|library, gc, error| unsafe { library.rgc_schema_truncate(gc, keyspace.get(), id, up_to, error) })
    }

    fn has_lock_family(&self) -> bool {
        // SAFETY: `gc` is alive.
        match self.call(|library, gc, error| unsafe { library.rgc_oldest_lock(gc, c::RGC_KEYSPACE_NONE, 1, error) }) {
            Ok(_) => true,
            // Any other error: a family is there, and cannot be read.
            Err(Error(why)) => !why.starts_with("Not supported: ") && !why.contains("no store is attached"),
        }
    }

    fn highest_dropped(&self) -> Vec<Schema> {
        listing::highest_dropped(&self.functions, self.gc)
    }

    fn progress_of_schemas(&self, schemas: &[Schema]) -> Vec<SchemaProgress> {
        listing::schemas(&self.functions, self.gc, schemas)
    }

    fn destroy_after(&self, start: &[u8], end: &[u8], timestamp: u64) -> Result<()> {
        // SAFETY: `gc` is alive; the bounds live for the call.
        let destroy = |library: &c::RocksGc, gc, error| unsafe {
            library.rgc_destroy_range_after(gc, start.as_ptr().cast(), start.len(), end.as_ptr().cast(), end.len(), timestamp, 0, error);
        };
        self.call(destroy)
    }

    fn left_of_ranges(&self, ranges: &[Bounds<'_>]) -> Vec<Option<Left>> {
        listing::ranges(&self.functions, self.gc, ranges)
    }
}
