//! The destroyed ranges with a record, as filters and the worker look them up.

use super::FilterKind;
use super::families::{AttachedFamily, all_covered, candidates};
use super::segments::{DroppedRange, Segments};
use super::tree::Tree;
use crate::layout::KeyspaceId;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

/// Families with the same destroyed ranges.
#[derive(Debug, Clone)]
struct Group {
    /// The places of the families, in order.
    places: Arc<[usize]>,
    segments: Segments,
}

/// The destroyed ranges of each attached family at one moment. A copy costs nothing but its groups,
/// and in most stores all families are one group.
#[derive(Debug, Clone, Default)]
pub struct Dropped {
    families: Arc<[AttachedFamily]>,
    groups: Vec<Group>,
    /// The destroyed keyspaces, in order, each with its number of ranges.
    keyspaces: Tree<(KeyspaceId, usize)>,
}

impl Dropped {
    /// These ranges, in the families that each of them covers.
    pub fn new(families: Vec<AttachedFamily>, ranges: &[Arc<DroppedRange>]) -> Self {
        let all: Arc<[usize]> = (0..families.len()).collect();
        let (everywhere, others): (Vec<_>, Vec<_>) = ranges.iter().partition(|range| *range.covers == *all);
        let segments = Segments::of(everywhere.iter().copied());
        let mut dropped = Self { families: families.into(), groups: vec![Group { places: all, segments }], keyspaces: Tree::default() };
        everywhere.into_iter().for_each(|range| dropped.count(range.keyspace, |ranges| ranges + 1));
        others.into_iter().for_each(|range| dropped.insert(range));
        dropped
    }

    /// Adds a range in the families that it covers.
    pub fn insert(&mut self, range: &Arc<DroppedRange>) {
        self.count(range.keyspace, |ranges| ranges + 1);
        for mut group in std::mem::take(&mut self.groups) {
            if *range.covers != *group.places {
                let (covered, others): (Vec<_>, Vec<_>) = group.places.iter().partition(|place| range.covers.contains(place));
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

    /// Removes a range that was added.
    pub fn remove(&mut self, range: &Arc<DroppedRange>) {
        self.count(range.keyspace, |ranges| ranges.saturating_sub(1));
        for group in &mut self.groups {
            // A range covers all families of a group or none.
            if group.places.first().is_some_and(|place| range.covers.contains(place)) {
                group.segments.remove(range);
            }
        }
        if self.is_empty() && self.groups.len() > 1 {
            *self = Self::new(self.families.to_vec(), &[]);
        }
    }

    fn count(&mut self, keyspace: Option<KeyspaceId>, change: impl Fn(usize) -> usize) {
        let Some(keyspace) = keyspace else { return };
        let (before, rest) = self.keyspaces.split(&|(id, _)| id.cmp(&keyspace));
        let (same, behind) = rest.split(&|(id, _)| id.cmp(&keyspace).then(Ordering::Less));
        let ranges = change(same.pop_first().map_or(0, |((_, ranges), _)| ranges));
        let changed = if ranges == 0 { Tree::default() } else { Tree::of(&[(keyspace, ranges)]) };
        self.keyspaces = before.concat(changed).concat(behind);
    }

    /// Whether a keyspace is destroyed.
    pub fn has_keyspace(&self, keyspace: KeyspaceId) -> bool {
        self.keyspaces.first_from(|(id, _)| id.cmp(&keyspace)).is_some_and(|(id, _)| *id == keyspace)
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

    /// The segments that are destroyed in every family that a filter of this kind and family id may
    /// belong to.
    pub fn for_run(&self, kind: FilterKind, id: Option<u32>) -> Segments {
        let candidates = self.candidates(kind, id);
        let Some(first) = candidates.first().map(|place| self.in_family(*place)) else { return Segments::default() };
        if candidates.iter().all(|place| self.in_family(*place).is_same(&first)) {
            return first;
        }
        let (mut common, mut known) = (Segments::default(), HashSet::new());
        for range in first.all().iter().filter(|range| all_covered(&range.covers, &candidates)) {
            // A range of several segments is found once for each of them.
            if known.insert(Arc::as_ptr(range)) {
                common.insert(range);
            }
        }
        common
    }
}
