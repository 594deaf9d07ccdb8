//! Recovery: a WAL filter leaves out puts and merges whose keys would be dropped at once. It never
//! leaves out a delete, because the keys that the delete hides would be visible again. It replaces
//! a record that it leaves out by a delete of one of the library's own keys in the same family.
//! That delete hides nothing.

use crate::layout::KeyOwner;
use crate::layout::write_batch::{BatchOp, BatchRecord, WriteBatch};
use crate::shared::{KeyspaceState, Shared};

/// Whether a put of this key is left out.
pub fn ignores_key(shared: &Shared, key: &[u8]) -> bool {
    let tombstone = match shared.layout.owner(key) {
        KeyOwner::Keyspace(_, keyspace) => shared.keyspaces.state(keyspace) == Some(KeyspaceState::Tombstone),
        _ => false,
    };
    tombstone || shared.schemas.is_key_invalid(&shared.layout, key, None)
}

/// Whether this record of a batch is left out. `families` are the ids of the families to filter.
pub fn ignores(shared: &Shared, families: &[u32], record: &BatchRecord) -> bool {
    matches!(record.op, BatchOp::Put | BatchOp::Merge) && families.contains(&record.family) && ignores_key(shared, record.key)
}

/// A key that is never put: the ledger has no record with this key.
pub fn place_holder(shared: &Shared) -> Vec<u8> {
    [shared.layout.ledger_prefix.as_slice(), b"w"].concat()
}

/// The part of a batch to replay. `None` means the whole batch, also if there is no memory for a
/// copy.
pub fn filtered(shared: &Shared, families: &[u32], batch: &[u8]) -> Option<Vec<u8>> {
    let batch = WriteBatch::parse(batch)?;
    let ignored = |record: &BatchRecord| ignores(shared, families, record);
    if batch.records.iter().any(ignored) { batch.keep(|record| !ignored(record), &place_holder(shared)) } else { None }
}
