//! What all records have in common: a version, numbers in big-endian, lengths before bytes, and a checksum of key and value.

use crate::layout::KeyspaceId;

const VERSION: u8 = 1;
const CHECKSUM_LEN: usize = 4;
/// Stands for no keyspace.
pub(super) const NO_KEYSPACE: u32 = u32::MAX;

/// What the ledger holds: records of one kind.
pub trait Record: Clone + PartialEq {
    /// Where it lies, behind the ledger's prefix; it names what the record is about.
    fn key(&self, prefix: &[u8]) -> Vec<u8>;
    /// Its fields.
    fn body(&self) -> Vec<u8>;
    /// From its key behind the prefix and its fields.
    fn read(name: &[u8], body: &[u8]) -> Option<Self>;
    /// What holds if it is found twice.
    fn merge(&mut self, other: Self);

    /// As it lies in the store.
    fn value(&self, key: &[u8]) -> Vec<u8> {
        let mut value = vec![VERSION];
        value.extend(self.body());
        value.extend_from_slice(&checksum(key, &value));
        value
    }

    /// From a store.
    fn parse(key: &[u8], value: &[u8], prefix: &[u8]) -> Option<Self> {
        let (versioned, sum) = value.split_last_chunk::<CHECKSUM_LEN>()?;
        let (&VERSION, body) = versioned.split_first()? else { return None };
        let record = Self::read(key.strip_prefix(prefix)?, body)?;
        (*sum == checksum(key, versioned) && record.key(prefix) == key).then_some(record)
    }
}

fn checksum(key: &[u8], body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize().to_be_bytes()
}

/// A length and so many bytes.
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Takes such bytes off.
pub(super) fn take_bytes(from: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = from.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*len) as usize)
}

/// Takes a number off.
pub(super) fn take_u64(from: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = from.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}

/// Takes a keyspace off, or that there is none.
pub(super) fn take_keyspace(from: &[u8]) -> Option<(Option<KeyspaceId>, &[u8])> {
    let (id, rest) = from.split_first_chunk()?;
    match u32::from_be_bytes(*id) {
        NO_KEYSPACE => Some((None, rest)),
        id => Some((Some(KeyspaceId::new(id)?), rest)),
    }
}
