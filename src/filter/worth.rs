//! The reasons why a compaction needs no filter, the cheapest first.
//!
//! Without figures of every input file only two reasons count: nothing is dropped, and no safe
//! point is known. With figures the compaction also needs no filter if no keyspace **in its files**
//! has a version at or below its safe point; or if it is known not to write the bottommost level,
//! and its files hold little garbage by TiKV's rules. The figures only select work: without a
//! filter every key is kept.
//!
//! ```text
//!   file 1: keyspace 1, oldest version 50; keyspace 2, oldest version 90
//!   file 2: keyspace 2, oldest version 95
//!   safe points  1: 40, 2: 80, 3: 1000     no filter: keyspace 3 has no version here
//!   safe points  1: 40, 2: 92              a filter: file 1 is old enough by keyspace 2
//! ```
//!
//! It looks up the safe points of the keyspaces in the files, so its cost does not depend on the
//! number of keyspaces in the store.

use super::removal::CompactionContext;
use crate::layout::{KeyOwner, KeyRange, KeyspaceId, Layout};
use crate::log::{Level, log};
use crate::properties::{Figures, FileFigures};
use crate::rule::expiry::ExpiredUpTo;
use crate::shared::{FilterKind, KeyDropState, Notice, Segments, Shared};

/// A row with more versions than this makes a compaction worth a filter, as in TiKV.
const MANY_VERSIONS: u64 = 1024;

/// The reason why a compaction needs no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFilterReason {
    /// No keyspace has an effective safe point above 0.
    NoSafePoint,
    /// No range is destroyed, and no schema is invalid.
    NothingDropped,
    /// All versions of the input files are above the safe points of their keyspaces.
    TooNew,
    /// The compaction does not write the bottommost level, and its files hold little garbage.
    LittleGarbage,
    /// No value of the input files has expired.
    NothingExpired,
}

/// The figures of a compaction's input files: of all of them, or none if they are not known.
pub type Inputs = [FileFigures];

/// The first reason to make no filter.
pub fn refusal(kind: FilterKind, shared: &Shared, compaction: CompactionContext, inputs: &Inputs) -> Option<NoFilterReason> {
    if may_hold_dropped(kind, shared, compaction, inputs) {
        return None;
    }
    match kind {
        FilterKind::DroppedOnly => Some(NoFilterReason::NothingDropped),
        FilterKind::Default | FilterKind::Write if !shared.safe_points.any_effective() => Some(NoFilterReason::NoSafePoint),
        _ if inputs.is_empty() => None,
        FilterKind::TtlV1 => {
            let due = inputs.iter().any(|file| has_expired(&file.owners.sum(), expired_up_to(shared)));
            (!due).then_some(NoFilterReason::NothingExpired)
        }
        FilterKind::Default | FilterKind::Write => little_to_collect(kind, shared, compaction, inputs),
    }
}

/// Whether a dropped key may be in the files.
fn may_hold_dropped(kind: FilterKind, shared: &Shared, compaction: CompactionContext, inputs: &Inputs) -> bool {
    let (dropped, any_invalid) = (shared.dropped(), shared.schemas.any_invalid());
    if dropped.is_empty() && !any_invalid {
        return false;
    }
    if inputs.is_empty() || inputs.iter().any(FileFigures::has_unnamed) {
        return true;
    }
    let segments = dropped.for_run(kind, compaction.column_family);
    inputs.iter().any(|file| touches(&shared.layout, &segments, file) || any_invalid && holds_invalid_schema(shared, file))
}

fn touches(layout: &Layout, segments: &Segments, file: &FileFigures) -> bool {
    file.owners.each.iter().any(|(number, _)| match number.owner().and_then(|owner| layout.owner_range(owner)) {
        Some(KeyRange { start, end: Some(end) }) => segments.touch(&start, &end),
        _ => true,
    })
}

fn holds_invalid_schema(shared: &Shared, file: &FileFigures) -> bool {
    let is_invalid = |tenant, id| {
        let state = shared.schemas.of(tenant).map(|schemas| schemas.drop_state(id));
        matches!(state, Some(KeyDropState::Invalid(_)))
    };
    file.schemas.rest.is_some() || file.schemas.each.iter().any(|((owner, id), _)| is_invalid(owner.owner().and_then(keyspace_of), *id))
}

fn expired_up_to(shared: &Shared) -> ExpiredUpTo {
    ExpiredUpTo::new(shared.clock.now(), shared.ttl_grace_seconds)
}

fn has_expired(figures: &Figures, expired: ExpiredUpTo) -> bool {
    !figures.expiry.is_empty() && expired.covers(Some(figures.expiry.least))
}

/// TiKV's rules, for the keyspaces of each file that have a version at or below their safe point:
/// half of the files must be worth a filter, or their sum. What TiKV's rules miss is worth one too:
/// a delete mark or an expiry.
fn little_to_collect(kind: FilterKind, shared: &Shared, compaction: CompactionContext, inputs: &Inputs) -> Option<NoFilterReason> {
    let expired = expired_up_to(shared);
    let mut sum = Figures::default();
    let (mut old_files, mut worthwhile) = (0, 0);
    for file in inputs {
        let old = old_part(kind, shared, file);
        if old.versions == 0 {
            continue;
        }
        old_files += 1;
        worthwhile += usize::from(has_much_garbage(&old, shared.ratio_threshold));
        if old.deleted_rows > 0 || has_expired(&old, expired) {
            return None;
        }
        sum.merge(&old);
    }
    if old_files == 0 {
        return Some(NoFilterReason::TooNew);
    }
    let is_worth_it =
        compaction.bottommost != Some(false) || worthwhile * 2 >= inputs.len() || has_much_garbage(&sum, shared.ratio_threshold);
    (!is_worth_it).then_some(NoFilterReason::LittleGarbage)
}

/// The figures of the keyspaces in a file that have a version at or below their safe point.
fn old_part(kind: FilterKind, shared: &Shared, file: &FileFigures) -> Figures {
    let mut old = Figures::default();
    for (number, figures) in &file.owners.each {
        if let Some(owner) = number.owner()
            && kind.judges(owner)
            && figures.reaches(shared.effective(owner).safe_point)
        {
            old.merge(figures);
        }
    }
    // Any keyspace may be among the others.
    if let Some(others) = &file.owners.rest
        && others.reaches(shared.safe_points.highest())
    {
        old.merge(others);
    }
    old
}

fn has_much_garbage(figures: &Figures, ratio: f64) -> bool {
    let above = |part: u64, of: u64| part as f64 > of as f64 * ratio;
    ratio < 1.0
        || above(figures.versions, figures.rows)
        || above(figures.versions.saturating_sub(figures.delete_marks), figures.puts)
        || figures.max_row_versions > MANY_VERSIONS
}

/// Counts a compaction that needs no filter. Versions of keyspaces that were never registered are
/// counted as a filter would count them.
pub fn count_refusal(shared: &Shared, kind: FilterKind, reason: NoFilterReason, inputs: &Inputs) {
    let counters = shared.stats.of_mode(kind.mode());
    counters.filters_not_needed.add(1);
    let of_reason = match reason {
        NoFilterReason::NoSafePoint => &counters.not_needed_no_safe_point,
        NoFilterReason::NothingDropped => &counters.not_needed_nothing_dropped,
        NoFilterReason::TooNew => &counters.not_needed_too_new,
        NoFilterReason::LittleGarbage => &counters.not_needed_little_garbage,
        NoFilterReason::NothingExpired => &counters.not_needed_nothing_expired,
    };
    of_reason.add(1);
    log(Level::Debug, || format!("no filter for a compaction of kind {kind:?}: {reason:?}"));
    let owners = || inputs.iter().flat_map(|file| &file.owners.each);
    for (owner, figures) in owners().filter_map(|(number, figures)| Some((number.owner()?, figures))) {
        if kind.judges(owner) && shared.effective(owner).unknown {
            counters.kept_unknown_keyspace.add(figures.versions);
        } else if kind.judges(owner) && shared.lacks_own_safe_point(owner) {
            counters.kept_no_own_safe_point.add(figures.versions);
            shared.notices.tell(Notice::NoOwnSafePoint, owner);
        } else if reason == NoFilterReason::TooNew {
            shared.notices.tell(Notice::TooNew, owner);
        }
    }
    // A keyspace may be in several files, and with several modes.
    let mut keyspaces: Vec<_> = owners().filter_map(|(number, _)| keyspace_of(number.owner()?)).collect();
    keyspaces.sort_unstable();
    keyspaces.dedup();
    for keyspace in keyspaces {
        shared.of_keyspaces.count(keyspace, |counts| counts.filters_not_needed += 1);
    }
}

fn keyspace_of(owner: KeyOwner) -> Option<KeyspaceId> {
    if let KeyOwner::Keyspace(_, keyspace) = owner { Some(keyspace) } else { None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests;
