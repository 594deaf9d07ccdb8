//! The part of `rocks_gc.h` that the Rust examples use, loaded at run time, behind safe types.
//! A host of its own copies this file and adds the functions that it needs.

use libloading::Library;
use std::error::Error;
use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;

const RGC_ABI_VERSION: u32 = 1;
pub const RGC_KIND_RAW: c_int = 17;
const RGC_GC_KEYSPACE_LEVEL: c_int = 1;
const RGC_MODE_RAW: c_int = b'r' as c_int;
const RGC_VALUE: c_int = 0;
const RGC_REMOVE: c_int = 1;

/// Where a call writes the text of its error.
pub type Errptr = *mut *mut c_char;

macro_rules! functions {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// Functions of librocks_gc, by their names.
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            _library: Library,
        }

        impl Functions {
            /// # Safety
            ///
            /// The library at `path` is safe to load.
            unsafe fn load(path: &str) -> Result<Self, Box<dyn Error>> {
                // SAFETY: the caller's; the functions have the types of rocks_gc.h, which the
                // ABI version fixes.
                unsafe {
                    let library = Library::new(path)?;
                    let abi_version = library.get::<unsafe extern "C" fn() -> u32>("rgc_abi_version")?();
                    if abi_version != RGC_ABI_VERSION {
                        return Err(format!("{path} has ABI version {abi_version}, this host was written for {RGC_ABI_VERSION}").into());
                    }
                    Ok(Self { $($name: *library.get(stringify!($name))?,)* _library: library })
                }
            }
        }
    };
}

functions! {
    rgc_free(*mut c_void);
    rgc_options_create() -> *mut c_void;
    rgc_options_parse(*mut c_void, *const c_char, Errptr);
    rgc_options_destroy(*mut c_void);
    rgc_create(*const c_void, Errptr) -> *mut c_void;
    rgc_destroy(*mut c_void) -> c_uchar;
    rgc_set_keyspace_gc_type(*mut c_void, u32, c_int, Errptr);
    rgc_advance_keyspace_safe_point(*mut c_void, u32, u64, Errptr) -> c_uchar;
    rgc_encode_key(*const c_void, c_int, u32, *const c_char, usize, u64, *mut usize, Errptr) -> *mut c_char;
    rgc_filter_create(*mut c_void, c_int, *const Compaction, Errptr) -> *mut c_void;
    rgc_filter_decide(*mut c_void, c_int, c_int, *const c_char, usize, *const c_char, usize, *mut *const c_char, *mut usize) -> c_int;
    rgc_filter_destroy(*mut c_void);
    rgc_stats(*const c_void, *mut Stats);
}

/// rgc_compaction_t.
#[repr(C)]
struct Compaction {
    struct_size: usize,
    is_full: c_int,
    is_manual: c_int,
    is_bottommost: c_int,
    start_level: c_int,
    output_level: c_int,
    column_family_id: u32,
    inputs: *const c_void,
    num_inputs: usize,
}

/// The first fields of rgc_stats_t; the library fills at most `struct_size` bytes.
#[repr(C)]
#[derive(Default)]
pub struct Stats {
    struct_size: usize,
    runs_started: u64,
    filters_not_needed: u64,
    runs_closed: u64,
    kept: u64,
    /// Versions that filters removed, each with a tombstone.
    pub removed: u64,
    /// Skips; each removes versions without tombstones.
    pub skipped: u64,
}

/// An rgc_t: one for each DB.
pub struct Context {
    functions: Arc<Functions>,
    gc: *mut c_void,
}

// SAFETY: rocks_gc.h: any number of threads may share it.
unsafe impl Send for Context {}
// SAFETY: the same.
unsafe impl Sync for Context {}

impl Context {
    /// Options are given as `rgc_options_parse` takes them; "" = the defaults.
    ///
    /// # Safety
    ///
    /// The library at `path` is safe to load.
    pub unsafe fn load(path: &str, options: &str) -> Result<Self, Box<dyn Error>> {
        let options = CString::new(options)?;
        let functions = Arc::new(unsafe { Functions::load(path)? });
        // SAFETY, here and below: handles live as long as the values that hold them, and bytes
        // until the call returns.
        let gc = unsafe {
            let parsed = (functions.rgc_options_create)();
            let gc = functions
                .checked(|error| (functions.rgc_options_parse)(parsed, options.as_ptr(), error))
                .and_then(|()| functions.checked(|error| (functions.rgc_create)(parsed, error)));
            (functions.rgc_options_destroy)(parsed);
            gc?
        };
        Ok(Self { functions, gc })
    }

    /// The rgc_t, for calls that this file does not wrap. It lives as long as the context.
    pub fn as_ptr(&self) -> *mut c_void {
        self.gc
    }

    /// Frees what a call of the library allocated; for [`checked`].
    pub fn free(&self) -> unsafe extern "C" fn(*mut c_void) {
        self.functions.rgc_free
    }

    /// Registers a keyspace that has its own safe point.
    pub fn name_keyspace_level(&self, keyspace: u32) -> Result<(), String> {
        let rgc = &self.functions;
        rgc.checked(|error| unsafe { (rgc.rgc_set_keyspace_gc_type)(self.gc, keyspace, RGC_GC_KEYSPACE_LEVEL, error) })
    }

    /// Moves a keyspace's safe point forward.
    pub fn advance(&self, keyspace: u32, ts: u64) -> Result<(), String> {
        let rgc = &self.functions;
        rgc.checked(|error| unsafe { (rgc.rgc_advance_keyspace_safe_point)(self.gc, keyspace, ts, error) })?;
        Ok(())
    }

    /// The stored key of a version of a RawKV row.
    pub fn raw_key(&self, keyspace: u32, row: &str, ts: u64) -> Result<Vec<u8>, String> {
        let rgc = &self.functions;
        let (row, row_len, mut len) = (row.as_ptr().cast(), row.len(), 0);
        let key =
            rgc.checked(|error| unsafe { (rgc.rgc_encode_key)(self.gc, RGC_MODE_RAW, keyspace, row, row_len, ts, &mut len, error) })?;
        unsafe {
            let bytes = std::slice::from_raw_parts(key.cast(), len).to_vec();
            (rgc.rgc_free)(key.cast());
            Ok(bytes)
        }
    }

    /// The filter of one compaction; `None` = the compaction keeps everything.
    pub fn filter(&self, is_full: bool, is_manual: bool) -> Option<Filter> {
        let compaction = Compaction {
            struct_size: size_of::<Compaction>(),
            is_full: is_full.into(),
            is_manual: is_manual.into(),
            // The `rocksdb` crate does not tell: -1 = unknown.
            is_bottommost: -1,
            start_level: -1,
            output_level: -1,
            column_family_id: 0,
            inputs: null(),
            num_inputs: 0,
        };
        let filter = unsafe { (self.functions.rgc_filter_create)(self.gc, RGC_KIND_RAW, &compaction, null_mut()) };
        (!filter.is_null()).then(|| Filter { functions: self.functions.clone(), filter })
    }

    pub fn stats(&self) -> Stats {
        let mut stats = Stats { struct_size: size_of::<Stats>(), ..Stats::default() };
        unsafe { (self.functions.rgc_stats)(self.gc, &mut stats) };
        stats
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // The library refuses only while a store is attached, and inside a callback.
        let destroyed = unsafe { (self.functions.rgc_destroy)(self.gc) };
        assert_eq!(destroyed, 1, "rgc_destroy was refused");
    }
}

/// An rgc_filter_t: belongs to the thread of its compaction.
pub struct Filter {
    functions: Arc<Functions>,
    filter: *mut c_void,
}

impl Filter {
    pub fn removes(&mut self, level: u32, key: &[u8], value: &[u8]) -> bool {
        let (key, key_len) = (key.as_ptr().cast(), key.len());
        let (value, value_len) = (value.as_ptr().cast(), value.len());
        // A host that cannot skip gives NULL for `skip_until`. The filter then never skips.
        let decision = unsafe {
            let level = level.cast_signed();
            (self.functions.rgc_filter_decide)(self.filter, level, RGC_VALUE, key, key_len, value, value_len, null_mut(), null_mut())
        };
        decision == RGC_REMOVE
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        unsafe { (self.functions.rgc_filter_destroy)(self.filter) }
    }
}

impl Functions {
    fn checked<T>(&self, call: impl FnOnce(Errptr) -> T) -> Result<T, String> {
        // SAFETY: a function of the library writes its errors, and rgc_free frees them.
        unsafe { checked(self.rgc_free, call) }
    }
}

/// Makes a call that writes an error's text to its argument, and gives the text to `free`.
///
/// # Safety
///
/// The call writes NULL, or a text that ends with NUL and that `free` may free.
pub unsafe fn checked<T>(free: unsafe extern "C" fn(*mut c_void), call: impl FnOnce(Errptr) -> T) -> Result<T, String> {
    let mut error = null_mut();
    let result = call(&mut error);
    if error.is_null() {
        return Ok(result);
    }
    // SAFETY: the caller's.
    unsafe {
        let text = CStr::from_ptr(error).to_string_lossy().into_owned();
        free(error.cast());
        Err(text)
    }
}
