//! The records of destroyed ranges in memory, found by range, by time, and by what the worker must do
//! about them.

use super::covered_families::CoveredFamilies;
use super::destroyed::Destroyed;
use super::pending_ranges::PendingRanges;
use crate::layout::StoredRange;
use crate::reclaim::store::Store;
use crate::shared::{DroppedRange, LateKeys, Segments, Shared};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A record, and the range whose keys filters remove because of it.
pub struct Entry {
    /// The record.
    pub record: Destroyed,
    /// Whether the record is known to be in the store. If not, the caller must repeat the destroy,
    /// and filters remove nothing because of the record.
    pub durable: bool,
    /// Whether the record can be read in the store, durable or not. Then it is listed.
    pub listed: bool,
    /// The range, for filters.
    pub dropped: Arc<DroppedRange>,
    /// The families that the record covers.
    pub covers: CoveredFamilies,
}

impl Entry {
    pub fn new(record: Destroyed, durable: bool, covers: CoveredFamilies) -> Self {
        let (start, end) = record.range.clone();
        let dropped =
            DroppedRange { start, end, keyspace: record.keyspace, late: LateKeys::new(record.is_done()), covers: covers.places.clone() };
        Self { record, durable, listed: durable, dropped: Arc::new(dropped), covers }
    }

    /// Whether filters remove the keys of the range.
    pub fn is_published(&self) -> bool {
        self.durable && self.record.is_in_force()
    }

    /// Whether the record is listed for the host. One that only remembers files is not.
    pub fn is_listed(&self) -> bool {
        self.listed && (self.record.is_in_force() || self.record.pending().is_some())
    }

    pub fn covers_the_same_as(&self, other: &Self) -> bool {
        self.covers == other.covers && self.record.keyspace == other.record.keyspace
    }

    /// The time when the range was cleared, if it is to be rechecked.
    pub fn recheck_from(&self) -> Option<u64> {
        (self.record.is_in_force() && !self.record.is_started()).then_some(self.record.done_at)
    }
}

/// The records of destroyed ranges, by range.
#[derive(Default)]
pub struct Entries {
    by_range: BTreeMap<StoredRange, Entry>,
    /// The ranges to recheck, by the time when they were cleared.
    pub cleared: BTreeSet<(u64, StoredRange)>,
    /// The ranges whose files must be compacted, in attached families.
    pub to_compact: BTreeSet<StoredRange>,
    /// The pending ranges.
    pub pending: PendingRanges,
    /// All ranges, to find those that overlap another one.
    segments: Segments,
}

impl Entries {
    pub fn of(entries: Vec<Entry>, store: &Store) -> Self {
        let mut all = Self { segments: Segments::of(entries.iter().map(|entry| &entry.dropped)), ..Self::default() };
        for entry in entries {
            all.put_at_its_time(&entry, store);
            all.by_range.insert(entry.record.range.clone(), entry);
        }
        all
    }

    pub fn get(&self, range: &StoredRange) -> Option<&Entry> {
        self.by_range.get(range)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.by_range.values()
    }

    pub fn put(&mut self, entry: Entry, store: &Store) {
        self.remove(&entry.record.range.clone());
        self.put_at_its_time(&entry, store);
        self.segments.insert(&entry.dropped);
        self.by_range.insert(entry.record.range.clone(), entry);
    }

    fn put_at_its_time(&mut self, entry: &Entry, store: &Store) {
        let range = &entry.record.range;
        self.cleared.extend(entry.recheck_from().map(|at| (at, range.clone())));
        if entry.record.to_compact().is_some_and(|families| !CoveredFamilies::new(families, &store.families).places.is_empty()) {
            self.to_compact.insert(range.clone());
        }
        if let Some(after) = entry.record.pending() {
            self.pending.insert(&store.shared.layout, range, after);
        }
    }

    pub fn remove(&mut self, range: &StoredRange) -> Option<Entry> {
        let entry = self.by_range.remove(range)?;
        self.pending.remove(range);
        self.cleared.remove(&(entry.record.done_at, range.clone()));
        self.to_compact.remove(range);
        self.segments.remove(&entry.dropped);
        Some(entry)
    }

    pub fn overlapping(&self, (start, end): &StoredRange) -> impl Iterator<Item = &Destroyed> {
        let found = self.segments.overlapping(start, end).into_iter();
        found.filter_map(|range| Some(&self.by_range.get(&(range.start.clone(), range.end.clone()))?.record))
    }

    pub fn due(&self, shared: &Shared) -> Vec<StoredRange> {
        let may_begin = |range: &StoredRange| {
            let Some(Destroyed { forced, keyspace: Some(keyspace), .. }) = self.get(range).map(|entry| &entry.record) else { return true };
            *forced || !shared.keyspaces.state(*keyspace).is_some_and(|state| state.is_in_use())
        };
        self.pending.due(|owner| owner.map_or(shared.safe_points.global(), |id| shared.safe_points.effective(id).safe_point), may_begin)
    }

    /// The ranges that were cleared at or before that time, and those whose time is unknown.
    pub fn cleared_by(&self, time: Option<u64>) -> Vec<StoredRange> {
        self.cleared.iter().take_while(|(at, _)| *at == 0 || time.is_some_and(|time| *at <= time)).map(|(_, range)| range.clone()).collect()
    }
}
