//! The destroyed ranges whose records are in force. Filters and the worker look them up here.

use super::FilterKind;
use super::dropped_range::DroppedRange;
use super::families::{AttachedFamily, all_covered, candidates};
use super::segments::Segments;
use crate::layout::{KeyMode, KeyspaceId, Layout, StoredRange};
use std::collections::HashSet;
use std::sync::Arc;

/// Families with the same destroyed ranges.
#[derive(Debug, Clone)]
struct Group {
    /// The places of the families, in order.
    places: Arc<[usize]>,
    segments: Segments,
}

impl Group {
    /// Whether an added range covers the families: all of them, or none.
    fn is_covered(&self, range: &DroppedRange) -> bool {
        self.places.first().is_some_and(|place| range.covers.places.contains(place))
    }
}

/// The destroyed ranges of each attached family at one moment. A copy copies only the list of
/// groups. In most stores all families are in one group.
#[derive(Debug, Clone, Default)]
pub struct Dropped {
    families: Arc<[AttachedFamily]>,
    groups: Vec<Group>,
}

impl Dropped {
    /// These ranges, in the families that each of them covers. It is fast if most of them cover the
    /// same families.
    pub fn new(families: Vec<AttachedFamily>, ranges: &[Arc<DroppedRange>]) -> Self {
        let usual = ranges.first().map(|range| range.covers.places.clone()).unwrap_or_default();
        let (together, others): (Vec<_>, Vec<_>) = ranges.iter().partition(|range| range.covers.places == usual);
        let covered = Group { places: usual.as_slice().into(), segments: Segments::of(together.into_iter()) };
        let rest = Group { places: (0..families.len()).filter(|place| !usual.contains(place)).collect(), segments: Segments::default() };
        let groups = [covered, rest].into_iter().filter(|group| !group.places.is_empty()).collect();
        let mut dropped = Self { families: families.into(), groups };
        others.into_iter().for_each(|range| dropped.insert(range));
        dropped
    }

    /// Adds a range in the families that it covers.
    pub fn insert(&mut self, range: &Arc<DroppedRange>) {
        for mut group in std::mem::take(&mut self.groups) {
            if *range.covers.places != *group.places {
                let (covered, others): (Vec<_>, Vec<_>) = group.places.iter().partition(|place| range.covers.places.contains(place));
                if !others.is_empty() {
                    self.groups.push(Group { places: others.into(), segments: group.segments.clone() });
                }
                group.places = covered.into();
            }
            if !group.places.is_empty() {
                group.segments.insert(range);
                self.groups.push(group);
            }
        }
    }

    /// Replaces a range that was added by one with the same bounds.
    pub fn replace(&mut self, range: &Arc<DroppedRange>, by: &Arc<DroppedRange>) {
        if range.covers.places != by.covers.places {
            self.remove(range);
            self.insert(by);
            return;
        }
        for group in self.groups.iter_mut().filter(|group| group.is_covered(range)) {
            group.segments.replace(range, by);
        }
    }

    /// Removes a range that was added.
    pub fn remove(&mut self, range: &Arc<DroppedRange>) {
        for group in self.groups.iter_mut().filter(|group| group.is_covered(range)) {
            group.segments.remove(range);
        }
        if self.is_empty() && self.groups.len() > 1 {
            *self = Self::new(self.families.to_vec(), &[]);
        }
    }

    /// Whether a keyspace is destroyed.
    pub fn has_keyspace(&self, layout: &Layout, keyspace: KeyspaceId) -> bool {
        let has = |mode| {
            let range = layout.encode_range(Some(mode), Some(keyspace), &[], &[]).ok()?;
            self.find(&(range.start, range.end?)).filter(|found| found.keyspace() == Some(keyspace))
        };
        !self.is_empty() && [KeyMode::Raw, KeyMode::Txn].into_iter().any(|mode| has(mode).is_some())
    }

    /// The range with exactly these bounds.
    pub fn find(&self, range: &StoredRange) -> Option<&Arc<DroppedRange>> {
        self.groups.iter().find_map(|group| group.segments.find(range))
    }

    /// The ranges that overlap `[start, end)`, in the order of their starts.
    pub fn overlapping(&self, start: &[u8], end: &[u8]) -> Vec<Arc<DroppedRange>> {
        self.each_once(|segments| segments.overlapping(start, end))
    }

    /// All ranges, in the order of their starts.
    pub fn all(&self) -> Vec<Arc<DroppedRange>> {
        self.each_once(Segments::all)
    }

    /// The ranges that were cleared at or before this time and wait for their recheck, in the order
    /// of their starts.
    pub fn waiting_since(&self, time: u64) -> Vec<Arc<DroppedRange>> {
        self.each_once(|segments| segments.waiting_since(time))
    }

    /// Whether a range waits for its recheck.
    pub fn any_waits(&self) -> bool {
        self.groups.iter().any(|group| group.segments.any_waits())
    }

    /// A range of several families or segments is found more than once.
    fn each_once(&self, find: impl Fn(&Segments) -> Vec<Arc<DroppedRange>>) -> Vec<Arc<DroppedRange>> {
        let mut found: Vec<_> = self.groups.iter().flat_map(|group| find(&group.segments)).collect();
        found.sort_by(|one, other| (one.start(), one.end()).cmp(&(other.start(), other.end())));
        found.dedup_by(|one, other| Arc::ptr_eq(one, other));
        found
    }

    /// Whether one is an unchanged copy of the other.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |(one, other): (&Group, &Group)| one.places == other.places && one.segments.is_same(&other.segments);
        Arc::ptr_eq(&self.families, &other.families)
            && self.groups.len() == other.groups.len()
            && self.groups.iter().zip(&other.groups).all(same)
    }

    /// Whether no range is destroyed.
    pub fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.segments.is_empty())
    }

    /// The destroyed segments of the family at a place.
    pub fn in_family(&self, place: usize) -> Segments {
        self.group(place).map(|group| group.segments.clone()).unwrap_or_default()
    }

    fn group(&self, place: usize) -> Option<&Group> {
        self.groups.iter().find(|group| group.places.binary_search(&place).is_ok())
    }

    /// The places of the families that a filter of this kind and family id may belong to.
    pub fn candidates(&self, kind: FilterKind, id: Option<u32>) -> Vec<usize> {
        candidates(&self.families, kind, id)
    }

    /// The destroyed segments for a filter of this kind and family id. The filter may belong to one
    /// of several families, so these are the segments that are destroyed in all of them.
    pub fn for_run(&self, kind: FilterKind, id: Option<u32>) -> Segments {
        let candidates = self.candidates(kind, id);
        let Some(first) = candidates.first().map(|place| self.in_family(*place)) else { return Segments::default() };
        if candidates.iter().all(|place| self.in_family(*place).is_same(&first)) {
            return first;
        }
        let mut known = HashSet::new();
        // A range of several segments is found once for each of them.
        let all = first.all().into_iter().filter(|range| known.insert(Arc::as_ptr(range)));
        let common: Vec<_> = all.filter(|range| all_covered(&range.covers.places, &candidates)).collect();
        Segments::of(common.iter())
    }
}
