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
//! the run has kept of it may be what was destroyed, and would shadow the half that stays. So it does if a range stops being destroyed.

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

    /// Takes over what is destroyed now. What was destroyed before, if anything changed.
    fn refresh(&mut self, shared: &Shared) -> Option<Arc<Segments>> {
        let generation = shared.generation();
        if generation == self.generation {
            return None;
        }
        let before = std::mem::replace(&mut self.segments, Self::in_force(shared));
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
    /// Must the row in hand begin anew? So it must if what is destroyed of it is not what it was at the last key: more of it, and
    /// what was kept is dead; or less, and what comes is of the dead half, whose first versions left no trace.
    pub(super) fn was_cut(&mut self) -> bool {
        let Some(before) = self.dropping.refresh(&self.shared) else { return false };
        let Some((row, _)) = split_timestamp(&self.last_key) else { return false };
        let end = row_end(row);
        before.touch(row, &end) || self.dropping.segments.touch(row, &end)
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
            && self.dropping.segments.touch(bytes, &row_end(bytes))
        {
            self.current = Current::CutRaw(row);
        }
    }
}
