//! Truncating a schema. The call writes its record. The worker deletes the versions, see
//! `truncate_rows`.

use crate::error::{Error, ErrorKind};
use crate::layout::{NamedSchema, SchemaId, Tenant, Timestamp};
use crate::reclaim::ledger::{Ledger, Order, OrderProgress, SchemaRecord, names};
use crate::reclaim::store::Store;
use crate::shared::{FilterKind, SchemaState};

/// Orders a truncation: the worker deletes a schema's versions up to a timestamp. After an error it
/// is unknown whether the order was written.
pub fn run(store: &Store, ledger: &Ledger, tenant: Tenant, id: SchemaId, up_to: Timestamp) -> Result<(), Error> {
    if store.shared.kinds.has(FilterKind::TtlV1) {
        return Err(Error::new(
            ErrorKind::NotSupported,
            "keys of kind RGC_KIND_TTL_V1 have no timestamps to truncate by; drop the schema instead",
        ));
    }
    ledger.schemas.order(store, (tenant, id), |known| {
        if store.shared.schemas.of(tenant).is_some_and(|schemas| schemas.state(id) == SchemaState::Dropped) {
            return Err(Error::invalid(format!("{} is dropped; there is nothing to truncate", NamedSchema((tenant, id)))));
        }
        let is_contained = known.is_some_and(|known| known.up_to >= up_to);
        let record = SchemaRecord {
            tenant,
            id,
            order: Order::Truncate,
            progress: OrderProgress::Deleting,
            up_to,
            position: Vec::new(),
            families: names(&store.families),
        };
        Ok((!is_contained).then_some(record))
    })
}
