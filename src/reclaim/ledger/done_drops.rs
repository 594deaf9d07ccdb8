//! The dropped schemas of which no key is left, as the ledger has them.

use super::dropped_ids::DroppedIds;
use super::order_book::SchemaKey;
use super::record::NamedFamily;
use super::schema::SchemaRecord;
use crate::layout::{SchemaId, Tenant};
use crate::shared::{IdPage, IdSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The ids of one tenant, by the families that their records cover.
pub type ByFamilies = BTreeMap<Vec<NamedFamily>, IdSet>;

/// The ids of all tenants.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DoneDrops(BTreeMap<Tenant, ByFamilies>);

impl DoneDrops {
    /// The ids of these records.
    pub fn new(records: impl Iterator<Item = DroppedIds>) -> Self {
        let mut drops = Self::default();
        records.for_each(|record| drops.put(record));
        drops
    }

    /// The ids of each tenant.
    pub fn tenants(&self) -> impl Iterator<Item = (Tenant, &ByFamilies)> {
        self.0.iter().map(|(tenant, ids)| (*tenant, ids))
    }

    /// Whether the ids have this schema.
    pub fn contain(&self, (tenant, id): SchemaKey) -> bool {
        self.0.get(&tenant).is_some_and(|ids| ids.values().any(|ids| ids.contains(id)))
    }

    /// Replaces the ids of a page.
    pub fn put(&mut self, record: DroppedIds) {
        let DroppedIds { tenant, page, ids, families } = record;
        self.0.entry(tenant).or_default().entry(families).or_default().put_page(page, ids);
    }

    /// The pages to write, so that the ledger's ids have the schemas of these records too.
    pub fn with<'r>(&self, records: impl IntoIterator<Item = &'r SchemaRecord>) -> Vec<DroppedIds> {
        let mut added: BTreeMap<_, Vec<SchemaId>> = BTreeMap::new();
        for record in records {
            added.entry((record.tenant, IdSet::page_of(record.id), &record.families)).or_default().push(record.id);
        }
        let with = |((tenant, page, families), ids): ((Tenant, u16, &Vec<NamedFamily>), Vec<SchemaId>)| {
            let known = self.0.get(&tenant).and_then(|by_families| by_families.get(families)?.page(page));
            let ids = known.map(|known| &**known).unwrap_or(&IdPage::default()).with(ids.into_iter().map(|id| id as u16));
            DroppedIds { tenant, page, ids: Arc::new(ids), families: families.clone() }
        };
        added.into_iter().map(with).collect()
    }
}
