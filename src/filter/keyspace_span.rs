//! Selects the rows that are judged, and their safe point. Both are the same for all keys of one
//! owner that follow each other.

use crate::layout::{KeyMode, KeyOwner, Timestamp};
use crate::shared::{FilterKind, Notice, Shared};

/// Keys of one owner that follow each other, and their common state.
#[derive(Clone, Copy)]
pub struct KeyspaceSpan {
    /// The owner of the keys.
    pub owner: KeyOwner,
    /// The safe point of their rows.
    pub safe_point: Timestamp,
    /// The treatment of their rows.
    pub rows: RowTreatment,
    /// The generation of the shared state when safe point and treatment were read.
    pub generation: u64,
}

/// The treatment of the rows of a span.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RowTreatment {
    /// Their versions are judged.
    Judge,
    /// They are kept.
    Keep,
    /// They are kept, because the host never registered their keyspace.
    UnknownKeyspace,
    /// They are kept, for a reason that is logged once.
    KeepAndTell(Notice),
    /// They are kept, because they do not match the key layout.
    NotOfTheLayout,
}

impl KeyspaceSpan {
    /// The span before the first key.
    pub fn before_all(generation: u64) -> Self {
        Self { owner: KeyOwner::Foreign, safe_point: 0, rows: RowTreatment::NotOfTheLayout, generation }
    }

    /// The span of a key with this owner, at this generation. Within a span the safe point does not
    /// rise; it falls if the keyspace is paused.
    pub fn at(&self, shared: &Shared, kind: FilterKind, owner: KeyOwner, generation: u64) -> Self {
        let same_owner = owner == self.owner;
        if same_owner && generation == self.generation {
            return *self;
        }
        let now = shared.effective(owner);
        let before = if same_owner { self.safe_point } else { Timestamp::MAX };
        let safe_point = now.safe_point.min(before);
        let judged = kind.judges(owner);
        let rows = match owner {
            KeyOwner::Foreign => RowTreatment::NotOfTheLayout,
            _ if judged && now.unknown => RowTreatment::UnknownKeyspace,
            _ if judged && !shared.enabled() => RowTreatment::KeepAndTell(Notice::Disabled),
            _ if judged && safe_point > 0 => RowTreatment::Judge,
            _ if judged && shared.lacks_own_safe_point(owner) => RowTreatment::KeepAndTell(Notice::NoOwnSafePoint),
            _ if is_of_another_kind(shared, kind, owner) => RowTreatment::KeepAndTell(Notice::OtherKind),
            _ => RowTreatment::Keep,
        };
        Self { owner, safe_point, rows, generation }
    }
}

/// Whether filters of another kind judge keys of this owner, and this family should not hold them.
/// The column family of RawKV rows also holds the values of transactions.
fn is_of_another_kind(shared: &Shared, kind: FilterKind, owner: KeyOwner) -> bool {
    match (kind, owner) {
        (FilterKind::Write, KeyOwner::Keyspace(KeyMode::Raw, _)) => true,
        (FilterKind::Default, KeyOwner::Keyspace(KeyMode::Txn, _) | KeyOwner::Tidb(_)) => !shared.kinds.has(FilterKind::Write),
        _ => false,
    }
}
