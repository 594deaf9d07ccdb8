//! The filter of one compaction. RocksDB calls it for the keys of the compaction, in order, from
//! one thread.
//!
//! [`CompactionFilter::decide`] decides about a key. `keyspace_span` selects the rows that are
//! judged, `version` decides about a version, and `removal` selects how a version is removed.
//! `frequent` is a faster copy of two cases.
//!
//! The filter remembers the last key, which is enough to check the order of keys and to find the
//! ends of rows, and the state of the last key's row. It judges a row only if its keyspace is
//! collected and its whole key matches the layout. It keeps every other key by itself, as part of
//! no row:
//!
//! ```text
//!   r 000001 "a" @ 9   first of its row: owner -> safe point (once for all keys of one owner that
//!                      follow each other), encoding checked
//!   r 000001 "a" @ 7   same bytes up to the timestamp: same row, no lookup
//!   r 000001 "b" @ 9   another row: "a" ends (if it is dead, it is handed over), same owner
//!   r 000002 ...       another owner
//! ```

mod balance;
mod bytes;
mod dropping;
mod frequent;
mod keyspace_span;
mod removal;
mod version;

pub use self::removal::CompactionContext;

use self::bytes::{append, common_prefix};
use self::dropping::{DropReason, Dropping};
use self::keyspace_span::{KeyspaceSpan, RowTreatment};
use self::removal::Removal;
use crate::error::hex;
use crate::layout::{KeyOwner, KeyspaceId, TIMESTAMP_LEN, Timestamp, split_timestamp};
use crate::log::{Level, log};
use crate::rule::Verdict;
use crate::rule::expiry::ExpiredUpTo;
use crate::rule::raw::{self, Death, History};
use crate::rule::txn;
use crate::shared::{FilterKind, HandedOverRows, Shared};
use crate::stats::FilterCounters;
use std::sync::Arc;

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

/// The filter's answer to RocksDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The key is kept.
    Keep,
    /// The key becomes a tombstone.
    Remove,
    /// This key and every key before [`CompactionFilter::skip_until`] are removed without
    /// tombstones.
    Skip,
}

impl From<Verdict> for Decision {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Keep => Self::Keep,
            Verdict::Remove => Self::Remove,
        }
    }
}

/// The row of the last key.
#[derive(Clone, Copy)]
enum Current {
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

/// One compaction's filter.
pub struct CompactionFilter {
    current: Current,
    last_key: Vec<u8>,
    last_ts: Timestamp,
    stretch: KeyspaceSpan,
    counters: Arc<FilterCounters>,
    expired: ExpiredUpTo,
    history: History,
    kind: FilterKind,
    closed: bool,
    removal: Removal,
    dropping: Dropping,
    /// The rows for the worker.
    handed: HandedOverRows,
    column_family: Option<u32>,
    /// The number of bytes that two keys must share to have the same owner in the fast case. It is
    /// `usize::MAX` if a destroyed range is near.
    place_len: usize,
    own_place_len: usize,
    first_unknown: Option<KeyspaceId>,
    shared: Arc<Shared>,
}

impl CompactionFilter {
    /// A filter for keys of this kind.
    pub fn new(shared: Arc<Shared>, kind: FilterKind, knowledge: CompactionContext) -> Self {
        let counters = shared.stats.begin_run();
        counters.runs_started.bump();
        Self {
            current: Current::Nothing,
            last_key: Vec::new(),
            last_ts: 0,
            stretch: KeyspaceSpan {
                place: KeyOwner::Foreign,
                safe_point: 0,
                rows: RowTreatment::NotOfTheLayout,
                generation: shared.generation(),
            },
            counters,
            expired: ExpiredUpTo::new(shared.clock.now(), shared.ttl_grace_seconds),
            history: shared.history,
            kind,
            closed: false,
            removal: Removal::new(shared.remove_mode, kind == FilterKind::Default, knowledge),
            dropping: Dropping::new(&shared, kind, knowledge.column_family),
            handed: HandedOverRows::new(kind),
            column_family: knowledge.column_family,
            place_len: usize::MAX,
            own_place_len: frequent::place_len(&shared.layout),
            first_unknown: None,
            shared,
        }
    }

    /// Binds the filter's counters to this thread.
    pub fn is_here(&self) {
        self.counters.is_here();
    }

    /// Sets whether the compaction writes the bottommost level, if that is known.
    pub fn set_bottommost(&mut self, bottommost: Option<bool>) {
        self.removal.set_bottommost(bottommost);
    }

    /// Sets whether all inputs are known to hold no tombstone.
    pub fn set_no_tombstones(&mut self, no_tombstones: bool) {
        self.removal.set_no_tombstones(no_tombstones);
    }

    /// Keeps everything from here on.
    pub fn close(&mut self, why: &str) {
        if !self.closed {
            self.closed = true;
            self.current = Current::Nothing;
            self.counters.runs_closed.bump();
            log(Level::Error, || format!("a filter keeps everything from here on: {why}; last key {}", hex(&self.last_key)));
        }
    }

    /// Judges the next key, for a caller that cannot skip.
    pub fn decide(&mut self, key: &[u8], shown: ValueView<'_>) -> Verdict {
        let verdict = self.judge(key, shown);
        self.count(verdict);
        verdict
    }

    /// Whether this filter may remove any version by a skip. Then a caller that can skip uses
    /// [`CompactionFilter::decide_or_skip`].
    #[inline]
    pub fn may_skip(&self) -> bool {
        self.removal.may_skip()
    }

    /// Judges the next key, for a caller that can skip.
    pub fn decide_or_skip(&mut self, key: &[u8], shown: ValueView<'_>) -> Decision {
        self.removal.next_key();
        self.dropping.hit = DropReason::Nothing;
        let verdict = match shown {
            ValueView::Value(value) => match self.judge_shadowed(key, value) {
                Some(verdict) => verdict,
                None if self.decide_next_row(key, value).is_some() => return Decision::Keep,
                None => self.judge(key, shown),
            },
            ValueView::ValueElsewhere | ValueView::Other => self.judge(key, shown),
        };
        if self.dropping.hit != DropReason::Nothing && self.skips_dropped(key) {
            self.counters.skipped.bump();
            return Decision::Skip;
        }
        if verdict == Verdict::Remove && self.dropping.hit == DropReason::Nothing && self.kind != FilterKind::TtlV1 {
            let shadowed = match (&self.current, split_timestamp(key)) {
                (Current::Txn(row), Some((_, commit_ts))) => row.shadows(commit_ts),
                _ => true,
            };
            if self.removal.skips(key, shadowed, self.counters.kept.get()) {
                self.counters.skipped.bump();
                return Decision::Skip;
            }
        }
        self.count(verdict);
        verdict.into()
    }

    /// The key to which the last skip leads.
    pub fn skip_until(&self) -> &[u8] {
        self.removal.until()
    }

    #[inline]
    fn count(&self, verdict: Verdict) {
        match verdict {
            Verdict::Keep => self.counters.kept.bump(),
            Verdict::Remove => self.counters.removed.bump(),
        }
    }

    /// Judges the next key, whose value is in a blob file, without the value. `None` means that the
    /// value is needed; then nothing has changed.
    pub fn decide_by_key(&mut self, key: &[u8], can_skip: bool) -> Option<Decision> {
        self.removal.saw_blobs();
        if self.needs_value(key) {
            None
        } else if can_skip && self.may_skip() {
            Some(self.decide_or_skip(key, ValueView::ValueElsewhere))
        } else {
            Some(self.decide(key, ValueView::ValueElsewhere).into())
        }
    }

    fn judge(&mut self, key: &[u8], shown: ValueView<'_>) -> Verdict {
        if self.closed {
            return Verdict::Keep;
        }
        self.write_last_timestamp();
        let shared = common_prefix(key, &self.last_key);
        if key.get(shared) < self.last_key.get(shared) {
            self.close("its keys are not in order");
            return Verdict::Keep;
        }
        if self.was_cut() {
            self.current = Current::Nothing;
        }
        let in_a_row = !matches!(self.current, Current::Nothing);
        let same_row = in_a_row && key.len() == self.last_key.len() && shared + TIMESTAMP_LEN >= key.len();
        if !same_row {
            self.end_row();
        }
        self.last_key.truncate(shared);
        if !append(&mut self.last_key, key.get(shared..).unwrap_or_default()) {
            self.close("no memory for a key");
            return Verdict::Keep;
        }
        let dropped = self.drop_as_a_whole(key);
        if !same_row && matches!(self.kind, FilterKind::Default | FilterKind::Write) {
            self.begin_row(key, dropped.is_none());
        }
        if let Some(verdict) = dropped {
            self.last_ts = split_timestamp(key).map_or(0, |(_, ts)| ts);
            return verdict;
        }
        let verdict = match self.kind {
            FilterKind::TtlV1 => self.judge_ttl(key, shown),
            _ => self.judge_version(key, shown),
        };
        if verdict == Verdict::Keep {
            self.count_unknown_schema();
        }
        verdict
    }

    /// Writes the last version's timestamp into the bytes of the last key. While a RawKV row is
    /// judged, it is kept only as a number.
    #[inline]
    fn write_last_timestamp(&mut self) {
        if let (Current::Raw(_), Some(ts)) = (self.current, self.last_key.last_chunk_mut()) {
            *ts = (!self.last_ts).to_be_bytes();
        }
    }

    /// Whether the decision on the next key needs its value. The only state that changes is the
    /// timestamp in the last key's bytes.
    fn needs_value(&mut self, key: &[u8]) -> bool {
        self.write_last_timestamp();
        if self.closed || key < self.last_key.as_slice() || self.dropping.covers(&self.shared, key) {
            return false;
        }
        if self.kind == FilterKind::TtlV1 {
            return self.shared.enabled() && self.shared.layout.body(key).is_ok();
        }
        let Some((row, ts)) = split_timestamp(key) else { return false };
        let same_row = split_timestamp(&self.last_key).is_some_and(|(last_row, _)| row == last_row);
        match &self.current {
            Current::Raw(current) | Current::RawOneByOne(current) if same_row => current.needs_value(ts, self.stretch.safe_point),
            Current::Txn(_) if same_row => ts <= self.stretch.safe_point,
            Current::Closed if same_row => false,
            _ => {
                let stretch = self.stretch_at(self.shared.layout.place(key));
                let judged = stretch.rows == RowTreatment::Judge && self.shared.layout.row(key).is_ok();
                judged && (ts < stretch.safe_point || self.kind == FilterKind::Write && ts == stretch.safe_point)
            }
        }
    }

    /// Ends the row of the last key. Versions that only the worker can remove, because that needs
    /// the whole database, are handed over.
    fn end_row(&mut self) {
        match std::mem::replace(&mut self.current, Current::Nothing) {
            Current::Raw(row) | Current::RawOneByOne(row) => match row.dead() {
                None => {}
                Some(death) => {
                    match death {
                        Death::Deleted => self.counters.delete_marked.bump(),
                        Death::Expired => self.counters.expired.bump(),
                    }
                    self.hand_over();
                }
            },
            Current::Txn(row) => {
                if row.deleted() {
                    self.counters.delete_marked.bump();
                }
                if row.hand_over() {
                    self.hand_over();
                }
            }
            Current::Closed | Current::Nothing => {}
        }
    }

    /// A later compaction further down will see the row again, so only the bottommost one hands it
    /// over.
    fn hand_over(&mut self) {
        if self.removal.above_bottommost() {
            return;
        }
        let Some((row, _)) = split_timestamp(&self.last_key) else { return };
        if self.shared.worker_queue.add(&mut self.handed, self.column_family, row) {
            self.counters.rows_queued.bump();
        } else {
            self.counters.rows_deferred.bump();
        }
    }
}

impl Drop for CompactionFilter {
    fn drop(&mut self) {
        self.write_last_timestamp();
        self.end_row();
        if let Some(keyspace) = self.first_unknown {
            let versions = self.counters.kept_unknown_keyspace.get();
            log(Level::Warn, || {
                format!(
                    "a filter kept {versions} versions of keyspaces that were never registered, the first is keyspace {keyspace}; \
                     register them with rgc_set_keyspace_gc_type"
                )
            });
        }
        log(Level::Debug, || {
            let c = &self.counters;
            let (queued, left) = (c.rows_queued.get(), c.rows_deferred.get());
            format!("a filter ended: kept {}, removed {}, rows handed over {queued}, rows deferred {left}", c.kept.get(), c.removed.get())
        });
        let kind = self.kind;
        let refused = self.shared.worker_queue.give(std::mem::replace(&mut self.handed, HandedOverRows::new(kind)));
        self.shared.stats.shared().rows_deferred.add(refused as u64);
        self.shared.stats.end_run(&self.counters);
    }
}
