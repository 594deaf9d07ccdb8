//! How a version goes: by a remove, which leaves a tombstone, or by a skip, which makes RocksDB seek.
//!
//! A skip drops the tombstones that it passes, and what they hid further down is alive again:
//!
//! ```text
//!   this run, L0 to L1                    below, in L6
//!   a @ 9  put           keep
//!   a @ 7  put           skip to the row's end ...
//!   a @ 5  tombstone     ... passes this                 a @ 5 put: alive again, and no longer hidden once a @ 9 goes
//! ```
//!
//! So it may pass other keys only where no tombstone can be lost: in a run that is known to write the last level, and in one
//! whose inputs hold no tombstone of any kind. A skip to the very next version passes no other key, but what it drops may
//! itself hide something under the same key, so above the last level only shadowed versions go that way.

use super::balance::Balance;
use super::bytes::append;
use crate::layout::{TIMESTAMP_LEN, Timestamp, append_timestamp, split_timestamp};
use crate::options::RemoveMode;
use std::time::Instant;

/// What is known of a run's level and of its inputs.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompactionContext {
    /// Does it write the last level?
    pub bottommost: Option<bool>,
    /// All inputs are known, and none holds a tombstone.
    pub no_tombstones: bool,
    /// RocksDB's id of the column family.
    pub column_family: Option<u32>,
}

/// How far a version's removal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Remove,
    Version,
    Row,
}

/// Chooses for one run.
pub(super) struct Removal {
    mode: RemoveMode,
    /// Of RawKV rows all versions behind one that goes go, too.
    whole_rows: bool,
    knowledge: CompactionContext,
    blobs: bool,
    balance: Balance,
    /// What RocksDB is to go on from.
    until: Vec<u8>,
}

impl Removal {
    pub(super) fn new(mode: RemoveMode, whole_rows: bool, knowledge: CompactionContext) -> Self {
        Self { mode, whole_rows, knowledge, blobs: false, balance: Balance::default(), until: Vec::new() }
    }

    pub(super) fn set_bottommost(&mut self, bottommost: Option<bool>) {
        self.knowledge.bottommost = bottommost;
    }

    pub(super) fn set_no_tombstones(&mut self, no_tombstones: bool) {
        self.knowledge.no_tombstones = no_tombstones;
    }

    /// Is it known that older versions may lie below?
    #[inline]
    pub(super) fn above_bottommost(&self) -> bool {
        self.knowledge.bottommost == Some(false)
    }

    /// Values lie in blob files: RocksDB walks where it would seek, to count what becomes garbage there.
    pub(super) fn saw_blobs(&mut self) {
        self.blobs = true;
    }

    /// Could any version go by a skip?
    #[inline]
    pub(super) fn may_skip(&self) -> bool {
        match self.mode {
            RemoveMode::Remove => false,
            RemoveMode::Skip => true,
            RemoveMode::Auto => (self.is_bottommost() || self.may_skip_rows()) && !self.blobs,
        }
    }

    fn is_bottommost(&self) -> bool {
        self.knowledge.bottommost == Some(true)
    }

    fn may_skip_rows(&self) -> bool {
        self.whole_rows && (self.is_bottommost() || self.knowledge.no_tombstones)
    }

    /// May what is dropped as a whole go by a skip?
    pub(super) fn may_skip_dropped(&self) -> bool {
        self.is_bottommost() && self.may_skip()
    }

    /// Everything before `end` goes with the key at hand. Without memory for its bytes there is no skip.
    pub(super) fn skip_to(&mut self, end: &[u8]) -> bool {
        self.until.clear();
        append(&mut self.until, end)
    }

    /// A version goes: by a skip? `kept` = how many versions the run has kept so far, which tells its rows apart.
    pub(super) fn skips(&mut self, key: &[u8], shadowed: bool, kept: u64) -> bool {
        let Some((row, ts)) = split_timestamp(key) else { return false };
        let reach = self.reach(ts, shadowed, kept);
        self.until.clear();
        // Without memory a remove does.
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

    /// RocksDB is back from the last verdict.
    #[inline]
    pub(super) fn next_key(&mut self) {
        self.balance.next_key(Instant::now);
    }

    /// What RocksDB is to go on from after a skip.
    pub(super) fn until(&self) -> &[u8] {
        &self.until
    }
}

/// Behind a row's stored key: right behind its version 0.
const ROW_END: [u8; TIMESTAMP_LEN + 1] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
