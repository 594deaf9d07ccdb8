//! Dropping a schema. The call writes its record, and deletes its whole files. The worker deletes
//! the remaining keys, see `sweep`.

use super::clear::drop_files;
use super::report::DestroyReport;
use crate::error::Error;
use crate::layout::{NamedSchema, SchemaId, Tenant};
use crate::log::{Level, log};
use crate::reclaim::ledger::{Ledger, Order, OrderProgress, SchemaRecord, names};
use crate::reclaim::store::Store;

/// Drops a schema with all its data. After an error it is unknown whether the schema is
/// dropped.
pub fn run(store: &Store, ledger: &Ledger, tenant: Tenant, id: SchemaId) -> Result<(), Error> {
    ledger.schemas.order(store, (tenant, id), |known| {
        let up_to = known.map_or(0, |known| known.up_to);
        Ok(Some(SchemaRecord {
            tenant,
            id,
            order: Order::Drop,
            progress: OrderProgress::Deleting,
            up_to,
            position: Vec::new(),
            families: names(&store.families),
        }))
    })?;
    if let Err(error) = delete_files(store, tenant, id) {
        log(Level::Warn, || {
            format!(
                "{} is dropped, but its files could not be deleted at once; compactions and the worker delete its keys: {error}",
                NamedSchema((tenant, id))
            )
        });
    }
    Ok(())
}

fn delete_files(store: &Store, tenant: Tenant, id: SchemaId) -> Result<(), Error> {
    if !store.shared.layout.schemas_are_ranges() {
        return Ok(());
    }
    for range in store.shared.layout.schema_ranges(tenant, id) {
        for family in store.families.in_order() {
            drop_files(store, family, &[&range], &mut DestroyReport::default())?;
        }
    }
    Ok(())
}
