//! What this host uses of rocks_gc.h, loaded at run time, behind safe types.

use libloading::Library;
use std::error::Error;
use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;

const RGC_ABI_VERSION: u32 = 1;
const RGC_KIND_RAW: c_int = 17;
const RGC_GC_KEYSPACE_LEVEL: c_int = 1;
const RGC_MODE_RAW: c_int = b'r' as c_int;
const RGC_VALUE: c_int = 0;
const RGC_REMOVE: c_int = 1;
const RGC_REMOVE_AND_SKIP_UNTIL: c_int = 2;

type Errptr = *mut *mut c_char;

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
            /// What lies there is safe to load.
            unsafe fn load(path: &str) -> Result<Self, Box<dyn Error>> {
                // SAFETY: the caller's; librocks_gc has its functions as rocks_gc.h says, for one ABI version.
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

/// The beginning of rgc_stats_t; the library fills no more than `struct_size`.
#[repr(C)]
#[derive(Default)]
struct Stats {
    struct_size: usize,
    runs: [u64; 3],
    kept: u64,
    removed: u64,
}

/// An rgc_t: one for each DB.
pub struct Context {
    functions: Arc<Functions>,
    gc: *mut c_void,
}

// SAFETY: rocks_gc.h: shared by any number of threads.
unsafe impl Send for Context {}
// SAFETY: the same.
unsafe impl Sync for Context {}

impl Context {
    /// # Safety
    ///
    /// What lies there is safe to load.
    pub unsafe fn load(path: &str) -> Result<Self, Box<dyn Error>> {
        let functions = Arc::new(unsafe { Functions::load(path)? });
        // SAFETY, from here on: handles live as long as what holds them, and bytes until the call returns.
        let gc = functions.checked(|error| unsafe { (functions.rgc_create)(null(), error) })?;
        Ok(Self { functions, gc })
    }

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

    /// The judge of one compaction; none if there is nothing to judge. An error (there is none here) goes to the library's log.
    pub fn run(&self, is_full: bool, is_manual: bool) -> Option<Run> {
        let compaction = Compaction {
            struct_size: size_of::<Compaction>(),
            is_full: is_full.into(),
            is_manual: is_manual.into(),
            // The crate does not tell: -1 = unknown.
            is_bottommost: -1,
            start_level: -1,
            output_level: -1,
            column_family_id: 0,
            inputs: null(),
            num_inputs: 0,
        };
        let run = unsafe { (self.functions.rgc_filter_create)(self.gc, RGC_KIND_RAW, &compaction, null_mut()) };
        (!run.is_null()).then(|| Run { functions: self.functions.clone(), run })
    }

    pub fn removed(&self) -> u64 {
        let mut stats = Stats { struct_size: size_of::<Stats>(), ..Stats::default() };
        unsafe { (self.functions.rgc_stats)(self.gc, &mut stats) };
        stats.removed
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // Refused only with a store attached, or inside a callback: neither is here.
        let destroyed = unsafe { (self.functions.rgc_destroy)(self.gc) };
        assert_eq!(destroyed, 1, "rgc_destroy was refused");
    }
}

/// An rgc_filter_t: belongs to the thread of its compaction.
pub struct Run {
    functions: Arc<Functions>,
    run: *mut c_void,
}

impl Run {
    pub fn removes(&mut self, level: u32, key: &[u8], value: &[u8]) -> bool {
        let (key, key_len) = (key.as_ptr().cast(), key.len());
        let (value, value_len) = (value.as_ptr().cast(), value.len());
        // Who cannot skip gives NULL for where to, and is never told to; if he were, a remove would do.
        let decision = unsafe {
            let level = level.cast_signed();
            (self.functions.rgc_filter_decide)(self.run, level, RGC_VALUE, key, key_len, value, value_len, null_mut(), null_mut())
        };
        matches!(decision, RGC_REMOVE | RGC_REMOVE_AND_SKIP_UNTIL)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        unsafe { (self.functions.rgc_filter_destroy)(self.run) }
    }
}

impl Functions {
    /// Makes a call that writes an error's text to its argument.
    fn checked<T>(&self, call: impl FnOnce(Errptr) -> T) -> Result<T, String> {
        let mut error = null_mut();
        let result = call(&mut error);
        if error.is_null() {
            return Ok(result);
        }
        // SAFETY: it was written by the call, ends with NUL, and is ours to give back.
        unsafe {
            let text = CStr::from_ptr(error).to_string_lossy().into_owned();
            (self.rgc_free)(error.cast());
            Err(text)
        }
    }
}
