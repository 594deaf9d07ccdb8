//! A batch of writes that RocksDB applies together.

use crate::engine::{Family, Op, Write};

/// Writes in order, and their approximate size.
#[derive(Debug, Default)]
pub struct Batch {
    /// The writes, in the order in which they are applied.
    pub writes: Vec<Write>,
    /// The approximate size in bytes: keys, values and RocksDB's overhead for each write.
    pub bytes: usize,
}

/// RocksDB's overhead for each write, in bytes.
const OVERHEAD: usize = 8;

impl Batch {
    /// Adds a write.
    pub fn push(&mut self, family: Family, op: Op) {
        self.bytes += OVERHEAD
            + match &op {
                Op::Put(one, two) | Op::DeleteRange(one, two) => one.len() + two.len(),
                Op::Delete(key) => key.len(),
            };
        self.writes.push(Write { family, op });
    }

    /// Adds all writes of another batch at the end.
    pub fn append(&mut self, mut other: Self) {
        self.writes.append(&mut other.writes);
        self.bytes += other.bytes;
    }

    /// Removes all writes.
    pub fn clear(&mut self) {
        self.writes.clear();
        self.bytes = 0;
    }

    /// Whether the batch has no writes.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}
