//! What one destroy or one collect call did.

use std::time::Duration;

/// What one destroy did.
#[derive(Debug, Clone, Copy, Default)]
pub struct DestroyReport {
    /// The number of files that were deleted as a whole.
    pub files_dropped: u64,
    /// The size of these files, in bytes.
    pub file_bytes_dropped: u64,
    /// The number of keys that were deleted by point tombstones.
    pub keys_deleted: u64,
    /// The number of range tombstones that were written.
    pub range_tombstones: u64,
    /// The debt: the number of files that may still hold keys of the ranges.
    pub files_left: u64,
    /// The size of these files, in bytes.
    pub file_bytes_left: u64,
    /// The duration of deleting whole files.
    pub files_time: Duration,
    /// The duration of deleting keys.
    pub keys_time: Duration,
    /// The duration of the flushes, and of the compactions of rows that a bound cuts.
    pub compact_time: Duration,
}

/// What one collect call did.
#[derive(Debug, Clone, Copy, Default)]
pub struct CollectReport {
    /// The number of files that overlap the range.
    pub files_considered: u64,
    /// The number of these files that were compacted.
    pub files_compacted: u64,
    /// The number of files whose range was read to find garbage.
    pub files_read: u64,
    /// The number of files whose figures their properties tell.
    pub files_with_figures: u64,
    /// The garbage in the compacted files, by their figures: the versions and their bytes.
    pub garbage: (u64, u64),
    /// The number of files that hold no garbage and were not compacted.
    pub files_without_garbage: u64,
    /// The number of files that were not compacted because of the budget.
    pub files_over_budget: u64,
    /// The size of the files in the range before the call, in bytes.
    pub bytes_before: u64,
    /// The size of the files in the range after the call, in bytes.
    pub bytes_after: u64,
    /// The number of entries in these files that the call removed.
    pub versions_removed: u64,
    /// The duration of the whole call.
    pub elapsed: Duration,
}
