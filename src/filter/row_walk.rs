//! The walk over rows, version by version from the newest, in the order of their keys. A filter
//! walks over the keys of its compaction, and collecting walks over the keys of a file.
//!
//! The walk remembers the last key, which is enough to check the order of keys and to find the ends
//! of rows, and the state of the last key's row. It judges a row only if its keyspace is collected
//! and its whole key matches the layout. Every other key is kept by itself, as part of no row:
//!
//! ```text
//!   r 000001 "a" @ 9   first of its row: owner -> safe point (once for all keys of one owner that
//!                      follow each other), encoding checked
//!   r 000001 "a" @ 7   same bytes up to the timestamp: same row, no lookup
//!   r 000001 "b" @ 9   another row: "a" ends (if it is dead, it is handed over), same owner
//!   r 000002 ...       another owner
//! ```

use super::keyspace_span::{KeyspaceSpan, RowTreatment};
use crate::layout::bytes::{append, common_prefix};
use crate::layout::raw_value::RawValue;
use crate::layout::write_record::WriteRecord;
use crate::layout::{KeyOwner, TIMESTAMP_LEN, Timestamp, split_timestamp};
use crate::rule::Verdict;
use crate::rule::expiry::ExpiredUpTo;
use crate::rule::raw::{self, Death, History};
use crate::rule::txn::{self, Record, RecordVerdict};
use crate::shared::{FilterKind, Shared};

/// The value that RocksDB passes with a key.
#[derive(Debug, Clone, Copy)]
pub enum ValueView<'v> {
    /// A value.
    Value(&'v [u8]),
    /// A value that was not read.
    ValueElsewhere,
    /// A merge operand, wide columns, or an unknown type.
    Other,
}

/// The row of the last key.
#[derive(Clone, Copy)]
pub enum RowState {
    /// No row: the key was kept by itself.
    Nothing,
    /// A RawKV row that is judged.
    Raw(raw::Row),
    /// A RawKV row that is judged without the fast cases: a part of it is destroyed, or its schema
    /// is unknown.
    RawOneByOne(raw::Row),
    /// A row of write records that is judged.
    Txn(txn::Row),
    /// A row whose remaining versions are kept, because a value did not parse.
    Closed,
}

/// The decision about one version.
#[derive(Clone, Copy)]
pub struct Judged {
    /// The decision of a filter.
    pub verdict: Verdict,
    /// Whether the worker removes the version, which the filter keeps.
    pub left_to_worker: bool,
    /// Whether the value does not parse, or has an unknown part.
    pub unparsed: bool,
}

impl Judged {
    const KEEP: Self = Self { verdict: Verdict::Keep, left_to_worker: false, unparsed: false };
    const UNPARSED: Self = Self { unparsed: true, ..Self::KEEP };
}

/// The end of a row.
#[derive(Default)]
pub struct EndedRow {
    /// The reason why the row is dead below the safe point, if it is.
    pub death: Option<Death>,
    /// Whether the worker must look at the row.
    pub hand_over: bool,
}

/// The state of the walk.
pub struct RowWalk {
    pub(super) state: RowState,
    pub(super) last_key: Vec<u8>,
    pub(super) last_ts: Timestamp,
    pub(super) span: KeyspaceSpan,
    pub(super) expired: ExpiredUpTo,
    pub(super) history: History,
    /// The number of bytes that two keys must share to have the same owner in the fast case. It is
    /// `usize::MAX` if a destroyed range is near.
    pub(super) owner_len: usize,
    kind: FilterKind,
}

impl RowWalk {
    /// A walk over keys of this kind. `generation` is the one of the destroyed ranges in use.
    pub fn new(shared: &Shared, kind: FilterKind, generation: u64) -> Self {
        Self {
            state: RowState::Nothing,
            last_key: Vec::new(),
            last_ts: 0,
            span: KeyspaceSpan::before_all(generation),
            expired: ExpiredUpTo::new(shared.clock.now(), shared.ttl_grace_seconds),
            history: shared.history,
            owner_len: usize::MAX,
            kind,
        }
    }

    /// The last key.
    pub fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// The owner of the last row.
    pub fn owner(&self) -> KeyOwner {
        self.span.owner
    }

    /// Whether the last key is a version of a RawKV row that is judged.
    pub fn is_in_raw_row(&self) -> bool {
        matches!(self.state, RowState::Raw(_) | RowState::RawOneByOne(_))
    }

    /// The values that have expired.
    pub fn expired(&self) -> ExpiredUpTo {
        self.expired
    }

    /// The number of leading bytes that the key has in common with the last one, or `None` if it is
    /// before the last one.
    pub fn compare(&mut self, key: &[u8]) -> Option<usize> {
        self.write_last_timestamp();
        let shared = common_prefix(key, &self.last_key);
        (key.get(shared) >= self.last_key.get(shared)).then_some(shared)
    }

    /// Whether a key with these leading bytes of the last key continues the row of the last key.
    pub fn is_same_row(&self, key: &[u8], shared: usize) -> bool {
        let in_a_row = !matches!(self.state, RowState::Nothing);
        in_a_row && key.len() == self.last_key.len() && shared + TIMESTAMP_LEN >= key.len()
    }

    /// Remembers the key as the last one. Returns false if there is no memory for it.
    pub fn remember(&mut self, key: &[u8], shared: usize) -> bool {
        self.last_key.truncate(shared);
        append(&mut self.last_key, key.get(shared..).unwrap_or_default())
    }

    /// Begins the row of the last key. Returns how rows of its owner are treated; the row may not
    /// match the layout.
    pub fn begin_row(&mut self, shared: &Shared, generation: u64) -> RowTreatment {
        self.span = self.span.at(shared, self.kind, shared.layout.owner(&self.last_key), generation);
        if self.span.rows != RowTreatment::Judge {
            return self.span.rows;
        }
        if shared.layout.row(&self.last_key).is_err() {
            return RowTreatment::NotOfTheLayout;
        }
        self.state = match self.kind {
            FilterKind::Write => RowState::Txn(txn::Row::default()),
            _ => RowState::Raw(raw::Row::default()),
        };
        RowTreatment::Judge
    }

    /// Forgets the row of the last key.
    pub fn forget_row(&mut self) {
        self.state = RowState::Nothing;
    }

    /// Passes a version that was dropped, and leaves no trace in its row.
    pub fn pass_dropped(&mut self) {
        self.last_ts = split_timestamp(&self.last_key).map_or(0, |(_, ts)| ts);
    }

    /// Excludes the row of the last key from the fast cases.
    pub fn judge_one_by_one(&mut self) {
        if let RowState::Raw(row) = self.state {
            self.state = RowState::RawOneByOne(row);
        }
    }

    /// Writes the last version's timestamp into the bytes of the last key. While a RawKV row is
    /// judged, it is kept only as a number.
    #[inline]
    pub fn write_last_timestamp(&mut self) {
        if let (RowState::Raw(_), Some(ts)) = (self.state, self.last_key.last_chunk_mut()) {
            *ts = (!self.last_ts).to_be_bytes();
        }
    }

    /// Decides about the version of the last key.
    pub fn judge(&mut self, shown: ValueView<'_>) -> Judged {
        let Some((_, ts)) = split_timestamp(&self.last_key) else { return Judged::KEEP };
        match self.state {
            RowState::Raw(_) | RowState::RawOneByOne(_) => self.judge_raw(ts, shown),
            RowState::Txn(_) if ts <= self.span.safe_point => self.judge_record(ts, shown),
            _ => Judged::KEEP,
        }
    }

    fn judge_raw(&mut self, ts: Timestamp, shown: ValueView<'_>) -> Judged {
        let (RowState::Raw(row) | RowState::RawOneByOne(row)) = &mut self.state else { return Judged::KEEP };
        self.last_ts = ts;
        let death = match shown {
            ValueView::Value(value) => match RawValue::parse_v2(value) {
                Ok(value) => Death::of(value.delete_mark, value.expire_ts, self.expired),
                Err(_) => return self.close_row(),
            },
            ValueView::ValueElsewhere => None,
            ValueView::Other => return Judged::KEEP,
        };
        let verdict = row.judge(ts, death, self.span.safe_point, self.history);
        Judged { verdict, ..Judged::KEEP }
    }

    /// Decides about a write record at or below the safe point. A record whose value was not read
    /// is kept, and shadows nothing.
    fn judge_record(&mut self, commit_ts: Timestamp, shown: ValueView<'_>) -> Judged {
        let (RowState::Txn(row), ValueView::Value(bytes)) = (&mut self.state, shown) else { return Judged::KEEP };
        let Ok(parsed) = WriteRecord::parse(bytes) else { return self.close_row() };
        let judged = row.judge(commit_ts, Record::of(&parsed, self.span.safe_point));
        let left_to_worker = matches!(judged, RecordVerdict::LeaveToWorker(_));
        Judged { verdict: judged.verdict(), left_to_worker, unparsed: parsed.has_unknown_tag }
    }

    /// Closes the row after a value that does not parse: its remaining versions are kept.
    fn close_row(&mut self) -> Judged {
        self.state = RowState::Closed;
        Judged::UNPARSED
    }

    /// Whether a version of the row that is kept shadows the version of this key.
    pub fn shadows(&self, key: &[u8]) -> bool {
        match (&self.state, split_timestamp(key)) {
            (RowState::Txn(row), Some((_, commit_ts))) => row.shadows(commit_ts),
            _ => true,
        }
    }

    /// Whether the decision on the next key needs its value. The only state that changes is the
    /// timestamp in the last key's bytes.
    pub fn needs_value(&mut self, shared: &Shared, generation: u64, key: &[u8]) -> bool {
        let Some((row, ts)) = split_timestamp(key) else { return false };
        let same_row = split_timestamp(&self.last_key).is_some_and(|(last_row, _)| row == last_row);
        match &self.state {
            RowState::Raw(current) | RowState::RawOneByOne(current) if same_row => current.needs_value(ts, self.span.safe_point),
            RowState::Txn(_) if same_row => ts <= self.span.safe_point,
            RowState::Closed if same_row => false,
            _ => {
                let span = self.span.at(shared, self.kind, shared.layout.owner(key), generation);
                let judged = span.rows == RowTreatment::Judge && shared.layout.row(key).is_ok();
                judged && (ts < span.safe_point || self.kind == FilterKind::Write && ts == span.safe_point)
            }
        }
    }

    /// Ends the row of the last key.
    pub fn end_row(&mut self) -> EndedRow {
        match std::mem::replace(&mut self.state, RowState::Nothing) {
            RowState::Raw(row) | RowState::RawOneByOne(row) => EndedRow { death: row.dead(), hand_over: row.dead().is_some() },
            RowState::Txn(row) => EndedRow { death: row.deleted().then_some(Death::Deleted), hand_over: row.hand_over() },
            RowState::Closed | RowState::Nothing => EndedRow::default(),
        }
    }
}
