//! The log of the process: errors are written to standard error until the host sets a logger.

use crate::callback::{Slot, lock};
use crate::ffi::standard_error;
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

/// The severity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// The library has refused a call or given up work, and the host must act.
    Error = 1,
    /// Data are kept for a reason that an operator should know.
    Warn = 2,
    /// Rare events in the life of a context.
    Info = 3,
    /// One or two lines for each compaction run.
    Debug = 4,
}

/// A function that receives one line of text.
pub type Sink = dyn Fn(Level, &str) + Send + Sync;

static SINK: Slot<Sink> = Slot::new();
static MAX_LEVEL: AtomicU8 = AtomicU8::new(Level::Error as u8);

/// Replaces the sink for messages up to `max_level`; `None` means no messages. It waits until calls
/// of the earlier sink have ended.
pub fn set_sink(sink: Option<(Box<Sink>, Level)>) {
    // One thread at a time, so that each sink gets its own level.
    static SETTING: Mutex<()> = Mutex::new(());
    let _turn = lock(&SETTING);
    // No messages first, so that no message is passed to a sink with another sink's level.
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

/// Logs a line. The text is only built if it is written. Messages of the logger itself are dropped.
pub fn log(level: Level, message: impl FnOnce() -> String) {
    if level as u8 <= MAX_LEVEL.load(Ordering::Acquire) && !LOGGING.replace(true) {
        let _ended = Ended;
        let message = message();
        // Without a sink only errors arrive here, and messages during a replacement of the sink.
        if SINK.with(|sink| sink(level, &message)).is_none() && level == Level::Error {
            standard_error::write(&format!("rocks_gc: error: {message}\n"));
        }
    }
}

/// Marks the end of a message, also after a panic.
struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        LOGGING.set(false);
    }
}
