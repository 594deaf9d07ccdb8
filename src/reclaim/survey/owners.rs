//! The versions of each keyspace in the files of a column family: by the properties of the files,
//! and by a sample of the files without properties.

use super::gain;
use super::why::Seen;
use crate::engine::{Direction, Family, File};
use crate::error::Error;
use crate::layout::{KeyOwner, KeyRange};
use crate::properties::{Collector, Entry, FileFigures, OwnerNumber};
use crate::reclaim::store::Store;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// The most keys that are sampled from one file, and from all files of a family.
const SAMPLE_OF_FILE: u64 = 10_000;
const SAMPLE_OF_FAMILY: u64 = 100_000;

/// What the files of a family hold.
#[derive(Default)]
pub struct Owners {
    /// The owners, in order.
    pub each: BTreeMap<OwnerNumber, InFamily>,
    /// The number of files that overlap the range.
    pub files: u64,
    /// The number of these files without properties.
    pub files_without_properties: u64,
    /// The number of keys that were sampled from them.
    pub sampled: u64,
    /// The number of files whose properties name only a part of their keyspaces.
    pub files_with_others: u64,
    /// The number of keys that do not match the layout.
    pub foreign: u64,
}

/// One owner in a family.
#[derive(Default)]
pub struct InFamily {
    /// What is known of its versions.
    pub seen: Seen,
    /// The number of files that hold them.
    pub files: u64,
    /// The number of its versions that are known from samples.
    pub sampled: u64,
}

/// Looks at the files that overlap a range, for owners with keys in the range. The figures of an
/// owner are those of whole files, also if the range holds only a part of its keys.
pub fn look(store: &Store, family: Family, range: &KeyRange) -> Result<Owners, Error> {
    let files = store.engine.files_with_properties(family)?;
    let last_level = files.iter().map(|file| file.level).max().unwrap_or_default();
    let mut owners = Owners::default();
    for file in files.iter().filter(|file| overlaps(file, range)) {
        owners.files += 1;
        let is_last = file.level == last_level && last_level > 0;
        match store.figures_of(family, file) {
            Some(figures) => owners.add(store, family, range, &figures, is_last, false),
            None => {
                owners.files_without_properties += 1;
                let left = SAMPLE_OF_FAMILY.saturating_sub(owners.sampled).min(SAMPLE_OF_FILE);
                let (figures, keys) = sample(store, family, file, range, left)?;
                owners.sampled += keys;
                if let Some(figures) = figures {
                    owners.add(store, family, range, &figures, is_last, true);
                }
            }
        }
    }
    Ok(owners)
}

fn overlaps(file: &File, range: &KeyRange) -> bool {
    file.largest >= range.start && range.end.as_ref().is_none_or(|end| file.smallest < *end)
}

impl Owners {
    /// Adds what another range of the same family holds.
    pub fn join(&mut self, other: Self) {
        self.each.extend(other.each);
        self.files += other.files;
        self.files_without_properties += other.files_without_properties;
        self.sampled += other.sampled;
        self.files_with_others += other.files_with_others;
        self.foreign += other.foreign;
    }

    /// Names an owner, also if no file holds a version of it.
    pub fn name(&mut self, owner: KeyOwner) {
        if let Some(number) = OwnerNumber::of(owner) {
            self.each.entry(number).or_default();
        }
    }

    fn add(&mut self, store: &Store, family: Family, range: &KeyRange, figures: &FileFigures, is_last: bool, is_sample: bool) {
        let (shared, kind) = (&store.shared, store.kind_of(family));
        for (number, figures) in &figures.owners.each {
            let Some(owner) = number.owner().filter(|owner| has_keys_in(store, *owner, range)) else { continue };
            let found = self.each.entry(*number).or_default();
            let due = gain::of_owner(shared, kind, owner, figures);
            found.files += 1;
            found.seen.figures.merge(figures);
            found.seen.due.add(due);
            if is_last {
                found.seen.due_in_last_level.add(due);
            }
            if is_sample {
                found.sampled += figures.versions;
            }
        }
        self.files_with_others += u64::from(figures.owners.rest.is_some());
        self.foreign = self.foreign.saturating_add(figures.foreign);
    }
}

fn has_keys_in(store: &Store, owner: KeyOwner, range: &KeyRange) -> bool {
    store.shared.layout.owner_range(owner).is_none_or(|owned| owned.overlaps(range))
}

/// Counts the first keys in the range of a file. The store shows them as a reader sees them, so
/// newer versions in other files count too.
fn sample(store: &Store, family: Family, file: &File, range: &KeyRange, most: u64) -> Result<(Option<FileFigures>, u64), Error> {
    let behind = [file.largest.as_slice(), b"\0"].concat();
    let start = file.smallest.as_slice().max(&range.start);
    let end = range.end.as_deref().map_or(behind.as_slice(), |end| end.min(behind.as_slice()));
    let mut collector = Collector::new(&store.shared, store.kind_of(family));
    let mut keys = 0;
    if most > 0 && start < end {
        store.engine.scan(family, (start, end), Direction::Forwards, &mut |key, value| {
            collector.add(key, Entry::Value(value));
            keys += 1;
            if keys < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
    }
    Ok((collector.into_figures(), keys))
}
