//! The schemas of all tenants, and how filters look up the schemas of their keys.

use super::all_covered;
use super::schemas::{KeyDropState, Schemas};
use crate::callback::lock;
use crate::layout::{Layout, SchemaId, Tenant};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

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
