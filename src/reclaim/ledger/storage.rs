//! Reading and writing the records of a ledger in the host's store.

use super::destroyed::{self, Destroyed};
use super::dropped_ids::{self, DroppedIds};
use super::record::Record;
use super::schema::{self, SchemaRecord};
use super::types::{self, TypesPage};
use crate::engine::{Direction, Family, Op, Write, WriteOptions};
use crate::error::{Error, ErrorKind, hex};
use crate::layout::{StoredRange, prefix_range};
use crate::reclaim::store::{ClosableEngine, Families, Role};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// The range of the library's own keys.
pub fn own_keys(prefix: &[u8]) -> StoredRange {
    prefix_range(prefix)
}

/// The beginning of a probe's key. The library writes, reads and deletes probes, for example to
/// find out whether a family exists.
pub fn probe(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[PROBE]].concat()
}

const PROBE: u8 = b'p';

/// The location of a ledger's records in the store.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The family that the records are written to.
    pub home: Family,
    /// The prefix of the records' keys.
    pub prefix: Vec<u8>,
}

/// A record as it is stored.
type KeyValue = (Vec<u8>, Vec<u8>);

/// A key and the family that it is in.
type InFamily = (Family, Vec<u8>);

/// The write is durable when it returns.
const DURABLY: WriteOptions = WriteOptions { sync: true, no_slowdown: false };

/// All records of a ledger, by key.
#[derive(Debug, Default)]
pub struct Records {
    /// The records of destroyed ranges.
    pub destroyed: BTreeMap<Vec<u8>, Destroyed>,
    /// The records of schemas.
    pub schemas: BTreeMap<Vec<u8>, SchemaRecord>,
    /// The records of dropped ids.
    pub dropped_ids: BTreeMap<Vec<u8>, DroppedIds>,
    /// The types of keyspaces, by page.
    pub types: BTreeMap<Vec<u8>, TypesPage>,
}

impl Records {
    /// The value that the store must have under this key.
    fn value(&self, key: &[u8]) -> Option<Vec<u8>> {
        fn of<R: Record>(records: &BTreeMap<Vec<u8>, R>, key: &[u8]) -> Option<Vec<u8>> {
            records.get(key).map(|record| record.value(key))
        }
        let of_schemas = || of(&self.schemas, key).or_else(|| of(&self.dropped_ids, key));
        of(&self.destroyed, key).or_else(of_schemas).or_else(|| of(&self.types, key))
    }
}

impl Storage {
    /// The records are in the family with role ledger, else in the one with role default, else in
    /// the first one.
    pub fn new(families: &Families, prefix: &[u8]) -> Self {
        let home = families.with_role(Role::Ledger).or(families.with_role(Role::Default)).unwrap_or(0);
        Self { home, prefix: prefix.to_vec() }
    }

    /// Reads the records of all families, and moves those in other families to the ledger's family.
    /// If a record does not parse, the error names it, and nothing is changed.
    pub fn load(&self, engine: &ClosableEngine, families: usize) -> Result<Records, Error> {
        let (records, away) = self.read_all(engine, families)?;
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

    /// Reads the records of all families, and writes nothing. Also returns the keys of
    /// records that lie in another family than theirs.
    pub fn read_all(&self, engine: &ClosableEngine, families: usize) -> Result<(Records, Vec<InFamily>), Error> {
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
        Ok((records, away))
    }

    fn add(&self, key: &[u8], value: &[u8], records: &mut Records) -> Option<()> {
        match *key.get(self.prefix.len())? {
            destroyed::TAG => merge(&mut records.destroyed, key, Record::parse(key, value, &self.prefix)?),
            schema::TAG => merge(&mut records.schemas, key, Record::parse(key, value, &self.prefix)?),
            dropped_ids::TAG => merge(&mut records.dropped_ids, key, Record::parse(key, value, &self.prefix)?),
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

    /// The delete of a record, for a batch.
    pub fn erase_of(&self, record: &impl Record) -> Write {
        Write { family: self.home, op: Op::Delete(record.key(&self.prefix)) }
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
        engine.write(&records.iter().map(|record| self.erase_of(record)).collect::<Vec<_>>(), DURABLY)
    }

    /// Writes the records `by` and deletes `records`, all or none.
    pub fn replace(&self, engine: &ClosableEngine, by: &[impl Record], records: &[impl Record]) -> Result<(), Error> {
        let erase = records.iter().map(|record| self.erase_of(record));
        engine.write(&by.iter().map(|record| self.put_of(record)).chain(erase).collect::<Vec<_>>(), DURABLY)
    }
}

fn merge<R: Record>(records: &mut BTreeMap<Vec<u8>, R>, key: &[u8], record: R) {
    match records.get_mut(key) {
        Some(known) => known.merge(record),
        None => _ = records.insert(key.to_vec(), record),
    }
}
