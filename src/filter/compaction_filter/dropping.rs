//! Destroyed keys and keys of invalid schemas are removed before any GC rule is applied. Such a key
//! leaves no trace in its row: it never counts as the newest version.
//!
//! ```text
//!   destroyed: [a @ 9, a @ 5)    a bound with a timestamp cuts a row
//!   a @ 9    remove: destroyed
//!   a @ 7    remove: destroyed
//!   a @ 5    keep: the first version of its row that counts
//! ```
//!
//! If a range is destroyed while a filter runs, the filter applies it from its next key. If the
//! range cuts the current row, the row's state is reset. Otherwise a version that the filter kept,
//! and that is now destroyed, would shadow the half that is kept. The state is also reset if a
//! range is no longer destroyed. A schema never cuts a row.

use super::bytes::common_prefix;
use super::{CompactionFilter, Current};
use crate::error::hex;
use crate::layout::split_timestamp;
use crate::log::{Level, log};
use crate::rule::Verdict;
use crate::shared::{FilterKind, KeyDropState, LateKeys, Lookup, Segment, Segments, Shared};
use std::borrow::Cow;
use std::sync::Arc;

/// The reason why the last key was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DropReason {
    Nothing,
    Range,
    Schema,
}

/// The destroyed ranges and invalid schemas, as a filter sees them key by key.
pub(super) struct Dropping {
    segments: Arc<Segments>,
    /// The place of the first segment that ends behind the last key.
    place: usize,
    pub(super) generation: u64,
    /// The reason why the last key was dropped.
    pub(super) hit: DropReason,
    schemas: Lookup,
    kind: FilterKind,
    column_family: Option<u32>,
}

impl Dropping {
    pub(super) fn new(shared: &Shared, kind: FilterKind, column_family: Option<u32>) -> Self {
        let generation = shared.generation();
        let mut dropping = Self {
            segments: Arc::default(),
            place: 0,
            generation,
            hit: DropReason::Nothing,
            schemas: Lookup::default(),
            kind,
            column_family,
        };
        dropping.take_over(shared);
        dropping
    }

    /// Reads the current destroyed ranges and attached families. Returns the earlier destroyed
    /// ranges.
    fn take_over(&mut self, shared: &Shared) -> Arc<Segments> {
        let dropped = shared.dropped();
        self.schemas = Lookup::new(dropped.candidates(self.kind, self.column_family));
        let in_force = if shared.enabled() { dropped.for_run(self.kind, self.column_family) } else { Arc::default() };
        std::mem::replace(&mut self.segments, in_force)
    }

    /// Reads the current destroyed ranges if anything has changed. Returns the earlier ones if they
    /// differ.
    fn refresh(&mut self, shared: &Shared) -> Option<Arc<Segments>> {
        let generation = shared.generation();
        if generation == self.generation {
            return None;
        }
        let before = self.take_over(shared);
        (self.generation, self.place) = (generation, 0);
        (!Arc::ptr_eq(&before, &self.segments)).then_some(before)
    }

    /// The segment that holds `key`, or the next one. Keys come in order.
    fn next(&mut self, key: &[u8]) -> Option<&Segment> {
        if self.segments.get(self.place)?.end.as_slice() <= key {
            self.place = self.segments.place(key);
        }
        self.segments.get(self.place)
    }

    /// The end of the range or schema that the last key was dropped by, if all keys up to that end
    /// are dropped too. For a schema it is a few bytes behind the data prefix.
    fn end(&self, shared: &Shared, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self.hit {
            DropReason::Nothing => None,
            DropReason::Range => self.segments.get(self.place).map(|segment| segment.end.as_slice().into()),
            DropReason::Schema => {
                let (layout, (tenant, id)) = (&shared.layout, self.schemas.schema()?);
                let ranges = layout.schemas_are_ranges().then(|| layout.schema_ranges(tenant, id))?;
                ranges.into_iter().map(|(_, end)| end.into()).find(|end: &Cow<'_, [u8]>| **end > *key)
            }
        }
    }

    /// The state of a key's schema.
    #[inline]
    fn schema(&mut self, shared: &Shared, key: &[u8]) -> &KeyDropState {
        if shared.layout.schema_ids {
            self.schemas.standing(&shared.layout, &shared.schemas, key, self.generation);
        }
        self.schemas.last()
    }

    /// Whether a key is destroyed or its schema invalid.
    pub(super) fn covers(&mut self, shared: &Shared, key: &[u8]) -> bool {
        self.segments.cover(key) || matches!(self.schema(shared, key), KeyDropState::Invalid(_)) && shared.enabled()
    }
}

impl CompactionFilter {
    /// Whether the state of the current row must be reset, because the destroyed part of it has
    /// changed since the last key. If the part has grown, a kept version may be destroyed now. If
    /// it has shrunk, the first versions of the row left no trace.
    pub(super) fn was_cut(&mut self) -> bool {
        let Some(before) = self.dropping.refresh(&self.shared) else { return false };
        let Some((row, _)) = split_timestamp(&self.last_key) else { return false };
        before.touch_row(row) || self.dropping.segments.touch_row(row)
    }

    /// Removes the key if it is destroyed or its schema is invalid.
    pub(super) fn drop_as_a_whole(&mut self, key: &[u8]) -> Option<Verdict> {
        let by_schema = matches!(self.dropping.schema(&self.shared, key), KeyDropState::Invalid(_)) && self.shared.enabled();
        if self.dropping.segments.is_empty() && !by_schema {
            return None;
        }
        let destroyed = self.dropping.next(key).is_some_and(|segment| segment.start.as_slice() <= key);
        if !destroyed && !by_schema {
            return None;
        }
        self.dropping.hit = if destroyed { DropReason::Range } else { DropReason::Schema };
        if let (true, Some(Segment { range, .. })) = (destroyed, self.dropping.segments.get(self.dropping.place)) {
            self.count_dropped(Some(&range.late), || {
                let (start, end, key) = (hex(&range.start), hex(&range.end), hex(key));
                format!("a filter removes late keys of the destroyed range [{start}, {end}), the first is {key}; do not write into it")
            });
        } else {
            // All versions of the row are dropped, so its state is reset.
            self.current = Current::Nothing;
            let late = if let KeyDropState::Invalid(Some(dropped)) = self.dropping.schemas.last() { Some(&dropped.late) } else { None };
            self.count_dropped(late, || {
                format!("a filter removes late keys of a dropped schema, the first is {}; do not write into it", hex(key))
            });
        }
        Some(Verdict::Remove)
    }

    fn count_dropped(&self, late: Option<&LateKeys>, message: impl FnOnce() -> String) {
        self.counters.dropped.bump();
        if let Some(late) = late.filter(|late| late.is_done()) {
            self.counters.late_dropped.bump();
            if late.count() {
                log(Level::Warn, message);
            }
        }
    }

    /// Whether the dropped key is removed by a skip to the end of its range or schema.
    pub(super) fn skips_dropped(&mut self, key: &[u8]) -> bool {
        if self.kind == FilterKind::TtlV1 || !self.removal.may_skip_dropped() {
            return false;
        }
        self.dropping.end(&self.shared, key).is_some_and(|end| self.removal.skip_to(&end))
    }

    /// Counts a kept version whose schema is unknown.
    #[inline]
    pub(super) fn count_unknown_schema(&self) {
        if matches!(self.dropping.schemas.last(), KeyDropState::Unknown) {
            self.counters.kept_unknown_schema.bump();
        }
    }

    /// Adjusts the fast cases for a new row. They do not check for dropped keys, so they must not
    /// reach into a destroyed range, and must not pass keys that are to be counted.
    pub(super) fn stay_clear_of_dropped(&mut self, key: &[u8]) {
        self.place_len = self.own_place_len;
        match self.dropping.schemas.last() {
            KeyDropState::NoSchema | KeyDropState::Valid => {}
            KeyDropState::Unknown => self.judge_one_by_one(),
            KeyDropState::Invalid(_) if self.shared.enabled() => self.current = Current::Nothing,
            KeyDropState::Invalid(_) => self.judge_one_by_one(),
        }
        if self.dropping.segments.is_empty() {
            return;
        }
        let Some(next) = self.dropping.next(key) else { return };
        if next.start.as_slice() <= key || common_prefix(&next.start, key) >= self.own_place_len {
            self.place_len = usize::MAX;
        }
        if let Some((bytes, _)) = split_timestamp(key)
            && self.dropping.segments.touch_row(bytes)
        {
            self.judge_one_by_one();
        }
    }

    /// Excludes the row from the fast cases.
    fn judge_one_by_one(&mut self) {
        self.place_len = usize::MAX;
        if let Current::Raw(row) = self.current {
            self.current = Current::RawOneByOne(row);
        }
    }
}
