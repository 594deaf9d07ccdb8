//! The records of destroyed ranges.

use crate::Result;
use crate::abi;
use crate::bytes;
use crate::callbacks::Collected;
use crate::destroy::{DestroyReport, reported};
use crate::gc::Gc;
use crate::library::start_of;
use std::ffi::c_int;

/// The state of the record of a destroyed range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum DestroyState {
    /// The destroy begins later; the range is in use.
    Pending = abi::RGC_DESTROY_PENDING,
    /// Keys are being removed.
    Started = abi::RGC_DESTROY_STARTED,
    /// No key is visible, durably; some files may still hold keys.
    Cleared = abi::RGC_DESTROY_CLEARED,
    /// The worker has compacted these files.
    Done = abi::RGC_DESTROY_DONE,
}

impl DestroyState {
    fn of(number: c_int) -> Self {
        match number {
            abi::RGC_DESTROY_PENDING => Self::Pending,
            abi::RGC_DESTROY_CLEARED => Self::Cleared,
            abi::RGC_DESTROY_DONE => Self::Done,
            _ => Self::Started,
        }
    }
}

/// A destroyed range whose record exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroyed {
    /// The first key.
    pub start: Vec<u8>,
    /// The key behind the last one.
    pub end: Vec<u8>,
    /// [`KEYSPACE_NONE`](crate::KEYSPACE_NONE) for a plain range.
    pub keyspace: u32,
    /// The state.
    pub state: DestroyState,
    /// When the destroy began; 0 means not known.
    pub started_unix_seconds: u64,
    /// When the range was cleared; 0 means not known, or not yet.
    pub done_unix_seconds: u64,
    /// Keys that filters dropped after the range was done, since attach.
    pub late_keys_dropped: u64,
    /// The timestamp that a pending destroy waits for, else 0.
    pub pending_ts: u64,
}

impl Gc {
    /// Destroys once more the ranges that were cleared long enough ago. Returns how many records
    /// were removed.
    ///
    /// Errors: those of `rgc_recheck_destroyed`.
    pub fn recheck_destroyed(&self, now_unix_seconds: u64) -> Result<(usize, DestroyReport)> {
        // SAFETY: the context lives.
        reported(self, |rgc, report, error| unsafe {
            (rgc.rgc_recheck_destroyed)(self.as_ptr(), now_unix_seconds, report, error)
        })
    }

    /// Destroys one of these ranges once more, whatever its age.
    ///
    /// Errors: those of `rgc_recheck_destroyed_range`.
    pub fn recheck_destroyed_range(&self, start: &[u8], end: &[u8]) -> Result<DestroyReport> {
        // SAFETY: the context lives, and the bounds have so many bytes.
        let call = reported(self, |rgc, report, error| unsafe {
            (rgc.rgc_recheck_destroyed_range)(
                self.as_ptr(),
                start_of(start),
                start.len(),
                start_of(end),
                end.len(),
                report,
                error,
            );
        });
        call.map(|((), report)| report)
    }

    /// Removes the record of exactly this range, so that the host may write into it again (H3).
    ///
    /// Errors: those of `rgc_release_destroyed`.
    pub fn release_destroyed(&self, start: &[u8], end: &[u8]) -> Result<()> {
        // SAFETY: the context lives, and the bounds have so many bytes.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_release_destroyed)(
                self.as_ptr(),
                start_of(start),
                start.len(),
                start_of(end),
                end.len(),
                error,
            );
        })
    }

    /// Reads the ledger anew, after replication has changed it.
    ///
    /// Errors: those of `rgc_reload_ledger`.
    pub fn reload_ledger(&self) -> Result<()> {
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_reload_ledger)(self.as_ptr(), error);
        })
    }

    /// The number of records of destroyed ranges.
    pub fn destroyed_count(&self) -> usize {
        // SAFETY: the context lives.
        unsafe { (self.library().functions().rgc_destroyed_count)(self.as_ptr()) }
    }

    /// The records of destroyed ranges, ordered by start.
    pub fn destroyed(&self) -> Vec<Destroyed> {
        let mut collected = Collected { all: Vec::new(), of: destroyed };
        self.list(&mut collected, |rgc, gc, each, state| {
            // SAFETY: the context lives, and `each` reads this state.
            unsafe { (rgc.rgc_destroyed_foreach)(gc, each, state) }
        });
        collected.all
    }
}

fn destroyed(info: &abi::DestroyedInfo) -> Destroyed {
    // SAFETY: the library lends so many bytes.
    let (start, end) =
        unsafe { (bytes::bytes(info.start, info.start_len), bytes::bytes(info.end, info.end_len)) };
    Destroyed {
        start,
        end,
        keyspace: info.keyspace,
        state: DestroyState::of(info.state),
        started_unix_seconds: info.started_unix_seconds,
        done_unix_seconds: info.done_unix_seconds,
        late_keys_dropped: info.late_keys_dropped,
        pending_ts: info.pending_ts,
    }
}
