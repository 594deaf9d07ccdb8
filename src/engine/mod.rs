//! The interface to a store. `ffi` has the implementations: the host's RocksDB through its C API,
//! and a store that the host implements.

#![forbid(unsafe_code)]

pub mod flush_wait;

use crate::error::Error;
use std::ops::ControlFlow;

/// A column family: its place in the list given at attach.
pub type Family = usize;

/// One write of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The family that is written to.
    pub family: Family,
    /// The operation.
    pub op: Op,
}

/// The operation of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A key and its value.
    Put(Vec<u8>, Vec<u8>),
    /// A tombstone of a key.
    Delete(Vec<u8>),
    /// A range tombstone, half open.
    DeleteRange(Vec<u8>, Vec<u8>),
}

/// The options of a batch, which is always written with the WAL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Whether the batch and all writes before it are durable when the write returns.
    pub sync: bool,
    /// Whether the write returns an error of kind Busy instead of waiting in a write stall.
    pub no_slowdown: bool,
}

/// The direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the first key.
    Forwards,
    /// From the last key.
    Backwards,
}

/// A table file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct File {
    /// The store's name of the file; empty means unknown.
    pub name: Vec<u8>,
    /// The file's level; 0 is the newest.
    pub level: i32,
    /// The file's size in bytes.
    pub bytes: u64,
    /// The number of entries of any kind.
    pub entries: u64,
    /// The number of these entries that are tombstones.
    pub deletions: u64,
    /// The file's first key.
    pub smallest: Vec<u8>,
    /// The file's last key.
    pub largest: Vec<u8>,
    /// The user-collected properties, by name; empty means unknown.
    pub properties: Vec<(Vec<u8>, Vec<u8>)>,
}

impl File {
    /// Whether both are the same file. Without names all other fields are compared.
    pub fn is_same(&self, other: &Self) -> bool {
        if self.name.is_empty() || other.name.is_empty() {
            self.bare() == other.bare()
        } else {
            self.name == other.name && self.level == other.level
        }
    }

    /// The file without its properties.
    pub fn bare(&self) -> Self {
        Self { name: self.name.clone(), smallest: self.smallest.clone(), largest: self.largest.clone(), properties: Vec::new(), ..*self }
    }

    /// Whether the file overlaps `[start, end)`.
    pub fn overlaps(&self, start: &[u8], end: &[u8]) -> bool {
        self.smallest.as_slice() < end && self.largest.as_slice() >= start
    }

    /// Whether the file's first or last key is in `[start, end)`.
    pub fn has_bound_in(&self, start: &[u8], end: &[u8]) -> bool {
        let is_in = |key: &[u8]| start <= key && key < end;
        is_in(&self.smallest) || is_in(&self.largest)
    }

    /// Whether the file is wholly in `[start, end)`.
    pub fn is_within(&self, start: &[u8], end: &[u8]) -> bool {
        self.smallest.as_slice() >= start && self.largest.as_slice() < end
    }
}

/// The progress of a flush.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flush {
    /// The memtables that existed when the flush began are in files.
    #[default]
    Finished,
    /// The store has not begun the flush, or has not finished it.
    Unfinished,
}

/// The answer of a scan's callback: continue or stop.
pub type ScanStep = ControlFlow<()>;

/// A store that can be read and deleted from. Threads share it. Ranges are half open.
///
/// An error of kind [`FamilyDropped`](crate::error::ErrorKind::FamilyDropped) means that the host
/// dropped the family.
pub trait Engine: Send + Sync {
    /// The value of a key.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The value of a key after a crash at this moment. A value that is only in a memtable, and not
    /// in the WAL, does not count.
    fn get_durable(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Whether [`Engine::get_durable`] answers without a flush.
    fn tells_durability(&self) -> bool {
        true
    }

    /// Writes all of them in this order, or none. Writes to a family that the host dropped are
    /// ignored. An error of kind Busy means: try again later.
    fn write(&self, writes: &[Write], how: WriteOptions) -> Result<(), Error>;

    /// Passes the entries of a range, as of now, to `each`.
    fn scan(
        &self,
        family: Family,
        range: (&[u8], &[u8]),
        direction: Direction,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ScanStep,
    ) -> Result<(), Error>;

    /// Deletes files below level 0 that are wholly in a range, as many as possible.
    fn delete_files(&self, family: Family, range: (&[u8], &[u8])) -> Result<(), Error>;

    /// Compacts a range down to the lowest level that has any of its keys. `last_level_too` also
    /// rewrites the files that are already there.
    fn compact(&self, family: Family, range: (&[u8], &[u8]), last_level_too: bool) -> Result<(), Error>;

    /// Flushes the memtables. It waits about a second at most. `progress` is 0 at the first call; a
    /// later call with the number that the earlier call left there continues the wait.
    fn try_flush(&self, family: Family, progress: &mut u64) -> Result<Flush, Error>;

    /// The files that overlap a range, or all files of a family, without user-collected properties.
    fn files(&self, family: Family, range: Option<(&[u8], &[u8])>) -> Result<Vec<File>, Error>;

    /// All files of a family with exact counts and user-collected properties, if the store knows
    /// them.
    fn files_with_properties(&self, family: Family) -> Result<Vec<File>, Error>;

    /// Makes all compactions end soon, with an error of kind Aborted.
    fn cancel(&self);

    /// A number that changes with the snapshots that are held, if the store reports them.
    fn snapshots(&self) -> Option<u64> {
        None
    }

    /// Whether writes are stopped or delayed now.
    fn write_stalled(&self) -> bool;
}
