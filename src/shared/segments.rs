//! Destroyed ranges as segments: ranges may overlap, segments do not. A copy costs nothing, and
//! adding or removing a range costs O(log n), and O(1) for each segment of its overlap.
//!
//! ```text
//!   ranges      A [a, m)  B [c, e)  C [k, z)
//!   segments    [a, c) A    [c, e) A B    [e, k) A    [k, m) A C    [m, z) C
//!   remove A    [c, e) B    [k, m) C, [m, z) C become [k, z) C
//! ```

use super::LateKeys;
use super::tree::Tree;
use crate::layout::{KeyspaceId, TIMESTAMP_LEN};
use std::sync::Arc;

/// A destroyed range, half open.
#[derive(Debug)]
pub struct DroppedRange {
    /// The first key of the range.
    pub start: Vec<u8>,
    /// The first key behind the range.
    pub end: Vec<u8>,
    /// The keyspace, if a whole keyspace was destroyed.
    pub keyspace: Option<KeyspaceId>,
    /// The late keys of the range.
    pub late: LateKeys,
    /// The places of the attached families in which the range is destroyed.
    pub covers: Vec<usize>,
}

/// A stretch of keys that lie in the same destroyed ranges.
#[derive(Debug)]
pub struct Segment {
    /// The first key of the segment.
    pub start: Vec<u8>,
    /// The first key behind the segment.
    pub end: Vec<u8>,
    /// The ranges that hold all its keys, at least one.
    ranges: Vec<Arc<DroppedRange>>,
}

impl Segment {
    /// A range that holds all keys of the segment.
    pub fn range(&self) -> Option<&DroppedRange> {
        self.ranges.first().map(Arc::as_ref)
    }

    fn alone(range: &Arc<DroppedRange>, start: &[u8], end: &[u8]) -> Arc<Self> {
        Arc::new(Self { start: start.to_vec(), end: end.to_vec(), ranges: vec![range.clone()] })
    }

    fn part(&self, start: &[u8], end: &[u8]) -> Arc<Self> {
        Arc::new(Self { start: start.to_vec(), end: end.to_vec(), ranges: self.ranges.clone() })
    }
}

/// The destroyed segments of one or more families, in order.
#[derive(Debug, Clone, Default)]
pub struct Segments(Tree<Arc<Segment>>);

impl Segments {
    /// The segments of these ranges. Many ranges that do not overlap cost little.
    pub fn of<'r>(ranges: impl Iterator<Item = &'r Arc<DroppedRange>>) -> Self {
        let mut ranges: Vec<_> = ranges.collect();
        ranges.sort_by(|one, other| one.start.cmp(&other.start));
        let (mut alone, mut overlapping) = (Vec::<Arc<Segment>>::new(), Vec::new());
        for range in ranges {
            if range.start < range.end && alone.last().is_none_or(|last| last.end <= range.start) {
                alone.push(Segment::alone(range, &range.start, &range.end));
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

    /// Whether both are the same segments, because neither has changed since they were copied.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }

    /// The first segment that ends behind `key`: the only one that may hold it.
    pub fn first_behind(&self, key: &[u8]) -> Option<&Arc<Segment>> {
        self.0.first_from(|segment| segment.end.as_slice().cmp(key).then(std::cmp::Ordering::Less))
    }

    /// Whether this key is destroyed.
    pub fn cover(&self, key: &[u8]) -> bool {
        self.first_behind(key).is_some_and(|segment| segment.start.as_slice() <= key)
    }

    /// Whether any key of `[start, end)` is destroyed.
    pub fn touch(&self, start: &[u8], end: &[u8]) -> bool {
        self.first_behind(start).is_some_and(|segment| segment.start.as_slice() < end)
    }

    /// Whether any version of this row is destroyed. It answers as [`Segments::touch`] up to the
    /// row's end, but allocates nothing, because filters call it.
    pub fn touch_row(&self, row: &[u8]) -> bool {
        let oldest = || row.iter().chain(&[0xff; TIMESTAMP_LEN]);
        self.first_behind(row).is_some_and(|segment| segment.start.iter().le(oldest()))
    }

    /// The ranges that hold a key of `[start, end)`, each at least once.
    pub fn overlapping(&self, start: &[u8], end: &[u8]) -> Vec<Arc<DroppedRange>> {
        let mut found = Vec::new();
        let mut key = start.to_vec();
        while let Some(segment) = self.first_behind(&key).filter(|segment| segment.start.as_slice() < end) {
            found.extend(segment.ranges.iter().cloned());
            key.clone_from(&segment.end);
        }
        found
    }

    /// All ranges, each at least once.
    pub fn all(&self) -> Vec<Arc<DroppedRange>> {
        let mut all = Vec::new();
        self.0.for_each(&mut |segment| all.extend(segment.ranges.iter().cloned()));
        all
    }

    /// Adds a range.
    pub fn insert(&mut self, range: &Arc<DroppedRange>) {
        self.change(range, |inside, (start, end)| {
            let mut changed = Vec::new();
            let mut from = start;
            for segment in inside {
                if from < segment.start.as_slice() {
                    changed.push(Segment::alone(range, from, &segment.start));
                }
                let ranges = segment.ranges.iter().chain(std::iter::once(range)).cloned().collect();
                changed.push(Arc::new(Segment { start: segment.start.clone(), end: segment.end.clone(), ranges }));
                from = &segment.end;
            }
            if from < end {
                changed.push(Segment::alone(range, from, end));
            }
            changed
        });
    }

    /// Removes a range that was added.
    pub fn remove(&mut self, range: &Arc<DroppedRange>) {
        self.change(range, |inside, _| {
            let mut changed: Vec<Arc<Segment>> = Vec::new();
            for segment in inside {
                let ranges: Vec<_> = segment.ranges.iter().filter(|other| !Arc::ptr_eq(other, range)).cloned().collect();
                if !ranges.is_empty() {
                    changed.push(Arc::new(Segment { start: segment.start.clone(), end: segment.end.clone(), ranges }));
                }
            }
            changed
        });
    }

    /// Replaces the segments inside a range by what `change` makes of them. Neighbours that lie in
    /// the same ranges are merged.
    fn change(&mut self, range: &DroppedRange, change: impl for<'s> FnOnce(&'s [Arc<Segment>], (&'s [u8], &'s [u8])) -> Vec<Arc<Segment>>) {
        let (start, end) = (range.start.as_slice(), range.end.as_slice());
        if start >= end {
            return;
        }
        let (before, rest) = split(&self.0, start);
        let (inside, behind) = split(&rest, end);
        let mut segments = Vec::new();
        inside.for_each(&mut |segment| segments.push(segment.clone()));
        let mut changed = Vec::new();
        let (mut before, mut behind) = (before, behind);
        if let Some((others, last)) = before.pop_last().filter(|(_, last)| last.end == start) {
            (before, changed) = (others, vec![last]);
        }
        changed.extend(change(&segments, (start, end)));
        if let Some((first, others)) = behind.pop_first().filter(|(first, _)| first.start == end) {
            behind = others;
            changed.push(first);
        }
        self.0 = before.concat(Tree::of(&merged(changed))).concat(behind);
    }
}

/// The segments before a key, and those from it on. A segment that holds the key is cut in two.
fn split(tree: &Tree<Arc<Segment>>, key: &[u8]) -> (Tree<Arc<Segment>>, Tree<Arc<Segment>>) {
    let (before, behind) = tree.split(&|segment| segment.start.as_slice().cmp(key));
    match before.pop_last() {
        Some((others, cut)) if cut.end.as_slice() > key => {
            (others.concat(Tree::of(&[cut.part(&cut.start, key)])), Tree::of(&[cut.part(key, &cut.end)]).concat(behind))
        }
        _ => (before, behind),
    }
}

/// The segments, with neighbours in the same ranges merged.
fn merged(segments: Vec<Arc<Segment>>) -> Vec<Arc<Segment>> {
    let mut merged: Vec<Arc<Segment>> = Vec::new();
    for segment in segments {
        match merged.last_mut() {
            Some(last) if last.end == segment.start && are_same(&last.ranges, &segment.ranges) => {
                *last = last.part(&last.start, &segment.end);
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
        Arc::new(DroppedRange { start: vec![start], end: vec![end], keyspace: None, late: LateKeys::default(), covers: Vec::new() })
    }

    fn all(segments: &Segments) -> Vec<Arc<Segment>> {
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
                } else {
                    ranges.push(range(start, end));
                    segments.insert(&ranges[ranges.len() - 1]);
                }
                prop_assert_eq!(all(&before.0).len(), before.1);
                let covered = |key: &[u8]| ranges.iter().filter(|range| range.start.as_slice() <= key && key < range.end.as_slice()).count();
                for key in 0..21 {
                    prop_assert_eq!(segments.cover(&[key]), covered(&[key]) > 0);
                    prop_assert_eq!(segments.touch_row(&[key]), segments.touch(&[key], &row_end(&[key])));
                    prop_assert_eq!(segments.overlapping(&[key], &[key, 0]).len(), covered(&[key]));
                    for end in key + 1..21 {
                        prop_assert_eq!(segments.touch(&[key], &[end]), (key..end).any(|key| covered(&[key]) > 0));
                    }
                }
                let all = all(&segments);
                for segment in &all {
                    prop_assert!(segment.start < segment.end && !segment.ranges.is_empty() && segment.range().is_some());
                }
                for (one, next) in all.iter().zip(all.iter().skip(1)) {
                    let merges = one.end == next.start && are_same(&one.ranges, &next.ranges);
                    prop_assert!(one.end <= next.start && !merges, "{:?}", all);
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
