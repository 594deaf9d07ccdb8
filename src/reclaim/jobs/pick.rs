//! Choosing the files that a collect call compacts.

use super::compaction_cost::{Budget, PaidRanges, cost, range_of};
use super::file_counts::{Judgement, by_counts};
use super::garbage;
use super::known_files::{Found, KnownFiles, LookedAtUnder};
use super::report::CollectReport;
use crate::engine::{Family, File};
use crate::error::{Error, hex_range};
use crate::layout::{KeyOwner, KeyspaceId, StoredRange};
use crate::log::{Level, log};
use crate::reclaim::store::Store;
use crate::rule::expiry::ExpiredUpTo;

/// The largest number of keyspaces in a file whose safe points are added up. To add up more would
/// cost more than to read the file.
const MOST_KEYSPACES: u32 = 1 << 16;

/// The files to compact: first those known to hold garbage, the cheapest first.
pub fn pick<'f>(
    store: &Store,
    family: Family,
    files: &'f [File],
    all: &[File],
    remembered: &mut KnownFiles,
    budget: &mut Budget,
    report: &mut CollectReport,
) -> Result<Vec<&'f File>, Error> {
    let snapshots = store.engine.snapshots();
    let expired = ExpiredUpTo::new(store.shared.clock.now(), store.shared.ttl_grace_seconds);
    let mut in_order = Vec::new();
    for file in files {
        let as_of = as_of(store, file);
        if remembered.pauses(family, file, as_of, snapshots) {
            log(Level::Debug, || "collect: skips a file whose last compaction removed nothing; is a snapshot held?".into());
            continue;
        }
        let judgement = match remembered.of(family, file, as_of) {
            Some(Found::Garbage) => Judgement::Garbage,
            Some(Found::Nothing { next_expiry }) if !next_expiry.is_some_and(|time| expired.covers(Some(time))) => Judgement::None,
            _ => by_counts(&store.shared, family, file),
        };
        match judgement {
            Judgement::None => report.files_without_garbage += 1,
            known => in_order.push((known == Judgement::Unknown, cost(&range_of(file), all), file)),
        }
    }
    in_order.sort_by_key(|(unknown, cost, file)| (*unknown, *cost, file.level));
    let (mut picked, mut paid) = (Vec::new(), PaidRanges::default());
    for (unknown, _, file) in in_order {
        if unknown {
            if !budget.spend(file.bytes) {
                report.files_over_budget += 1;
                continue;
            }
            report.files_read += 1;
            // The state before the read: if it changes during the read, the finding is not valid.
            let as_of = as_of(store, file);
            let found = garbage::read(store, family, file)?;
            remembered.note(family, file, as_of, found);
            if found != Found::Garbage {
                report.files_without_garbage += 1;
                continue;
            }
        }
        if paid.add(range_of(file), all, budget) {
            picked.push(file);
        } else {
            report.files_over_budget += 1;
        }
    }
    Ok(picked)
}

/// Notes the files of a range if its compaction removed nothing: the next calls skip them.
pub fn note_if_in_vain(store: &Store, family: Family, range: &StoredRange, before: &[File], after: &[File], remembered: &mut KnownFiles) {
    let in_range = |file: &&File| file.overlaps(&range.0, &range.1);
    let of = |files: &[File]| files.iter().filter(in_range).map(|file| file.entries).fold(0, u64::saturating_add);
    if of(after) < of(before) {
        return;
    }
    let known = |file: &File| remembered.of(family, file, as_of(store, file));
    let snapshots = store.engine.snapshots();
    let pause = KnownFiles::next_pause(before.iter().filter(|file| file.overlaps(&range.0, &range.1)).filter_map(known), snapshots);
    let found = Found::InVain { pause, left: pause, snapshots };
    log(Level::Warn, || {
        format!(
            "collect: a compaction of {} removed nothing; is a RocksDB snapshot held? It is tried again when \
             snapshots, safe points or files change, or after {pause} calls",
            hex_range(range)
        )
    });
    after.iter().filter(|file| file.overlaps(&range.0, &range.1)).for_each(|file| remembered.note(family, file, as_of(store, file), found));
}

fn as_of(store: &Store, file: &File) -> LookedAtUnder {
    LookedAtUnder { safe_points: safe_points_of(store, file), generation: store.shared.generation() }
}

/// The sum of the safe points of all keyspaces of a file, if these keyspaces are few enough.
fn safe_points_of(store: &Store, file: &File) -> Option<u64> {
    let of = |place| store.shared.effective(place).safe_point;
    match (store.shared.layout.owner(&file.smallest), store.shared.layout.owner(&file.largest)) {
        (KeyOwner::Keyspace(mode, first), KeyOwner::Keyspace(last_mode, last)) if mode == last_mode => {
            let ids = (first.get()..=last.get()).filter_map(KeyspaceId::new);
            let few = last.get().saturating_sub(first.get()) < MOST_KEYSPACES;
            few.then(|| ids.map(|id| of(KeyOwner::Keyspace(mode, id))).fold(0, u64::wrapping_add))
        }
        (first, last) => (first == last).then(|| of(first)),
    }
}
