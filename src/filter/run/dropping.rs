//! What is destroyed goes before any rule is asked, and leaves no trace in its row: it is never "the newest".
//!
//! ```text
//!   destroyed: [a @ 9, a @ 5)          a bound with a timestamp cuts a row
//!   a @ 9                remove: destroyed
//!   a @ 7                remove: destroyed
//!   a @ 5                keep: the first of its row that counts
//! ```
//!
//! A range that is destroyed while a run is on holds from its next key on. If it cuts the row in hand, the row begins anew: what
//! the run has kept of it may be what was destroyed, and would shadow the half that stays.

use super::bytes::common_prefix;
use super::{Current, Run};
use crate::layout::{row_end, split_timestamp};
use crate::log::{Level, log};
use crate::rule::Verdict;
use crate::shared::{Segment, Segments, Shared};
use std::sync::Arc;

/// What is destroyed, as a run walks past it.
pub(super) struct Dropping {
    segments: Arc<Segments>,
    /// Of the first segment that ends behind the last key.
    place: usize,
    pub(super) generation: u64,
    /// Did the last key go by it?
    pub(super) hit: bool,
}

impl Dropping {
    pub(super) fn new(shared: &Shared) -> Self {
        let generation = shared.generation();
        Self { segments: Self::in_force(shared), place: 0, generation, hit: false }
    }

    fn in_force(shared: &Shared) -> Arc<Segments> {
        if shared.enabled() { shared.dropped() } else { Arc::default() }
    }

    /// Takes over what was destroyed since. Did anything change?
    fn refresh(&mut self, shared: &Shared) -> bool {
        let generation = shared.generation();
        if generation == self.generation {
            return false;
        }
        let segments = Self::in_force(shared);
        let changed = !Arc::ptr_eq(&segments, &self.segments);
        (self.generation, self.segments, self.place) = (generation, segments, 0);
        changed
    }

    /// The segment that holds `key`, or the next one. Keys come in order.
    fn next(&mut self, key: &[u8]) -> Option<&Segment> {
        if self.segments.get(self.place)?.end.as_slice() <= key {
            self.place = self.segments.place(key);
        }
        self.segments.get(self.place)
    }

    /// The end of what the last key was dropped by.
    pub(super) fn end(&self) -> &[u8] {
        self.segments.get(self.place).map_or(&[], |segment| &segment.end)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    pub(super) fn covers(&self, key: &[u8]) -> bool {
        self.segments.cover(key)
    }
}

impl Run {
    /// Must the row in hand begin anew? So it must if something was destroyed of it since the last key.
    pub(super) fn was_cut(&mut self) -> bool {
        if !self.dropping.refresh(&self.shared) {
            return false;
        }
        split_timestamp(&self.last_key).is_some_and(|(row, _)| self.dropping.segments.touch(row, &row_end(row)))
    }

    /// Is the key destroyed? Then it goes.
    pub(super) fn drop_destroyed(&mut self, key: &[u8]) -> Option<Verdict> {
        let segment = self.dropping.next(key).filter(|segment| segment.start.as_slice() <= key)?;
        self.counters.dropped.bump();
        if segment.range.is_done() {
            self.counters.late_dropped.bump();
            if segment.range.count_late() {
                let range = &segment.range;
                log(Level::Warn, || {
                    format!(
                        "keys came into a destroyed range [{:02x?}, {:02x?}) after it was done, the first is {key:02x?}; they go",
                        range.start, range.end
                    )
                });
            }
        }
        self.dropping.hit = true;
        Some(Verdict::Remove)
    }

    /// A row begins: the frequent cases, which do not ask what is destroyed, must not reach into a segment.
    pub(super) fn stay_clear_of_destroyed(&mut self, key: &[u8]) {
        self.place_len = self.own_place_len;
        if self.dropping.is_empty() {
            return;
        }
        let Some(next) = self.dropping.next(key) else { return };
        if next.start.as_slice() <= key || common_prefix(&next.start, key) >= self.own_place_len {
            self.place_len = usize::MAX;
        }
        if let (Current::Raw(row), Some((bytes, _))) = (self.current, split_timestamp(key))
            && next.start.as_slice() > key
            && next.start.starts_with(bytes)
        {
            self.current = Current::CutRaw(row);
        }
    }
}
