//! The order book: the records of all schemas, and which of them the worker must still carry out.

use super::schema::{OrderProgress, SchemaRecord};
use crate::layout::{SchemaId, Tenant};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The tenant and id of a schema.
pub type SchemaKey = (Tenant, SchemaId);

/// A schema, for messages.
pub struct Named(pub SchemaKey);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tenant, id) = self.0;
        write!(f, "schema {id}")?;
        tenant.map_or(Ok(()), |keyspace| write!(f, " of keyspace {keyspace}"))
    }
}

/// The records of all schemas, and which of them the worker must work on.
#[derive(Debug, Default)]
pub struct OrderBook {
    pub records: BTreeMap<SchemaKey, SchemaRecord>,
    /// The schemas whose keys must be deleted.
    pub open: BTreeSet<SchemaKey>,
    /// The schemas whose files must be compacted.
    pub to_compact: BTreeSet<SchemaKey>,
    /// The schema of which a host's thread is writing another record.
    pub being_ordered: Option<SchemaKey>,
}

impl OrderBook {
    pub fn new(records: impl Iterator<Item = SchemaRecord>) -> Self {
        Self { records: records.map(|record| (record.schema(), record)).collect(), ..Self::default() }
    }

    pub fn put(&mut self, record: SchemaRecord) {
        let schema = record.schema();
        self.open.remove(&schema);
        self.to_compact.remove(&schema);
        match record.progress {
            OrderProgress::Deleting => _ = self.open.insert(schema),
            OrderProgress::Deleted => _ = self.to_compact.insert(schema),
            OrderProgress::Done => {}
        }
        self.records.insert(record.schema(), record);
    }
}
