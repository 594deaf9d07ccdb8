//! A run: one compaction's keys, in order, from one thread.
//!
//! [`Run::decide`] is the whole of it; `frequent` repeats two of its cases in fewer instructions.
//!
//! What it remembers is the last key (so that order and rows need no other key) and the last key's row. A row is judged
//! only if its keyspace is collected and its key is of the layout to the last byte; every other key is kept by itself and
//! belongs to no row:
//!
//! ```text
//!   r 000001 "a" @ 9     first of its row: place -> safe point (once per stretch of keys of one place), encoding checked
//!   r 000001 "a" @ 7     same bytes up to the timestamp: same row, nothing is looked up
//!   r 000001 "b" @ 9     another row: "a" ends (dead? hand over), same stretch
//!   r 000002 ...         another stretch
//! ```

mod bytes;
mod frequent;

use self::bytes::common_prefix;
use super::{Kind, Shared};
use crate::layout::raw_value::RawValue;
use crate::layout::{KeyMode, KeyspaceId, Place, TIMESTAMP_LEN, Timestamp, split_timestamp};
use crate::log::{Level, log};
use crate::rule::Verdict;
use crate::rule::expiry::ExpiredUpTo;
use crate::rule::raw::{Death, History, Row};
use crate::stats::Counters;
use std::sync::Arc;

/// What RocksDB shows under a key.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'v> {
    /// A value.
    Value(&'v [u8]),
    /// A value that is not at hand.
    ValueElsewhere,
    /// A merge operand, wide columns, or something unheard of.
    Other,
}

/// Keys of one place that follow each other, and what holds for them.
#[derive(Clone, Copy)]
struct Stretch {
    place: Place,
    safe_point: Timestamp,
    rows: Rows,
    generation: u64,
}

/// What is to be done with the rows of a stretch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    Judge,
    Keep,
    UnknownKeyspace,
    NotOfTheLayout,
}

/// What the last key belongs to.
#[derive(Clone, Copy)]
enum Current {
    /// No row: it was kept by itself.
    Nothing,
    /// A row that is judged.
    Judged(Row),
    /// A row that is kept from some version on, because a value did not parse.
    Closed,
}

/// One compaction's filter.
pub struct Run {
    current: Current,
    last_key: Vec<u8>,
    last_ts: Timestamp,
    stretch: Stretch,
    counters: Arc<Counters>,
    expired: ExpiredUpTo,
    history: History,
    kind: Kind,
    closed: bool,
    above_bottommost: bool,
    /// How many bytes two keys that the frequent case takes must share to be of one place.
    place_len: usize,
    first_unknown: Option<KeyspaceId>,
    shared: Arc<Shared>,
}

impl Run {
    /// A run over keys of this kind. `bottommost` = whether it writes the last level, if known.
    pub fn new(shared: Arc<Shared>, kind: Kind, bottommost: Option<bool>) -> Self {
        let counters = shared.stats.begin_run();
        counters.runs_started.bump();
        Self {
            current: Current::Nothing,
            last_key: Vec::new(),
            last_ts: 0,
            stretch: Stretch { place: Place::Foreign, safe_point: 0, rows: Rows::NotOfTheLayout, generation: shared.generation() },
            counters,
            expired: ExpiredUpTo::new(shared.clock.now(), shared.ttl_grace_seconds),
            history: shared.history,
            kind,
            closed: false,
            above_bottommost: bottommost == Some(false),
            place_len: frequent::place_len(&shared.layout),
            first_unknown: None,
            shared,
        }
    }

    /// What became known of the level it writes.
    pub fn set_bottommost(&mut self, bottommost: Option<bool>) {
        self.above_bottommost = bottommost == Some(false);
    }

    /// Keeps everything from here on.
    pub fn close(&mut self, why: &str) {
        if !self.closed {
            self.closed = true;
            self.current = Current::Nothing;
            self.counters.runs_closed.bump();
            log(Level::Error, || format!("a run keeps everything from here on: {why}; last key {:02x?}", self.last_key));
        }
    }

    /// Judges the next key.
    pub fn decide(&mut self, key: &[u8], shown: Shown<'_>) -> Verdict {
        let verdict = self.judge(key, shown);
        self.count(verdict);
        verdict
    }

    #[inline]
    fn count(&self, verdict: Verdict) {
        match verdict {
            Verdict::Keep => self.counters.kept.bump(),
            Verdict::Remove => self.counters.removed.bump(),
        }
    }

    /// Judges the next key without its value; `None` = the value is needed, and nothing has changed.
    pub fn decide_by_key(&mut self, key: &[u8]) -> Option<Verdict> {
        if self.needs_value(key) { None } else { Some(self.decide(key, Shown::ValueElsewhere)) }
    }

    fn judge(&mut self, key: &[u8], shown: Shown<'_>) -> Verdict {
        if self.closed {
            return Verdict::Keep;
        }
        self.write_last_timestamp();
        let shared = common_prefix(key, &self.last_key);
        if key.get(shared) < self.last_key.get(shared) {
            self.close("its keys are not in order");
            return Verdict::Keep;
        }
        let in_a_row = !matches!(self.current, Current::Nothing);
        let same_row = in_a_row && key.len() == self.last_key.len() && shared + TIMESTAMP_LEN >= key.len();
        self.last_key.truncate(shared);
        self.last_key.extend_from_slice(key.get(shared..).unwrap_or_default());
        if !same_row {
            self.end_row();
            if self.kind == Kind::TtlV1 {
                return self.judge_ttl(key, shown);
            }
            self.begin_row(key);
        }
        self.judge_version(key, shown)
    }

    /// A key that is not of the current row: is its row to be judged?
    fn begin_row(&mut self, key: &[u8]) {
        self.stretch = self.stretch_at(self.shared.layout.place(key));
        match self.stretch.rows {
            Rows::Judge => match self.shared.layout.row(key) {
                Ok(_) => self.current = Current::Judged(Row::default()),
                Err(_) => self.counters.unparsed_keys.bump(),
            },
            Rows::Keep => {}
            Rows::UnknownKeyspace => {
                if let Place::Keyspace(_, keyspace) = self.stretch.place {
                    self.first_unknown.get_or_insert(keyspace);
                }
                self.counters.kept_unknown_keyspace.bump();
            }
            Rows::NotOfTheLayout => self.counters.unparsed_keys.bump(),
        }
    }

    #[inline]
    fn judge_version(&mut self, key: &[u8], shown: Shown<'_>) -> Verdict {
        let Current::Judged(row) = &mut self.current else { return Verdict::Keep };
        let Some((_, ts)) = split_timestamp(key) else { return Verdict::Keep };
        self.last_ts = ts;
        let death = match shown {
            Shown::Value(value) => match RawValue::parse_v2(value) {
                Ok(value) => Death::of(value.delete_mark, value.expire_ts, self.expired),
                Err(_) => {
                    self.current = Current::Closed;
                    self.count_unparsed_value();
                    return Verdict::Keep;
                }
            },
            Shown::ValueElsewhere => None,
            Shown::Other => return Verdict::Keep,
        };
        row.judge(ts, death, self.stretch.safe_point, self.history)
    }

    /// While a row is judged the timestamp of its last version is kept as a number; here it goes to the last key's bytes.
    #[inline]
    fn write_last_timestamp(&mut self) {
        if let (Current::Judged(_), Some(ts)) = (self.current, self.last_key.last_chunk_mut()) {
            *ts = (!self.last_ts).to_be_bytes();
        }
    }

    /// The stretch that a key at this place belongs to. Within one the safe point stays, but for a removal of its keyspace.
    fn stretch_at(&self, place: Place) -> Stretch {
        let generation = self.shared.generation();
        let same_place = place == self.stretch.place;
        if same_place && generation == self.stretch.generation {
            return self.stretch;
        }
        let now = self.shared.effective(place);
        let before = if same_place { self.stretch.safe_point } else { Timestamp::MAX };
        let safe_point = now.safe_point.min(before);
        let rows = match (self.kind, place) {
            (_, Place::Foreign) => Rows::NotOfTheLayout,
            (Kind::Default, Place::Keyspace(KeyMode::Raw, _) | Place::Plain) if now.unknown => Rows::UnknownKeyspace,
            (Kind::Default, Place::Keyspace(KeyMode::Raw, _) | Place::Plain) if safe_point > 0 && self.shared.enabled() => Rows::Judge,
            _ => Rows::Keep,
        };
        Stretch { place, safe_point, rows, generation }
    }

    /// TTL v1: every key is a row, and no safe point is needed.
    fn judge_ttl(&self, key: &[u8], shown: Shown<'_>) -> Verdict {
        match (self.shared.layout.body(key), shown) {
            (Ok(_), Shown::Value(value)) if self.shared.enabled() => match RawValue::parse_v1_ttl(value) {
                Ok(value) if self.expired.covers(value.expire_ts) => {
                    self.counters.expired.bump();
                    return Verdict::Remove;
                }
                Ok(_) => {}
                Err(_) => self.count_unparsed_value(),
            },
            (Err(Place::Foreign), _) => self.counters.unparsed_keys.bump(),
            _ => {}
        }
        Verdict::Keep
    }

    /// Does the verdict on the next key depend on its value? Of the run only the last key's bytes are brought up to date.
    fn needs_value(&mut self, key: &[u8]) -> bool {
        self.write_last_timestamp();
        if self.closed || key < self.last_key.as_slice() {
            return false;
        }
        if self.kind == Kind::TtlV1 {
            return self.shared.enabled() && self.shared.layout.body(key).is_ok();
        }
        let Some((row, ts)) = split_timestamp(key) else { return false };
        let same_row = split_timestamp(&self.last_key).is_some_and(|(last_row, _)| row == last_row);
        match &self.current {
            Current::Judged(current) if same_row => current.needs_value(ts, self.stretch.safe_point),
            Current::Closed if same_row => false,
            _ => {
                let stretch = self.stretch_at(self.shared.layout.place(key));
                let judged = stretch.rows == Rows::Judge && self.shared.layout.row(key).is_ok();
                judged && ts < stretch.safe_point
            }
        }
    }

    /// The row is over. A dead newest version would be handed to the worker that looks at the whole database; as long as no
    /// store can be attached it waits for a later run.
    fn end_row(&mut self) {
        let ended = std::mem::replace(&mut self.current, Current::Nothing);
        let Current::Judged(row) = ended else { return };
        match row.dead() {
            None => return,
            Some(Death::Deleted) => self.counters.delete_marked.bump(),
            Some(Death::Expired) => self.counters.expired.bump(),
        }
        if !self.above_bottommost {
            self.counters.rows_refused.bump();
        }
    }

    #[cold]
    fn count_unparsed_value(&self) {
        if self.counters.unparsed_values.get() == 0 {
            log(Level::Warn, || format!("a value does not parse; its row is kept from there on, key {:02x?}", self.last_key));
        }
        self.counters.unparsed_values.bump();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.end_row();
        if let Some(keyspace) = self.first_unknown {
            let versions = self.counters.kept_unknown_keyspace.get();
            log(Level::Warn, || {
                format!(
                    "a run kept {versions} versions of keyspaces that were never named, the first is keyspace {keyspace}; \
                     name them by rgc_set_keyspace_gc_type"
                )
            });
        }
        log(Level::Debug, || {
            let c = &self.counters;
            format!("a run ended: kept {}, removed {}, dead rows left {}", c.kept.get(), c.removed.get(), c.rows_refused.get())
        });
        self.shared.stats.end_run(&self.counters);
    }
}
