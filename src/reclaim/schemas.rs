//! Orders about schemas. Each is in the ledger before anything else happens; the worker carries it out, and a restart goes on with it.
//!
//! ```text
//!   drop       record "dropped", durable        runs drop what they meet of it, for ever
//!              whole files                      in the call
//!              what is left                     the worker, see `sweep`; then the log says so, and the record that nothing is left
//!   truncate   record "truncating", durable
//!              versions up to the timestamp     the worker, see `truncate`; its place in the record
//! ```

use super::destroy::DestroyReport;
use super::ledger::{Order, SchemaRecord};
use super::store::{Role, Store};
use crate::callback::lock;
use crate::engine::{Engine, How, Write};
use crate::error::Error;
use crate::layout::{Form, SchemaId, Tenant, Timestamp};
use crate::log::{Level, log};
use crate::safe_point::Naming;
use crate::shared::{SchemaState, Truncation};
use std::fmt;

/// A schema, for messages.
pub(super) struct Named(pub(super) Tenant, pub(super) SchemaId);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema {}", self.1)?;
        self.0.map_or(Ok(()), |keyspace| write!(f, " of keyspace {keyspace}"))
    }
}

impl Store {
    /// Drops a schema with all its data. After an error whether it is dropped is not known.
    pub fn drop_schema(&self, tenant: Tenant, id: SchemaId) -> Result<(), Error> {
        let mut orders = lock(&self.orders);
        let up_to = orders.get(&(tenant, id)).map_or(0, |known| known.up_to);
        let record = SchemaRecord { tenant, id, order: Order::Drop, done: false, up_to, position: Vec::new() };
        self.ledger.put(&self.engine, std::slice::from_ref(&record))?;
        orders.insert((tenant, id), record);
        self.shared.change_schemas(tenant, |schemas| schemas.drop_for_ever(id, false));
        drop(orders);
        if let Err(error) = self.drop_schema_files(tenant, id) {
            log(Level::Warn, || format!("{} is dropped; its files are left to compactions: {error}", Named(tenant, id)));
        }
        self.count_orders();
        Ok(())
    }

    fn drop_schema_files(&self, tenant: Tenant, id: SchemaId) -> Result<(), Error> {
        if !self.shared.layout.schemas_are_ranges() {
            return Ok(());
        }
        for range in self.shared.layout.schema_ranges(tenant, id) {
            for family in self.in_order() {
                if self.families.get(family).is_some_and(|family| family.role != Role::Lock) {
                    self.drop_files(family, &range, &mut DestroyReport::default())?;
                }
            }
        }
        Ok(())
    }

    /// Has the worker delete a schema's versions up to a timestamp. After an error whether it will is not known.
    pub fn truncate_schema(&self, tenant: Tenant, id: SchemaId, up_to: Timestamp) -> Result<(), Error> {
        let mut orders = lock(&self.orders);
        if self.shared.schemas.of(tenant).is_some_and(|schemas| schemas.state(id) == SchemaState::Dropped) {
            return Err(Error::invalid(format!("{} is dropped; there is nothing to truncate", Named(tenant, id))));
        }
        if orders.get(&(tenant, id)).is_some_and(|known| known.up_to >= up_to) {
            return Ok(());
        }
        let record = SchemaRecord { tenant, id, order: Order::Truncate, done: false, up_to, position: Vec::new() };
        self.ledger.put(&self.engine, std::slice::from_ref(&record))?;
        orders.insert((tenant, id), record);
        self.shared.change_schemas(tenant, |schemas| schemas.truncate(id, Truncation { up_to, done: false }));
        drop(orders);
        self.count_orders();
        Ok(())
    }

    /// What the ledger says of schemas holds from now on, and the worker goes on with what was interrupted.
    pub(super) fn take_up_orders(&self) {
        let records: Vec<_> = lock(&self.orders).values().cloned().collect();
        let unread = records.iter().filter(|record| !self.reads(record)).count();
        if unread > 0 {
            log(Level::Warn, || {
                format!(
                    "the ledger has {unread} schemas of another layout, or schema_id is off: nothing of them is dropped; give the options of before"
                )
            });
        }
        for record in records.iter().filter(|record| self.reads(record)) {
            let SchemaRecord { id, done, up_to, .. } = *record;
            self.shared.change_schemas(record.tenant, |schemas| {
                match record.order {
                    Order::Drop => schemas.drop_for_ever(id, done),
                    Order::Truncate => {}
                }
                if up_to > 0 {
                    schemas.truncate(id, Truncation { up_to, done: done || record.order == Order::Drop });
                }
            });
        }
        self.count_orders();
    }

    /// Are the keys of that schema read in this layout?
    fn reads(&self, record: &SchemaRecord) -> bool {
        let layout = &self.shared.layout;
        layout.schema_ids && record.tenant.is_some() == (layout.form == Form::ApiV2)
    }

    fn count_orders(&self) {
        let open = lock(&self.orders).values().filter(|record| !record.done && self.reads(record)).count();
        self.shared.handover.set_orders(if self.is_stopping() { 0 } else { open });
    }

    /// Of a removed keyspace everything is kept until it is named again.
    pub(super) fn rests(&self, record: &SchemaRecord) -> bool {
        let removed = |keyspace| matches!(self.shared.safe_points.known(keyspace).naming, Naming::Removed(_));
        record.order == Order::Truncate && record.tenant.is_some_and(removed)
    }

    /// The next order behind that one that is not carried out; each gets its turn.
    pub(super) fn next_order(&self, behind: Option<(Tenant, SchemaId)>) -> Option<SchemaRecord> {
        let orders = lock(&self.orders);
        let mut open = orders.iter().filter(|(_, record)| !record.done && self.reads(record) && !self.rests(record));
        let first = open.next()?;
        let next = if behind.is_some_and(|behind| *first.0 <= behind) { open.find(|(key, _)| Some(**key) > behind) } else { None };
        Some(next.unwrap_or(first).1.clone())
    }

    /// Writes deletes and how far that brings an order, in one batch; or nothing, if another order has come since.
    pub(super) fn advance_order(&self, from: &SchemaRecord, to: SchemaRecord, mut writes: Vec<Write>) -> Result<(), Error> {
        let mut orders = lock(&self.orders);
        if orders.get(&(from.tenant, from.id)) != Some(from) {
            return Ok(());
        }
        writes.push(self.ledger.put_of(&to));
        self.engine.write(&writes, How { sync: to.done, no_slowdown: true })?;
        let (tenant, id, done) = (to.tenant, to.id, to.done);
        if done {
            self.shared.change_schemas(tenant, |schemas| match to.order {
                Order::Drop => schemas.drop_for_ever(id, true),
                Order::Truncate => schemas.truncate(id, Truncation { up_to: to.up_to, done }),
            });
        }
        let order = to.order;
        orders.insert((tenant, id), to);
        drop(orders);
        if done {
            self.count_orders();
            log(Level::Info, || match order {
                Order::Drop => format!("{} was dropped, and none of it is left", Named(tenant, id)),
                Order::Truncate => format!("{} is truncated up to {}", Named(tenant, id), from.up_to),
            });
        }
        Ok(())
    }
}
