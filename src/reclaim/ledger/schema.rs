//! The record of a dropped or truncated schema. When the worker has carried out a drop, it deletes
//! the record, and adds the id to a record of dropped ids, see `dropped_ids`.
//!
//! ```text
//! key    's' | keyspace u32, ffffffff none | schema u32
//! value  state: 0 truncating, 4 versions deleted, 1 truncated; 2 dropped, 5 keys deleted,
//!        3 dropped and no key left (only in ledgers of earlier versions)
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

/// The progress of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderProgress {
    /// The worker deletes keys.
    Deleting,
    /// All keys are deleted, and files may still hold them: the worker compacts these files.
    Deleted,
    /// The order is carried out.
    Done,
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
    /// The progress of the order.
    pub progress: OrderProgress,
    /// Versions at or below this timestamp are deleted; 0 means never truncated.
    pub up_to: Timestamp,
    /// The stored key at which the truncation continues.
    pub position: Vec<u8>,
    /// The column families that the record covers; an empty list means all.
    pub families: Vec<NamedFamily>,
}

pub(super) const TAG: u8 = b's';

/// The state byte of each order and progress.
const STATES: [(u8, Order, OrderProgress); 6] = [
    (0, Order::Truncate, OrderProgress::Deleting),
    (4, Order::Truncate, OrderProgress::Deleted),
    (1, Order::Truncate, OrderProgress::Done),
    (2, Order::Drop, OrderProgress::Deleting),
    (5, Order::Drop, OrderProgress::Deleted),
    (3, Order::Drop, OrderProgress::Done),
];

impl SchemaRecord {
    /// The tenant and id of the schema.
    pub fn schema(&self) -> (Tenant, SchemaId) {
        (self.tenant, self.id)
    }

    /// Whether the schema is dropped, and no key of it is left.
    pub fn is_done_drop(&self) -> bool {
        (self.order, self.progress) == (Order::Drop, OrderProgress::Done)
    }
}

impl Record for SchemaRecord {
    fn key(&self, prefix: &[u8]) -> Vec<u8> {
        let keyspace = self.tenant.map_or(NO_KEYSPACE, KeyspaceId::get);
        [prefix, &[TAG], &keyspace.to_be_bytes(), &self.id.to_be_bytes()].concat()
    }

    fn body(&self) -> Vec<u8> {
        let of_order = |(_, order, progress): &&(u8, Order, OrderProgress)| (*order, *progress) == (self.order, self.progress);
        let state = STATES.iter().find(of_order).map_or(u8::MAX, |(state, ..)| *state);
        let mut body = vec![state];
        body.extend_from_slice(&self.up_to.to_be_bytes());
        put_bytes(&self.position, &mut body);
        body
    }

    fn read(name: &[u8], body: &[u8]) -> Option<Self> {
        let (&TAG, name) = name.split_first()? else { return None };
        let (tenant, id) = take_keyspace(name)?;
        let (&state, rest) = body.split_first()?;
        let (_, order, progress) = *STATES.iter().find(|(known, ..)| *known == state)?;
        let (up_to, rest) = take_u64(rest)?;
        let (position, rest) = take_bytes(rest)?;
        let id = u32::from_be_bytes(id.try_into().ok()?);
        rest.is_empty().then(|| Self { tenant, id, order, progress, up_to, position: position.to_vec(), families: Vec::new() })
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
            self.progress = self.progress.min(other.progress);
            merge_families(&mut self.families, other.families);
            self.position = std::mem::take(&mut self.position).min(other.position);
        }
    }
}
