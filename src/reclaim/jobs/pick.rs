//! Choosing the files that a collect call compacts.

use super::across_files::{self, Known};
use super::collect::CollectOrder;
use super::compaction_cost::{Budget, PaidRanges, cost, range_of};
use super::file_counts::{Judgement, by_counts};
use super::garbage;
use super::known_files::{Found, KnownFiles, LookedAtUnder};
use super::report::CollectReport;
use crate::engine::{Family, File};
use crate::error::{Error, hex_range};
use crate::layout::{KeyOwner, KeyspaceId, StoredRange};
use crate::log::{Level, log};
use crate::properties::FileFigures;
use crate::reclaim::store::Store;
use crate::reclaim::survey::gain::Gain;
use crate::rule::expiry::ExpiredUpTo;
use std::cmp::Ordering;

/// The largest number of keyspaces in a file whose safe points are added up. To add up more would
/// cost more than to read the file.
const MOST_KEYSPACES: u32 = 1 << 16;

/// The choice of a collect call.
pub struct Pick<'f> {
    /// The files to compact.
    pub files: Vec<&'f File>,
    /// The garbage in them by their figures.
    pub gain: Gain,
}

/// What a collect call knows of a family when it chooses.
pub struct Candidates<'f> {
    pub family: Family,
    pub order: &'f CollectOrder,
    /// All files of the family.
    pub all: &'f [File],
}

/// A file of the range, and what is known of it.
struct Judged<'f, 'g> {
    file: &'f File,
    figures: Option<&'g FileFigures>,
    judgement: Judgement,
}

impl Judged<'_, '_> {
    fn gain(&self) -> Gain {
        if let Judgement::Garbage(gain) = self.judgement { gain } else { Gain::default() }
    }
}

/// The garbage of a file, and of the files below it, which its compaction rewrites too.
fn with_files_below(candidate: &Judged<'_, '_>, all: &[Judged<'_, '_>]) -> Gain {
    let file = candidate.file;
    let mut gain = candidate.gain();
    let is_below = |other: &File| other.level > file.level && other.smallest <= file.largest && other.largest >= file.smallest;
    all.iter().filter(|other| is_below(other.file)).for_each(|other| gain.add(other.gain()));
    gain
}

/// The files to compact: first those that give back the most for each byte that is compacted, then
/// those that must be read to find garbage.
pub fn pick<'f>(
    store: &Store,
    candidates: &Candidates<'f>,
    remembered: &mut KnownFiles,
    budget: &mut Budget,
    report: &mut CollectReport,
) -> Result<Pick<'f>, Error> {
    let &Candidates { family, order, all } = candidates;
    let snapshots = store.engine.snapshots();
    let expired = ExpiredUpTo::new(store.shared.clock.now(), store.shared.ttl_grace_seconds);
    let kind = store.kind_of(family);
    let figures: Vec<_> = all.iter().map(|file| store.figures_of(family, file)).collect();
    let known: Vec<Known<'f, '_>> = all.iter().zip(figures.iter().map(Option::as_ref)).collect();
    let mut judged = Vec::new();
    for &(file, figures) in known.iter().filter(|(file, _)| order.overlaps(file)) {
        let as_of = as_of(store, file);
        if remembered.pauses(family, file, as_of, snapshots, !order.dry_run) {
            log(Level::Debug, || "collect: skips a file whose last compaction removed nothing; is a snapshot held?".into());
            continue;
        }
        report.files_with_figures += u64::from(figures.is_some());
        let judgement = match remembered.of(family, file, as_of) {
            Some(Found::Garbage) => Judgement::Garbage(Gain { versions: 1, bytes: file.bytes }),
            Some(Found::Nothing { next_expiry }) if !next_expiry.is_some_and(|time| expired.covers(Some(time))) => Judgement::None,
            _ => by_counts(&store.shared, family, kind, file, figures),
        };
        judged.push(Judged { file, figures, judgement });
    }
    let mut in_order = Vec::new();
    for candidate in &judged {
        let gain = match candidate.judgement {
            Judgement::Unknown => None,
            Judgement::Garbage(_) => Some(with_files_below(candidate, &judged)),
            Judgement::None => {
                let mut gain = with_files_below(candidate, &judged);
                gain.add(across_files::of(&store.shared, kind, (candidate.file, candidate.figures), &known));
                if gain.versions == 0 {
                    report.files_without_garbage += 1;
                    continue;
                }
                Some(gain)
            }
        };
        in_order.push((gain, cost(&range_of(candidate.file), all), candidate));
    }
    in_order.sort_by(|(one, one_cost, one_of), (other, other_cost, other_of)| {
        let order = match (one, other) {
            (Some(one), Some(other)) => by_gain((one.bytes, *one_cost), (other.bytes, *other_cost)),
            (None, None) => one_cost.cmp(other_cost),
            (one, _) => one.is_none().cmp(&other.is_none()),
        };
        order.then(one_of.file.level.cmp(&other_of.file.level))
    });
    let (mut picked, mut paid) = (Pick { files: Vec::new(), gain: Gain::default() }, PaidRanges::default());
    for (gain, _, candidate) in in_order {
        let file = candidate.file;
        if gain.is_none() {
            if !budget.spend(file.bytes) {
                report.files_over_budget += 1;
                continue;
            }
            report.files_read += 1;
            if order.dry_run {
                continue;
            }
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
            picked.files.push(file);
            if let Judgement::Garbage(own) = candidate.judgement {
                picked.gain.add(own);
            }
        } else {
            report.files_over_budget += 1;
        }
    }
    Ok(picked)
}

/// The order of two compactions, each with its gain and its cost in bytes: first the one that gives
/// back more for each byte.
fn by_gain((one, one_cost): (u64, u64), (other, other_cost): (u64, u64)) -> Ordering {
    let product = |gain: u64, cost: u64| u128::from(gain) * u128::from(cost.max(1));
    product(other, one_cost).cmp(&product(one, other_cost)).then(one_cost.cmp(&other_cost))
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
