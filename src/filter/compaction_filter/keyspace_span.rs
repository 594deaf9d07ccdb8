//! Selects the rows that are judged, and their safe point. Both are the same for all keys of one
//! owner that follow each other.

use super::{CompactionFilter, Current};
use crate::layout::{KeyMode, KeyOwner, Timestamp};
use crate::rule::{raw, txn};
use crate::shared::FilterKind;

/// Keys of one owner that follow each other, and their common state.
#[derive(Clone, Copy)]
pub(super) struct KeyspaceSpan {
    pub(super) place: KeyOwner,
    pub(super) safe_point: Timestamp,
    pub(super) rows: RowTreatment,
    pub(super) generation: u64,
}

/// The treatment of the rows of a span.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RowTreatment {
    Judge,
    Keep,
    UnknownKeyspace,
    NotOfTheLayout,
}

impl CompactionFilter {
    /// Begins the row of a key. `stays` means that the key itself is not dropped.
    pub(super) fn begin_row(&mut self, key: &[u8], stays: bool) {
        self.stretch = self.stretch_at(self.shared.layout.place(key));
        match self.stretch.rows {
            RowTreatment::Judge => match self.shared.layout.row(key) {
                Ok(_) if self.kind == FilterKind::Write => self.current = Current::Txn(txn::Row::default()),
                Ok(_) => self.current = Current::Raw(raw::Row::default()),
                Err(_) if stays => self.count_foreign(key),
                Err(_) => {}
            },
            RowTreatment::UnknownKeyspace if stays => {
                if let KeyOwner::Keyspace(_, keyspace) = self.stretch.place {
                    self.first_unknown.get_or_insert(keyspace);
                }
                self.counters.kept_unknown_keyspace.bump();
            }
            RowTreatment::NotOfTheLayout if stays => self.count_foreign(key),
            RowTreatment::Keep | RowTreatment::UnknownKeyspace | RowTreatment::NotOfTheLayout => {}
        }
        self.stay_clear_of_dropped(key);
    }

    /// The span of a key with this owner. Within a span the safe point does not rise; it falls if
    /// the keyspace is paused.
    pub(super) fn stretch_at(&self, place: KeyOwner) -> KeyspaceSpan {
        // The destroyed ranges were read at this generation; later changes are seen at the next
        // key.
        let generation = self.dropping.generation;
        let same_place = place == self.stretch.place;
        if same_place && generation == self.stretch.generation {
            return self.stretch;
        }
        let now = self.shared.effective(place);
        let before = if same_place { self.stretch.safe_point } else { Timestamp::MAX };
        let safe_point = now.safe_point.min(before);
        let judged = matches!(
            (self.kind, place),
            (FilterKind::Default, KeyOwner::Keyspace(KeyMode::Raw, _) | KeyOwner::Plain)
                | (FilterKind::Write, KeyOwner::Keyspace(KeyMode::Txn, _) | KeyOwner::Tidb(_) | KeyOwner::Plain)
        );
        let rows = match place {
            KeyOwner::Foreign => RowTreatment::NotOfTheLayout,
            _ if judged && now.unknown => RowTreatment::UnknownKeyspace,
            _ if judged && safe_point > 0 && self.shared.enabled() => RowTreatment::Judge,
            _ => RowTreatment::Keep,
        };
        KeyspaceSpan { place, safe_point, rows, generation }
    }
}
