//! What the library logs. The logger is the process's, so tests that read it take turns.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "C calls of a test, with arguments that live long enough")]

use rocks_gc::ffi::{self, c};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

static TURN: Mutex<()> = Mutex::new(());
static LINES: Mutex<Vec<(u32, String)>> = Mutex::new(Vec::new());

fn lines() -> MutexGuard<'static, Vec<(u32, String)>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe extern "C" fn remember(_state: *mut c_void, level: c_int, message: *const c_char) {
    let message = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    lines().push((level as u32, message));
}

/// Remembers messages for as long as it lives.
pub struct Log(MutexGuard<'static, ()>);

impl Log {
    pub fn new(max_level: u32) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        lines().clear();
        unsafe { ffi::rgc_set_logger(Some(remember), null_mut(), max_level as c_int) };
        Self(turn)
    }

    /// Levels and texts of those that hold this text.
    pub fn with(&self, part: &str) -> Vec<(u32, String)> {
        lines().iter().filter(|(_, line)| line.contains(part)).cloned().collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        unsafe { ffi::rgc_set_logger(None, null_mut(), c::RGC_LOG_OFF as c_int) };
    }
}
