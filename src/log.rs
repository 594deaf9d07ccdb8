//! The process-wide log: errors go to standard error until the host sets a logger.

use crate::callback::{Slot, lock};
use crate::ffi::standard_error;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Something was refused or given up that the host must mend.
    Error = 1,
    /// Data is kept for a reason that an operator should know.
    Warn = 2,
    /// Rare events in the life of a context.
    Info = 3,
    /// A line or two a run.
    Debug = 4,
}

/// Takes one line of text.
pub type Sink = dyn Fn(Level, &str) + Send + Sync;

static SINK: Slot<Sink> = Slot::new();
static MAX_LEVEL: AtomicU8 = AtomicU8::new(Level::Error as u8);

/// Replaces the sink for messages up to `max_level`; `None` is silence. Waits for calls of the one before.
pub fn set_sink(sink: Option<(Box<Sink>, Level)>) {
    // One after the other, so that a sink gets its own level.
    static SETTING: Mutex<()> = Mutex::new(());
    let _turn = lock(&SETTING);
    // First silence, so that no message meets a sink with the other's level.
    MAX_LEVEL.store(0, Ordering::Release);
    let (sink, level) = match sink {
        Some((sink, level)) => (Some(sink), level as u8),
        None => (None, 0),
    };
    SINK.replace(sink);
    MAX_LEVEL.store(level, Ordering::Release);
}

thread_local! {
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Logs a line that is only put together if somebody reads it. What the logger itself would log is lost.
pub fn log(level: Level, message: impl FnOnce() -> String) {
    if level as u8 <= MAX_LEVEL.load(Ordering::Acquire) && !LOGGING.replace(true) {
        let _ended = Ended;
        let message = message();
        // Without a sink only errors come here, but for what meets one that is just being replaced.
        if SINK.with(|sink| sink(level, &message)).is_none() && level == Level::Error {
            standard_error::write(&format!("rocks_gc: error: {message}\n"));
        }
    }
}

/// The end of a message, also by a panic.
struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        LOGGING.set(false);
    }
}
