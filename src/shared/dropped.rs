//! Destroyed ranges whose records stand, as runs and the worker look them up.

use super::Late;
use crate::layout::KeyspaceId;
use std::collections::HashSet;
use std::sync::Arc;

/// A destroyed range, half open.
#[derive(Debug)]
pub struct DroppedRange {
    /// Its first key.
    pub start: Vec<u8>,
    /// The first key behind it.
    pub end: Vec<u8>,
    /// Of a destroyed keyspace.
    pub keyspace: Option<KeyspaceId>,
    /// What comes into it.
    pub late: Late,
}

/// A part of a destroyed range. Segments do not overlap, though ranges may.
#[derive(Debug)]
pub struct Segment {
    /// Its first key.
    pub start: Vec<u8>,
    /// The first key behind it.
    pub end: Vec<u8>,
    /// The range that it is of.
    pub range: Arc<DroppedRange>,
}

/// All destroyed ranges as of some moment, in order.
#[derive(Debug, Default)]
pub struct Segments {
    segments: Vec<Segment>,
    keyspaces: HashSet<KeyspaceId>,
}

impl Segments {
    /// The segments of these ranges.
    pub fn new(ranges: &[Arc<DroppedRange>]) -> Self {
        let keyspaces = ranges.iter().filter_map(|range| range.keyspace).collect();
        let mut ranges: Vec<_> = ranges.iter().collect();
        ranges.sort_by(|one, other| one.start.cmp(&other.start));
        let mut segments: Vec<Segment> = Vec::new();
        for range in ranges {
            // In this order the last segment has the highest end.
            let start = segments.last().map_or(&range.start, |last| (&last.end).max(&range.start)).clone();
            if start < range.end {
                segments.push(Segment { start, end: range.end.clone(), range: range.clone() });
            }
        }
        Self { segments, keyspaces }
    }

    /// Is nothing destroyed?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Is a keyspace destroyed?
    pub fn has_keyspace(&self, keyspace: KeyspaceId) -> bool {
        self.keyspaces.contains(&keyspace)
    }

    /// The place of the first segment that ends behind `key`: the only one that may hold it.
    pub fn place(&self, key: &[u8]) -> usize {
        self.segments.partition_point(|segment| segment.end.as_slice() <= key)
    }

    /// The segment at a place.
    pub fn get(&self, place: usize) -> Option<&Segment> {
        self.segments.get(place)
    }

    /// Is this key destroyed?
    pub fn cover(&self, key: &[u8]) -> bool {
        self.get(self.place(key)).is_some_and(|segment| segment.start.as_slice() <= key)
    }

    /// Is any key of `[start, end)` destroyed?
    pub fn touch(&self, start: &[u8], end: &[u8]) -> bool {
        self.get(self.place(start)).is_some_and(|segment| segment.start.as_slice() < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cover_what_the_ranges_cover(ranges in proptest::collection::vec((0u8..20, 0u8..20), 0..6)) {
            let ranges: Vec<_> = ranges.iter().map(|(start, end)| Arc::new(DroppedRange { start: vec![*start], end: vec![*end], keyspace: None, late: Late::default() })).collect();
            let segments = Segments::new(&ranges);
            let covered = |key: &[u8]| ranges.iter().any(|range| range.start.as_slice() <= key && key < range.end.as_slice());
            for key in 0..21 {
                prop_assert_eq!(segments.cover(&[key]), covered(&[key]));
                for end in key + 1..21 {
                    prop_assert_eq!(segments.touch(&[key], &[end]), (key..end).any(|key| covered(&[key])));
                }
            }
            for (one, next) in segments.segments.iter().zip(segments.segments.iter().skip(1)) {
                prop_assert!(one.start < one.end && one.end <= next.start);
            }
        }
    }
}
