//! The valid schemas of each tenant. They come from the host's lists, from ids that the host
//! created or dropped one by one, and from the orders of the ledger.
//!
//! The host reads the highest id that was given out, and then the list of the ids in use. So if an
//! id is at or below the highest one and not in the list, it was dropped. The exception is an id
//! that the host has created since:
//!
//! ```text
//!   list 1, 3, highest 4        0, 2, 4 are invalid; 5, 6 are unknown
//!   create 4, create 6          0, 2 are invalid; 5 is unknown
//!   list (empty), highest 9     none is invalid
//!   drop 3                      3 is invalid, permanently
//! ```

use super::dropped_schemas::{DroppedSchema, DroppedSchemas};
use super::id_page::IdPage;
use super::id_set::IdSet;
use super::tree_map::TreeMap;
use crate::layout::{SchemaId, Timestamp};
use std::sync::Arc;

/// The state of a key's schema.
#[derive(Debug, Clone, Default)]
pub enum KeyDropState {
    /// The key has no schema, or no schema of its tenant is known.
    #[default]
    NoSchema,
    /// The schema is unknown, but others of its tenant are known.
    Unknown,
    /// The schema is in use.
    Valid,
    /// The schema's keys are removed. The field is set if the host dropped the schema by its id.
    Invalid(Option<Arc<DroppedSchema>>),
}

/// The state of a schema, for the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// The schema is unknown.
    Unknown,
    /// The schema is in use.
    Valid,
    /// The schema is in use, and the worker deletes its old versions.
    Truncating,
    /// The schema's keys are removed.
    Dropped,
}

/// A truncation of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncation {
    /// Versions at or below this timestamp are deleted.
    pub up_to: Timestamp,
    /// Whether all these versions have been deleted.
    pub done: bool,
}

/// The schemas of one tenant. A copy costs nothing: it shares all ids with the original.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    /// The ids of the last list, in order. An empty list makes no schema invalid.
    valid: Arc<[SchemaId]>,
    /// The highest id that had been given out before the host read the list.
    highest: SchemaId,
    /// The number of ids at or below `highest` that are listed or created.
    told: u64,
    created: IdSet,
    dropped: DroppedSchemas,
    /// The truncations of schemas that are in use, or whose drop is not done.
    truncated: TreeMap<SchemaId, Truncation>,
}

impl Schemas {
    /// The state of an id, for filters.
    pub fn drop_state(&self, id: SchemaId) -> KeyDropState {
        if let Some(dropped) = self.dropped.get(id) {
            KeyDropState::Invalid(Some(dropped.clone()))
        } else if self.created.contains(id) || self.valid.binary_search(&id).is_ok() {
            KeyDropState::Valid
        } else if !self.valid.is_empty() && id <= self.highest {
            KeyDropState::Invalid(None)
        } else if self.truncated.get(&id).is_some() {
            KeyDropState::Valid
        } else {
            KeyDropState::Unknown
        }
    }

    /// The state of an id, for the host.
    pub fn state(&self, id: SchemaId) -> SchemaState {
        let truncating = self.truncated.get(&id).is_some_and(|truncation| !truncation.done);
        match self.drop_state(id) {
            KeyDropState::Invalid(_) => SchemaState::Dropped,
            _ if truncating => SchemaState::Truncating,
            KeyDropState::Valid => SchemaState::Valid,
            KeyDropState::Unknown | KeyDropState::NoSchema => SchemaState::Unknown,
        }
    }

    /// Whether any id is invalid.
    pub fn any_invalid(&self) -> bool {
        !self.dropped.is_empty() || !self.valid.is_empty() && self.told <= u64::from(self.highest)
    }

    /// Whether the host dropped this id.
    pub fn is_dropped(&self, id: SchemaId) -> bool {
        self.dropped.get(id).is_some()
    }

    /// Replaces the list. The ids are in order, and at or below `highest`.
    pub fn load(&mut self, mut ids: Vec<SchemaId>, highest: SchemaId) {
        ids.dedup();
        let both = ids.iter().filter(|id| self.created.contains(**id)).count();
        self.told = ids.len() as u64 + self.created.count_to(highest) - both as u64;
        self.valid = ids.into();
        self.highest = highest;
    }

    /// Makes an id valid.
    pub fn create(&mut self, id: SchemaId) {
        if self.created.insert(id) && id <= self.highest && self.valid.binary_search(&id).is_err() {
            self.told += 1;
        }
    }

    /// Makes an id invalid permanently, in the families at these places. It may have keys.
    pub fn drop_permanently(&mut self, id: SchemaId, covers: &[usize]) {
        self.dropped.insert_open(id, covers);
    }

    /// Makes an id invalid permanently. All its keys have been deleted.
    pub fn drop_done(&mut self, id: SchemaId, covers: &[usize]) {
        self.dropped.insert_done(id, covers);
        self.truncated.remove(&id);
    }

    /// Makes the ids of a page invalid permanently. All their keys have been deleted.
    pub fn drop_page(&mut self, number: u16, page: &Arc<IdPage>, covers: &[usize]) {
        self.dropped.insert_page(number, page, covers);
    }

    /// Sets the truncation of an id.
    pub fn truncate(&mut self, id: SchemaId, truncation: Truncation) {
        self.truncated.insert(id, truncation);
    }

    /// Forgets all drops and truncations.
    pub fn forget_orders(&mut self) {
        self.dropped = DroppedSchemas::default();
        self.truncated = TreeMap::default();
    }

    /// All known ids in order, with their states and truncations.
    pub fn each(&self) -> impl Iterator<Item = (SchemaId, SchemaState, Option<Truncation>)> {
        let ids = std::iter::successors(self.first_from(0), |id| self.first_from(id.checked_add(1)?));
        ids.map(|id| (id, self.state(id), self.truncated.get(&id).copied()))
    }

    /// The first known id that is at or above this one.
    fn first_from(&self, id: SchemaId) -> Option<SchemaId> {
        let valid = self.valid.get(self.valid.partition_point(|valid| *valid < id)).copied();
        let truncated = self.truncated.first_from(&id).map(|(id, _)| *id);
        [valid, truncated, self.created.first_from(id), self.dropped.first_from(id)].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
