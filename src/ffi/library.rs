//! Version, memory and the log.

use super::c;
use super::handles::{done, refuse_inside_callback};
use crate::error::{Error, ErrorKind};
use crate::log::{self, Level};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::null;

export! {
    /// Returns the version of the ABI that this library implements.
    fn rgc_abi_version() -> u32, on error 0; { c::RGC_ABI_VERSION }
}

export! {
    /// Returns the version of this library.
    fn rgc_version() -> *const c_char, on error null(); { c::RGC_VERSION_STRING.as_ptr().cast() }
}

export! {
    /// Returns the kind of an error text.
    fn rgc_error_kind(error: *const c_char) -> c_int, on error c::RGC_ERROR_UNKNOWN as c_int; {
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
    }
}

export! {
    /// Frees memory that the library handed out.
    fn rgc_free(pointer: *mut c_void) -> (), on error (); {
        libc::free(pointer);
    }
}

export! {
    /// Sets the logger of the process.
    fn rgc_set_logger(logger: c::rgc_log_fn, state: *mut c_void, max_level: c_int) -> u8, on error 0; {
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
                    // SAFETY: the host's own function, with the state that belongs to it.
                    unsafe { logger(state.0, level as c_int, line.as_ptr()) };
                }
            });
            (sink, level)
        });
        log::set_sink(sink);
        1
    }
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

/// The state of a callback: a pointer that the host promises any thread may use.
pub(super) struct HostState(pub(super) *mut c_void);

// SAFETY: the header says that callbacks run on any thread, several at once.
unsafe impl Send for HostState {}
// SAFETY: the header says that callbacks run on any thread, several at once.
unsafe impl Sync for HostState {}
