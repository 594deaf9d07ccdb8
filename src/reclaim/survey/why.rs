//! Why the versions of a keyspace are not collected, and what to do.

use super::gain::Gain;
use crate::layout::{KeyMode, KeyOwner, Timestamp};
use crate::properties::Figures;
use crate::safe_point::{Barrier, GcType, KeepReason, NEVER, Registration, UnknownKeyspace};
use crate::shared::{FilterKind, Shared};

/// The reason why versions of one owner are still there; the first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No file holds a version of the owner.
    NoVersions,
    /// The host switched collecting off.
    Disabled,
    /// The values go with the records that name them.
    ValuesOfRecords,
    /// The filters of the column family judge keys of other modes.
    OtherKind,
    /// No factory makes filters of the column family's kind.
    NoFilter,
    /// The host never registered the keyspace.
    NotRegistered,
    /// The host paused the keyspace.
    Paused,
    /// Both GC types were registered.
    Conflict,
    /// Metadata with an unknown GC type were loaded.
    UnknownType,
    /// The keyspace is keyspace level and has no safe point of its own.
    NoOwnSafePoint,
    /// The keyspace follows the global safe point, and none came.
    NoGlobalSafePoint,
    /// Garbage lies only in the last level, which RocksDB does not compact by itself.
    OnlyInLastLevel,
    /// The next compactions collect the garbage.
    Due,
    /// Stale versions are newer than the keyspace's own safe point.
    HeldByOwnSafePoint,
    /// Stale versions are newer than the global safe point.
    HeldByGlobalSafePoint,
    /// Stale versions are newer than a barrier. It holds back a safe point at which some could go.
    HeldByBarrier,
    /// Values do not parse, or keys do not match the layout.
    DoesNotParse,
    /// No version is stale in any file.
    NothingStale,
}

/// What is known of the versions of one owner in one column family.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// The figures of all files.
    pub figures: Figures,
    /// The garbage of today.
    pub due: Gain,
    /// The part of it in the last level.
    pub due_in_last_level: Gain,
}

/// The reason for one owner.
pub fn why(shared: &Shared, kind: FilterKind, has_records: bool, owner: KeyOwner, seen: &Seen) -> Why {
    if !shared.enabled() {
        return Why::Disabled;
    }
    let no_safe_point = no_safe_point(shared, owner);
    if seen.figures.versions == 0 {
        return no_safe_point.unwrap_or(Why::NoVersions);
    }
    if kind != FilterKind::TtlV1 && !kind.judges(owner) {
        let names_values = kind == FilterKind::Default && has_records && !matches!(owner, KeyOwner::Keyspace(KeyMode::Raw, _));
        return if names_values { Why::ValuesOfRecords } else { Why::OtherKind };
    }
    if !shared.kinds.has(kind) {
        return Why::NoFilter;
    }
    if kind != FilterKind::TtlV1
        && let Some(why) = no_safe_point
    {
        return why;
    }
    if seen.due.versions > 0 {
        return if seen.due == seen.due_in_last_level { Why::OnlyInLastLevel } else { Why::Due };
    }
    if seen.figures.stale > 0 {
        let oldest = seen.figures.stale_since.least;
        if shared.holder(owner).is_some_and(|(barrier, asked)| barrier.ts < asked && oldest <= asked) {
            return Why::HeldByBarrier;
        }
        return if follows_global(shared, owner) { Why::HeldByGlobalSafePoint } else { Why::HeldByOwnSafePoint };
    }
    if seen.figures.unparsed > 0 { Why::DoesNotParse } else { Why::NothingStale }
}

/// Why an owner has no effective safe point, if it has none.
pub fn no_safe_point(shared: &Shared, owner: KeyOwner) -> Option<Why> {
    if shared.effective(owner).safe_point > 0 {
        return None;
    }
    let KeyOwner::Keyspace(_, keyspace) = owner else { return Some(Why::NoGlobalSafePoint) };
    Some(match shared.safe_points.known(keyspace).registration {
        Registration::Unknown if shared.safe_points.unknown() == UnknownKeyspace::Global => Why::NoGlobalSafePoint,
        Registration::Unknown => Why::NotRegistered,
        Registration::Registered(GcType::Global) => Why::NoGlobalSafePoint,
        Registration::Registered(GcType::KeyspaceLevel) => Why::NoOwnSafePoint,
        Registration::Kept(KeepReason::Paused, _) => Why::Paused,
        Registration::Kept(KeepReason::Conflict, _) => Why::Conflict,
        Registration::Kept(KeepReason::UnknownType, _) => Why::UnknownType,
    })
}

fn follows_global(shared: &Shared, owner: KeyOwner) -> bool {
    match owner {
        KeyOwner::Keyspace(_, keyspace) => {
            shared.safe_points.known(keyspace).registration != Registration::Registered(GcType::KeyspaceLevel)
        }
        _ => true,
    }
}

impl Why {
    /// The reason and the advice, as one sentence or two.
    pub fn text(self, shared: &Shared, owner: KeyOwner, figures: &Figures) -> String {
        let own = match owner {
            KeyOwner::Keyspace(_, keyspace) => shared.safe_points.known(keyspace).own,
            _ => 0,
        };
        let (global, oldest) = (shared.safe_points.global(), figures.timestamps.least);
        match self {
            Self::NoVersions => "No file holds a version of it. Versions in memtables do not count.".into(),
            Self::Disabled => "Collecting is switched off. Call rgc_set_enabled(gc, 1).".into(),
            Self::ValuesOfRecords => "These values go with the transaction records that name them.".into(),
            Self::OtherKind => {
                "The filters of this column family do not judge keys of this mode. Install the kind that does: RGC_KIND_RAW for mode r, \
                 RGC_KIND_TXN for modes x, m and t."
                    .into()
            }
            Self::NoFilter => "No factory makes filters of this column family's kind. Install one before the DB is opened.".into(),
            Self::NotRegistered if own > 0 => format!(
                "The keyspace was never registered, so its own safe point {own} is not used. Call rgc_set_keyspace_gc_type(gc, id, \
                 RGC_GC_KEYSPACE_LEVEL)."
            ),
            Self::NotRegistered => "The keyspace was never registered. Call rgc_set_keyspace_gc_type.".into(),
            Self::Paused => "The keyspace is paused. Call rgc_set_keyspace_gc_type to end that.".into(),
            Self::Conflict => "Both GC types were registered. Register the keyspace with the type that it had first.".into(),
            Self::UnknownType => {
                "Metadata with an unknown GC type were loaded. Load metadata with a known type, or register the type.".into()
            }
            Self::NoOwnSafePoint if global > 0 => format!(
                "The keyspace is keyspace level and has no safe point of its own; the global one ({global}) does not count for it. Call \
                 rgc_advance_keyspace_safe_point."
            ),
            Self::NoOwnSafePoint => "The keyspace has no safe point of its own. Call rgc_advance_keyspace_safe_point.".into(),
            Self::NoGlobalSafePoint => "There is no global safe point. Call rgc_advance_global_safe_point.".into(),
            Self::OnlyInLastLevel => "All of it lies in the last level, which RocksDB does not compact by itself. Call rgc_collect.".into(),
            Self::Due => "The next compactions of these files collect it. rgc_collect does it now.".into(),
            Self::HeldByOwnSafePoint => held("its own", own, oldest),
            Self::HeldByGlobalSafePoint => held("the global", global, oldest),
            Self::HeldByBarrier => shared.holder(owner).map_or_else(|| held("the", shared.effective(owner).safe_point, oldest), held_by),
            Self::DoesNotParse => "Values do not parse, so their rows are kept. Look into the log for the first one.".into(),
            Self::NothingStale => "No version is stale: each is the newest of its row in its file.".into(),
        }
    }
}

fn held_by((barrier, asked): (Barrier, Timestamp)) -> String {
    let end = if barrier.expires_at == NEVER { String::new() } else { format!(", or ends (its last second is {})", barrier.expires_at) };
    format!(
        "The stale versions are above the {barrier}. It holds the safe point back; the host asked for {asked}. They go when the barrier is \
         deleted or moved{end}."
    )
}

fn held(whose: &str, safe_point: Timestamp, oldest: Timestamp) -> String {
    let below = if oldest > safe_point { format!(", which is below all its versions (the oldest is {oldest})") } else { String::new() };
    format!("The stale versions are above {whose} safe point {safe_point}{below}. They go when it has moved on.")
}
