//! Writes that go together.

use crate::engine::{Family, Op, Write};

/// Writes in order, and about how many bytes they are.
#[derive(Debug, Default)]
pub struct Batch {
    /// In the order in which they are written.
    pub writes: Vec<Write>,
    /// Keys, and what RocksDB adds to each.
    pub bytes: usize,
}

/// What a write costs beside its bytes.
const OVERHEAD: usize = 8;

impl Batch {
    /// One more.
    pub fn push(&mut self, family: Family, op: Op) {
        self.bytes += OVERHEAD
            + match &op {
                Op::Put(one, two) | Op::DeleteRange(one, two) => one.len() + two.len(),
                Op::Delete(key) => key.len(),
            };
        self.writes.push(Write { family, op });
    }

    /// All of another one behind.
    pub fn append(&mut self, mut other: Self) {
        self.writes.append(&mut other.writes);
        self.bytes += other.bytes;
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.writes.clear();
        self.bytes = 0;
    }

    /// Has it nothing to write?
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}
