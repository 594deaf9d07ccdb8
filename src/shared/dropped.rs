//! The destroyed ranges with a record, as filters and the worker look them up.

use super::families::{AttachedFamily, all_covered, candidates};
use super::{FilterKind, LateKeys};
use crate::layout::{KeyspaceId, TIMESTAMP_LEN};
use std::collections::HashSet;
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

/// A part of a destroyed range. Ranges may overlap; segments do not.
#[derive(Debug)]
pub struct Segment {
    /// The first key of the segment.
    pub start: Vec<u8>,
    /// The first key behind the segment.
    pub end: Vec<u8>,
    /// The range that the segment belongs to.
    pub range: Arc<DroppedRange>,
}

/// The destroyed ranges of each attached family at one moment.
#[derive(Debug, Default)]
pub struct Dropped {
    families: Vec<AttachedFamily>,
    ranges: Vec<Arc<DroppedRange>>,
    /// The segments of each family, by its place. Families with the same destroyed ranges share
    /// them.
    by_family: Vec<Arc<Segments>>,
    keyspaces: HashSet<KeyspaceId>,
}

impl Dropped {
    /// These ranges, in the families that each of them covers.
    pub fn new(families: &[AttachedFamily], ranges: Vec<Arc<DroppedRange>>) -> Self {
        let keyspaces = ranges.iter().filter_map(|range| range.keyspace).collect();
        let covers_all = |range: &Arc<DroppedRange>| (0..families.len()).all(|place| range.covers.contains(&place));
        let by_family = if ranges.iter().all(covers_all) {
            let same = Arc::new(Segments::new(&ranges));
            families.iter().map(|_| same.clone()).collect()
        } else {
            let of = |place| ranges.iter().filter(|range| range.covers.contains(&place)).cloned().collect::<Vec<_>>();
            (0..families.len()).map(|place| Arc::new(Segments::new(&of(place)))).collect()
        };
        Self { families: families.to_vec(), ranges, by_family, keyspaces }
    }

    /// Whether no range is destroyed.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a keyspace is destroyed.
    pub fn has_keyspace(&self, keyspace: KeyspaceId) -> bool {
        self.keyspaces.contains(&keyspace)
    }

    /// The destroyed segments of the family at a place.
    pub fn in_family(&self, place: usize) -> Arc<Segments> {
        self.by_family.get(place).cloned().unwrap_or_default()
    }

    /// The places of the families that a filter of this kind and family id may belong to.
    pub fn candidates(&self, kind: FilterKind, id: Option<u32>) -> Vec<usize> {
        candidates(&self.families, kind, id)
    }

    /// The segments that are destroyed in every family that a filter of this kind and family id may
    /// belong to.
    pub fn for_run(&self, kind: FilterKind, id: Option<u32>) -> Arc<Segments> {
        let candidates = self.candidates(kind, id);
        let mut segments = candidates.iter().map(|place| self.in_family(*place));
        let Some(first) = segments.next() else { return Arc::default() };
        if segments.all(|other| Arc::ptr_eq(&first, &other)) {
            return first;
        }
        let common: Vec<_> = self.ranges.iter().filter(|range| all_covered(&range.covers, &candidates)).cloned().collect();
        Arc::new(Segments::new(&common))
    }
}

/// The destroyed segments of one family, in order.
#[derive(Debug, Default)]
pub struct Segments {
    segments: Vec<Segment>,
}

impl Segments {
    /// The segments of these ranges.
    pub fn new(ranges: &[Arc<DroppedRange>]) -> Self {
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
        Self { segments }
    }

    /// Whether no key is destroyed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The place of the first segment that ends behind `key`: the only one that may hold it.
    pub fn place(&self, key: &[u8]) -> usize {
        self.segments.partition_point(|segment| segment.end.as_slice() <= key)
    }

    /// The segment at a place.
    pub fn get(&self, place: usize) -> Option<&Segment> {
        self.segments.get(place)
    }

    /// Whether this key is destroyed.
    pub fn cover(&self, key: &[u8]) -> bool {
        self.get(self.place(key)).is_some_and(|segment| segment.start.as_slice() <= key)
    }

    /// Whether any key of `[start, end)` is destroyed.
    pub fn touch(&self, start: &[u8], end: &[u8]) -> bool {
        self.get(self.place(start)).is_some_and(|segment| segment.start.as_slice() < end)
    }

    /// Whether any version of this row is destroyed. It answers as [`Segments::touch`] up to the
    /// row's end, but allocates nothing, because filters call it.
    pub fn touch_row(&self, row: &[u8]) -> bool {
        let oldest = || row.iter().chain(&[0xff; TIMESTAMP_LEN]);
        self.get(self.place(row)).is_some_and(|segment| segment.start.iter().le(oldest()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::row_end;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cover_what_the_ranges_cover(ranges in proptest::collection::vec((0u8..20, 0u8..20), 0..6)) {
            let ranges: Vec<_> = ranges.iter().map(|(start, end)| Arc::new(DroppedRange { start: vec![*start], end: vec![*end], keyspace: None, late: LateKeys::default(), covers: Vec::new() })).collect();
            let segments = Segments::new(&ranges);
            let covered = |key: &[u8]| ranges.iter().any(|range| range.start.as_slice() <= key && key < range.end.as_slice());
            for key in 0..21 {
                prop_assert_eq!(segments.cover(&[key]), covered(&[key]));
                prop_assert_eq!(segments.touch_row(&[key]), segments.touch(&[key], &row_end(&[key])));
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
