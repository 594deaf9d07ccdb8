//! The record of a dropped or truncated schema. It is never deleted, because the id is never
//! reused.
//!
//! ```text
//! key    's' | keyspace u32, ffffffff none | schema u32
//! value  state: 0 truncating, 1 truncated, 2 dropped, 3 dropped and no key left
//!        | up to u64, 0 never truncated
//!        | position len u32, position: stored keys before it are truncated
//! ```

use super::record::{NO_KEYSPACE, NamedFamily, Record, merge_families, put_bytes, take_bytes, take_keyspace, take_u64};
use crate::layout::{KeyspaceId, SchemaId, Tenant, Timestamp};

/// The order that the host gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Its versions up to a timestamp are deleted.
    Truncate,
    /// All its keys are deleted, permanently.
    Drop,
}

/// A schema, the order about it, and the progress of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRecord {
    /// The tenant of the schema.
    pub tenant: Tenant,
    /// The id of the schema.
    pub id: SchemaId,
    /// The last order.
    pub order: Order,
    /// Whether the order is carried out.
    pub done: bool,
    /// Versions at or below this timestamp are deleted; 0 means never truncated.
    pub up_to: Timestamp,
    /// The stored key at which the truncation continues.
    pub position: Vec<u8>,
    /// The column families that the record covers; an empty list means all.
    pub families: Vec<NamedFamily>,
}

pub(super) const TAG: u8 = b's';

impl SchemaRecord {
    /// The tenant and id of the schema.
    pub fn schema(&self) -> (Tenant, SchemaId) {
        (self.tenant, self.id)
    }
}

impl Record for SchemaRecord {
    fn key(&self, prefix: &[u8]) -> Vec<u8> {
        let keyspace = self.tenant.map_or(NO_KEYSPACE, KeyspaceId::get);
        [prefix, &[TAG], &keyspace.to_be_bytes(), &self.id.to_be_bytes()].concat()
    }

    fn body(&self) -> Vec<u8> {
        let state = match (self.order, self.done) {
            (Order::Truncate, false) => 0,
            (Order::Truncate, true) => 1,
            (Order::Drop, false) => 2,
            (Order::Drop, true) => 3,
        };
        let mut body = vec![state];
        body.extend_from_slice(&self.up_to.to_be_bytes());
        put_bytes(&self.position, &mut body);
        body
    }

    fn read(name: &[u8], body: &[u8]) -> Option<Self> {
        let (&TAG, name) = name.split_first()? else { return None };
        let (tenant, id) = take_keyspace(name)?;
        let (&state, rest) = body.split_first()?;
        let (order, done) = match state {
            0 => (Order::Truncate, false),
            1 => (Order::Truncate, true),
            2 => (Order::Drop, false),
            3 => (Order::Drop, true),
            _ => return None,
        };
        let (up_to, rest) = take_u64(rest)?;
        let (position, rest) = take_bytes(rest)?;
        let id = u32::from_be_bytes(id.try_into().ok()?);
        rest.is_empty().then(|| Self { tenant, id, order, done, up_to, position: position.to_vec(), families: Vec::new() })
    }

    fn families(&mut self) -> &mut Vec<NamedFamily> {
        &mut self.families
    }

    /// A drop outranks a truncation, and the higher timestamp outranks the lower. Of two equal
    /// orders the earlier progress is kept.
    fn merge(&mut self, other: Self) {
        let rank = |record: &Self| (record.order, record.up_to);
        if rank(&other) > rank(self) {
            *self = other;
        } else if rank(&other) == rank(self) {
            self.done &= other.done;
            merge_families(&mut self.families, other.families);
            self.position = std::mem::take(&mut self.position).min(other.position);
        }
    }
}
