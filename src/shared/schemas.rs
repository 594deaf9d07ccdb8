//! The valid schemas of each tenant. They come from the host's lists, from ids that the host
//! created or dropped one by one, and from the orders of the ledger.
//!
//! A list has the ids that are still in use, of all ids up to the highest one that was given out
//! before the list was read. So an id up to the highest that is not in the list was dropped, unless
//! the host has created it since:
//!
//! ```text
//!   list 1, 3, highest 4        0, 2, 4 are invalid; 5, 6 are unknown
//!   create 4, create 6          0, 2 are invalid; 5 is unknown
//!   list (empty), highest 9     none is invalid
//!   drop 3                      3 is invalid, permanently
//! ```

use super::{LateKeys, all_covered};
use crate::callback::lock;
use crate::layout::{Layout, SchemaId, Tenant, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

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

/// A schema that the host dropped by its id.
#[derive(Debug)]
pub struct DroppedSchema {
    /// The late keys of the schema.
    pub late: LateKeys,
    /// The places of the attached families in which it is dropped.
    pub covers: Vec<usize>,
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

/// The schemas of one tenant.
#[derive(Debug, Clone, Default)]
pub struct Schemas {
    /// The ids of the last list, in order; `highest` is its highest given-out id. An empty list
    /// says nothing.
    valid: Vec<SchemaId>,
    highest: SchemaId,
    /// The number of ids up to the highest that are listed or created.
    told: u64,
    created: BTreeSet<SchemaId>,
    dropped: BTreeMap<SchemaId, Arc<DroppedSchema>>,
    truncated: BTreeMap<SchemaId, Truncation>,
}

impl Schemas {
    /// The state of an id, for filters.
    pub fn drop_state(&self, id: SchemaId) -> KeyDropState {
        if let Some(dropped) = self.dropped.get(&id) {
            KeyDropState::Invalid(Some(dropped.clone()))
        } else if self.created.contains(&id) || self.valid.binary_search(&id).is_ok() {
            KeyDropState::Valid
        } else if !self.valid.is_empty() && id <= self.highest {
            KeyDropState::Invalid(None)
        } else if self.truncated.contains_key(&id) {
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
        self.dropped.contains_key(&id)
    }

    /// Replaces the list. The ids are in order, and at or below `highest`.
    pub fn load(&mut self, ids: Vec<SchemaId>, highest: SchemaId) {
        self.valid = ids;
        self.valid.dedup();
        self.highest = highest;
        let created = self.created.range(..=highest).filter(|id| self.valid.binary_search(id).is_err()).count();
        self.told = (self.valid.len() + created) as u64;
    }

    /// Makes an id valid.
    pub fn create(&mut self, id: SchemaId) {
        if self.created.insert(id) && id <= self.highest && self.valid.binary_search(&id).is_err() {
            self.told += 1;
        }
    }

    /// Makes an id invalid permanently. `done` means that all its keys have been deleted.
    pub fn drop_permanently(&mut self, id: SchemaId, done: bool, covers: Vec<usize>) {
        match self.dropped.get(&id) {
            Some(known) if known.covers == covers => known.late.set_done(done),
            _ => _ = self.dropped.insert(id, Arc::new(DroppedSchema { late: LateKeys::new(done), covers })),
        }
    }

    /// Sets the truncation of an id.
    pub fn truncate(&mut self, id: SchemaId, truncation: Truncation) {
        self.truncated.insert(id, truncation);
    }

    /// Forgets all drops and truncations.
    pub fn forget_orders(&mut self) {
        self.dropped.clear();
        self.truncated.clear();
    }

    /// All known ids in order, with their states and truncations.
    pub fn each(&self) -> impl Iterator<Item = (SchemaId, SchemaState, Option<Truncation>)> {
        let ids: BTreeSet<SchemaId> =
            self.valid.iter().chain(&self.created).chain(self.dropped.keys()).chain(self.truncated.keys()).copied().collect();
        ids.into_iter().map(|id| (id, self.state(id), self.truncated.get(&id).copied()))
    }
}

/// The schemas of all tenants.
#[derive(Debug, Default)]
pub struct Registry {
    tenants: Mutex<BTreeMap<Tenant, Arc<Schemas>>>,
    with_invalid: AtomicUsize,
}

impl Registry {
    /// The schemas of a tenant at this moment, if any of them is known.
    pub fn of(&self, tenant: Tenant) -> Option<Arc<Schemas>> {
        lock(&self.tenants).get(&tenant).cloned()
    }

    /// The schemas of all tenants, in order.
    pub fn all(&self) -> Vec<(Tenant, Arc<Schemas>)> {
        lock(&self.tenants).iter().map(|(tenant, schemas)| (*tenant, schemas.clone())).collect()
    }

    /// Whether any schema of any tenant is invalid.
    pub fn any_invalid(&self) -> bool {
        self.with_invalid.load(SeqCst) > 0
    }

    /// Whether a key's schema is invalid now in the family at this place. `None` means in any
    /// family.
    pub fn is_key_invalid(&self, layout: &Layout, key: &[u8], family: Option<usize>) -> bool {
        let state = |(tenant, id)| Some(self.of(tenant)?.drop_state(id));
        match layout.schema(key).and_then(state) {
            Some(KeyDropState::Invalid(Some(dropped))) => family.is_none_or(|place| dropped.covers.contains(&place)),
            Some(KeyDropState::Invalid(None)) => true,
            _ => false,
        }
    }

    /// Changes a tenant's schemas. Copies that were made before are not changed.
    pub(super) fn change<R>(&self, tenant: Tenant, change: impl FnOnce(&mut Schemas) -> R) -> R {
        let mut tenants = lock(&self.tenants);
        let schemas = Arc::make_mut(tenants.entry(tenant).or_default());
        let before = schemas.any_invalid();
        let result = change(schemas);
        match (before, schemas.any_invalid()) {
            (false, true) => _ = self.with_invalid.fetch_add(1, SeqCst),
            (true, false) => _ = self.with_invalid.fetch_sub(1, SeqCst),
            _ => {}
        }
        result
    }
}

/// Looks up the schemas of keys in sequence. Keys with the same schema need only one lookup.
#[derive(Debug, Default)]
pub struct Lookup {
    tenant: Option<(Tenant, Option<Arc<Schemas>>)>,
    schema: Option<(Tenant, SchemaId)>,
    drop_state: KeyDropState,
    generation: u64,
    /// The places of the families that the keys may belong to.
    families: Vec<usize>,
}

impl Lookup {
    /// A lookup for keys of one of these families.
    pub fn new(families: Vec<usize>) -> Self {
        Self { families, ..Self::default() }
    }

    /// The state of a key's schema. `generation` changes whenever a state may have changed.
    pub fn drop_state(&mut self, layout: &Layout, registry: &Registry, key: &[u8], generation: u64) -> &KeyDropState {
        if generation != self.generation {
            *self = Self { generation, ..Self::new(std::mem::take(&mut self.families)) };
        }
        let schema = layout.schema(key);
        if schema != self.schema {
            self.schema = schema;
            self.drop_state = schema.map_or(KeyDropState::NoSchema, |(tenant, id)| self.look_up(registry, tenant, id));
        }
        &self.drop_state
    }

    fn look_up(&mut self, registry: &Registry, tenant: Tenant, id: SchemaId) -> KeyDropState {
        if self.tenant.as_ref().is_none_or(|(known, _)| *known != tenant) {
            self.tenant = Some((tenant, registry.of(tenant)));
        }
        match &self.tenant {
            Some((_, Some(schemas))) => match schemas.drop_state(id) {
                // The schema is not dropped in all families that the key may belong to, so the key
                // is kept.
                KeyDropState::Invalid(Some(dropped)) if !all_covered(&dropped.covers, &self.families) => KeyDropState::Valid,
                drop_state => drop_state,
            },
            _ => KeyDropState::NoSchema,
        }
    }

    /// The state of the last key's schema.
    pub fn last(&self) -> &KeyDropState {
        &self.drop_state
    }

    /// The schema of the last key, if it has one.
    pub fn schema(&self) -> Option<(Tenant, SchemaId)> {
        self.schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn invalid(registry: &Registry, ids: impl IntoIterator<Item = SchemaId>) -> Vec<SchemaId> {
        let schemas = registry.of(None).unwrap();
        ids.into_iter().filter(|id| schemas.state(*id) == SchemaState::Dropped).collect()
    }

    #[test]
    fn lists_and_names_go_together() {
        let registry = Registry::default();
        registry.change(None, |schemas| schemas.load(vec![1, 3, 3], 4));
        assert_eq!(invalid(&registry, 0..8), [0, 2, 4]);
        registry.change(None, |schemas| {
            schemas.create(4);
            schemas.create(6);
        });
        assert_eq!(invalid(&registry, 0..8), [0, 2]);
        registry.change(None, |schemas| schemas.load(vec![], 9));
        assert!(invalid(&registry, 0..12).is_empty() && !registry.any_invalid());
        registry.change(None, |schemas| schemas.drop_permanently(3, false, vec![0]));
        registry.change(None, |schemas| schemas.load(vec![1, 2, 3], 3));
        registry.change(None, |schemas| schemas.create(3));
        assert_eq!(invalid(&registry, 0..8), [0, 3]);
        assert!(registry.any_invalid() && registry.of(None).unwrap().is_dropped(3));
    }

    #[test]
    fn a_truncated_schema_is_valid_unless_a_list_says_otherwise() {
        let mut schemas = Schemas::default();
        schemas.truncate(5, Truncation { up_to: 9, done: false });
        assert_eq!(schemas.state(5), SchemaState::Truncating);
        schemas.load(vec![1], 5);
        assert_eq!(schemas.state(5), SchemaState::Dropped);
        schemas.create(5);
        schemas.truncate(5, Truncation { up_to: 9, done: true });
        assert_eq!(schemas.state(5), SchemaState::Valid);
    }

    proptest! {
        #[test]
        fn any_invalid_says_whether_there_is_one(
            list in proptest::collection::vec(0u32..6, 0..8), above in 0u32..3,
            created in proptest::collection::vec(0u32..8, 0..6), dropped in proptest::option::of(0u32..8),
        ) {
            let mut schemas = Schemas::default();
            let mut list = list;
            list.sort_unstable();
            let highest = list.last().map_or(0, |max| max + above);
            schemas.load(list, highest);
            created.iter().for_each(|id| schemas.create(*id));
            dropped.iter().for_each(|id| schemas.drop_permanently(*id, false, vec![0]));
            let any = (0..12).any(|id| matches!(schemas.drop_state(id), KeyDropState::Invalid(_)));
            prop_assert_eq!(schemas.any_invalid(), any);
        }
    }
}
