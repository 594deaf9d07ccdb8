//! Column families of transactions, and a family that the host drops.

use crate::support::{attach, context, joined};
use rocks_gc::{AttachedDb, Flags, Gc, Kind, Mode, Role};
use rocksdb::{ColumnFamilyDescriptor, DB, DBWithThreadMode, IteratorMode, Options};
use rocksdb::{MultiThreaded, SingleThreaded};
use std::path::Path;
use std::time::Duration;
use tempfile::tempdir;

const FAMILIES: [(Role, &str, Kind); 3] = [
    (Role::Default, "default", Kind::DroppedOnly),
    (Role::Write, "write", Kind::Txn),
    (Role::Lock, "lock", Kind::DroppedOnly),
];

fn open(gc: &Gc, path: &Path) -> AttachedDb<DB> {
    let mut db_options = Options::default();
    db_options.create_if_missing(true);
    db_options.create_missing_column_families(true);
    let mut all = FAMILIES.map(|(_, _, kind)| (Options::default(), kind));
    let mut options: Vec<_> = all.iter_mut().map(|(options, kind)| (options, *kind)).collect();
    joined::install_families(gc, &mut db_options, &mut options).unwrap();
    let names = FAMILIES.iter().zip(all);
    let descriptors =
        names.map(|((_, name, _), (options, _))| ColumnFamilyDescriptor::new(*name, options));
    let db = DB::open_cf_descriptors(&db_options, path, descriptors).unwrap();
    let roles = FAMILIES.map(|(role, name, _)| (role, name));
    joined::attach(gc, db, &roles).unwrap()
}

fn put(gc: &Gc, db: &DB, family: &str, row: &[u8], ts: u64, value: &[u8]) {
    let key = gc.encode_key(Mode::Txn, 7, row, ts).unwrap();
    db.put_cf(&db.cf_handle(family).unwrap(), key, value).unwrap();
}

/// The timestamps of the keys in a family.
fn left(gc: &Gc, db: &DB, family: &str) -> Vec<u64> {
    let entries = db.iterator_cf(&db.cf_handle(family).unwrap(), IteratorMode::Start);
    entries.filter_map(|entry| gc.decode_key(&entry.unwrap().0).ok()).map(|key| key.ts).collect()
}

/// A record of a transaction, with its value if that is short.
fn record(kind: u8, start_ts: u8, short_value: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, start_ts];
    if !short_value.is_empty() {
        record.extend([b'v', u8::try_from(short_value.len()).unwrap()]);
        record.extend(short_value);
    }
    record
}

#[test]
fn records_of_transactions_go_with_their_values() {
    let (gc, directory) = (context(), tempdir().unwrap());
    let db = open(&gc, directory.path());
    put(&gc, &db, "default", b"row\0", 5, b"a value of its own");
    put(&gc, &db, "write", b"row\0", 10, &record(b'P', 5, b""));
    put(&gc, &db, "write", b"row\0", 20, &record(b'P', 15, b"\0"));
    put(&gc, &db, "write", b"row\0", 25, &record(b'R', 25, b""));
    put(&gc, &db, "write", b"row\0", 30, &record(b'P', 28, b"newest"));
    put(&gc, &db, "lock", b"row\0", 40, b"a lock");
    gc.advance_keyspace_safe_point(7, 35).unwrap();
    db.flush_cf(&db.cf_handle("write").unwrap()).unwrap();
    db.compact_range_cf(&db.cf_handle("write").unwrap(), None::<&[u8]>, None::<&[u8]>);
    assert_eq!(gc.worker_drain(Duration::from_secs(20)).unwrap(), 0);
    assert_eq!(left(&gc, &db, "write"), [30]);
    assert_eq!(left(&gc, &db, "default"), []);
    assert_eq!(left(&gc, &db, "lock"), [40]);
    gc.destroy_keyspace(7, Flags::NONE).unwrap();
    assert!(FAMILIES.iter().all(|(_, family, _)| left(&gc, &db, family).is_empty()));
}

/// Drops a family of a DB that others use: with the feature multi-threaded-cf of `rocksdb`.
trait DropsFamilies {
    fn drop_family(&self, name: &str);
}

impl DropsFamilies for DBWithThreadMode<MultiThreaded> {
    fn drop_family(&self, name: &str) {
        self.drop_cf(name).unwrap();
    }
}

impl DropsFamilies for DBWithThreadMode<SingleThreaded> {
    fn drop_family(&self, _: &str) {}
}

#[test]
fn a_family_may_be_dropped_while_it_is_attached() {
    let (gc, directory) = (context(), tempdir().unwrap());
    let db = open(&gc, directory.path());
    let range = gc.keyspace_range(Mode::Txn, 7).unwrap();
    for family in ["default", "lock"] {
        put(&gc, &db, family, b"row", 5, b"value");
    }
    db.drop_family("lock");
    gc.destroy_range(&range.start, range.end.as_ref().unwrap(), Flags::NONE).unwrap();
    assert_eq!(gc.worker_drain(Duration::from_secs(20)).unwrap(), 0);
    assert_eq!(left(&gc, &db, "default"), []);
    drop(attach(&context(), db.detach()));
}
