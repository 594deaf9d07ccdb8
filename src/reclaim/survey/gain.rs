//! What a compaction of a file would give back today, by the figures of the file.

use crate::layout::KeyOwner;
use crate::properties::{Figures, FileFigures};
use crate::rule::raw::History;
use crate::shared::{FilterKind, Shared};

/// Garbage: versions that a filter or the worker may remove now. An estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gain {
    /// The number of versions.
    pub versions: u64,
    /// Their size.
    pub bytes: u64,
}

impl Gain {
    /// Adds other garbage.
    pub fn add(&mut self, other: Self) {
        self.versions = self.versions.saturating_add(other.versions);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// The garbage of one owner in a file. `kind` is the kind of the family's filters.
pub fn of_owner(shared: &Shared, kind: FilterKind, owner: KeyOwner, figures: &Figures) -> Gain {
    let now = shared.clock.now().saturating_sub(shared.ttl_grace_seconds);
    let expired = |figures: &Figures| if now == 0 { (0, 0) } else { figures.expired_at(now) };
    let (versions, bytes) = match kind {
        FilterKind::TtlV1 => expired(figures),
        _ if !kind.judges(owner) => (0, 0),
        FilterKind::DroppedOnly => (0, 0),
        FilterKind::Default | FilterKind::Write => {
            let safe_point = shared.effective(owner).safe_point;
            if !figures.reaches(safe_point) {
                return Gain::default();
            }
            let stale = figures.stale_at(safe_point, own_timestamp_decides(shared, kind));
            let expired = if kind == FilterKind::Default { expired(figures) } else { (0, 0) };
            (stale.0.saturating_add(expired.0), stale.1.saturating_add(expired.1))
        }
    };
    // A version that is stale and expired counts once.
    Gain { versions: versions.min(figures.versions), bytes: bytes.min(figures.bytes) }
}

/// Whether a stale version goes by its own timestamp, and not by that of the next newer version.
pub fn own_timestamp_decides(shared: &Shared, kind: FilterKind) -> bool {
    kind == FilterKind::Default && shared.history == History::Latest
}

/// The garbage of a file. `None` if it may hold garbage that its figures do not name.
pub fn of_file(shared: &Shared, kind: FilterKind, file: &FileFigures) -> Option<Gain> {
    let mut gain = Gain::default();
    for (number, figures) in &file.owners.each {
        gain.add(of_owner(shared, kind, number.owner()?, figures));
    }
    let unnamed = file.owners.rest.is_some_and(|others| kind == FilterKind::TtlV1 || others.reaches(shared.safe_points.highest()));
    (!unnamed).then_some(gain)
}
