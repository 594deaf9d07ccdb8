//! What a DB must hold, as maps.

use crate::support::gc::Gc;
use rocks_gc::ffi::c;
use std::collections::BTreeMap;

pub const NOW: u64 = 1000;
/// A wrong time holds for a moment only, but for longer than a second perhaps.
pub const LATER: u64 = NOW + 100;
pub const KEYSPACES: [u32; 3] = [1, 2, 3];
pub const GLOBAL: u32 = 2;
pub const ROWS: u8 = 6;
/// The numbers of the families with rows. The ledger's family, if the host has one, is the next.
pub const DEFAULT: usize = 0;
pub const EXTRA: usize = 1;

#[derive(Clone)]
pub struct Version {
    pub value: Vec<u8>,
    /// A look at the DB did not find it: it must never come back.
    pub gone: bool,
}

impl Version {
    pub fn is_dead(&self) -> bool {
        match self.value.as_slice() {
            [.., 2] => true,
            [head @ .., 1] => head.last_chunk().is_some_and(|expiry| u64::from_be_bytes(*expiry) <= NOW),
            _ => false,
        }
    }
}

/// A destroyed range whose record stands; no rows = the whole keyspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    pub context: usize,
    pub keyspace: u32,
    pub rows: Option<(u8, u8)>,
}

impl Record {
    pub fn rows(&self) -> (u8, u8) {
        self.rows.unwrap_or((0, ROWS))
    }

    pub fn has(&self, keyspace: u32, row: u8) -> bool {
        self.keyspace == keyspace && (self.rows().0..self.rows().1).contains(&row)
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        let ((start, end), (from, to)) = (self.rows(), other.rows());
        (self.context, self.keyspace) == (other.context, other.keyspace) && start < to && from < end
    }

    /// Its ranges, as stored keys.
    pub fn ranges(&self, gc: &Gc) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bound = |row| start_of(gc, self.keyspace, row);
        match self.rows {
            Some((start, end)) => vec![(bound(start), bound(end))],
            None => [c::RGC_MODE_RAW, c::RGC_MODE_TXN].map(|mode| gc.keyspace_range(mode, self.keyspace)).to_vec(),
        }
    }
}

/// What a DB holds. A copy of the DB is described by a copy of this.
#[derive(Clone, Default)]
pub struct Model {
    pub families: [BTreeMap<(u32, u8), BTreeMap<u64, Version>>; 2],
    pub extra_is_dropped: bool,
    /// Those that stand; is the range destroyed in the second family of the context, too?
    pub records: BTreeMap<Record, bool>,
}

/// Where a row begins, as a bound without a timestamp.
pub fn start_of(gc: &Gc, keyspace: u32, row: u8) -> Vec<u8> {
    let mut bound = gc.raw_key(keyspace, &[row], 0);
    bound.truncate(bound.len() - 8);
    bound
}
