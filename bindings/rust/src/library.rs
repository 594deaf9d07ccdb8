//! The loaded library.

use crate::abi::{self, Functions};
use crate::callbacks;
use crate::error::{Error, ErrorKind};
use crate::{Result, bytes};
use std::error::Error as _;
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// Levels of the log, from errors to one or two lines per filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum LogLevel {
    /// Something was refused or given up, and the host must mend it.
    Error = abi::RGC_LOG_ERROR,
    /// Something that an operator should look at.
    Warn = abi::RGC_LOG_WARN,
    /// What changed.
    Info = abi::RGC_LOG_INFO,
    /// What each filter did.
    Debug = abi::RGC_LOG_DEBUG,
}

impl LogLevel {
    pub(crate) fn of(number: c_int) -> Self {
        match number {
            abi::RGC_LOG_ERROR => Self::Error,
            abi::RGC_LOG_WARN => Self::Warn,
            abi::RGC_LOG_INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// `librocks_gc.so`, loaded. A clone is the same library. It stays loaded for the life of the
/// process.
#[derive(Clone)]
pub struct Library {
    functions: Arc<Functions>,
    path: Arc<CStr>,
}

impl fmt::Debug for Library {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Library").field(&self.path).finish()
    }
}

impl Library {
    /// Loads the library by a path, or by its SONAME `librocks_gc.so.1`.
    ///
    /// The file must be `librocks_gc.so`: a file that is something else runs what it has to run
    /// when it is loaded, as with dlopen.
    ///
    /// Errors: Not found: it cannot be loaded; Not supported: it is not `librocks_gc.so`, or has
    /// another ABI.
    pub fn load(path: impl AsRef<OsStr>) -> Result<Self> {
        let path = path.as_ref();
        let not_found = |why: String| {
            let text = format!("Not found: {path:?} cannot be loaded: {why}");
            Error::new(ErrorKind::NotFound, text)
        };
        let not_supported = |why: String| {
            Error::new(ErrorKind::NotSupported, format!("Not supported: {path:?} {why}"))
        };
        if path.is_empty() {
            return Err(not_found("name the library".to_owned()));
        }
        // SAFETY: the library's initialisers do nothing but what Rust's runtime needs. The caller
        // names the library.
        let library = unsafe { libloading::Library::new(path) }.map_err(|error| {
            not_found(error.source().map_or_else(|| error.to_string(), ToString::to_string))
        })?;
        // SAFETY: in every version of the library the function has this type.
        let abi = match unsafe { library.get::<unsafe extern "C" fn() -> u32>("rgc_abi_version") } {
            // SAFETY: the same.
            Ok(abi_version) => unsafe { abi_version() },
            Err(_) => {
                let why = "is not librocks_gc: it lacks rgc_abi_version";
                return Err(not_supported(why.to_owned()));
            }
        };
        if abi != abi::RGC_ABI_VERSION {
            return Err(not_supported(format!(
                "has ABI version {abi}, and this crate has {}; use the crate and the library of \
                 one release",
                abi::RGC_ABI_VERSION
            )));
        }
        // SAFETY: the ABI is that of the table, and the library is never closed, see below.
        let functions = unsafe { Functions::find(&library) }
            .map_err(|missing| not_supported(format!("lacks {missing}; use a later one")))?;
        std::mem::forget(library);
        Ok(Self { functions: Arc::new(functions), path: CString::new(path.as_bytes())?.into() })
    }

    /// The path that the library was loaded from.
    pub fn path(&self) -> &CStr {
        &self.path
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// The version of the library, for example "0.1.0".
    pub fn version(&self) -> String {
        // SAFETY: the text is static.
        unsafe { bytes::text((self.functions.rgc_version)()) }
    }

    /// One line for each option: name, default, values, meaning.
    pub fn options_description(&self) -> String {
        // SAFETY: the library returns a text for rgc_free.
        unsafe { self.take_text((self.functions.rgc_options_describe)()) }
    }

    /// Sets the logger of the process, for messages up to `level`. The library calls it from any
    /// thread, and from several at once. A panic of the logger loses the message. Loggers are never
    /// freed.
    ///
    /// Errors: Busy: inside a logger or a clock.
    pub fn set_logger(
        &self,
        level: LogLevel,
        logger: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Result<()> {
        // Not freed: another Library may be the same one, and set the logger too.
        let logger: callbacks::Logger = Box::new(logger);
        let logger: &'static callbacks::Logger = Box::leak(Box::new(logger));
        // SAFETY: the state is what `log` expects, and is never freed.
        let is_set = unsafe {
            (self.functions.rgc_set_logger)(
                Some(callbacks::log),
                std::ptr::from_ref(logger).cast_mut().cast(),
                level as c_int,
            )
        };
        if is_set != 0 { Ok(()) } else { Err(Error::refused("rgc_set_logger")) }
    }

    /// Ends logging.
    ///
    /// Errors: Busy: inside a logger or a clock.
    pub fn set_silent(&self) -> Result<()> {
        // SAFETY: without a logger there is no state.
        let is_set = unsafe { (self.functions.rgc_set_logger)(None, null_mut(), abi::RGC_LOG_OFF) };
        if is_set != 0 { Ok(()) } else { Err(Error::refused("rgc_set_logger")) }
    }

    /// Makes a call whose last argument is errptr.
    pub(crate) fn checked<T>(
        &self,
        call: impl FnOnce(&Functions, *mut *mut c_char) -> T,
    ) -> Result<T> {
        let mut error: *mut c_char = null_mut();
        let result = call(&self.functions, &mut error);
        if error.is_null() {
            return Ok(result);
        }
        // SAFETY: the library wrote a text for rgc_free.
        let kind = ErrorKind::of(unsafe { (self.functions.rgc_error_kind)(error) });
        // SAFETY: the same.
        Err(Error::new(kind, unsafe { self.take_text(error) }))
    }
}

/// Where bytes begin. The library reads NULL with length 0 as empty, and needs no pointer then.
pub(crate) fn start_of(bytes: &[u8]) -> *const c_char {
    if bytes.is_empty() { null() } else { bytes.as_ptr().cast() }
}
