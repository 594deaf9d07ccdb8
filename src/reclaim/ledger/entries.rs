//! The records of destroyed ranges in memory. A record that is in force is kept only in the form
//! that filters use. So very many of them take little memory.

use super::covered_families::CoveredFamilies;
use super::destroyed::{Destroyed, Progress};
use super::pending_ranges::PendingRanges;
use crate::layout::StoredRange;
use crate::reclaim::store::Store;
use crate::shared::{AttachedFamily, Coverage, Dropped, DroppedRange, NamedFamily, RangeProgress, Segments, Shared};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A record that is not in force, or that is not known to be in the store.
struct Other {
    record: Destroyed,
    /// Whether the record can be read in the store. Then it is listed.
    is_stored: bool,
    range: Arc<DroppedRange>,
}

impl Other {
    /// A record that only remembers files is not listed.
    fn is_listed(&self) -> bool {
        self.is_stored && (self.record.is_in_force() || self.record.pending().is_some())
    }
}

/// The records of destroyed ranges.
#[derive(Default)]
pub struct Entries {
    /// The ranges of the records that are in force, in the form that filters use.
    pub in_force: Dropped,
    /// The number of these records.
    number: usize,
    /// For the records in force that are cleared: the families to compact.
    uncompacted: BTreeMap<StoredRange, Vec<NamedFamily>>,
    others: BTreeMap<StoredRange, Other>,
    /// The ranges of the other records, to find those that overlap another range.
    segments: Segments,
    /// The ranges whose files can be compacted: a family to compact is attached, or the host has
    /// dropped all of these families. Each debt has a number, and a range that is cleared again has
    /// a new debt.
    pub to_compact: BTreeMap<StoredRange, u64>,
    /// The number of debts so far.
    debts: u64,
    /// The pending ranges.
    pub pending: PendingRanges,
    /// The ranges whose pending destroy the worker has begun and not finished.
    pub begun: BTreeSet<StoredRange>,
    /// The coverages of the ranges; most ranges share one.
    coverages: Vec<Arc<Coverage>>,
}

impl Entries {
    /// The entries of records that are in the store.
    pub fn of(records: impl Iterator<Item = Destroyed>, store: &Store) -> Self {
        let (in_force, others): (Vec<_>, Vec<_>) = records.partition(Destroyed::is_in_force);
        let mut entries = Self::default();
        let ranges: Vec<_> = in_force.into_iter().map(|record| entries.note_in_force(record, None, store)).collect();
        let families = store.families.iter().map(|family| AttachedFamily { id: family.id, runs: family.role.runs() }).collect();
        entries.number = ranges.len();
        entries.in_force = Dropped::new(families, &ranges);
        others.into_iter().for_each(|record| entries.put(record, true, true, store));
        entries
    }

    /// The record of a range.
    pub fn get(&self, range: &StoredRange) -> Option<Destroyed> {
        let in_force = self.in_force.find(range).map(|found| self.record(found));
        in_force.or_else(|| self.others.get(range).map(|other| other.record.clone()))
    }

    /// The record of a range that is in force.
    fn record(&self, range: &DroppedRange) -> Destroyed {
        let bounds = range.range();
        let progress = match range.progress {
            RangeProgress::Started => Progress::Started,
            RangeProgress::Cleared => Progress::Cleared(self.uncompacted.get(&bounds).cloned().unwrap_or_default()),
            RangeProgress::Done => Progress::Done,
        };
        Destroyed {
            range: bounds,
            keyspace: range.keyspace(),
            progress,
            reusable: range.reusable,
            forced: false,
            started_at: range.started_at,
            cleared_at: range.cleared_at,
            families: range.covers.named.clone(),
        }
    }

    /// The records that are listed for the host, with their ranges, in order.
    pub fn listed(&self) -> Vec<(Destroyed, Arc<DroppedRange>)> {
        let others = self.others.values().filter(|other| other.is_listed()).map(|other| (other.record.clone(), other.range.clone()));
        let mut listed: Vec<_> = self.in_force.all().into_iter().map(|range| (self.record(&range), range)).chain(others).collect();
        listed.sort_by(|(one, _), (other, _)| one.range.cmp(&other.range));
        listed
    }

    /// The number of these records.
    pub fn count(&self) -> usize {
        self.number + self.others.values().filter(|other| other.is_listed()).count()
    }

    /// All records of destroys that have begun and are not cleared.
    pub fn started(&self) -> Vec<Destroyed> {
        let in_force = self.in_force.all().into_iter().filter(|range| range.progress == RangeProgress::Started);
        let others = self.others.values().map(|other| &other.record).filter(|record| record.is_started()).cloned();
        in_force.map(|range| self.record(&range)).chain(others).collect()
    }

    /// Adds or replaces a record. `is_stored` says whether the record can be read in the store. If
    /// it is not `durable`, filters remove nothing because of it, and the host must repeat the
    /// destroy.
    pub fn put(&mut self, record: Destroyed, durable: bool, is_stored: bool, store: &Store) {
        let known = self.in_force.find(&record.range).cloned();
        if known.is_some() && !durable {
            return;
        }
        if durable && record.is_in_force() {
            self.forget_notes(&record.range);
            let range = self.note_in_force(record, known.as_deref(), store);
            match known {
                Some(known) => self.in_force.replace(&known, &range),
                None => {
                    self.number += 1;
                    self.in_force.insert(&range);
                }
            }
            return;
        }
        self.remove(&record.range);
        self.note_to_compact(&record, store);
        if let Some(after) = record.pending() {
            self.pending.insert(&store.shared.layout, &record.range, after);
        }
        let range = Arc::new(DroppedRange::new(&record.range, record.keyspace, self.coverage(&record, store)));
        self.segments.insert(&range);
        self.others.insert(record.range.clone(), Other { record, is_stored, range });
    }

    /// Replaces all records by those that are in the store. A record that is the same stays as it
    /// is, with its debt and its count of late keys.
    pub fn replace(&mut self, records: impl Iterator<Item = Destroyed>, store: &Store) {
        let in_force = self.in_force.all().into_iter().map(|range| range.range());
        let mut gone: BTreeSet<StoredRange> = in_force.chain(self.others.keys().cloned()).collect();
        for record in records {
            gone.remove(&record.range);
            // A record in force has begun, whatever ordered it.
            let comparable = Destroyed { forced: record.forced && !record.is_in_force(), ..record.clone() };
            let is_unsure = self.others.get(&record.range).is_some_and(|other| !other.is_stored || record.is_in_force());
            if is_unsure || self.get(&record.range) != Some(comparable) {
                self.put(record, true, true, store);
            }
        }
        gone.iter().for_each(|range| self.remove(range));
    }

    /// Notes a record that is in force, and returns its range for filters. The range takes over the
    /// count of late keys from the range that it replaces.
    fn note_in_force(&mut self, record: Destroyed, before: Option<&DroppedRange>, store: &Store) -> Arc<DroppedRange> {
        let mut range = DroppedRange::new(&record.range, record.keyspace, self.coverage(&record, store));
        range.progress = match record.progress {
            Progress::Done => RangeProgress::Done,
            Progress::Cleared(_) => RangeProgress::Cleared,
            Progress::Started | Progress::Pending(_) => RangeProgress::Started,
        };
        (range.reusable, range.started_at, range.cleared_at) = (record.reusable, record.started_at, record.cleared_at);
        before.into_iter().for_each(|before| range.late = before.late.again(false));
        range.late.set_done(record.is_done());
        self.note_to_compact(&record, store);
        if let Progress::Cleared(families) = record.progress {
            self.uncompacted.insert(record.range, families);
        }
        Arc::new(range)
    }

    fn note_to_compact(&mut self, record: &Destroyed, store: &Store) {
        // If the host dropped a family, its files need no compaction.
        let can_be_paid = |families| {
            let CoveredFamilies { places, missing } = CoveredFamilies::new(families, &store.families);
            !places.is_empty() || missing.is_empty()
        };
        if record.to_compact().is_some_and(can_be_paid) {
            self.debts += 1;
            self.to_compact.insert(record.range.clone(), self.debts);
        }
    }

    fn coverage(&mut self, record: &Destroyed, store: &Store) -> Arc<Coverage> {
        if let Some(known) = self.coverages.iter().find(|known| known.named == record.families) {
            return known.clone();
        }
        let places = CoveredFamilies::new(&record.families, &store.families).places;
        let coverage = Arc::new(Coverage { places, named: record.families.clone() });
        self.coverages.push(coverage.clone());
        coverage
    }

    /// Removes the record of a range.
    pub fn remove(&mut self, range: &StoredRange) {
        if let Some(found) = self.in_force.find(range).cloned() {
            self.in_force.remove(&found);
            self.number = self.number.saturating_sub(1);
        }
        self.forget_notes(range);
    }

    /// Forgets what is noted of a record beside its range in force.
    fn forget_notes(&mut self, range: &StoredRange) {
        if let Some(other) = self.others.remove(range) {
            self.segments.remove(&other.range);
        }
        self.begun.remove(range);
        self.uncompacted.remove(range);
        self.to_compact.remove(range);
        self.pending.remove(range);
    }

    /// The records of ranges that overlap this one.
    pub fn overlapping(&self, (start, end): &StoredRange) -> Vec<Destroyed> {
        let in_force = self.in_force.overlapping(start, end).into_iter().map(|range| self.record(&range));
        let others = self.segments.overlapping(start, end).into_iter();
        in_force.chain(others.filter_map(|range| Some(self.others.get(&range.range())?.record.clone()))).collect()
    }

    /// The pending ranges that are due, and that the worker may destroy.
    pub fn due(&self, shared: &Shared) -> Vec<StoredRange> {
        let may_begin = |range: &StoredRange| match self.others.get(range).map(|other| &other.record) {
            Some(Destroyed { forced: false, keyspace: Some(keyspace), .. }) => {
                !shared.keyspaces.state(*keyspace).is_some_and(|state| state.is_in_use())
            }
            _ => true,
        };
        self.pending.due(|owner| owner.map_or(shared.safe_points.global(), |id| shared.safe_points.effective(id).safe_point), may_begin)
    }

    /// The ranges that were cleared at or before that time, and those whose time is unknown.
    pub fn cleared_by(&self, time: Option<u64>) -> Vec<StoredRange> {
        self.in_force.waiting_since(time.unwrap_or(0)).iter().map(|range| range.range()).collect()
    }
}
