//! The worker truncates a schema, the oldest versions first, and touches nothing else.

use crate::support::store::{EVERY_WAY, RAW, Store, TXN, Via};
use crate::support::wait_for;
use crate::{DROPPED, TRUNCATING, VALID, data, gc, keys, of};
use rocks_gc::ffi::c;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;
use tempfile::tempdir;

#[test]
fn versions_up_to_a_timestamp_go() {
    for via in EVERY_WAY {
        for options in ["", "delete_batch_bytes=150", "delete_batch_bytes=1;data_prefix=z"] {
            let gc = gc(options);
            let dir = tempdir().unwrap();
            let store = Store::attached(dir.path(), &gc, via, TXN);
            let (default, write) = (0, 1);
            let raw = |schema, row: &[u8], ts| gc.raw_key(1, &of(schema, row), ts);
            let txn = |schema, row: &[u8], ts| gc.key(c::RGC_MODE_TXN, 1, &of(schema, row), ts);
            for schema in [6, 7, 8] {
                for row in [&b""[..], b"a", b"b long", b"c"] {
                    for ts in [50, 59, 60, 61, 70] {
                        store.put(default, &raw(schema, row, ts), if ts == 59 { b"\x02" } else { b"v\0" });
                        store.put(write, &txn(schema, row, ts), &[b'P', ts as u8 - 3]);
                        store.put(default, &txn(schema, row, ts - 3), b"a long value");
                    }
                    store.put(write, &txn(schema, row, 40), b"R\x28");
                    store.put(write, &txn(schema, row, 39), b"P\x05v\x01x");
                    store.put(write, &txn(schema, row, 38), b"D\x05");
                    // The value of a lock: no record names it.
                    store.put(default, &txn(schema, row, 45), b"a long value");
                }
            }
            store.put(write, &txn(7, b"does not parse", 50), b"Z");
            store.put(write, &txn(7, b"does not parse", 49), b"P\x05v\x01x");
            let before = [keys(&store, default), keys(&store, write)];
            gc.create_schema(1, 7).unwrap();
            gc.truncate_schema(1, 7, 60).unwrap();
            assert_eq!(gc.drain(60_000), Ok(0));
            assert_eq!((gc.schema_state(1, 7), gc.stats().rows_left_unparsed), (VALID, 1));
            let prefix_len = gc.raw_key(1, b"", 0).len() - 17;
            let stays = |key: &Vec<u8>| {
                let (row, ts) = key.split_at(key.len() - 8);
                let (mode, ts) = (key[prefix_len], !u64::from_be_bytes(ts.try_into().unwrap()));
                let of_seven = row[prefix_len + 4..prefix_len + 8] == 7u32.to_be_bytes();
                !of_seven || mode == b'r' && ts > 60 || mode == b'x' && (ts > 60 || ts == 45)
            };
            for (family, before) in before.iter().enumerate() {
                let unparsed = |key: &Vec<u8>| [49, 50].iter().any(|ts| *key == txn(7, b"does not parse", *ts));
                // The values of the versions that stay lie 3 below their records.
                let value = |key: &Vec<u8>| {
                    family == default && [58].iter().any(|ts| [&b""[..], b"a", b"b long", b"c"].iter().any(|row| *key == txn(7, row, *ts)))
                };
                let expected: Vec<_> = before.iter().filter(|key| stays(key) || unparsed(key) || value(key)).cloned().collect();
                assert_eq!(keys(&store, family), expected, "{via:?} {options} family {family}");
            }
        }
    }
}

/// While the worker truncates, every snapshot shows the newest versions of each row, down to some
/// timestamp: no version without all newer ones.
#[test]
fn no_reader_sees_an_older_version_come_up() {
    const ROWS: u8 = 60;
    const VERSIONS: u64 = 40;
    let gc = gc("delete_batch_bytes=300");
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    let prefix = gc.raw_key(1, &of(7, b""), 0)[..9].to_vec();
    for row in 0..ROWS {
        for ts in 1..=VERSIONS {
            store.put(0, &gc.raw_key(1, &of(7, &[row]), ts), b"v\0");
        }
        store.put(0, &gc.raw_key(1, &of(7, &[row]), 100), b"v\0");
    }
    let done = AtomicBool::new(false);
    let partly = Mutex::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let mut rows: BTreeMap<Vec<u8>, Vec<u64>> = BTreeMap::new();
                for (key, _) in data(&store, 0).into_iter().filter(|(key, _)| key.starts_with(&prefix)) {
                    let (row, ts) = key.split_at(key.len() - 8);
                    rows.entry(row.to_vec()).or_default().push(!u64::from_be_bytes(ts.try_into().unwrap()));
                }
                assert_eq!(rows.len(), usize::from(ROWS));
                for versions in rows.values() {
                    let expected: Vec<u64> = std::iter::once(100).chain((1..=VERSIONS).rev()).take(versions.len()).collect();
                    assert_eq!(*versions, expected);
                    *partly.lock().unwrap() += usize::from((2..=VERSIONS as usize).contains(&versions.len()));
                }
            }
        });
        gc.truncate_schema(1, 7, VERSIONS).unwrap();
        assert_eq!(gc.schema_state(1, 7), TRUNCATING);
        assert_eq!(gc.drain(60_000), Ok(0));
        done.store(true, SeqCst);
    });
    assert_eq!(data(&store, 0).iter().filter(|(key, _)| key.starts_with(&prefix)).count(), usize::from(ROWS));
    println!("{} rows were seen half-way", partly.into_inner().unwrap());
}

/// Versions that are written meanwhile above the timestamp stay. A higher timestamp starts the
/// truncation anew; a lower one is already done.
#[test]
fn a_truncation_goes_on_beside_everything_else() {
    for via in EVERY_WAY {
        let gc = gc("delete_bytes_per_second=20000;delete_batch_bytes=1000");
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        let key = |row: u16, ts| gc.raw_key(1, &of(7, &row.to_be_bytes()), ts);
        for row in 0..400 {
            store.put(0, &key(row, 10), b"v\0");
            store.put(0, &key(row, 20), b"v\0");
        }
        gc.truncate_schema(1, 7, 10).unwrap();
        wait_for("the first batch", || data(&store, 0).len() < 800);
        assert_eq!(gc.schema_state(1, 7), TRUNCATING);
        store.put(0, &key(500, 30), b"v\0");
        gc.truncate_schema(1, 7, 20).unwrap();
        gc.truncate_schema(1, 7, 15).unwrap();
        assert_eq!(gc.schemas(), [(1, 7, TRUNCATING, 20)]);
        gc.set_enabled(false);
        let (resting, pending) = (data(&store, 0).len(), gc.pending());
        thread::sleep(Duration::from_millis(300));
        assert_eq!((data(&store, 0).len(), pending), (resting, 1), "switched off, the worker rests");
        gc.set_enabled(true);
        assert_eq!(gc.drain(60_000), Ok(0));
        assert_eq!(keys(&store, 0), [key(500, 30)], "{via:?}");
        assert_eq!(gc.schemas(), [(1, 7, VALID, 20)]);
    }
}

#[test]
fn a_truncation_rests_while_its_keyspace_is_removed() {
    let gc = gc("");
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    let key = |row: u8| gc.raw_key(1, &of(7, &[row]), 10);
    (0..100).for_each(|row| store.put(0, &key(row), b"v\0"));
    gc.remove(1);
    gc.truncate_schema(1, 7, 10).unwrap();
    thread::sleep(Duration::from_millis(300));
    assert_eq!((keys(&store, 0).len(), gc.pending(), gc.schema_state(1, 7)), (100, 1, TRUNCATING));
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    assert_eq!((gc.drain(60_000), keys(&store, 0).len()), (Ok(0), 0));
}

#[test]
fn a_drop_ends_a_truncation() {
    let gc = gc("delete_bytes_per_second=5000;delete_batch_bytes=1000");
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    for row in 0..200u16 {
        store.put(0, &gc.raw_key(1, &of(7, &row.to_be_bytes()), 10), b"v\0");
    }
    gc.truncate_schema(1, 7, 5).unwrap();
    gc.drop_schema(1, 7).unwrap();
    assert!(gc.truncate_schema(1, 7, 9).unwrap_err().contains("schema 7 of keyspace 1 is dropped"));
    assert_eq!(gc.drain(60_000), Ok(0));
    assert_eq!(gc.schema_state(1, 7), DROPPED);
    assert!(keys(&store, 0).is_empty());
}
