//! What the worker does when a step fails: how loudly it says so, and when it tries again.

use crate::error::{Error, ErrorKind};
use crate::log::Level;
use std::time::Duration;

/// The pause after the host has dropped a family that the step needs. Nothing but a new attach
/// brings it back.
const NEEDS_HOST: Duration = Duration::from_secs(60);

/// The level of the message about a step that failed.
pub fn level(error: &Error) -> Level {
    match error.kind() {
        // The store stalls, is busy with other compactions, or is being detached.
        ErrorKind::Busy | ErrorKind::Aborted => Level::Debug,
        // Hosts may drop families.
        ErrorKind::FamilyDropped => Level::Warn,
        _ => Level::Error,
    }
}

/// The pause before the next attempt, which is `usual` if time alone may help.
pub fn pause(error: &Error, usual: Duration) -> Duration {
    if error.kind() == ErrorKind::FamilyDropped { NEEDS_HOST } else { usual }
}
