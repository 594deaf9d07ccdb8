//! The records of destroyed ranges: in the ledger, in memory, and as the filters see them.

use super::covered_families::CoveredFamilies;
use super::destroyed::Destroyed;
use super::entries::{Entries, Entry};
use super::storage::Storage;
use crate::callback::lock;
use crate::error::{Error, ErrorKind};
use crate::layout::StoredRange;
use crate::reclaim::store::Store;
use crate::shared::{AttachedFamily, Dropped, DroppedRange, JobKind};
use std::sync::{Arc, Mutex};

/// A destroyed range, for a listing.
#[derive(Debug, Clone)]
pub struct DestroyedRange {
    /// The record of the range.
    pub record: Destroyed,
    /// The range as filters see it.
    pub range: Arc<DroppedRange>,
}

/// A change of what filters remove. Changes of different ranges may be published in any order, and
/// the range lock orders those of one range.
#[derive(Default)]
struct Change {
    removed: Vec<Arc<DroppedRange>>,
    added: Vec<Arc<DroppedRange>>,
}

impl Change {
    fn put(&mut self, known: &mut Entries, mut entry: Entry, store: &Store) {
        match known.get(&entry.record.range) {
            Some(before) if before.is_published() && !entry.durable => return,
            // The published range is reused, so that it continues to count late keys.
            Some(before) if before.is_published() && entry.is_published() && before.covers_the_same_as(&entry) => {
                entry.dropped = before.dropped.clone();
                entry.dropped.late.set_done(entry.record.is_done());
            }
            before => {
                before.into_iter().for_each(|before| self.remove(before));
                if entry.is_published() {
                    self.added.push(entry.dropped.clone());
                }
            }
        }
        known.put(entry, store);
    }

    fn remove(&mut self, entry: &Entry) {
        if entry.is_published() {
            self.removed.push(entry.dropped.clone());
        }
    }

    fn publish(self, store: &Store) {
        if self.removed.is_empty() && self.added.is_empty() {
            return;
        }
        store.shared.change_dropped(|dropped| {
            self.removed.iter().for_each(|range| dropped.remove(range));
            self.added.iter().for_each(|range| dropped.insert(range));
        });
    }
}

/// The destroyed ranges of an attached store.
pub struct DestroyedRanges {
    storage: Storage,
    entries: Mutex<Entries>,
}

impl DestroyedRanges {
    /// The ranges of the records that a ledger had when it was read. They are not published yet.
    pub fn new(storage: Storage, records: impl Iterator<Item = Destroyed>, store: &Store) -> Self {
        let entry = |record: Destroyed| {
            let covers = CoveredFamilies::new(&record.families, &store.families);
            Entry::new(record, true, covers)
        };
        let entries = Entries::of(records.map(entry).collect(), store);
        Self { storage, entries: Mutex::new(entries) }
    }

    /// The number of records that are listed.
    pub fn listed(&self) -> usize {
        self.with(|entries| entries.iter().filter(|entry| entry.is_listed()).count())
    }

    /// The destroyed ranges of the ledger, in order.
    pub fn list(&self) -> Vec<DestroyedRange> {
        let of = |entry: &Entry| DestroyedRange { record: entry.record.clone(), range: entry.dropped.clone() };
        self.with(|entries| entries.iter().filter(|entry| entry.is_listed()).map(of).collect())
    }

    /// The records that `is_wanted` selects, in the order of their ranges.
    pub fn select(&self, is_wanted: impl Fn(&Destroyed) -> bool) -> Vec<Destroyed> {
        self.with(|entries| entries.iter().map(|entry| &entry.record).filter(|record| is_wanted(record)).cloned().collect())
    }

    /// Whether a range is to be rechecked at some time.
    pub fn any_cleared(&self) -> bool {
        self.with(|entries| !entries.cleared.is_empty())
    }

    /// The ranges that were cleared at or before that time, and those whose time is unknown.
    pub fn cleared_by(&self, time: Option<u64>) -> Vec<StoredRange> {
        self.with(|entries| entries.cleared_by(time))
    }

    /// The records of ranges whose files must be compacted, in the order of the ranges.
    pub fn to_compact(&self) -> Vec<Destroyed> {
        self.with(|entries| entries.to_compact.iter().filter_map(|range| Some(entries.get(range)?.record.clone())).collect())
    }

    /// The pending ranges whose time has come, and that the worker may destroy.
    pub fn due(&self, store: &Store) -> Vec<StoredRange> {
        self.with(|entries| entries.due(&store.shared))
    }

    /// Whether a range is pending.
    pub fn any_pending(&self) -> bool {
        self.with(|entries| !entries.pending.is_empty())
    }

    /// Tells the worker how many ranges are due, and how many have files to compact.
    pub fn count(&self, store: &Store) {
        self.with(|entries| {
            let (due, to_compact) = if store.is_stopping() { (0, 0) } else { (entries.due(&store.shared).len(), entries.to_compact.len()) };
            store.shared.worker_queue.set_jobs(JobKind::Due, due);
            store.shared.worker_queue.set_jobs(JobKind::RangeToCompact, to_compact);
        });
    }

    /// Writes records durably, remembers them, and makes filters remove the keys of their ranges.
    pub fn put(&self, store: &Store, records: &[Destroyed]) -> Result<(), Error> {
        let mut written = self.storage.write(&store.engine, records);
        // A record that cannot be read at the moment counts as written, unless its family was
        // dropped.
        let checked = if written.is_ok() { self.storage.check(&store.engine, records) } else { Ok(()) };
        if checked.as_ref().is_err_and(|error| error.kind() == ErrorKind::FamilyDropped) {
            written = checked.clone();
        }
        // After a failed write it is unknown whether the store has the record.
        let is_listed = |record: &Destroyed| written.is_ok() || self.storage.has(&store.engine, record);
        let entries: Vec<_> = records
            .iter()
            .map(|record| Entry {
                listed: is_listed(record),
                ..Entry::new(record.clone(), written.is_ok(), CoveredFamilies::new(&record.families, &store.families))
            })
            .collect();
        let mut change = Change::default();
        self.with(|known| entries.into_iter().for_each(|entry| change.put(known, entry, store)));
        change.publish(store);
        self.count(store);
        written.and(checked)
    }

    /// Deletes records durably. Filters keep new keys of their ranges from now on.
    pub fn erase(&self, store: &Store, records: &[Destroyed]) -> Result<(), Error> {
        self.storage.erase(&store.engine, records)?;
        let mut change = Change::default();
        self.with(|known| records.iter().filter_map(|record| known.remove(&record.range)).for_each(|entry| change.remove(&entry)));
        change.publish(store);
        self.count(store);
        Ok(())
    }

    /// Makes filters remove the keys of all destroyed ranges, and of no others.
    pub fn publish(&self, store: &Store) {
        let families = store.families.iter().map(|family| AttachedFamily { id: family.id, runs: family.role.runs() }).collect();
        let ranges: Vec<_> =
            self.with(|entries| entries.iter().filter(|entry| entry.is_published()).map(|entry| entry.dropped.clone()).collect());
        store.shared.set_dropped(Arc::new(Dropped::new(families, &ranges)));
    }

    /// The records of ranges that overlap one of these ranges.
    pub fn overlapping(&self, ranges: &[StoredRange]) -> Vec<Destroyed> {
        self.with(|entries| ranges.iter().flat_map(|range| entries.overlapping(range)).cloned().collect())
    }

    /// The record of each range, if it has one.
    pub fn records_of(&self, ranges: &[StoredRange]) -> Vec<Option<Destroyed>> {
        self.with(|entries| {
            let of = |range: &StoredRange| entries.get(range).map(|entry| entry.record.clone());
            ranges.iter().map(of).collect()
        })
    }

    fn with<R>(&self, look: impl FnOnce(&mut Entries) -> R) -> R {
        look(&mut lock(&self.entries))
    }
}
