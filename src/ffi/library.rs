//! Version, memory and the log.

use super::c;
use super::export::guarded;
use super::handles::{done, refuse_inside_callback};
use crate::error::{Error, ErrorKind};
use crate::log::{self, Level};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::null;

/// Returns the version of the ABI that this library implements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_abi_version() -> u32 {
    guarded("rgc_abi_version", 0, || c::RGC_ABI_VERSION)
}

/// Returns the version of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_version() -> *const c_char {
    guarded("rgc_version", null(), || c::RGC_VERSION_STRING.as_ptr().cast())
}

/// Returns the kind of an error text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_error_kind(error: *const c_char) -> c_int {
    // SAFETY: `error` is readable.
    guarded("rgc_error_kind", c::RGC_ERROR_UNKNOWN as c_int, || unsafe {
        if error.is_null() {
            return c::RGC_ERROR_NONE as c_int;
        }
        let kind = CStr::from_ptr(error).to_str().ok().and_then(ErrorKind::of_text);
        (match kind {
            None => c::RGC_ERROR_UNKNOWN,
            Some(ErrorKind::InvalidArgument) => c::RGC_ERROR_INVALID_ARGUMENT,
            Some(ErrorKind::NotFound) => c::RGC_ERROR_NOT_FOUND,
            Some(ErrorKind::NotSupported) => c::RGC_ERROR_NOT_SUPPORTED,
            Some(ErrorKind::Busy) => c::RGC_ERROR_BUSY,
            Some(ErrorKind::Corruption) => c::RGC_ERROR_CORRUPTION,
            Some(ErrorKind::IoError) => c::RGC_ERROR_IO,
            Some(ErrorKind::Aborted | ErrorKind::FamilyDropped | ErrorKind::ShutDown) => c::RGC_ERROR_ABORTED,
        }) as c_int
    })
}

/// Frees memory that the library handed out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_free(pointer: *mut c_void) {
    // SAFETY: `pointer` is NULL, or malloc'ed memory that the library returned; the host frees it
    // once and does not use it again.
    guarded("rgc_free", (), || unsafe {
        libc::free(pointer);
    })
}

/// Sets the logger of the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_set_logger(logger: c::rgc_log_fn, state: *mut c_void, max_level: c_int) -> u8 {
    guarded("rgc_set_logger", 0, || {
        let outcome = refuse_inside_callback("rgc_set_logger").and_then(|()| check_level(max_level));
        if outcome.is_err() {
            return done(outcome);
        }
        let sink = logger.zip(level(max_level)).map(|(logger, level)| {
            let state = HostState(state);
            let sink: Box<log::Sink> = Box::new(move |level, message| {
                let state = &state;
                let line: Vec<u8> = message.bytes().map(|byte| if byte == 0 { b'?' } else { byte }).collect();
                if let Ok(line) = CString::new(line) {
                    // SAFETY: the host gave this function for any thread, with the state that it
                    // expects. The host keeps the state until another logger is set, which waits
                    // for the last call. `line` lives until the function returns.
                    unsafe { logger(state.0, level as c_int, line.as_ptr()) };
                }
            });
            (sink, level)
        });
        log::set_sink(sink);
        1
    })
}

fn check_level(max_level: c_int) -> Result<(), Error> {
    if (c::RGC_LOG_OFF as c_int..=c::RGC_LOG_DEBUG as c_int).contains(&max_level) {
        return Ok(());
    }
    Err(Error::invalid(format!("rgc_set_logger: level {max_level} is unknown; give RGC_LOG_OFF (0) to RGC_LOG_DEBUG (4)")))
}

/// The level with this number; `None` means no messages.
fn level(max_level: c_int) -> Option<Level> {
    [Level::Error, Level::Warn, Level::Info, Level::Debug].into_iter().find(|level| *level as c_int == max_level)
}

/// The state of a callback. The library only passes it on.
pub(super) struct HostState(pub(super) *mut c_void);

// SAFETY: Rust never reads through the pointer. The host's function does, and the header tells the
// host that any thread calls it.
unsafe impl Send for HostState {}
// SAFETY: as for Send; and the header tells the host that several threads call it at once.
unsafe impl Sync for HostState {}
