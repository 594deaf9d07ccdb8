//! Judges by the counts and properties of a table file whether it holds garbage.

use crate::engine::{Family, File};
use crate::layout::KeyOwner;
use crate::properties::FileFigures;
use crate::reclaim::survey::gain::{self, Gain};
use crate::shared::{FilterKind, Shared};

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The file holds garbage.
    Garbage(Gain),
    /// The file holds no garbage.
    None,
    /// The file must be read.
    Unknown,
}

/// Judges a file by its counts, and by its figures if they are known. Tombstones are garbage of
/// unknown size.
pub fn by_counts(shared: &Shared, family: Family, kind: FilterKind, file: &File, figures: Option<&FileFigures>) -> Judgement {
    let dropped = shared.dropped().in_family(family);
    let behind = [file.largest.as_slice(), b"\0"].concat();
    if file.deletions > 0 {
        let versions = file.deletions;
        return Judgement::Garbage(Gain { versions, bytes: average_bytes(file).saturating_mul(versions) });
    }
    if dropped.touch(&file.smallest, &behind) || may_hold_invalid_schema(shared, file) {
        return Judgement::Unknown;
    }
    let (first, last) = (shared.layout.owner(&file.smallest), shared.layout.owner(&file.largest));
    if let Some(figures) = figures {
        let gain = match figures.only_unnamed() {
            // A file of TiKV, which describes the file as a whole.
            Some(whole) if first == last => Some(gain::of_owner(shared, kind, first, whole)),
            _ => gain::of_file(shared, kind, figures),
        };
        return match gain {
            None => Judgement::Unknown,
            Some(gain) if gain.versions == 0 => Judgement::None,
            Some(Gain { versions, bytes: 0 }) => Judgement::Garbage(Gain { versions, bytes: average_bytes(file).saturating_mul(versions) }),
            Some(gain) => Judgement::Garbage(gain),
        };
    }
    if kind == FilterKind::TtlV1 {
        return Judgement::Unknown;
    }
    let nothing_is_old = !shared.safe_points.any_effective() || first == last && shared.effective(first).safe_point == 0;
    if nothing_is_old { Judgement::None } else { Judgement::Unknown }
}

fn average_bytes(file: &File) -> u64 {
    file.bytes.checked_div(file.entries).unwrap_or_default()
}

fn may_hold_invalid_schema(shared: &Shared, file: &File) -> bool {
    if !shared.schemas.any_invalid() {
        return false;
    }
    match (shared.layout.owner(&file.smallest), shared.layout.owner(&file.largest)) {
        (KeyOwner::Keyspace(_, first), KeyOwner::Keyspace(_, last)) if first == last => {
            shared.schemas.of(Some(first)).is_some_and(|schemas| schemas.any_invalid())
        }
        _ => true,
    }
}
