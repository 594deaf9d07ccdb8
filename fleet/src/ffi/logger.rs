//! Messages to the host's logger; to standard error until the host has set one.

use super::export::guarded;
use super::header::{self, rgc_log_fn};
use super::host::{calling, in_callback};
use std::ffi::{CString, c_int, c_void};
use std::fmt::{Debug, Write};
use std::sync::{PoisonError, RwLock};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The host's logger, and its state.
struct Logger {
    log: rgc_log_fn,
    state: *mut c_void,
}

// SAFETY: the header says that the logger may be called on any thread.
unsafe impl Send for Logger {}
// SAFETY: as above.
unsafe impl Sync for Logger {}

/// Where messages go, and up to which level.
enum Target {
    StandardError,
    Silence,
    Host(Logger, u32),
}

static TARGET: RwLock<Target> = RwLock::new(Target::StandardError);

/// Sends the messages of this library to the target. Once a process.
pub(super) fn install() {
    // Without success another subscriber of this library is there already: this one.
    let _ = tracing::subscriber::set_global_default(Messages);
}

struct Messages;

impl Subscriber for Messages {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("rocks_gc_fleet") && metadata.is_event()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let level = number(*event.metadata().level());
        let mut message = Message(String::new());
        event.record(&mut message);
        match &*TARGET.read().unwrap_or_else(PoisonError::into_inner) {
            Target::StandardError if level <= header::RGC_LOG_WARN => eprintln!("rocks_gc_fleet: {}", message.0),
            Target::Host(Logger { log: Some(log), state }, most) if level <= *most => {
                if let Ok(text) = CString::new(message.0) {
                    // SAFETY: the host's function with the host's state; the text lives for the call.
                    calling(|| unsafe { log(*state, level as c_int, text.as_ptr()) });
                }
            }
            _ => {}
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The text of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

fn number(level: Level) -> u32 {
    match level {
        Level::ERROR => header::RGC_LOG_ERROR,
        Level::WARN => header::RGC_LOG_WARN,
        Level::INFO => header::RGC_LOG_INFO,
        _ => header::RGC_LOG_DEBUG,
    }
}

/// Sets the logger of the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_fleet_set_logger(log: rgc_log_fn, state: *mut c_void, max_level: c_int) -> u8 {
    guarded("rgc_fleet_set_logger", 0, || {
        let level = u32::try_from(max_level).ok().filter(|level| *level <= header::RGC_LOG_DEBUG);
        let Some(level) = level.filter(|_| !in_callback()) else { return 0 };
        let target =
            if log.is_some() && level > header::RGC_LOG_OFF { Target::Host(Logger { log, state }, level) } else { Target::Silence };
        install();
        *TARGET.write().unwrap_or_else(PoisonError::into_inner) = target;
        1
    })
}
