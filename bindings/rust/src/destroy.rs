//! Destroying ranges and keyspaces. It is permanent: the range is never read or written again (H3).

use crate::Result;
use crate::abi;
use crate::gc::Gc;
use crate::library::start_of;
use std::ffi::{c_char, c_int};
use std::ops::BitOr;
use std::ptr::null_mut;

/// Flags of a destroy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(c_int);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Also destroys a keyspace that is loaded as ENABLED or DISABLED.
    pub const FORCE: Self = Self(abi::RGC_DESTROY_FORCE);
    /// The range may be written again, with newer timestamps.
    pub const REUSABLE: Self = Self(abi::RGC_DESTROY_REUSABLE);
}

impl BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

macro_rules! report {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        /// What a destroy did.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct DestroyReport {
            $($(#[$doc])* pub $field: u64,)*
        }

        /// Makes a call that writes a report.
        pub(crate) fn reported<T>(
            gc: &Gc,
            call: impl FnOnce(&abi::Functions, *mut abi::DestroyReport, *mut *mut c_char) -> T,
        ) -> Result<(T, DestroyReport)> {
            let struct_size = size_of::<abi::DestroyReport>();
            let mut report = abi::DestroyReport { struct_size, $($field: 0,)* };
            let result = gc.library().checked(|rgc, error| call(rgc, &raw mut report, error))?;
            Ok((result, DestroyReport { $($field: report.$field,)* }))
        }
    };
}

report! {
    /// Whole files that were dropped.
    files_dropped,
    /// Their bytes.
    file_bytes_dropped,
    /// Keys that were deleted one by one.
    keys_deleted,
    /// Range tombstones that were written.
    range_tombstones,
    /// The time of dropping files.
    files_microseconds,
    /// The time of deleting keys.
    keys_microseconds,
    /// The time of compactions.
    compact_microseconds,
    /// Files that may still hold keys: the debt.
    files_left,
    /// Their bytes.
    file_bytes_left,
}

impl Gc {
    /// Destroys the stored range [start, end).
    ///
    /// Errors: those of `rgc_destroy_range`. What was recorded or deleted before an error remains
    /// so.
    pub fn destroy_range(&self, start: &[u8], end: &[u8], flags: Flags) -> Result<DestroyReport> {
        // SAFETY: the context lives, and the bounds have so many bytes.
        let call = reported(self, |rgc, report, error| unsafe {
            (rgc.rgc_destroy_range)(
                self.as_ptr(),
                start_of(start),
                start.len(),
                start_of(end),
                end.len(),
                flags.0,
                report,
                error,
            );
        });
        call.map(|((), report)| report)
    }

    /// Destroys several ranges, which costs less than one call for each.
    ///
    /// Errors: those of `rgc_destroy_ranges`; the text names the range by its index.
    pub fn destroy_ranges(&self, ranges: &[(&[u8], &[u8])], flags: Flags) -> Result<DestroyReport> {
        let ranges: Vec<abi::Range> = ranges
            .iter()
            .map(|(start, end)| abi::Range {
                struct_size: size_of::<abi::Range>(),
                start: start_of(start).cast_mut(),
                start_len: start.len(),
                end: start_of(end).cast_mut(),
                end_len: end.len(),
            })
            .collect();
        // SAFETY: the context lives, the array has so many elements, and the library only reads
        // the bounds.
        let call = reported(self, |rgc, report, error| unsafe {
            (rgc.rgc_destroy_ranges)(
                self.as_ptr(),
                ranges.as_ptr(),
                ranges.len(),
                flags.0,
                null_mut(),
                report,
                error,
            );
        });
        call.map(|((), report)| report)
    }

    /// Destroys everything of a keyspace.
    ///
    /// Errors: those of `rgc_destroy_keyspace`.
    pub fn destroy_keyspace(&self, keyspace: u32, flags: Flags) -> Result<DestroyReport> {
        // SAFETY: the context lives.
        let call = reported(self, |rgc, report, error| unsafe {
            (rgc.rgc_destroy_keyspace)(self.as_ptr(), keyspace, flags.0, report, error);
        });
        call.map(|((), report)| report)
    }

    /// Destroys everything of several keyspaces.
    ///
    /// Errors: those of `rgc_destroy_keyspaces`; the text names the keyspace.
    pub fn destroy_keyspaces(&self, keyspaces: &[u32], flags: Flags) -> Result<DestroyReport> {
        // SAFETY: the context lives, and the array has so many elements.
        let call = reported(self, |rgc, report, error| unsafe {
            let (all, n) = (keyspaces.as_ptr(), keyspaces.len());
            (rgc.rgc_destroy_keyspaces)(self.as_ptr(), all, n, flags.0, null_mut(), report, error);
        });
        call.map(|((), report)| report)
    }

    /// Destroys a range once the safe point of its keys is above `ts`.
    ///
    /// Errors: those of `rgc_destroy_range_after`.
    pub fn destroy_range_after(
        &self,
        start: &[u8],
        end: &[u8],
        ts: u64,
        flags: Flags,
    ) -> Result<()> {
        // SAFETY: the context lives, and the bounds have so many bytes.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_destroy_range_after)(
                self.as_ptr(),
                start_of(start),
                start.len(),
                start_of(end),
                end.len(),
                ts,
                flags.0,
                error,
            );
        })
    }

    /// Destroys a keyspace once its effective safe point is above `ts`.
    ///
    /// Errors: those of `rgc_destroy_keyspace_after`.
    pub fn destroy_keyspace_after(&self, keyspace: u32, ts: u64, flags: Flags) -> Result<()> {
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_destroy_keyspace_after)(self.as_ptr(), keyspace, ts, flags.0, error);
        })
    }

    /// Takes back a destroy of exactly this range that has not begun.
    ///
    /// Errors: those of `rgc_take_back_destroy_range`.
    pub fn take_back_destroy_range(&self, start: &[u8], end: &[u8]) -> Result<()> {
        // SAFETY: the context lives, and the bounds have so many bytes.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_take_back_destroy_range)(
                self.as_ptr(),
                start_of(start),
                start.len(),
                start_of(end),
                end.len(),
                error,
            );
        })
    }

    /// Takes back a destroy of a keyspace that has not begun.
    ///
    /// Errors: those of `rgc_take_back_destroy_keyspace`.
    pub fn take_back_destroy_keyspace(&self, keyspace: u32) -> Result<()> {
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_take_back_destroy_keyspace)(self.as_ptr(), keyspace, error)
        })
    }
}
