//! Compacting a row that a bound of a destroyed range cuts.
//!
//! A bound with a timestamp cuts a row into a destroyed half and a live half. Suppose the
//! tombstones of the destroyed half are in one level and the versions that they hide are in
//! another. When the record is gone, a filter that sees only the hidden versions treats them as the
//! newest ones. It then removes the live half:
//!
//! ```text
//!   destroyed: [a @ 9, a @ 5)      L0: tombstones of a @ 9, a @ 7    L6: a @ 9, a @ 7, a @ 5
//!   a filter over L6 alone         keeps a @ 9 (hidden), removes a @ 5 (live)
//! ```
//!
//! So a destroy that wrote a tombstone compacts such a row into the last level before it writes the
//! record "cleared". It deletes the destroyed half with point tombstones. If a compaction holds a
//! point tombstone and the key that it hides, RocksDB does not show the key to the filter. RocksDB
//! does show the filter a key that a range tombstone hides.

use super::compaction_cost::compact_at_rate;
use crate::engine::{Family, File, Op, WriteOptions};
use crate::error::{Error, ErrorKind, hex_range};
use crate::layout::{StoredRange, row_end};
use crate::reclaim::store::{Batch, Store};

/// A destroy writes into a write stall too, because a host's thread waits for it. The next record
/// is a synced write, which makes these writes durable.
pub const EVEN_IN_A_STALL: WriteOptions = WriteOptions { sync: false, no_slowdown: false };

/// The number of attempts at a compaction that RocksDB may refuse.
const TRIES: usize = 5;

/// The rows that a bound of the range cuts.
pub fn cut_rows(store: &Store, (start, end): &StoredRange) -> Vec<StoredRange> {
    let cut = |bound| store.shared.layout.cut_row(bound).map(|row: &[u8]| (row.to_vec(), row_end(row)));
    let mut rows: Vec<_> = [cut(start), cut(end)].into_iter().flatten().collect();
    rows.dedup();
    rows
}

/// Compacts a row into the last level. RocksDB's C API does not report whether it did that. So this
/// function writes a tombstone into the destroyed half and flushes it. That makes a file in level
/// 0, which the compaction must remove. If a compaction of the host has removed that file before,
/// this compaction must rewrite a file of the row in a lower level.
pub fn compact(store: &Store, family: Family, range: &StoredRange, row: &StoredRange) -> Result<(), Error> {
    for _ in 0..TRIES {
        let mut batch = Batch::default();
        batch.push(family, Op::Delete(row.0.clone().max(range.0.clone())));
        store.engine.write(&batch.writes, EVEN_IN_A_STALL)?;
        store.engine.flush(family)?;
        let before = store.engine.files(family, (&row.0, &row.1))?;
        compact_at_rate(store, family, row, &before, true)?;
        let after = store.engine.files(family, (&row.0, &row.1))?;
        let is_gone = |file: &File| !after.iter().any(|other| other.is_same(file));
        let (at_the_top, below): (Vec<_>, Vec<_>) = before.into_iter().partition(|file| file.level == 0);
        let went_through =
            if at_the_top.is_empty() { below.is_empty() || below.iter().any(is_gone) } else { at_the_top.iter().all(is_gone) };
        // A row without keys has no live half to protect.
        if went_through || !store.has_keys(family, (&row.0, &row.1), 1)? {
            return Ok(());
        }
        // For a dropped family RocksDB may report success for writes, flushes and compactions
        // that it ignored.
        store.engine.look_for_family(family)?;
        if store.engine.is_dropped(family) {
            return Ok(());
        }
    }
    Err(Error::new(
        ErrorKind::Busy,
        format!("the row {}, which a bound cuts, was not compacted; enable manual compactions, and repeat the call", hex_range(row)),
    ))
}
