//! How a filter removes a version: by a remove, which writes a tombstone, or by a skip, which makes
//! RocksDB seek.
//!
//! A skip drops the tombstones that it passes. The keys that they hid further down are visible
//! again:
//!
//! ```text
//!   this compaction, L0 to L1        below, in L6
//!   a @ 9  put        keep
//!   a @ 7  put        skip to the row's end ...
//!   a @ 5  tombstone  ... passes this     a @ 5 put: visible again when a @ 9 is removed
//! ```
//!
//! So a skip may pass other keys only if no tombstone can be lost: if the compaction is known to
//! write the bottommost level, or if its inputs hold no tombstone of any kind. A skip to the very
//! next version passes no other key. But the skipped version may itself hide a version with the
//! same key below. So above the bottommost level the filter skips only shadowed versions.

use super::balance::Balance;
use crate::layout::bytes::append;
use crate::layout::{TIMESTAMP_LEN, Timestamp, append_timestamp, split_timestamp};
use crate::options::RemoveMode;
use std::time::Instant;

/// What is known of a compaction's level and inputs.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompactionContext {
    /// Whether the compaction writes the bottommost level, if that is known.
    pub bottommost: Option<bool>,
    /// Whether all inputs are known to hold no tombstone.
    pub no_tombstones: bool,
    /// Whether all inputs are known to hold no transaction record whose value lies elsewhere or
    /// does not parse.
    pub all_values_in_records: bool,
    /// RocksDB's id of the column family, if it is known.
    pub column_family: Option<u32>,
}

/// The keys that the removal of a version removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Remove,
    Version,
    Row,
}

/// Selects how one filter removes versions.
pub struct Removal {
    mode: RemoveMode,
    /// Whether all versions behind a shadowed one are removed too, as in RawKV rows. Of a
    /// transaction's records that is so only if each holds its value.
    raw_rows: bool,
    compaction: CompactionContext,
    blobs: bool,
    balance: Balance,
    /// The key to which the last skip leads.
    until: Vec<u8>,
}

impl Removal {
    pub fn new(mode: RemoveMode, raw_rows: bool, compaction: CompactionContext) -> Self {
        Self { mode, raw_rows, compaction, blobs: false, balance: Balance::default(), until: Vec::new() }
    }

    pub fn set_bottommost(&mut self, bottommost: Option<bool>) {
        self.compaction.bottommost = bottommost;
    }

    pub fn set_inputs(&mut self, no_tombstones: bool, all_values_in_records: bool) {
        self.compaction.no_tombstones = no_tombstones;
        self.compaction.all_values_in_records = all_values_in_records;
    }

    /// Whether older versions are known to be possible below.
    #[inline]
    pub fn above_bottommost(&self) -> bool {
        self.compaction.bottommost == Some(false)
    }

    /// Remembers that values are in blob files. Then RocksDB reads key by key instead of seeking,
    /// to count the blob garbage.
    pub fn saw_blobs(&mut self) {
        self.blobs = true;
    }

    /// Whether any version may be removed by a skip.
    #[inline]
    pub fn may_skip(&self) -> bool {
        match self.mode {
            RemoveMode::Remove => false,
            RemoveMode::Skip => true,
            RemoveMode::Auto => (self.is_bottommost() || self.may_skip_rows()) && !self.blobs,
        }
    }

    fn is_bottommost(&self) -> bool {
        self.compaction.bottommost == Some(true)
    }

    fn may_skip_rows(&self) -> bool {
        (self.raw_rows || self.compaction.all_values_in_records) && (self.is_bottommost() || self.compaction.no_tombstones)
    }

    /// Whether dropped keys may be removed by a skip.
    pub fn may_skip_dropped(&self) -> bool {
        self.is_bottommost() && self.may_skip()
    }

    /// Skips to `end`. Without memory for its bytes there is no skip.
    pub fn skip_to(&mut self, end: &[u8]) -> bool {
        self.until.clear();
        append(&mut self.until, end)
    }

    /// Whether a version is removed by a skip. `kept` is the number of versions that the filter has
    /// kept so far; it identifies the row.
    pub fn skips(&mut self, key: &[u8], shadowed: bool, kept: u64) -> bool {
        let Some((row, ts)) = split_timestamp(key) else { return false };
        let reach = self.reach(ts, shadowed, kept);
        self.until.clear();
        // Without memory the version is removed by a remove.
        if reach == Reach::Remove || self.until.try_reserve(row.len() + ROW_END.len()).is_err() {
            return false;
        }
        self.until.extend_from_slice(row);
        if reach == Reach::Row {
            self.until.extend_from_slice(&ROW_END);
        } else {
            append_timestamp(&mut self.until, ts - 1);
        }
        true
    }

    fn reach(&mut self, ts: Timestamp, shadowed: bool, kept: u64) -> Reach {
        match self.mode {
            RemoveMode::Skip if shadowed && self.may_skip_rows() => Reach::Row,
            RemoveMode::Skip if ts > 0 && (shadowed || self.is_bottommost()) => Reach::Version,
            RemoveMode::Auto if shadowed && self.may_skip_rows() && !self.blobs && self.balance.seek_pays(kept, Instant::now) => Reach::Row,
            _ => Reach::Remove,
        }
    }

    /// Called when RocksDB returns with the next key.
    #[inline]
    pub fn next_key(&mut self) {
        self.balance.next_key(Instant::now);
    }

    /// The key to which the last skip leads.
    pub fn until(&self) -> &[u8] {
        &self.until
    }
}

/// The suffix of the key behind a row: it is right behind the row's version 0.
const ROW_END: [u8; TIMESTAMP_LEN + 1] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
