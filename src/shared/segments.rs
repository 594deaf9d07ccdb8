//! Destroyed ranges as segments: ranges may overlap, segments do not. A copy costs nothing, and
//! adding or removing a range costs O(log n), and O(1) for each segment of its overlap.
//!
//! ```text
//!   ranges      A [a, m)  B [c, e)  C [k, z)
//!   segments    [a, c) A    [c, e) A B    [e, k) A    [k, m) A C    [m, z) C
//!   remove A    [c, e) B    [k, m) C, [m, z) C become [k, z) C
//! ```

use super::dropped_range::DroppedRange;
use super::tree::{Item, Tree};
use crate::layout::{StoredRange, TIMESTAMP_LEN};
use std::sync::Arc;

/// A stretch of keys that lie in the same destroyed ranges.
#[derive(Debug, Clone)]
pub enum Segment {
    /// All keys of one range, which overlaps no other range.
    Whole(Arc<DroppedRange>),
    /// Keys of ranges that overlap.
    Part(Arc<Part>),
}

/// A segment of ranges that overlap.
#[derive(Debug)]
pub struct Part {
    start: Vec<u8>,
    end: Vec<u8>,
    /// The ranges that hold all its keys, at least one.
    ranges: Vec<Arc<DroppedRange>>,
}

impl Item for Segment {
    fn time(&self) -> u64 {
        self.ranges().iter().map(|range| range.recheck_from()).min().unwrap_or(u64::MAX)
    }
}

impl Segment {
    /// The first key of the segment.
    pub fn start(&self) -> &[u8] {
        match self {
            Self::Whole(range) => range.start(),
            Self::Part(part) => &part.start,
        }
    }

    /// The first key behind the segment.
    pub fn end(&self) -> &[u8] {
        match self {
            Self::Whole(range) => range.end(),
            Self::Part(part) => &part.end,
        }
    }

    /// The ranges that hold all keys of the segment, at least one.
    fn ranges(&self) -> &[Arc<DroppedRange>] {
        match self {
            Self::Whole(range) => std::slice::from_ref(range),
            Self::Part(part) => &part.ranges,
        }
    }

    /// A range that holds all keys of the segment.
    pub fn range(&self) -> Option<&DroppedRange> {
        self.ranges().first().map(Arc::as_ref)
    }

    fn of(start: &[u8], end: &[u8], ranges: Vec<Arc<DroppedRange>>) -> Self {
        match ranges.as_slice() {
            [range] if range.start() == start && range.end() == end => Self::Whole(range.clone()),
            _ => Self::Part(Arc::new(Part { start: start.to_vec(), end: end.to_vec(), ranges })),
        }
    }

    fn part(&self, start: &[u8], end: &[u8]) -> Self {
        Self::of(start, end, self.ranges().to_vec())
    }
}

/// The destroyed segments of one or more families, in order.
#[derive(Debug, Clone, Default)]
pub struct Segments(Tree<Segment>);

impl Segments {
    /// The segments of these ranges. Many ranges that do not overlap cost little.
    pub fn of<'r>(ranges: impl Iterator<Item = &'r Arc<DroppedRange>>) -> Self {
        let mut ranges: Vec<_> = ranges.collect();
        ranges.sort_by(|one, other| one.start().cmp(other.start()));
        let (mut alone, mut overlapping) = (Vec::<Segment>::new(), Vec::new());
        for range in ranges {
            if range.start() < range.end() && alone.last().is_none_or(|last| last.end() <= range.start()) {
                alone.push(Segment::Whole(range.clone()));
            } else {
                overlapping.push(range);
            }
        }
        let mut segments = Self(Tree::of(&alone));
        overlapping.into_iter().for_each(|range| segments.insert(range));
        segments
    }

    /// Whether no key is destroyed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one is an unchanged copy of the other.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }

    /// The first segment that ends behind `key`: the only one that may hold it.
    pub fn first_behind(&self, key: &[u8]) -> Option<&Segment> {
        self.0.first_from(|segment| segment.end().cmp(key).then(std::cmp::Ordering::Less))
    }

    /// Whether this key is destroyed.
    pub fn cover(&self, key: &[u8]) -> bool {
        self.first_behind(key).is_some_and(|segment| segment.start() <= key)
    }

    /// Whether any key of `[start, end)` is destroyed.
    pub fn touch(&self, start: &[u8], end: &[u8]) -> bool {
        self.first_behind(start).is_some_and(|segment| segment.start() < end)
    }

    /// Whether any version of this row is destroyed. It answers as [`Segments::touch`] up to the
    /// row's end, but allocates nothing, because filters call it.
    pub fn touch_row(&self, row: &[u8]) -> bool {
        let oldest = || row.iter().chain(&[0xff; TIMESTAMP_LEN]);
        self.first_behind(row).is_some_and(|segment| segment.start().iter().le(oldest()))
    }

    /// The ranges that overlap `[start, end)`, each at least once.
    pub fn overlapping(&self, start: &[u8], end: &[u8]) -> Vec<Arc<DroppedRange>> {
        let mut found = Vec::new();
        let mut key = start.to_vec();
        while let Some(segment) = self.first_behind(&key).filter(|segment| segment.start() < end) {
            found.extend(segment.ranges().iter().cloned());
            key.clear();
            key.extend_from_slice(segment.end());
        }
        found
    }

    /// All ranges, each at least once.
    pub fn all(&self) -> Vec<Arc<DroppedRange>> {
        let mut all = Vec::new();
        self.0.for_each(&mut |segment| all.extend(segment.ranges().iter().cloned()));
        all
    }

    /// The ranges that were cleared at or before this time and wait for their recheck, each at
    /// least once.
    pub fn waiting_since(&self, time: u64) -> Vec<Arc<DroppedRange>> {
        let mut found = Vec::new();
        self.0.for_each_until(time, &mut |segment| {
            found.extend(segment.ranges().iter().filter(|range| range.recheck_from() <= time).cloned())
        });
        found
    }

    /// Whether a range waits for its recheck.
    pub fn any_waits(&self) -> bool {
        self.0.any_time()
    }

    /// The range with exactly these bounds.
    pub fn find(&self, range: &StoredRange) -> Option<&Arc<DroppedRange>> {
        let segment = self.first_behind(&range.0)?;
        segment.ranges().iter().find(|found| found.is(range))
    }

    /// Adds a range.
    pub fn insert(&mut self, range: &Arc<DroppedRange>) {
        if range.start() < range.end() && !self.touch(range.start(), range.end()) {
            self.set_whole(range);
            return;
        }
        self.change(range, |inside, (start, end)| {
            let alone = |start: &[u8], end: &[u8]| Segment::of(start, end, vec![range.clone()]);
            let mut changed = Vec::new();
            let mut from = start;
            for segment in inside {
                if from < segment.start() {
                    changed.push(alone(from, segment.start()));
                }
                let ranges = segment.ranges().iter().chain(std::iter::once(range)).cloned().collect();
                changed.push(Segment::of(segment.start(), segment.end(), ranges));
                from = segment.end();
            }
            if from < end {
                changed.push(alone(from, end));
            }
            changed
        });
    }

    /// Replaces a range that was added by one with the same bounds.
    pub fn replace(&mut self, range: &Arc<DroppedRange>, by: &Arc<DroppedRange>) {
        if self.is_alone(range) {
            self.set_whole(by);
        } else {
            self.remove(range);
            self.insert(by);
        }
    }

    /// Removes a range that was added.
    pub fn remove(&mut self, range: &Arc<DroppedRange>) {
        if self.is_alone(range) {
            self.0 = self.0.without(&|segment| segment.start().cmp(range.start()));
            return;
        }
        self.change(range, |inside, _| {
            let mut changed = Vec::new();
            for segment in inside {
                let ranges: Vec<_> = segment.ranges().iter().filter(|other| !Arc::ptr_eq(other, range)).cloned().collect();
                if !ranges.is_empty() {
                    changed.push(Segment::of(segment.start(), segment.end(), ranges));
                }
            }
            changed
        });
    }

    /// Whether a range that was added overlaps no other one.
    fn is_alone(&self, range: &Arc<DroppedRange>) -> bool {
        matches!(self.first_behind(range.start()), Some(Segment::Whole(found)) if Arc::ptr_eq(found, range))
    }

    /// Adds a range that overlaps no other one, or only one with its bounds, which it replaces.
    fn set_whole(&mut self, range: &Arc<DroppedRange>) {
        self.0 = self.0.with(Segment::Whole(range.clone()), &|segment| segment.start().cmp(range.start()));
    }

    /// Replaces the segments inside a range by what `change` makes of them. Neighbours that lie in
    /// the same ranges are merged.
    fn change(&mut self, range: &DroppedRange, change: impl for<'s> FnOnce(&'s [Segment], (&'s [u8], &'s [u8])) -> Vec<Segment>) {
        let (start, end) = (range.start(), range.end());
        if start >= end {
            return;
        }
        let (before, rest) = split(&self.0, start);
        let (inside, behind) = split(&rest, end);
        let mut segments = Vec::new();
        inside.for_each(&mut |segment| segments.push(segment.clone()));
        let mut changed = Vec::new();
        let (mut before, mut behind) = (before, behind);
        if let Some((others, last)) = before.pop_last().filter(|(_, last)| last.end() == start) {
            (before, changed) = (others, vec![last]);
        }
        changed.extend(change(&segments, (start, end)));
        if let Some((first, others)) = behind.pop_first().filter(|(first, _)| first.start() == end) {
            behind = others;
            changed.push(first);
        }
        self.0 = before.concat(Tree::of(&merged(changed))).concat(behind);
    }
}

/// The segments before a key, and the segments at or behind it. A segment that holds the key is cut
/// in two.
fn split(tree: &Tree<Segment>, key: &[u8]) -> (Tree<Segment>, Tree<Segment>) {
    let (before, behind) = tree.split(&|segment| segment.start().cmp(key));
    match before.pop_last() {
        Some((others, cut)) if cut.end() > key => {
            (others.concat(Tree::of(&[cut.part(cut.start(), key)])), Tree::of(&[cut.part(key, cut.end())]).concat(behind))
        }
        _ => (before, behind),
    }
}

/// The segments, with neighbours in the same ranges merged.
fn merged(segments: Vec<Segment>) -> Vec<Segment> {
    let mut merged: Vec<Segment> = Vec::new();
    for segment in segments {
        match merged.last_mut() {
            Some(last) if last.end() == segment.start() && are_same(last.ranges(), segment.ranges()) => {
                *last = last.part(last.start(), segment.end());
            }
            _ => merged.push(segment),
        }
    }
    merged
}

fn are_same(one: &[Arc<DroppedRange>], other: &[Arc<DroppedRange>]) -> bool {
    one.len() == other.len() && one.iter().all(|range| other.iter().any(|same| Arc::ptr_eq(range, same)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::row_end;
    use proptest::prelude::*;

    fn range(start: u8, end: u8) -> Arc<DroppedRange> {
        Arc::new(DroppedRange::new(&(vec![start], vec![end]), None, Arc::default()))
    }

    fn all(segments: &Segments) -> Vec<Segment> {
        let mut all = Vec::new();
        segments.0.for_each(&mut |segment| all.push(segment.clone()));
        all
    }

    proptest! {
        /// Ranges are added and removed at random. A copy does not change.
        #[test]
        fn segments_cover_what_the_ranges_cover(steps in proptest::collection::vec((0u8..20, 0u8..20, any::<prop::sample::Index>()), 0..12)) {
            let (mut segments, mut ranges): (Segments, Vec<Arc<DroppedRange>>) = Default::default();
            for (start, end, index) in steps {
                let before = (segments.clone(), all(&segments).len());
                if start % 3 == 0 && !ranges.is_empty() {
                    segments.remove(&ranges.swap_remove(index.index(ranges.len())));
                } else if start % 3 == 1 && !ranges.is_empty() {
                    let place = index.index(ranges.len());
                    let (first, last) = ranges[place].range();
                    let by = range(first[0], last[0]);
                    segments.replace(&std::mem::replace(&mut ranges[place], by.clone()), &by);
                } else {
                    ranges.push(range(start, end));
                    segments.insert(&ranges[ranges.len() - 1]);
                }
                prop_assert_eq!(all(&before.0).len(), before.1);
                let covered = |key: &[u8]| ranges.iter().filter(|range| range.start() <= key && key < range.end()).count();
                for key in 0..21 {
                    prop_assert_eq!(segments.cover(&[key]), covered(&[key]) > 0);
                    prop_assert_eq!(segments.touch_row(&[key]), segments.touch(&[key], &row_end(&[key])));
                    prop_assert_eq!(segments.overlapping(&[key], &[key, 0]).len(), covered(&[key]));
                    for end in key + 1..21 {
                        prop_assert_eq!(segments.touch(&[key], &[end]), (key..end).any(|key| covered(&[key]) > 0));
                    }
                }
                for range in ranges.iter().filter(|range| range.start() < range.end()) {
                    let found = segments.find(&range.range());
                    prop_assert!(found.is_some_and(|found| found.range() == range.range()));
                }
                let all = all(&segments);
                for segment in &all {
                    prop_assert!(segment.start() < segment.end() && segment.range().is_some());
                }
                for (one, next) in all.iter().zip(all.iter().skip(1)) {
                    let merges = one.end() == next.start() && are_same(one.ranges(), next.ranges());
                    prop_assert!(one.end() <= next.start() && !merges, "{:?}", all);
                }
            }
            let bulk = Segments::of(ranges.iter());
            for key in 0..21 {
                prop_assert_eq!(bulk.cover(&[key]), segments.cover(&[key]));
                prop_assert_eq!(bulk.overlapping(&[key], &[key, 0]).len(), segments.overlapping(&[key], &[key, 0]).len());
            }
            ranges.iter().for_each(|range| segments.remove(range));
            prop_assert!(segments.is_empty());
        }
    }
}
