//! The port through which ranges and rows are deleted, and the host's RocksDB as far as the library calls it.

pub mod flush_wait;
#[expect(unsafe_code, reason = "calls C functions by their addresses")]
pub mod rocksdb;

use crate::error::Error;
use std::ops::ControlFlow;

/// A column family: its place among those given at attach.
pub type Family = usize;

/// One write of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub family: Family,
    /// What.
    pub op: Op,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A key and its value.
    Put(Vec<u8>, Vec<u8>),
    /// A tombstone.
    Delete(Vec<u8>),
    /// A range tombstone, half open.
    DeleteRange(Vec<u8>, Vec<u8>),
}

/// How a batch is written; always with the WAL on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// It is durable, with everything before it, when the write returns.
    pub sync: bool,
    /// Rather an error of kind Busy than a wait for a write stall to end.
    pub no_slowdown: bool,
}

/// Which way a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the first key on.
    Forwards,
    /// From the last key on.
    Backwards,
}

/// A table file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct File {
    /// What the store calls it; empty = not known.
    pub name: Vec<u8>,
    /// 0 = the newest.
    pub level: i32,
    /// Its size.
    pub bytes: u64,
    /// How many entries of any kind it has.
    pub entries: u64,
    /// How many of them are tombstones.
    pub deletions: u64,
    /// Its first key.
    pub smallest: Vec<u8>,
    /// Its last key.
    pub largest: Vec<u8>,
    /// What collectors noted, by name; empty = not known.
    pub properties: Vec<(Vec<u8>, Vec<u8>)>,
}

impl File {
    /// Is it one and the same file, as far as that can be told?
    pub fn is_same(&self, other: &Self) -> bool {
        if self.name.is_empty() || other.name.is_empty() {
            self.bare() == other.bare()
        } else {
            self.name == other.name && self.level == other.level
        }
    }

    /// Without its properties.
    pub fn bare(&self) -> Self {
        Self { name: self.name.clone(), smallest: self.smallest.clone(), largest: self.largest.clone(), properties: Vec::new(), ..*self }
    }

    /// Does it reach into `[start, end)`?
    pub fn overlaps(&self, start: &[u8], end: &[u8]) -> bool {
        self.smallest.as_slice() < end && self.largest.as_slice() >= start
    }

    /// Does it lie in `[start, end)` as a whole?
    pub fn is_within(&self, start: &[u8], end: &[u8]) -> bool {
        self.smallest.as_slice() >= start && self.largest.as_slice() < end
    }
}

/// How far a flush has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flush {
    /// The memtables of then are files.
    #[default]
    Finished,
    /// The store has not begun it, or has not finished it.
    Unfinished,
}

/// What a scan does with an entry: goes on, or has seen enough.
pub type ScanStep = ControlFlow<()>;

/// A store that can be read and deleted from. Shared by threads. Ranges are half open.
///
/// An error of kind [`FamilyDropped`](crate::error::Kind::FamilyDropped) says that the host dropped the family.
pub trait Engine: Send + Sync {
    /// The value under a key.
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The value that a crash at this moment would leave under a key. A value that lies only in a memtable, and not in the WAL,
    /// does not count.
    fn get_durable(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Does [`Engine::get_durable`] answer without a flush?
    fn tells_durability(&self) -> bool {
        true
    }

    /// Writes all of them or none, in this order, but for those of a family that the host dropped, which are left out. An error of
    /// kind Busy: try again later.
    fn write(&self, writes: &[Write], how: WriteOptions) -> Result<(), Error>;

    /// Shows what lies in a range, as of now.
    fn scan(
        &self,
        family: Family,
        range: (&[u8], &[u8]),
        direction: Direction,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ScanStep,
    ) -> Result<(), Error>;

    /// Drops the files below level 0 that lie in a range as a whole, as many as it can.
    fn delete_files(&self, family: Family, range: (&[u8], &[u8])) -> Result<(), Error>;

    /// Compacts a range down to the lowest level that has any of it; by force = also what lies there already.
    fn compact(&self, family: Family, range: (&[u8], &[u8]), last_level_too: bool) -> Result<(), Error>;

    /// Writes memtables into files. Waits about a second at most. `progress` is 0 at the first call; a later call with what the
    /// call before left there goes on waiting.
    fn try_flush(&self, family: Family, progress: &mut u64) -> Result<Flush, Error>;

    /// The files that overlap a range, or all files of a family, without what collectors noted.
    fn files(&self, family: Family, range: Option<(&[u8], &[u8])>) -> Result<Vec<File>, Error>;

    /// All files of a family, with exact counts and with what collectors noted, as far as the store knows them.
    fn files_with_properties(&self, family: Family) -> Result<Vec<File>, Error>;

    /// Compactions come back soon from now on, with an error of kind Aborted.
    fn cancel(&self);

    /// A number that changes with the snapshots that are held, if the store tells of them.
    fn snapshots(&self) -> Option<u64> {
        None
    }

    /// Are writes stopped or delayed now?
    fn write_stalled(&self) -> bool;
}
