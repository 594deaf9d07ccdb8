//! The order book: the records of all schemas, and which of them the worker must still carry out.

use super::schema::SchemaRecord;
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

/// The records of all schemas, and the schemas whose order is not carried out.
#[derive(Debug, Default)]
pub struct OrderBook {
    pub records: BTreeMap<SchemaKey, SchemaRecord>,
    pub open: BTreeSet<SchemaKey>,
    /// The schema of which a host's thread is writing another record.
    pub being_ordered: Option<SchemaKey>,
}

impl OrderBook {
    pub fn new(records: impl Iterator<Item = SchemaRecord>) -> Self {
        Self { records: records.map(|record| (record.schema(), record)).collect(), ..Self::default() }
    }

    pub fn put(&mut self, record: SchemaRecord) {
        if record.done {
            self.open.remove(&record.schema());
        } else {
            self.open.insert(record.schema());
        }
        self.records.insert(record.schema(), record);
    }
}
