//! The ledger: the durable records of destroyed ranges, in the host's own store under `ledger_prefix`.
//!
//! ```text
//! key    ledger_prefix | 'd' | memcomparable(start) | memcomparable(end)
//! value  version 1 | state: 0 started, 1 done | flags: 1 reusable | keyspace u32, ffffffff none | started u64 | done u64
//!        | start len u32, start | end len u32, end | crc32 of the key and of all before
//! ```
//!
//! Numbers are big-endian, times unix seconds, 0 = unknown. The key names the range, so a range has one record.

use super::turns::Range;
use crate::engine::{Direction, Engine, Family, How, Op, Write};
use crate::error::{Error, Kind, hex};
use crate::layout::{KeyspaceId, memcomparable, successor};
use std::ops::ControlFlow;

/// A destroyed range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Half open, of stored keys.
    pub range: Range,
    /// Of a destroyed keyspace.
    pub keyspace: Option<KeyspaceId>,
    /// Nothing of it is left; else it has to be destroyed (again).
    pub done: bool,
    /// Goes once it is done.
    pub reusable: bool,
    /// Unix seconds.
    pub started_at: u64,
    /// Unix seconds.
    pub done_at: u64,
}

const VERSION: u8 = 1;
const DESTROYED: u8 = b'd';
const REUSABLE: u8 = 1;
const CHECKSUM_LEN: usize = 4;

impl Record {
    fn key(&self, prefix: &[u8]) -> Vec<u8> {
        let mut key = [prefix, &[DESTROYED]].concat();
        memcomparable::encode(&self.range.0, &mut key);
        memcomparable::encode(&self.range.1, &mut key);
        key
    }

    fn value(&self, key: &[u8]) -> Vec<u8> {
        let mut value = vec![VERSION, u8::from(self.done), if self.reusable { REUSABLE } else { 0 }];
        value.extend_from_slice(&self.keyspace.map_or(u32::MAX, KeyspaceId::get).to_be_bytes());
        value.extend_from_slice(&self.started_at.to_be_bytes());
        value.extend_from_slice(&self.done_at.to_be_bytes());
        for bound in [&self.range.0, &self.range.1] {
            value.extend_from_slice(&(bound.len() as u32).to_be_bytes());
            value.extend_from_slice(bound);
        }
        value.extend_from_slice(&checksum(key, &value));
        value
    }

    fn parse(key: &[u8], value: &[u8], prefix: &[u8]) -> Option<Self> {
        let (body, sum) = value.split_last_chunk::<CHECKSUM_LEN>()?;
        if *sum != checksum(key, body) {
            return None;
        }
        let (&[VERSION, state @ (0 | 1), flags @ (0 | REUSABLE)], rest) = body.split_first_chunk()? else { return None };
        let (keyspace, rest) = rest.split_first_chunk()?;
        let (started_at, rest) = rest.split_first_chunk()?;
        let (done_at, rest) = rest.split_first_chunk()?;
        let (start, rest) = bound(rest)?;
        let (end, rest) = bound(rest)?;
        let keyspace = match u32::from_be_bytes(*keyspace) {
            u32::MAX => None,
            id => Some(KeyspaceId::new(id)?),
        };
        let record = Self {
            range: (start.to_vec(), end.to_vec()),
            keyspace,
            done: state == 1,
            reusable: flags == REUSABLE,
            started_at: u64::from_be_bytes(*started_at),
            done_at: u64::from_be_bytes(*done_at),
        };
        (rest.is_empty() && start < end && record.key(prefix) == key).then_some(record)
    }
}

fn checksum(key: &[u8], body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize().to_be_bytes()
}

/// A length and so many bytes.
fn bound(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*len) as usize)
}

/// The range of the library's own keys.
pub fn own_keys(prefix: &[u8]) -> Range {
    // A prefix of nothing but ff has no end; what is longer than any key comes close.
    (prefix.to_vec(), successor(prefix).unwrap_or_else(|| [prefix, &[0xff; 1024]].concat()))
}

/// Where the records lie.
#[derive(Debug)]
pub struct Ledger {
    /// The family that they are written to.
    pub home: Family,
    /// What their keys begin with.
    pub prefix: Vec<u8>,
}

/// As it lies in the store.
type KeyValue = (Vec<u8>, Vec<u8>);

/// Durable when it returns.
const DURABLY: How = How { sync: true, no_slowdown: false };

impl Ledger {
    /// Reads the records of all families, and brings home those that lie elsewhere. One that does not parse is an error that names
    /// it, and nothing has changed.
    pub fn load(&self, engine: &dyn Engine, families: usize) -> Result<Vec<Record>, Error> {
        let mut records: Vec<Record> = Vec::new();
        let mut away = Vec::new();
        for family in 0..families {
            for (key, value) in self.read(engine, family)? {
                let record = Record::parse(&key, &value, &self.prefix).ok_or_else(|| {
                    Error::new(
                        Kind::Corruption,
                        format!("the ledger's record under key {} does not parse; restore it, or delete this key if the range that it names is not destroyed", hex(&key)),
                    )
                })?;
                match records.iter_mut().find(|known| known.range == record.range) {
                    Some(known) => known.done &= record.done,
                    None => records.push(record),
                }
                if family != self.home {
                    away.push((family, key));
                }
            }
        }
        for (family, key) in away {
            let Some(record) = records.iter().find(|record| record.key(&self.prefix) == key) else { continue };
            if engine.get(self.home, &key)?.as_ref() != Some(&record.value(&key)) {
                self.put(engine, std::slice::from_ref(record))?;
            }
            engine.write(&[Write { family, op: Op::Delete(key) }], DURABLY)?;
        }
        Ok(records)
    }

    fn read(&self, engine: &dyn Engine, family: Family) -> Result<Vec<KeyValue>, Error> {
        let (start, end) = own_keys(&self.prefix);
        let mut found = Vec::new();
        engine.scan(family, (&start, &end), Direction::Forwards, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Writes records, all or none.
    pub fn put(&self, engine: &dyn Engine, records: &[Record]) -> Result<(), Error> {
        let put = |record: &Record| {
            let key = record.key(&self.prefix);
            let value = record.value(&key);
            Write { family: self.home, op: Op::Put(key, value) }
        };
        engine.write(&records.iter().map(put).collect::<Vec<_>>(), DURABLY)
    }

    /// Deletes records, all or none.
    pub fn erase(&self, engine: &dyn Engine, records: &[Record]) -> Result<(), Error> {
        let delete = |record: &Record| Write { family: self.home, op: Op::Delete(record.key(&self.prefix)) };
        engine.write(&records.iter().map(delete).collect::<Vec<_>>(), DURABLY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PREFIX: &[u8] = b"\x01gc/";

    fn record() -> impl Strategy<Value = Record> {
        let bytes = || proptest::collection::vec(any::<u8>(), 1..20);
        (bytes(), bytes(), proptest::option::of(0..=KeyspaceId::MAX), any::<(bool, bool, u64, u64)>()).prop_filter_map(
            "a range is not empty",
            |(one, other, keyspace, (done, reusable, started_at, done_at))| {
                let keyspace = keyspace.and_then(KeyspaceId::new);
                (one != other).then(|| Record {
                    range: (one.clone().min(other.clone()), one.max(other)),
                    keyspace,
                    done,
                    reusable,
                    started_at,
                    done_at,
                })
            },
        )
    }

    proptest! {
        #[test]
        fn records_come_back_as_they_were(record in record()) {
            let key = record.key(PREFIX);
            prop_assert_eq!(Record::parse(&key, &record.value(&key), PREFIX), Some(record));
        }

        #[test]
        fn a_damaged_record_does_not_parse(record in record(), place: prop::sample::Index, bit in 0..8, cut: prop::sample::Index) {
            let key = record.key(PREFIX);
            let value = record.value(&key);
            let mut damaged = value.clone();
            damaged[place.index(value.len())] ^= 1u8 << bit;
            prop_assert_eq!(Record::parse(&key, &damaged, PREFIX), None);
            prop_assert_eq!(Record::parse(&key, &value[..cut.index(value.len())], PREFIX), None);
            let at = place.index(key.len());
            let mut other_key = key;
            other_key[at] ^= 1u8 << bit;
            prop_assert_eq!(Record::parse(&other_key, &value, PREFIX), None);
        }
    }

    /// The bytes are a format: what is in a store must be read by later versions.
    #[test]
    fn the_format_stays() {
        let record = Record {
            range: (b"a".into(), b"b".into()),
            keyspace: KeyspaceId::new(7),
            done: true,
            reusable: false,
            started_at: 1,
            done_at: 2,
        };
        let key = record.key(PREFIX);
        assert_eq!(key, [&b"\x01gc/da"[..], &[0; 7], b"\xf8b", &[0; 7], b"\xf8"].concat());
        let value = record.value(&key);
        let (body, _) = value.split_last_chunk::<4>().unwrap();
        assert_eq!(body, [&[1, 1, 0, 0, 0, 0, 7][..], &1u64.to_be_bytes(), &2u64.to_be_bytes(), b"\0\0\0\x01a", b"\0\0\0\x01b"].concat());
    }
}
