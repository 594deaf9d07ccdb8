//! The filter of one compaction. RocksDB calls it for the keys of the compaction, in order, from
//! one thread.
//!
//! [`CompactionFilter::decide`] decides about a key. `dropping` finds destroyed keys and keys of
//! dropped schemas. `row_walk` selects the rows that are judged, and decides about a version.
//! `removal` selects how a version is removed. `frequent` is a faster copy of two cases.

use super::counting::Counting;
use super::decision::Decision;
use super::dropping::{DropReason, Dropping, FastCases};
use super::frequent;
use super::keyspace_span::RowTreatment;
use super::removal::{CompactionContext, Removal};
use super::row_walk::{RowWalk, ValueView};
use crate::error::hex;
use crate::layout::raw_value::RawValue;
use crate::layout::{KeyOwner, split_timestamp};
use crate::log::{Level, log};
use crate::rule::Verdict;
use crate::rule::raw::Death;
use crate::shared::{FilterKind, HandedOverRows, Shared};
use std::sync::Arc;

/// One compaction's filter.
pub struct CompactionFilter {
    walk: RowWalk,
    counting: Counting,
    kind: FilterKind,
    closed: bool,
    removal: Removal,
    dropping: Dropping,
    /// The rows for the worker.
    handed: HandedOverRows,
    column_family: Option<u32>,
    /// The number of bytes that two keys must share to have the same owner.
    usual_owner_len: usize,
    shared: Arc<Shared>,
}

impl CompactionFilter {
    /// A filter for keys of this kind.
    pub fn new(shared: Arc<Shared>, kind: FilterKind, compaction: CompactionContext) -> Self {
        let counting = Counting::new(shared.clone(), kind);
        let dropping = Dropping::new(&shared, kind, compaction.column_family);
        Self {
            walk: RowWalk::new(&shared, kind, dropping.generation),
            counting,
            kind,
            closed: false,
            removal: Removal::new(shared.remove_mode, kind == FilterKind::Default, compaction),
            dropping,
            handed: HandedOverRows::new(kind),
            column_family: compaction.column_family,
            usual_owner_len: frequent::owner_len(&shared.layout),
            shared,
        }
    }

    /// Binds the filter's counters to this thread.
    pub fn is_here(&self) {
        self.counting.counters.is_here();
    }

    /// Sets whether the compaction writes the bottommost level, if that is known.
    pub fn set_bottommost(&mut self, bottommost: Option<bool>) {
        self.removal.set_bottommost(bottommost);
    }

    /// Sets what is known of all inputs: whether none holds a tombstone, and whether each record of
    /// a transaction in them holds its value.
    pub fn set_inputs(&mut self, no_tombstones: bool, all_values_in_records: bool) {
        self.removal.set_inputs(no_tombstones, all_values_in_records);
    }

    /// Keeps everything from here on.
    pub fn close(&mut self, why: &str) {
        if !self.closed {
            self.closed = true;
            self.walk.forget_row();
            self.counting.counters.runs_closed.bump();
            log(Level::Error, || format!("a filter keeps everything from here on: {why}; last key {}", hex(self.walk.last_key())));
        }
    }

    /// Judges the next key, for a caller that cannot skip.
    pub fn decide(&mut self, key: &[u8], shown: ValueView<'_>) -> Verdict {
        let verdict = self.judge(key, shown);
        self.counting.count(verdict);
        verdict
    }

    /// Whether this filter may remove any version by a skip. Then a caller that can skip uses
    /// [`CompactionFilter::decide_or_skip`].
    #[inline]
    pub fn may_skip(&self) -> bool {
        self.removal.may_skip()
    }

    /// The length of the last key.
    #[inline]
    pub fn last_key_len(&self) -> usize {
        self.walk.last_key().len()
    }

    /// Decides about a shadowed version of the current row whose value parses.
    #[inline(always)]
    pub fn decide_shadowed<const IS_USUAL: bool>(&mut self, key: &[u8], value: &[u8]) -> Option<Verdict> {
        let verdict = self.walk.shadowed::<IS_USUAL>(&self.shared, key, value)?;
        self.counting.count(verdict);
        Some(verdict)
    }

    /// Decides about the first version of the next row in the fast case.
    #[inline(always)]
    pub fn decide_next_row<const IS_USUAL: bool>(&mut self, key: &[u8], value: &[u8]) -> Option<Verdict> {
        self.walk.next_row::<IS_USUAL>(&self.shared, key, value)?;
        self.counting.count(Verdict::Keep);
        Some(Verdict::Keep)
    }

    /// Judges the next key, for a caller that can skip.
    pub fn decide_or_skip(&mut self, key: &[u8], shown: ValueView<'_>) -> Decision {
        self.removal.next_key();
        self.dropping.hit = DropReason::Nothing;
        let verdict = match shown {
            ValueView::Value(value) => match self.walk.shadowed::<false>(&self.shared, key, value) {
                Some(verdict) => verdict,
                None if self.decide_next_row::<false>(key, value).is_some() => return Decision::Keep,
                None => self.judge(key, shown),
            },
            ValueView::ValueElsewhere | ValueView::Other => self.judge(key, shown),
        };
        if self.skips(key, verdict) {
            self.counting.counters.skipped.bump();
            return Decision::Skip;
        }
        self.counting.count(verdict);
        verdict.into()
    }

    /// Whether the key is removed by a skip: to the end of its range or schema, or of its row.
    fn skips(&mut self, key: &[u8], verdict: Verdict) -> bool {
        if verdict == Verdict::Keep || self.kind == FilterKind::TtlV1 {
            return false;
        }
        if self.dropping.hit == DropReason::Nothing {
            return self.removal.skips(key, self.walk.shadows(key), self.counting.counters.kept.get());
        }
        self.removal.may_skip_dropped() && self.dropping.end(&self.shared, key).is_some_and(|end| self.removal.skip_to(&end))
    }

    /// The key to which the last skip leads.
    pub fn skip_until(&self) -> &[u8] {
        self.removal.until()
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
        let Some(shared) = self.walk.compare(key) else {
            self.close("its keys are not in order");
            return Verdict::Keep;
        };
        if self.dropping.cuts_again(&self.shared, self.walk.last_key()) {
            self.walk.forget_row();
        }
        let same_row = self.walk.is_same_row(key, shared);
        if !same_row {
            self.end_row();
        }
        if !self.walk.remember(key, shared) {
            self.close("no memory for a key");
            return Verdict::Keep;
        }
        let reason = self.dropping.find(&self.shared, key);
        if reason == DropReason::Schema {
            // All versions of the row are dropped.
            self.walk.forget_row();
        }
        if !same_row && matches!(self.kind, FilterKind::Default | FilterKind::Write) {
            self.begin_row(key, reason);
        }
        if reason != DropReason::Nothing {
            self.counting.count_dropped(&self.dropping, key);
            self.walk.pass_dropped();
            return Verdict::Remove;
        }
        let verdict = match self.kind {
            FilterKind::TtlV1 => self.judge_ttl(key, shown),
            _ => {
                let judged = self.walk.judge(shown);
                if judged.unparsed {
                    self.counting.count_unparsed_value(self.walk.last_key());
                }
                judged.verdict
            }
        };
        if verdict == Verdict::Keep && self.dropping.is_schema_unknown() {
            self.counting.counters.kept_unknown_schema.bump();
        }
        verdict
    }

    /// Begins the row of a key, and counts a key that is neither dropped nor judged.
    fn begin_row(&mut self, key: &[u8], reason: DropReason) {
        let rows = self.walk.begin_row(&self.shared, self.dropping.generation);
        self.counting.enter(self.walk.owner());
        match rows {
            RowTreatment::UnknownKeyspace if reason == DropReason::Nothing => {
                self.counting.count_unknown_keyspace(self.walk.owner());
            }
            RowTreatment::KeepAndTell(notice) if reason == DropReason::Nothing => self.counting.count_told(notice, self.walk.owner()),
            RowTreatment::NotOfTheLayout if reason == DropReason::Nothing => self.counting.count_foreign(key),
            _ => {}
        }
        let fast_cases = self.dropping.fast_cases(&self.shared, key, self.usual_owner_len);
        self.walk.owner_len = if fast_cases == FastCases::Both { self.usual_owner_len } else { usize::MAX };
        match fast_cases {
            FastCases::Both | FastCases::SameRowOnly => {}
            FastCases::Neither => self.walk.judge_one_by_one(),
            FastCases::NoRow => self.walk.forget_row(),
        }
    }

    /// Decides about a TTL v1 value: every key is a row, and no safe point is needed.
    fn judge_ttl(&self, key: &[u8], shown: ValueView<'_>) -> Verdict {
        match (self.shared.layout.body(key), shown) {
            (Ok(_), ValueView::Value(value)) if self.shared.enabled() => match RawValue::parse_v1_ttl(value) {
                Ok(value) if self.walk.expired().covers(value.expire_ts) => {
                    self.counting.counters.expired.bump();
                    return Verdict::Remove;
                }
                Ok(_) => {}
                Err(_) => self.counting.count_unparsed_value(self.walk.last_key()),
            },
            (Err(KeyOwner::Foreign), _) => self.counting.count_foreign(key),
            _ => {}
        }
        Verdict::Keep
    }

    /// Whether the decision on the next key needs its value. The only state that changes is the
    /// timestamp in the last key's bytes.
    fn needs_value(&mut self, key: &[u8]) -> bool {
        self.walk.write_last_timestamp();
        if self.closed || key < self.walk.last_key() || self.dropping.covers(&self.shared, key) {
            return false;
        }
        if self.kind == FilterKind::TtlV1 {
            return self.shared.enabled() && self.shared.layout.body(key).is_ok();
        }
        self.walk.needs_value(&self.shared, self.dropping.generation, key)
    }

    /// Ends the row of the last key. Versions that only the worker can remove, because that needs
    /// the whole database, are handed over.
    fn end_row(&mut self) {
        let ended = self.walk.end_row();
        match ended.death {
            None => {}
            Some(Death::Deleted) => self.counting.counters.delete_marked.bump(),
            Some(Death::Expired) => self.counting.counters.expired.bump(),
        }
        if ended.hand_over {
            self.hand_over();
        }
    }

    /// A later compaction further down will see the row again, so only the bottommost one hands it
    /// over.
    fn hand_over(&mut self) {
        if self.removal.above_bottommost() {
            return;
        }
        let Some((row, _)) = split_timestamp(self.walk.last_key()) else { return };
        if self.shared.worker_queue.add(&mut self.handed, self.column_family, row) {
            self.counting.counters.rows_queued.bump();
        } else {
            self.counting.counters.rows_deferred.bump();
        }
    }
}

impl Drop for CompactionFilter {
    fn drop(&mut self) {
        self.walk.write_last_timestamp();
        self.end_row();
        self.counting.end();
        let kind = self.kind;
        let refused = self.shared.worker_queue.give(std::mem::replace(&mut self.handed, HandedOverRows::new(kind)));
        self.shared.stats.shared().rows_deferred.add(refused as u64);
        self.shared.stats.end_run(&self.counting.counters);
    }
}
