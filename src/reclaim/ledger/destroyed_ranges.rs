//! The records of destroyed ranges: in the ledger, in memory, and in the form that filters use.

use super::destroyed::Destroyed;
use super::entries::Entries;
use super::storage::Storage;
use crate::callback::lock;
use crate::error::{Error, ErrorKind};
use crate::layout::StoredRange;
use crate::reclaim::store::Store;
use crate::shared::{DroppedRange, JobKind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// A destroyed range, for a listing.
#[derive(Debug, Clone)]
pub struct DestroyedRange {
    /// The record of the range.
    pub record: Destroyed,
    /// The range in the form that filters use.
    pub range: Arc<DroppedRange>,
}

/// The destroyed ranges of an attached store.
pub struct DestroyedRanges {
    storage: Storage,
    entries: Mutex<Entries>,
    /// Whether the host dropped the ledger's family. Then the worker cannot record that anything is
    /// done, and no thread may wait for it.
    is_lost: AtomicBool,
}

impl DestroyedRanges {
    /// The ranges of the records that were read from the ledger. Filters do not know them yet.
    pub fn new(storage: Storage, records: impl Iterator<Item = Destroyed>, store: &Store) -> Self {
        Self { storage, entries: Mutex::new(Entries::of(records, store)), is_lost: AtomicBool::new(false) }
    }

    /// The number of records that are listed.
    pub fn listed(&self) -> usize {
        self.with(|entries| entries.count())
    }

    /// The destroyed ranges whose records are listed, in order.
    pub fn list(&self) -> Vec<DestroyedRange> {
        self.with(|entries| entries.listed()).into_iter().map(|(record, range)| DestroyedRange { record, range }).collect()
    }

    /// The records of destroys that have begun and are not cleared.
    pub fn started(&self) -> Vec<Destroyed> {
        self.with(|entries| entries.started())
    }

    /// Whether any range waits for its recheck.
    pub fn any_cleared(&self) -> bool {
        self.with(|entries| entries.in_force.any_waits())
    }

    /// The ranges that were cleared at or before that time, and those whose time is unknown.
    pub fn cleared_by(&self, time: Option<u64>) -> Vec<StoredRange> {
        self.with(|entries| entries.cleared_by(time))
    }

    /// The records of ranges whose files must be compacted, in the order of the ranges, each with
    /// the number of its debt.
    pub fn to_compact(&self) -> Vec<(Destroyed, u64)> {
        self.with(|entries| entries.to_compact.iter().filter_map(|(range, debt)| Some((entries.get(range)?, *debt))).collect())
    }

    /// The number of a range's debt, if it has one.
    pub fn debt_of(&self, range: &StoredRange) -> Option<u64> {
        self.with(|entries| entries.to_compact.get(range).copied())
    }

    /// The pending ranges that are due, and that the worker may destroy.
    pub fn due(&self, store: &Store) -> Vec<StoredRange> {
        self.with(|entries| entries.due(&store.shared))
    }

    /// Whether a destroy is pending, or was pending and is not finished.
    pub fn any_pending(&self) -> bool {
        self.with(|entries| !entries.pending.is_empty() || !entries.begun.is_empty())
    }

    /// The ranges whose pending destroy the worker has begun and not finished.
    pub fn begun(&self) -> Vec<StoredRange> {
        self.with(|entries| entries.begun.iter().cloned().collect())
    }

    /// Records durably that pending destroys have begun. The worker must finish them.
    pub fn begin(&self, store: &Store, records: &[Destroyed]) -> Result<(), Error> {
        self.write_and_put(store, records, true)
    }

    /// Tells the worker how many ranges are due, and how many have files to compact.
    pub fn count(&self, store: &Store) {
        self.with(|entries| {
            let due = entries.due(&store.shared).len() + entries.begun.len();
            let (due, to_compact) = if store.is_stopping() || self.is_lost.load(SeqCst) { (0, 0) } else { (due, entries.to_compact.len()) };
            store.shared.worker_queue.set_jobs(&[(JobKind::Due, due), (JobKind::RangeToCompact, to_compact)]);
        });
    }

    /// Writes records durably, and remembers them. From now on filters remove the keys of the
    /// ranges whose records are in force.
    pub fn put(&self, store: &Store, records: &[Destroyed]) -> Result<(), Error> {
        self.write_and_put(store, records, false)
    }

    fn write_and_put(&self, store: &Store, records: &[Destroyed], by_worker: bool) -> Result<(), Error> {
        let mut written = self.storage.write(&store.engine, records);
        // A record that cannot be read at the moment counts as written, unless its family was
        // dropped.
        let checked = if written.is_ok() { self.storage.check(&store.engine, records) } else { Ok(()) };
        if checked.as_ref().is_err_and(|error| error.kind() == ErrorKind::FamilyDropped) {
            written = checked.clone();
            self.is_lost.store(true, SeqCst);
        }
        if by_worker && written.is_err() {
            // The records are still pending, and the worker tries again.
            return written;
        }
        // After a failed write it is unknown whether the store has the record.
        let is_stored = |record: &Destroyed| written.is_ok() || self.storage.has(&store.engine, record);
        let is_stored: Vec<_> = records.iter().map(is_stored).collect();
        self.with(|entries| {
            for (record, is_stored) in records.iter().zip(is_stored) {
                entries.put(record.clone(), written.is_ok(), is_stored, store);
                if by_worker {
                    entries.begun.insert(record.range.clone());
                }
            }
        });
        self.publish(store);
        written.and(checked)
    }

    /// Deletes records durably. From now on filters keep new keys in these ranges.
    pub fn erase(&self, store: &Store, records: &[Destroyed]) -> Result<(), Error> {
        self.storage.erase(&store.engine, records)?;
        self.with(|entries| records.iter().for_each(|record| entries.remove(&record.range)));
        self.publish(store);
        Ok(())
    }

    /// Makes filters remove the keys of all ranges that are in force, and of no others. Counts the
    /// jobs of the worker.
    pub fn publish(&self, store: &Store) {
        // The entries are copied while the published ranges are locked. So no thread replaces a
        // later state by an earlier one.
        let published = store.shared.dropped();
        if !self.with(|entries| entries.in_force.is_same(&published)) {
            store.shared.change_dropped(|dropped| self.with(|entries| dropped.clone_from(&entries.in_force)));
        }
        self.count(store);
    }

    /// Replaces all records by those that were read from the ledger. The caller holds the range
    /// lock of all keys.
    pub fn replace(&self, store: &Store, records: impl Iterator<Item = Destroyed>) {
        self.with(|entries| entries.replace(records, store));
        self.publish(store);
    }

    /// The records of ranges that overlap one of these ranges.
    pub fn overlapping(&self, ranges: &[StoredRange]) -> Vec<Destroyed> {
        self.with(|entries| ranges.iter().flat_map(|range| entries.overlapping(range)).collect())
    }

    /// The record of each range, if it has one.
    pub fn records_of(&self, ranges: &[StoredRange]) -> Vec<Option<Destroyed>> {
        self.with(|entries| ranges.iter().map(|range| entries.get(range)).collect())
    }

    fn with<R>(&self, look: impl FnOnce(&mut Entries) -> R) -> R {
        look(&mut lock(&self.entries))
    }
}
