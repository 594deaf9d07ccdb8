//! Collecting now, the worker, and the debt.

use crate::Result;
use crate::abi;
use crate::gc::Gc;
use crate::library::start_of;
use std::ffi::CString;
use std::ptr::null;

macro_rules! report {
    ($($field:ident,)*) => {
        /// What [`Gc::collect`] did. The numbers are those of `rgc_collect_report_t`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[allow(missing_docs, reason = "the header documents the numbers")]
        pub struct CollectReport {
            $(pub $field: u64,)*
        }

        impl Gc {
            fn run_collect(
                &self,
                dry: bool,
                family: Option<&str>,
                (start, end): (&[u8], &[u8]),
                max_bytes: u64,
            ) -> Result<CollectReport> {
                let name = family.map(CString::new).transpose()?;
                let family = name.as_ref().map_or(null(), |name| name.as_ptr());
                let struct_size = size_of::<abi::CollectReport>();
                let mut report = abi::CollectReport { struct_size, $($field: 0,)* };
                self.library().checked(|rgc, error| {
                    let call = if dry { rgc.rgc_collect_dry_run } else { rgc.rgc_collect };
                    let (gc, out) = (self.as_ptr(), &raw mut report);
                    let (from, from_len) = (start_of(start), start.len());
                    let (to, to_len) = (start_of(end), end.len());
                    // SAFETY: the context lives, the name ends with NUL, and the bounds have so
                    // many bytes.
                    unsafe { call(gc, family, from, from_len, to, to_len, max_bytes, out, error) }
                })?;
                Ok(CollectReport { $($field: report.$field,)* })
            }
        }
    };
}

report! {
    files_considered, files_compacted, files_skipped, bytes_before, bytes_after, versions_removed,
    elapsed_microseconds, files_read, files_without_garbage, files_over_budget, files_with_figures,
    garbage_versions, garbage_bytes,
}

/// Files that may still hold keys of destroyed ranges, or of dropped or truncated schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Debt {
    /// Destroyed ranges and schemas whose files are not compacted.
    pub debts: u64,
    /// Files that may still hold their keys.
    pub files: u64,
    /// The bytes of these files.
    pub bytes: u64,
}

impl Gc {
    /// Collects garbage now, at every level, in one family or, with `None`, in those with the roles
    /// default and write. Empty bounds mean everything; `max_bytes` 0 means no limit.
    ///
    /// Errors: those of `rgc_collect`.
    pub fn collect(
        &self,
        family: Option<&str>,
        start: &[u8],
        end: &[u8],
        max_bytes: u64,
    ) -> Result<CollectReport> {
        self.run_collect(false, family, (start, end), max_bytes)
    }

    /// Tells what [`collect`](Self::collect) would do.
    ///
    /// Errors: those of `rgc_collect_dry_run`.
    pub fn collect_dry_run(
        &self,
        family: Option<&str>,
        start: &[u8],
        end: &[u8],
        max_bytes: u64,
    ) -> Result<CollectReport> {
        self.run_collect(true, family, (start, end), max_bytes)
    }

    /// The debt of this moment. The worker pays it.
    ///
    /// Errors: those of `rgc_debt`.
    pub fn debt(&self) -> Result<Debt> {
        let mut debt =
            abi::Debt { struct_size: size_of::<abi::Debt>(), debts: 0, files: 0, bytes: 0 };
        // SAFETY: the context lives.
        self.library()
            .checked(|rgc, error| unsafe { (rgc.rgc_debt)(self.as_ptr(), &raw mut debt, error) })?;
        Ok(Debt { debts: debt.debts, files: debt.files, bytes: debt.bytes })
    }

    /// The number of rows, debts and orders that wait for the worker.
    pub fn worker_pending(&self) -> usize {
        // SAFETY: the context lives.
        unsafe { (self.library().functions().rgc_worker_pending)(self.as_ptr()) }
    }

    /// Waits until nothing waits for the worker, at most so long. Returns how much still waits.
    ///
    /// Errors: those of `rgc_worker_drain`.
    pub fn worker_drain(&self, timeout: std::time::Duration) -> Result<usize> {
        let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        // SAFETY: the context lives.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_worker_drain)(self.as_ptr(), milliseconds, error)
        })
    }
}
