//! Recovery: what a WAL filter leaves out of a batch. Puts and merges that would be dropped at once; never a delete of any kind, without
//! which what it hides would come back.

use crate::layout::write_batch::{BatchOp, BatchRecord, WriteBatch};
use crate::shared::Shared;

/// Is this record of a batch to be left out? `families` = those whose keys are ours.
pub fn ignores(shared: &Shared, families: &[u32], record: &BatchRecord) -> bool {
    matches!(record.op, BatchOp::Put | BatchOp::Merge) && families.contains(&record.family) && shared.ignores_at_recovery(record.key)
}

/// What is to be replayed of a batch; `None` = all of it, as it is.
pub fn filtered(shared: &Shared, families: &[u32], batch: &[u8]) -> Option<Vec<u8>> {
    let batch = WriteBatch::parse(batch)?;
    let ignored = |record: &BatchRecord| ignores(shared, families, record);
    batch.records.iter().any(ignored).then(|| batch.keep(|record| !ignored(record)))
}
