//! The rule for transactions: for records of the write column family. A filter keeps every record
//! above the safe point without reading it. It judges the others from the newest to the oldest. It
//! removes rollbacks and locks. It keeps the first put or delete, because readers at the safe point
//! see that record. This record *shadows* the records behind it, which are removed.
//!
//! ```text
//!   safe point 115
//!   k @ 130 P         keep: above
//!   k @ 115 R         remove: no data, and a record at the safe point is eligible
//!   k @ 110 D         keep, shadows; hand over: it can be removed after all older records
//!   k @ 100 P short   remove: shadowed
//!   k @  90 P long    keep; hand over: its value is in another column family, and both must be
//!                     removed together
//! ```
//!
//! A put whose GC fence is at or below the safe point is invisible to every legal read: it counts
//! as a delete.
//!
//! The shadow is stored as its timestamp, so the decision about the same key seen again is the
//! same.

use super::Verdict;
use crate::layout::append_timestamp;
use crate::layout::write_record::{WriteRecord, WriteType};

/// The content of a record, as the rule needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A put that holds its value.
    ShortPut,
    /// A put whose value is in the default column family.
    LongPut(LongValue),
    /// A delete; or a put with a passed fence that holds its value.
    Delete,
    /// A put with a passed fence whose value is in the default column family.
    FencedLongPut(LongValue),
    /// A rollback or a lock.
    NoData,
}

impl Record {
    /// The content of a record that is at or below the safe point.
    pub fn of(parsed: &WriteRecord, safe_point: u64) -> Self {
        let fence_passed = parsed.gc_fence != 0 && parsed.gc_fence <= safe_point;
        let long = LongValue { start_ts: parsed.start_ts };
        match (parsed.write_type, parsed.has_short_value) {
            (WriteType::Lock | WriteType::Rollback, _) => Self::NoData,
            (WriteType::Delete, _) => Self::Delete,
            (WriteType::Put, true) if fence_passed => Self::Delete,
            (WriteType::Put, false) if fence_passed => Self::FencedLongPut(long),
            (WriteType::Put, true) => Self::ShortPut,
            (WriteType::Put, false) => Self::LongPut(long),
        }
    }

    /// The value that must be removed together with the record.
    pub fn long_value(self) -> Option<LongValue> {
        match self {
            Self::LongPut(value) | Self::FencedLongPut(value) => Some(value),
            Self::ShortPut | Self::Delete | Self::NoData => None,
        }
    }

    /// Whether the record deletes the row.
    pub fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::FencedLongPut(_))
    }
}

/// The value of a long put, identified by the start of its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongValue {
    /// The timestamp in the value's key.
    pub start_ts: u64,
}

impl LongValue {
    /// The keys of the record and of its value, from the row and the commit timestamp.
    pub fn keys(self, row: &[u8], commit_ts: u64) -> (Vec<u8>, Vec<u8>) {
        [commit_ts, self.start_ts].map(|ts| with_timestamp(row, ts)).into()
    }
}

fn with_timestamp(row: &[u8], ts: u64) -> Vec<u8> {
    let mut key = row.to_vec();
    append_timestamp(&mut key, ts);
    key
}

/// The decision about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordVerdict {
    /// The record is kept.
    Keep,
    /// The record is removed.
    Remove,
    /// The record is kept until the worker removes it together with its value.
    LeaveToWorker(LongValue),
}

impl RecordVerdict {
    /// The decision of a filter, which keeps the worker's records.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Remove => Verdict::Remove,
            Self::Keep | Self::LeaveToWorker(_) => Verdict::Keep,
        }
    }
}

/// The part of a row that a filter has seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row {
    /// The commit timestamp of the shadow; 0 means none, because no record is older.
    shadow: u64,
    deleted: bool,
    shadows_long_value: bool,
}

impl Row {
    /// Decides about the next record, whose commit timestamp is at or below the safe point.
    pub fn judge(&mut self, commit_ts: u64, record: Record) -> RecordVerdict {
        if record == Record::NoData {
            return RecordVerdict::Remove;
        }
        if !self.shadows(commit_ts) {
            *self = Self { shadow: commit_ts, deleted: record.deletes(), shadows_long_value: false };
            return RecordVerdict::Keep;
        }
        match record.long_value() {
            Some(value) => {
                self.shadows_long_value = true;
                RecordVerdict::LeaveToWorker(value)
            }
            None => RecordVerdict::Remove,
        }
    }

    /// Whether a newer record of the row that is kept shadows this one.
    pub fn shadows(&self, commit_ts: u64) -> bool {
        commit_ts < self.shadow
    }

    /// Whether the first record with data is a delete.
    pub fn deleted(&self) -> bool {
        self.deleted
    }

    /// Whether the worker must look at the row, because its first record with data is a delete or a
    /// long value is shadowed.
    pub fn hand_over(&self) -> bool {
        self.deleted || self.shadows_long_value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Record::{Delete, NoData, ShortPut};

    fn long(start_ts: u64) -> Record {
        Record::LongPut(LongValue { start_ts })
    }

    fn fenced(start_ts: u64) -> Record {
        Record::FencedLongPut(LongValue { start_ts })
    }

    /// The decision about each record, the pairs of timestamps of keys for the worker, and whether
    /// the row is handed over.
    fn judge(records: &[(u64, Record)]) -> (String, Vec<(u64, u64)>, bool) {
        let mut row = Row::default();
        let mut pairs = Vec::new();
        let fates = records.iter().map(|&(commit_ts, record)| match row.judge(commit_ts, record) {
            RecordVerdict::Keep => 'k',
            RecordVerdict::Remove => 'r',
            RecordVerdict::LeaveToWorker(value) => {
                let (record_key, value_key) = value.keys(b"row", commit_ts);
                let ts = |key: Vec<u8>| !u64::from_be_bytes(*key.strip_prefix(b"row").unwrap().first_chunk().unwrap());
                pairs.push((ts(record_key), ts(value_key)));
                'w'
            }
        });
        (fates.collect(), pairs, row.hand_over())
    }

    /// TiKV's worked scenarios, without the records above the safe point. Here a shadowed long
    /// value is kept and returned with its record.
    #[test]
    fn worked_scenarios() {
        for (name, records, fates, pairs, hand_over) in [
            ("W1", &[(110, long(100))][..], "k", &[][..], false),
            ("W3", &[(130, long(120)), (110, long(100))], "kw", &[(110, 100)], true),
            ("W5", &[(130, long(120)), (110, ShortPut)], "kr", &[], false),
            ("W6", &[(130, Delete), (110, long(100))], "kw", &[(110, 100)], true),
            ("W7", &[(130, Delete)], "k", &[], true),
            ("leading records without data", &[(130, NoData), (120, NoData), (110, ShortPut), (100, NoData)], "rrkr", &[], false),
            ("a fenced put is a delete", &[(130, fenced(120)), (110, ShortPut)], "kr", &[], true),
            ("a shadowed fenced put takes its value along", &[(130, ShortPut), (110, fenced(100))], "kw", &[(110, 100)], true),
            ("deletes behind a put go", &[(130, ShortPut), (120, Delete), (110, ShortPut)], "krr", &[], false),
        ] {
            assert_eq!(judge(records), (fates.to_owned(), pairs.to_vec(), hand_over), "{name}");
        }
    }

    #[test]
    fn the_same_key_again_is_judged_as_the_first_time() {
        let twice = [(130, ShortPut), (130, ShortPut), (110, ShortPut), (110, ShortPut)];
        assert_eq!(judge(&twice).0, "kkrr");
        assert!(!judge(&[(130, Delete), (130, ShortPut)]).2, "the last one shown under a key counts");
    }
}
