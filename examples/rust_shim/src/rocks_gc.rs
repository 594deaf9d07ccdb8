//! What this host uses of rocks_gc.h, loaded at run time.

use libloading::Library;
use std::error::Error;
use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::ptr::null_mut;

const RGC_ABI_VERSION: u32 = 1;
pub const RGC_KIND_RAW: c_int = 17;
pub const RGC_GC_KEYSPACE_LEVEL: c_int = 1;
pub const RGC_MODE_RAW: c_int = b'r' as c_int;

type Errptr = *mut *mut c_char;

macro_rules! functions {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// Functions of librocks_gc, by their names.
        pub struct RocksGc {
            $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            _library: Library,
        }

        impl RocksGc {
            /// # Safety
            ///
            /// What lies there is safe to load.
            pub unsafe fn load(path: &str) -> Result<Self, Box<dyn Error>> {
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
    rgc_options_create() -> *mut c_void;
    rgc_options_parse(*mut c_void, *const c_char, Errptr);
    rgc_options_destroy(*mut c_void);
    rgc_create(*const c_void, Errptr) -> *mut c_void;
    rgc_destroy(*mut c_void) -> c_uchar;
    rgc_set_keyspace_gc_type(*mut c_void, u32, c_int, Errptr);
    rgc_advance_keyspace_safe_point(*mut c_void, u32, u64, Errptr) -> c_uchar;
    rgc_encode_key(*const c_void, c_int, u32, *const c_char, usize, u64, *mut usize, Errptr) -> *mut c_char;
    rgc_stats(*const c_void, *mut Stats);
}

/// The beginning of rgc_stats_t; the library fills no more than `struct_size`.
#[repr(C)]
#[derive(Default)]
pub struct Stats {
    struct_size: usize,
    pub runs_started: u64,
    pub filters_not_needed: u64,
    pub runs_closed: u64,
    pub kept: u64,
    pub removed: u64,
    pub skipped: u64,
}

impl Stats {
    pub fn new() -> Self {
        Self { struct_size: size_of::<Self>(), ..Self::default() }
    }
}

/// Makes a call that writes an error's text, which `free` takes back, to its argument.
pub fn checked<T>(free: unsafe extern "C" fn(*mut c_void), call: impl FnOnce(Errptr) -> T) -> Result<T, String> {
    let mut error = null_mut();
    let result = call(&mut error);
    if error.is_null() {
        return Ok(result);
    }
    // SAFETY: it was written by the call, ends with NUL, and is ours to give back.
    unsafe {
        let text = CStr::from_ptr(error).to_string_lossy().into_owned();
        free(error.cast());
        Err(text)
    }
}
