//! Garbage across files: a version whose next newer version lies in a file above. The figures count
//! each file for itself, so none of them names it.
//!
//! ```text
//!   L1   keyspace 1: a @ 9, b @ 9     no version is stale in this file
//!   L6   keyspace 1: a @ 5, b @ 5     nor in this one; a compaction of both removes two versions
//! ```
//!
//! If both files have old versions of a keyspace, each row of the smaller one may shadow a version.
//! That is the most that can be there. RocksDB itself compacts upper levels into lower ones. So a
//! collect call compacts such files only if they may give back a good part of their size.

use crate::engine::File;
use crate::properties::{Figures, FileFigures};
use crate::reclaim::survey::gain::Gain;
use crate::shared::{FilterKind, Shared};

/// A file and its figures, if they are known.
pub type Known<'f, 'g> = (&'f File, Option<&'g FileFigures>);

/// What compacting a file with the files below it may give back, if that is a good part of them.
pub fn of(shared: &Shared, kind: FilterKind, file: Known<'_, '_>, all: &[Known<'_, '_>]) -> Gain {
    let (upper, Some(figures)) = file else { return Gain::default() };
    let mut most = Gain::default();
    let mut whole = upper.bytes;
    for (lower, lower_figures) in all {
        let is_below = lower.level > upper.level || lower.level == 0 && upper.level == 0 && !std::ptr::eq(*lower, upper);
        if !is_below || lower.smallest > upper.largest || lower.largest < upper.smallest {
            continue;
        }
        let Some(lower_figures) = lower_figures else { continue };
        whole = whole.saturating_add(lower.bytes);
        most.add(shadowed(shared, kind, figures, lower_figures));
    }
    let is_good_part = most.bytes as f64 * shared.ratio_threshold >= whole as f64 * (shared.ratio_threshold - 1.0);
    if is_good_part { most } else { Gain::default() }
}

/// The versions of the lower file that rows of the upper one may shadow.
fn shadowed(shared: &Shared, kind: FilterKind, upper: &FileFigures, lower: &FileFigures) -> Gain {
    let mut most = Gain::default();
    for (number, below) in &lower.owners.each {
        let Ok(place) = upper.owners.each.binary_search_by_key(number, |(number, _)| *number) else { continue };
        let (Some((_, above)), Some(owner)) = (upper.owners.each.get(place), number.owner()) else { continue };
        let safe_point = shared.effective(owner).safe_point;
        if kind.judges(owner) && above.reaches(safe_point) && below.reaches(safe_point) {
            let versions = above.rows.min(below.rows);
            most.add(Gain { versions, bytes: versions.saturating_mul(average_bytes(below)) });
        }
    }
    most
}

fn average_bytes(figures: &Figures) -> u64 {
    figures.bytes.checked_div(figures.versions).unwrap_or_default()
}
