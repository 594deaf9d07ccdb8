//! The common parts of all records: a version, big-endian numbers, lengths before bytes, and a
//! checksum of key and value.

use crate::layout::KeyspaceId;
pub use crate::shared::NamedFamily;

/// Records of version 1 have no families.
const FIRST_VERSION: u8 = 1;
const VERSION: u8 = 2;
const CHECKSUM_LEN: usize = 4;
/// The number that means "no keyspace".
pub(super) const NO_KEYSPACE: u32 = u32::MAX;
/// The number that means "the family's id is unknown".
const NO_ID: u32 = u32::MAX;

/// One kind of ledger records.
pub trait Record: Clone + PartialEq {
    /// The key: the ledger's prefix, then the name of the destroyed range, schema or page.
    fn key(&self, prefix: &[u8]) -> Vec<u8>;
    /// The encoded fields.
    fn body(&self) -> Vec<u8>;
    /// Reads a record from its key behind the prefix and from its fields.
    fn read(name: &[u8], body: &[u8]) -> Option<Self>;
    /// The families that the record covers; an empty list means all.
    fn families(&mut self) -> &mut Vec<NamedFamily>;
    /// Combines two records of the same thing.
    fn merge(&mut self, other: Self);

    /// The value as it is stored.
    fn value(&self, key: &[u8]) -> Vec<u8> {
        let mut value = vec![VERSION];
        value.extend(self.body());
        let mut families = Vec::new();
        put_families(self.clone().families(), &mut families);
        value.extend_from_slice(&families);
        value.extend_from_slice(&(families.len() as u32).to_be_bytes());
        value.extend_from_slice(&checksum(key, &value));
        value
    }

    /// Reads a record of a store.
    fn parse(key: &[u8], value: &[u8], prefix: &[u8]) -> Option<Self> {
        let (versioned, sum) = value.split_last_chunk::<CHECKSUM_LEN>()?;
        let (families, body) = match versioned.split_first()? {
            (&FIRST_VERSION, body) => (Vec::new(), body),
            (&VERSION, rest) => {
                let (rest, len) = rest.split_last_chunk()?;
                let (body, families) = rest.split_at_checked(rest.len().checked_sub(u32::from_be_bytes(*len) as usize)?)?;
                (take_families(families)?, body)
            }
            _ => return None,
        };
        let mut record = Self::read(key.strip_prefix(prefix)?, body)?;
        *record.families() = families;
        (*sum == checksum(key, versioned) && record.key(prefix) == key).then_some(record)
    }
}

fn checksum(key: &[u8], body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize().to_be_bytes()
}

/// The families that two records of the same thing cover together.
pub(super) fn merge_families(one: &mut Vec<NamedFamily>, other: Vec<NamedFamily>) {
    if one.is_empty() || other.is_empty() {
        one.clear();
        return;
    }
    for family in other {
        if !one.contains(&family) {
            one.push(family);
        }
    }
}

/// Appends the number of families, and each of them.
pub(super) fn put_families(families: &[NamedFamily], out: &mut Vec<u8>) {
    out.extend_from_slice(&(families.len() as u32).to_be_bytes());
    for family in families {
        out.extend_from_slice(&family.id.unwrap_or(NO_ID).to_be_bytes());
        put_bytes(family.name.as_bytes(), out);
    }
}

/// Reads families, and nothing behind them.
pub(super) fn take_families(from: &[u8]) -> Option<Vec<NamedFamily>> {
    let (count, mut rest) = take_u32(from)?;
    let mut families = Vec::new();
    for _ in 0..count {
        let (id, after_id) = take_u32(rest)?;
        let (name, after_name) = take_bytes(after_id)?;
        families.push(NamedFamily { id: (id != NO_ID).then_some(id), name: String::from_utf8(name.to_vec()).ok()? });
        rest = after_name;
    }
    rest.is_empty().then_some(families)
}

fn take_u32(from: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = from.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// Appends a length and the bytes.
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Takes bytes with their length off the front.
pub(super) fn take_bytes(from: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = from.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*len) as usize)
}

/// Takes a number off the front.
pub(super) fn take_u64(from: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = from.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}

/// Takes an optional keyspace off the front.
pub(super) fn take_keyspace(from: &[u8]) -> Option<(Option<KeyspaceId>, &[u8])> {
    let (id, rest) = from.split_first_chunk()?;
    match u32::from_be_bytes(*id) {
        NO_KEYSPACE => Some((None, rest)),
        id => Some((Some(KeyspaceId::new(id)?), rest)),
    }
}
