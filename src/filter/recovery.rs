//! Recovery: what a WAL filter leaves out of a batch. Puts and merges that would be dropped at once; never a delete of any kind, without
//! which what it hides would come back. Where something is left out a delete of a key of the library's own stands, in the same family, which hides nothing.

use crate::layout::write_batch::{BatchOp, BatchRecord, WriteBatch};
use crate::shared::Shared;

/// Is this record of a batch to be left out? `families` = those whose keys are ours.
pub fn ignores(shared: &Shared, families: &[u32], record: &BatchRecord) -> bool {
    matches!(record.op, BatchOp::Put | BatchOp::Merge) && families.contains(&record.family) && shared.ignores_at_recovery(record.key)
}

/// A key that is never put: the ledger has no record of this name.
pub fn place_holder(shared: &Shared) -> Vec<u8> {
    [shared.layout.ledger_prefix.as_slice(), b"w"].concat()
}

/// What is to be replayed of a batch; `None` = all of it, as it is, also where there is no memory for less.
pub fn filtered(shared: &Shared, families: &[u32], batch: &[u8]) -> Option<Vec<u8>> {
    let batch = WriteBatch::parse(batch)?;
    let ignored = |record: &BatchRecord| ignores(shared, families, record);
    if batch.records.iter().any(ignored) { batch.keep(|record| !ignored(record), &place_holder(shared)) } else { None }
}
