//! The record of a destroyed range, or of a range whose destroy is pending.
//!
//! ```text
//! key    'd' | memcomparable(start) | memcomparable(end)
//! value  state: 0 started, 1 done, 2 cleared, 3 pending | flags: 1 reusable, 2 forced
//!        | keyspace u32, ffffffff none | started u64 | done u64
//!        | start len u32, start | end len u32, end
//!        | if cleared: the families to compact, as a record's families
//!        | if pending: after u64
//! ```
//!
//! The key holds the bounds, so a range has one record. Times are in Unix seconds; 0 means unknown.

use super::record::{
    NO_KEYSPACE, NamedFamily, Record, merge_families, put_bytes, put_families, take_bytes, take_families, take_keyspace, take_u64,
};
use crate::layout::{KeyspaceId, StoredRange, Timestamp, memcomparable};

/// The progress of a destroy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The destroy begins when the range's effective safe point is above this timestamp. Until then
    /// the range is in use.
    Pending(Timestamp),
    /// Keys of the range may still be visible. After a crash the destroy must be repeated.
    Started,
    /// No key of the range is visible, durably. Files of these families may still hold its keys;
    /// the worker compacts them.
    Cleared(Vec<NamedFamily>),
    /// The files are compacted.
    Done,
}

/// The record of a destroyed range, or of a range whose destroy is pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroyed {
    /// The half-open range of stored keys.
    pub range: StoredRange,
    /// The keyspace, if a whole keyspace was destroyed.
    pub keyspace: Option<KeyspaceId>,
    /// The progress of the destroy.
    pub progress: Progress,
    /// Whether the host may write into the range again when it is cleared. From then on the record
    /// only remembers the files to compact. It is deleted when they are compacted.
    pub reusable: bool,
    /// Whether a pending destroy begins although its keyspace is in use.
    pub forced: bool,
    /// The time when the destroy began, in Unix seconds.
    pub started_at: u64,
    /// The time when the range was cleared, in Unix seconds.
    pub cleared_at: u64,
    /// The column families that the record covers; an empty list means all.
    pub families: Vec<NamedFamily>,
}

impl Destroyed {
    /// Whether the range is cleared and has no debt.
    pub fn is_done(&self) -> bool {
        self.progress == Progress::Done
    }

    /// Whether keys of the range may still be visible.
    pub fn is_started(&self) -> bool {
        self.progress == Progress::Started
    }

    /// The timestamp that a pending destroy waits for.
    pub fn pending(&self) -> Option<Timestamp> {
        match self.progress {
            Progress::Pending(after) => Some(after),
            _ => None,
        }
    }

    /// The families whose files must be compacted, if any.
    pub fn to_compact(&self) -> Option<&[NamedFamily]> {
        match &self.progress {
            Progress::Cleared(families) => Some(families),
            _ => None,
        }
    }

    /// Whether filters remove the keys of the range.
    pub fn is_in_force(&self) -> bool {
        match self.progress {
            Progress::Pending(_) => false,
            Progress::Cleared(_) => !self.reusable,
            Progress::Started | Progress::Done => true,
        }
    }

    /// Makes the record cover these families too.
    pub fn cover(&mut self, families: Vec<NamedFamily>) {
        merge_families(&mut self.families, families);
    }

    /// The same record with this progress.
    pub fn with(self, progress: Progress) -> Self {
        Self { progress, ..self }
    }
}

pub(super) const TAG: u8 = b'd';
const REUSABLE: u8 = 1;
const FORCED: u8 = 2;

impl Record for Destroyed {
    fn key(&self, prefix: &[u8]) -> Vec<u8> {
        let mut key = [prefix, &[TAG]].concat();
        memcomparable::encode(&self.range.0, &mut key);
        memcomparable::encode(&self.range.1, &mut key);
        key
    }

    fn body(&self) -> Vec<u8> {
        let state = match self.progress {
            Progress::Started => 0,
            Progress::Done => 1,
            Progress::Cleared(_) => 2,
            Progress::Pending(_) => 3,
        };
        let flag = |on, flag| if on { flag } else { 0 };
        let mut body = vec![state, flag(self.reusable, REUSABLE) | flag(self.forced, FORCED)];
        body.extend_from_slice(&self.keyspace.map_or(NO_KEYSPACE, KeyspaceId::get).to_be_bytes());
        body.extend_from_slice(&self.started_at.to_be_bytes());
        body.extend_from_slice(&self.cleared_at.to_be_bytes());
        put_bytes(&self.range.0, &mut body);
        put_bytes(&self.range.1, &mut body);
        match &self.progress {
            Progress::Pending(after) => body.extend_from_slice(&after.to_be_bytes()),
            Progress::Cleared(families) => put_families(families, &mut body),
            Progress::Started | Progress::Done => {}
        }
        body
    }

    fn read(_name: &[u8], body: &[u8]) -> Option<Self> {
        let (&[state, flags], rest) = body.split_first_chunk()?;
        let (keyspace, rest) = take_keyspace(rest)?;
        let (started_at, rest) = take_u64(rest)?;
        let (cleared_at, rest) = take_u64(rest)?;
        let (start, rest) = take_bytes(rest)?;
        let (end, rest) = take_bytes(rest)?;
        let progress = match state {
            0 if rest.is_empty() => Progress::Started,
            1 if rest.is_empty() => Progress::Done,
            2 => Progress::Cleared(take_families(rest).filter(|families| !families.is_empty())?),
            3 => Progress::Pending(u64::from_be_bytes(rest.try_into().ok()?)),
            _ => return None,
        };
        let range = (start.to_vec(), end.to_vec());
        (flags & !(REUSABLE | FORCED) == 0 && start < end).then_some(Self {
            range,
            keyspace,
            progress,
            reusable: flags & REUSABLE != 0,
            forced: flags & FORCED != 0,
            started_at,
            cleared_at,
            families: Vec::new(),
        })
    }

    fn families(&mut self) -> &mut Vec<NamedFamily> {
        &mut self.families
    }

    /// A pending record is older than any other, so the other one wins. A record that only
    /// remembers a debt wins over one that is in force, because the host may use the range. If both
    /// are in force and one is not done, the destroy must be repeated.
    fn merge(&mut self, other: Self) {
        if *self == other || other.pending().is_some() {
            return;
        }
        if self.pending().is_some() || !other.is_in_force() {
            *self = other;
        } else if self.is_in_force() {
            if !(self.is_done() && other.is_done()) {
                self.progress = Progress::Started;
            }
            merge_families(&mut self.families, other.families);
        }
    }
}
