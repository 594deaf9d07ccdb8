//! The ledger: durable records of destroyed ranges, schema orders and keyspace types. They are in
//! the host's own store, under `ledger_prefix`.
//!
//! ```text
//! key   ledger_prefix | 'd' a destroyed range, 's' a schema, 'k' keyspaces' types | its name
//! value version 2 | its fields | families: count u32, each id u32 (ffffffff unknown), name len
//!       u32, name | length of the families u32 | crc32 of the key and of all bytes before
//! ```
//!
//! Numbers are big-endian.

mod destroyed;
mod record;
mod schema;
mod types;

pub use destroyed::Destroyed;
pub use record::{NamedFamily, Record};
pub use schema::{Order, SchemaRecord};
pub use types::TypesPage;

use super::closable_engine::ClosableEngine;
use crate::engine::{Direction, Family, Op, Write, WriteOptions};
use crate::error::{Error, ErrorKind, hex};
use crate::layout::{StoredRange, prefix_range};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// The range of the library's own keys.
pub fn own_keys(prefix: &[u8]) -> StoredRange {
    prefix_range(prefix)
}

/// A key that is written, read and deleted, to see whether a family exists or two families are one.
pub fn probe(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[PROBE]].concat()
}

const PROBE: u8 = b'p';

/// The location of the records.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The family that the records are written to.
    pub home: Family,
    /// The prefix of the records' keys.
    pub prefix: Vec<u8>,
}

/// A record as it is stored.
type KeyValue = (Vec<u8>, Vec<u8>);

/// The write is durable when it returns.
const DURABLY: WriteOptions = WriteOptions { sync: true, no_slowdown: false };

/// All records of a ledger, by key.
#[derive(Debug, Default)]
pub struct Records {
    /// The records of destroyed ranges.
    pub destroyed: BTreeMap<Vec<u8>, Destroyed>,
    /// The records of schemas.
    pub schemas: BTreeMap<Vec<u8>, SchemaRecord>,
    /// The types of keyspaces, by page.
    pub types: BTreeMap<Vec<u8>, TypesPage>,
}

impl Records {
    /// The value that the store must have under this key.
    fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        fn of<R: Record>(records: &BTreeMap<Vec<u8>, R>, key: &[u8]) -> Option<Vec<u8>> {
            records.get(key).map(|record| record.value(key))
        }
        of(&self.destroyed, key).or_else(|| of(&self.schemas, key)).or_else(|| of(&self.types, key))
    }
}

impl Ledger {
    /// Reads the records of all families, and moves those in other families to the ledger's family.
    /// If a record does not parse, the error names it, and nothing is changed.
    pub fn load(&self, engine: &ClosableEngine, families: usize) -> Result<Records, Error> {
        let mut records = Records::default();
        let mut away = Vec::new();
        for family in 0..families {
            for (key, value) in self.read(engine, family)? {
                self.add(&key, &value, &mut records).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Corruption,
                        format!("the ledger's record under key {} does not parse; restore it, or delete this key if its range or schema is not destroyed", hex(&key)),
                    )
                })?;
                if family != self.home || key.starts_with(&probe(&self.prefix)) {
                    away.push((family, key));
                }
            }
        }
        for (family, key) in away {
            if let Some(value) = records.value(&key)
                && engine.get(self.home, &key)?.as_ref() != Some(&value)
            {
                engine.write(&[Write { family: self.home, op: Op::Put(key.clone(), value) }], DURABLY)?;
            }
            engine.write(&[Write { family, op: Op::Delete(key) }], DURABLY)?;
        }
        Ok(records)
    }

    fn add(&self, key: &[u8], value: &[u8], records: &mut Records) -> Option<()> {
        match *key.get(self.prefix.len())? {
            destroyed::TAG => merge(&mut records.destroyed, key, Record::parse(key, value, &self.prefix)?),
            schema::TAG => merge(&mut records.schemas, key, Record::parse(key, value, &self.prefix)?),
            types::TAG => merge(&mut records.types, key, Record::parse(key, value, &self.prefix)?),
            // A crash can leave a probe.
            PROBE => {}
            _ => return None,
        }
        Some(())
    }

    fn read(&self, engine: &ClosableEngine, family: Family) -> Result<Vec<KeyValue>, Error> {
        let (start, end) = own_keys(&self.prefix);
        let mut found = Vec::new();
        engine.scan(family, (&start, &end), Direction::Forwards, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// The write of a record, for a batch.
    pub fn put_of(&self, record: &impl Record) -> Write {
        let key = record.key(&self.prefix);
        let value = record.value(&key);
        Write { family: self.home, op: Op::Put(key, value) }
    }

    /// Writes all records or none, and checks that the store has them. RocksDB ignores a write to a
    /// family that the host dropped.
    pub fn put(&self, engine: &ClosableEngine, records: &[impl Record]) -> Result<(), Error> {
        self.write(engine, records)?;
        self.check(engine, records)
    }

    /// Writes all records or none.
    pub fn write(&self, engine: &ClosableEngine, records: &[impl Record]) -> Result<(), Error> {
        engine.write(&records.iter().map(|record| self.put_of(record)).collect::<Vec<_>>(), DURABLY)
    }

    /// Checks that the store has records that were written.
    pub fn check(&self, engine: &ClosableEngine, records: &[impl Record]) -> Result<(), Error> {
        let Some(record) = records.first() else { return Ok(()) };
        let key = record.key(&self.prefix);
        if engine.get(self.home, &key)?.as_ref() == Some(&record.value(&key)) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::FamilyDropped,
            "the column family of the ledger was dropped: nothing can be recorded; detach, and attach with another one",
        ))
    }

    /// Whether the store has exactly this record.
    pub fn has(&self, engine: &ClosableEngine, record: &impl Record) -> bool {
        let key = record.key(&self.prefix);
        engine.get(self.home, &key).is_ok_and(|found| found.as_ref() == Some(&record.value(&key)))
    }

    /// Deletes all records or none.
    pub fn erase(&self, engine: &ClosableEngine, records: &[impl Record]) -> Result<(), Error> {
        let delete = |record: &_| Write { family: self.home, op: Op::Delete(Record::key(record, &self.prefix)) };
        engine.write(&records.iter().map(delete).collect::<Vec<_>>(), DURABLY)
    }
}

fn merge<R: Record>(records: &mut BTreeMap<Vec<u8>, R>, key: &[u8], record: R) {
    match records.get_mut(key) {
        Some(known) => known.merge(record),
        None => _ = records.insert(key.to_vec(), record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{KeyspaceId, SchemaId};
    use crate::safe_point::GcType;
    use proptest::prelude::*;

    const PREFIX: &[u8] = b"\x01gc/";

    fn destroyed() -> impl Strategy<Value = Destroyed> {
        let bytes = || proptest::collection::vec(any::<u8>(), 1..20);
        (bytes(), bytes(), proptest::option::of(0..=KeyspaceId::MAX), any::<(bool, bool, u64, u64)>()).prop_filter_map(
            "a range is not empty",
            |(one, other, keyspace, (done, reusable, started_at, done_at))| {
                let keyspace = keyspace.and_then(KeyspaceId::new);
                (one != other).then(|| Destroyed {
                    range: (one.clone().min(other.clone()), one.max(other)),
                    keyspace,
                    done,
                    reusable,
                    started_at,
                    done_at,
                    families: vec![NamedFamily { id: keyspace.map(KeyspaceId::get), name: "a family".into() }],
                })
            },
        )
    }

    fn schema() -> impl Strategy<Value = SchemaRecord> {
        let tenant = proptest::option::of(0..=KeyspaceId::MAX).prop_map(|id| id.and_then(KeyspaceId::new));
        (tenant, any::<(SchemaId, bool, bool, u64)>(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(
            |(tenant, (id, dropped, done, up_to), position)| {
                let order = if dropped { Order::Drop } else { Order::Truncate };
                SchemaRecord { tenant, id, order, done, up_to, position, families: Vec::new() }
            },
        )
    }

    /// An undamaged record is read as it was written; a damaged one is not read.
    fn check(
        record: &(impl Record + std::fmt::Debug),
        place: prop::sample::Index,
        bit: u8,
        cut: prop::sample::Index,
    ) -> Result<(), TestCaseError> {
        let key = record.key(PREFIX);
        let value = record.value(&key);
        let parse = |key: &[u8], value: &[u8]| same_kind(record, Record::parse(key, value, PREFIX));
        prop_assert!(parse(&key, &value).as_ref() == Some(record));
        let mut damaged = value.clone();
        damaged[place.index(value.len())] ^= 1u8 << bit;
        prop_assert_eq!(parse(&key, &damaged), None);
        prop_assert_eq!(parse(&key, &value[..cut.index(value.len())]), None);
        let at = place.index(key.len());
        let mut other_key = key;
        other_key[at] ^= 1u8 << bit;
        prop_assert_eq!(parse(&other_key, &value), None);
        Ok(())
    }

    fn same_kind<R>(_: &R, parsed: Option<R>) -> Option<R> {
        parsed
    }

    fn types() -> impl Strategy<Value = TypesPage> {
        let types = proptest::collection::btree_map(0u32..4096, any::<bool>(), 1..20);
        (0u32..4096, types).prop_map(|(page, types)| {
            let first = page * 4096;
            let gc_type = |own| if own { GcType::KeyspaceLevel } else { GcType::Global };
            let types = types.into_iter().filter_map(|(place, own)| Some((KeyspaceId::new(first + place)?, gc_type(own)))).collect();
            TypesPage { first, types, families: Vec::new() }
        })
    }

    proptest! {
        #[test]
        fn records_come_back_as_they_were(
            destroyed in destroyed(), schema in schema(), types in types(), place: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index
        ) {
            check(&destroyed, place, bit, cut)?;
            check(&schema, place, bit, cut)?;
            check(&types, place, bit, cut)?;
        }
    }

    /// The bytes are a format: later versions must read the records of a store.
    #[test]
    fn the_format_stays() {
        let record = Destroyed {
            range: (b"a".into(), b"b".into()),
            keyspace: KeyspaceId::new(7),
            done: true,
            reusable: false,
            started_at: 1,
            done_at: 2,
            families: vec![NamedFamily { id: Some(5), name: "f".into() }],
        };
        let key = record.key(PREFIX);
        assert_eq!(key, [&b"\x01gc/da"[..], &[0; 7], b"\xf8b", &[0; 7], b"\xf8"].concat());
        let value = record.value(&key);
        let (body, _) = value.split_last_chunk::<4>().unwrap();
        let fields = [&[2, 1, 0, 0, 0, 0, 7][..], &1u64.to_be_bytes(), &2u64.to_be_bytes(), b"\0\0\0\x01a", b"\0\0\0\x01b"].concat();
        assert_eq!(body, [&fields[..], b"\0\0\0\x01\0\0\0\x05\0\0\0\x01f\0\0\0\x0d"].concat());
    }

    /// Records of the first version have no families: they cover all.
    #[test]
    fn records_of_the_first_version_are_read() {
        let key = [&b"\x01gc/da"[..], &[0; 7], b"\xf8b", &[0; 7], b"\xf8"].concat();
        let mut value = [&[1, 1, 0, 0, 0, 0, 7][..], &1u64.to_be_bytes(), &2u64.to_be_bytes(), b"\0\0\0\x01a", b"\0\0\0\x01b"].concat();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&key);
        hasher.update(&value);
        value.extend_from_slice(&hasher.finalize().to_be_bytes());
        let record = Destroyed::parse(&key, &value, PREFIX).unwrap();
        assert!(record.done && record.done_at == 2 && record.families.is_empty());
    }

    #[test]
    fn the_format_of_schemas_stays() {
        let record = SchemaRecord {
            tenant: KeyspaceId::new(7),
            id: 0x0102_0304,
            order: Order::Truncate,
            done: false,
            up_to: 9,
            position: b"at".into(),
            families: Vec::new(),
        };
        let key = record.key(PREFIX);
        assert_eq!(key, b"\x01gc/s\0\0\0\x07\x01\x02\x03\x04");
        let value = record.value(&key);
        let (body, _) = value.split_last_chunk::<4>().unwrap();
        assert_eq!(body, [&[2, 0][..], &9u64.to_be_bytes(), b"\0\0\0\x02at", &[0; 4], &[0, 0, 0, 4]].concat());
        let states = [(Order::Truncate, true), (Order::Drop, false), (Order::Drop, true)]
            .map(|(order, done)| SchemaRecord { order, done, ..record.clone() }.body()[0]);
        assert_eq!(states, [1, 2, 3]);
    }

    #[test]
    fn of_two_records_the_one_that_goes_further_stands() {
        let record = |order, done, up_to, position: &str| SchemaRecord {
            tenant: None,
            id: 1,
            order,
            done,
            up_to,
            position: position.into(),
            families: Vec::new(),
        };
        let merged = |mut one: SchemaRecord, other: SchemaRecord| {
            one.merge(other);
            one
        };
        let (dropped, truncated) = (record(Order::Drop, true, 0, ""), record(Order::Truncate, false, 9, "b"));
        assert_eq!(merged(truncated.clone(), dropped.clone()), dropped);
        assert_eq!(merged(dropped.clone(), truncated.clone()), dropped);
        assert_eq!(merged(record(Order::Truncate, true, 8, "x"), truncated.clone()), truncated);
        assert_eq!(merged(record(Order::Truncate, true, 9, "a"), truncated), record(Order::Truncate, false, 9, "a"));
    }
}
