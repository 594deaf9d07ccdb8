//! The record of a destroyed range.
//!
//! ```text
//! key    'd' | memcomparable(start) | memcomparable(end)
//! value  state: 0 started, 1 done | flags: 1 reusable | keyspace u32, ffffffff none | started u64
//!        | done u64 | start len u32, start | end len u32, end
//! ```
//!
//! The key names the range, so a range has one record. Times are in Unix seconds; 0 means unknown.

use super::record::{NO_KEYSPACE, NamedFamily, Record, merge_families, put_bytes, take_bytes, take_keyspace, take_u64};
use crate::layout::{KeyspaceId, StoredRange, memcomparable};

/// A destroyed range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroyed {
    /// The half-open range of stored keys.
    pub range: StoredRange,
    /// The keyspace, if a whole keyspace was destroyed.
    pub keyspace: Option<KeyspaceId>,
    /// Whether the destroy is finished; otherwise it must be repeated.
    pub done: bool,
    /// Whether the record is deleted when the destroy is finished.
    pub reusable: bool,
    /// The time when the destroy began, in Unix seconds.
    pub started_at: u64,
    /// The time when the destroy was finished, in Unix seconds.
    pub done_at: u64,
    /// The column families that the record covers; an empty list means all.
    pub families: Vec<NamedFamily>,
}

pub(super) const TAG: u8 = b'd';
const REUSABLE: u8 = 1;

impl Record for Destroyed {
    fn key(&self, prefix: &[u8]) -> Vec<u8> {
        let mut key = [prefix, &[TAG]].concat();
        memcomparable::encode(&self.range.0, &mut key);
        memcomparable::encode(&self.range.1, &mut key);
        key
    }

    fn body(&self) -> Vec<u8> {
        let mut body = vec![u8::from(self.done), if self.reusable { REUSABLE } else { 0 }];
        body.extend_from_slice(&self.keyspace.map_or(NO_KEYSPACE, KeyspaceId::get).to_be_bytes());
        body.extend_from_slice(&self.started_at.to_be_bytes());
        body.extend_from_slice(&self.done_at.to_be_bytes());
        put_bytes(&self.range.0, &mut body);
        put_bytes(&self.range.1, &mut body);
        body
    }

    fn read(_name: &[u8], body: &[u8]) -> Option<Self> {
        let (&[state @ (0 | 1), flags @ (0 | REUSABLE)], rest) = body.split_first_chunk()? else { return None };
        let (keyspace, rest) = take_keyspace(rest)?;
        let (started_at, rest) = take_u64(rest)?;
        let (done_at, rest) = take_u64(rest)?;
        let (start, rest) = take_bytes(rest)?;
        let (end, rest) = take_bytes(rest)?;
        let range = (start.to_vec(), end.to_vec());
        (rest.is_empty() && start < end).then_some(Self {
            range,
            keyspace,
            done: state == 1,
            reusable: flags == REUSABLE,
            started_at,
            done_at,
            families: Vec::new(),
        })
    }

    fn families(&mut self) -> &mut Vec<NamedFamily> {
        &mut self.families
    }

    /// The destroy must be repeated if one of the records is not done.
    fn merge(&mut self, other: Self) {
        self.done &= other.done;
        merge_families(&mut self.families, other.families);
    }
}
