//! The record of dropped schemas with neighbouring ids of which no key is left. When the worker has
//! carried out the drop of a schema, it deletes the schema's own record and adds the id here. The
//! record is never deleted, because an id is never reused.
//!
//! ```text
//! key    'i' | keyspace u32, ffffffff none | the upper 16 bits of the ids | the families, as a
//!        record's families
//! value  the lower 16 bits of the ids, see `IdPage`
//! ```
//!
//! The key names the families, so schemas that were dropped in other families have another record.

use super::record::{NO_KEYSPACE, NamedFamily, Record, put_families, take_families, take_keyspace};
use crate::layout::{KeyspaceId, Tenant};
use crate::shared::IdPage;
use std::sync::Arc;

/// Dropped schemas of one tenant whose ids have the same upper 16 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedIds {
    /// The tenant of the schemas.
    pub tenant: Tenant,
    /// The upper 16 bits of the ids.
    pub page: u16,
    /// The lower 16 bits of the ids.
    pub ids: Arc<IdPage>,
    /// The column families that the record covers; an empty list means all.
    pub families: Vec<NamedFamily>,
}

pub(super) const TAG: u8 = b'i';

impl Record for DroppedIds {
    fn key(&self, prefix: &[u8]) -> Vec<u8> {
        let keyspace = self.tenant.map_or(NO_KEYSPACE, KeyspaceId::get);
        let mut key = [prefix, &[TAG], &keyspace.to_be_bytes(), &self.page.to_be_bytes()].concat();
        put_families(&self.families, &mut key);
        key
    }

    fn body(&self) -> Vec<u8> {
        self.ids.encode()
    }

    fn read(name: &[u8], body: &[u8]) -> Option<Self> {
        let (&TAG, name) = name.split_first()? else { return None };
        let (tenant, name) = take_keyspace(name)?;
        let (page, families) = name.split_first_chunk()?;
        let ids = IdPage::decode(body).filter(|ids| !ids.is_empty())?;
        Some(Self { tenant, page: u16::from_be_bytes(*page), ids: Arc::new(ids), families: take_families(families)? })
    }

    fn families(&mut self) -> &mut Vec<NamedFamily> {
        &mut self.families
    }

    /// Both have the same key, so they cover the same families.
    fn merge(&mut self, other: Self) {
        self.ids = Arc::new(self.ids.union(&other.ids));
    }
}
