//! The worker deletes a dropped schema, gives its space back, and touches nothing else.

use crate::support::gc::Gc;
use crate::support::rocksdb::Settings;
use crate::support::store::{EVERY_WAY, RAW, Store, TXN};
use crate::{DROPPED, VALID, data, gc, keys, of, others};
use rocks_gc::ffi::c;
use std::collections::BTreeMap;
use tempfile::tempdir;

#[test]
fn one_of_a_thousand() {
    const SCHEMAS: u32 = 1000;
    const BIG: u32 = 500;
    for via in EVERY_WAY {
        let gc = gc("data_prefix=z");
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        let dir = tempdir().unwrap();
        let settings = Settings { target_file_size: 64 << 10, ..Settings::default() };
        let store = Store::open_with(dir.path(), &gc, via, RAW, &settings, |_| {});
        store.attach().unwrap();
        gc.load_schemas(1, &(0..SCHEMAS).collect::<Vec<_>>(), SCHEMAS - 1).unwrap();
        let prefix = gc.raw_key(1, &of(BIG, b""), 0)[..10].to_vec();
        for schema in 0..SCHEMAS {
            let rows = if schema == BIG { 5000u32 } else { 20 };
            for row in 0..rows {
                for ts in [10, 20] {
                    store.put(0, &gc.raw_key(1, &of(schema, &row.to_be_bytes()), ts), &[&[schema as u8; 100][..], b"\0"].concat());
                }
            }
        }
        // What lies beside it.
        store.put(0, &gc.raw_key(1, b"\0\0", 10), b"shorter than an id\0");
        store.put(0, &gc.raw_key(2, &of(BIG, b"row"), 10), b"another tenant's\0");
        store.put(0, &gc.key(c::RGC_MODE_TIDB_TABLE, c::RGC_KEYSPACE_NONE, &of(BIG, b"row"), 10), b"TiDB's");
        store.compact(0);
        store.put(0, &gc.raw_key(1, &of(BIG, b"in the memtable"), 10), b"v\0");
        let (before, files) = (others(&store, &prefix), store.files(0).len());
        let bytes = |store: &Store| store.files(0).iter().map(|file| file.bytes).sum::<u64>();
        let bytes_before = bytes(&store);

        gc.set_enabled(false); // The worker rests: what goes now goes in the call.
        gc.drop_schema(1, BIG).unwrap();
        assert_eq!(gc.schema_state(1, BIG), DROPPED);
        let within = store.files(0).iter().filter(|file| file.smallest.starts_with(&prefix) && file.largest.starts_with(&prefix)).count();
        assert_eq!(within, 0, "{via:?}: whole files go in the call");
        assert!(store.files(0).len() + 8 < files, "{via:?}: {} of {files} files are left", store.files(0).len());
        assert!(bytes(&store) < bytes_before * 9 / 10, "{via:?}: {} of {bytes_before} bytes are left", bytes(&store));
        assert_eq!(others(&store, &prefix), before);

        gc.set_enabled(true);
        store.compact(0);
        assert_eq!(data(&store, 0).len(), before.len(), "{via:?}: one compaction takes the rest");
        assert_eq!(others(&store, &prefix), before);
        assert_eq!(gc.drain(60_000), Ok(0));
        assert_eq!(others(&store, &prefix), before);

        // What comes late goes, too, and is counted.
        let late = gc.raw_key(1, &of(BIG, b"late"), 30);
        store.put(0, &late, b"v\0");
        let counted = gc.stats().late_dropped;
        store.compact(0);
        assert_eq!((data(&store, 0), gc.stats().late_dropped), (before, counted + 1));
    }
}

#[test]
fn the_worker_takes_what_is_left_without_any_compaction_of_the_hosts() {
    for via in EVERY_WAY {
        for options in ["", "delete_range_min_keys=10", "delete_batch_bytes=200;delete_range_min_keys=0"] {
            let gc = gc(options);
            let dir = tempdir().unwrap();
            let store = Store::attached(dir.path(), &gc, via, TXN);
            let (default, write, lock) = (0, 1, 2);
            let key = |schema, row: &[u8], ts| gc.key(c::RGC_MODE_TXN, 1, &of(schema, row), ts);
            for schema in [6, 7, 8] {
                for row in 0..50u8 {
                    store.put(write, &key(schema, &[row], 20), b"P\x05");
                    store.put(default, &key(schema, &[row], 5), b"a long value");
                    store.put(default, &gc.raw_key(1, &of(schema, &[row]), 20), b"raw\0");
                    let locked = key(schema, &[row], 0);
                    store.put(lock, &locked[..locked.len() - 8], b"a lock");
                }
            }
            let of_seven = |key: &Vec<u8>| key[4..8] == 7u32.to_be_bytes();
            let before: Vec<_> = (0..3).map(|family| keys(&store, family)).collect();
            gc.drop_schema(1, 7).unwrap();
            assert_eq!(gc.drain(60_000), Ok(0));
            for (family, before) in before.into_iter().enumerate() {
                let others: Vec<_> = before.into_iter().filter(|key| !of_seven(key)).collect();
                assert_eq!(keys(&store, family), others, "{via:?} {options} family {family}");
            }
        }
    }
}

/// The names are the host's: a dropped schema's comes back at once, with a new id.
#[test]
fn the_same_name_comes_back_while_the_drop_is_on() {
    for via in EVERY_WAY {
        let gc = gc("delete_batch_bytes=100;delete_range_min_keys=0");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        let mut names = BTreeMap::new();
        let mut kept = Vec::new();
        for id in 1..=8u32 {
            gc.create_schema(1, id).unwrap();
            if let Some(before) = names.insert("orders", id) {
                gc.drop_schema(1, before).unwrap();
                kept.clear();
            }
            for row in 0..100u8 {
                let key = gc.raw_key(1, &of(id, &[row]), 10);
                store.put(0, &key, b"v\0");
                kept.push(key);
            }
            if id % 3 == 0 {
                store.compact(0);
            }
            assert!(kept.iter().all(|key| store.scan_range(0, key, &[key, &[0][..]].concat()).len() == 1));
        }
        assert_eq!(gc.drain(60_000), Ok(0));
        assert_eq!(keys(&store, 0), kept, "{via:?}");
        let states: Vec<_> = gc.schemas().iter().map(|(_, id, state, _)| (*id, *state)).collect();
        assert_eq!(states, (1..=8).map(|id| (id, if id == 8 { VALID } else { DROPPED })).collect::<Vec<_>>());
        assert!(gc.create_schema(1, 3).unwrap_err().contains("schema 3 was dropped"));
    }
}

#[test]
fn a_drop_goes_on_after_a_restart() {
    for via in EVERY_WAY {
        let dir = tempdir().unwrap();
        let mut others = Vec::new();
        {
            let gc = gc("");
            let store = Store::attached(dir.path(), &gc, via, RAW);
            for schema in [1, 2] {
                for row in 0..100u8 {
                    store.put(0, &gc.raw_key(1, &of(schema, &[row]), 10), b"v\0");
                }
            }
            others.extend(keys(&store, 0).into_iter().filter(|key| key[4..8] == 2u32.to_be_bytes()));
            gc.set_enabled(false);
            gc.drop_schema(1, 1).unwrap();
            gc.truncate_schema(1, 2, 9).unwrap();
        }
        let gc = gc("");
        assert_eq!(gc.schema_state(1, 1), c::RGC_SCHEMA_UNKNOWN);
        let store = Store::attached(dir.path(), &gc, via, RAW);
        gc.load_schemas(1, &[1, 2], 2).unwrap();
        assert_eq!((gc.schema_state(1, 1), gc.drain(60_000)), (DROPPED, Ok(0)), "{via:?}");
        assert_eq!(keys(&store, 0), others, "{via:?}");
        assert_eq!(gc.schemas(), [(1, 1, DROPPED, 0), (1, 2, VALID, 9)]);
        drop(store);
        // With the option forgotten nothing of them is read, and nothing is forgotten.
        let off = Gc::new("", 1000);
        drop(Store::attached(dir.path(), &off, via, RAW));
        let gc = self::gc("");
        let _store = Store::attached(dir.path(), &gc, via, RAW);
        assert_eq!((gc.schema_state(1, 1), gc.pending()), (DROPPED, 0));
    }
}

#[test]
fn before_attach_there_is_nowhere_to_record_a_drop() {
    let gc = gc("");
    assert!(gc.drop_schema(1, 1).unwrap_err().contains("no store is attached"));
    assert!(gc.truncate_schema(1, 1, 5).unwrap_err().contains("no store is attached"));
    assert_eq!(gc.schema_state(1, 1), c::RGC_SCHEMA_UNKNOWN);
}

/// In the plain layout shorter keys lie between those of a schema.
#[test]
fn plain_keys_go_one_by_one() {
    for via in EVERY_WAY {
        for dropped in [b"abcd", b"\xff\xff\xff\xff"] {
            let gc = gc("key_layout=plain;history=latest;plain_keys=prefix_free;ledger_prefix=0x01");
            let dir = tempdir().unwrap();
            let store = Store::attached(dir.path(), &gc, via, RAW);
            let none = c::RGC_KEYSPACE_NONE;
            let id = u32::from_be_bytes(*dropped);
            let mut kept = Vec::new();
            for row in 0..200u8 {
                store.put(0, &[&dropped[..], &[row], &[0xfe; 8]].concat(), b"v\0");
                // Of no schema: 11 bytes.
                kept.push([&dropped[..], &[row; 7]].concat());
                store.put(0, kept.last().unwrap(), b"v\0");
            }
            kept.push([b"abce", &[1; 9][..]].concat());
            store.put(0, kept.last().unwrap(), b"v\0");
            kept.sort();
            store.compact(0);
            gc.drop_schema(none, id).unwrap();
            assert_eq!(gc.drain(60_000), Ok(0));
            assert_eq!(keys(&store, 0), kept, "{via:?}");
            store.compact(0);
            assert_eq!(keys(&store, 0), kept, "{via:?}");
        }
    }
}

/// Files of nothing but a dropped schema count as garbage.
#[test]
fn collecting_finds_what_is_left_of_a_schema() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        for schema in 1..=3 {
            for row in 0..100u8 {
                store.put(0, &gc.raw_key(1, &of(schema, &[row]), 10), b"v\0");
            }
        }
        store.compact(0);
        assert_eq!(gc.collect(0).unwrap().files_compacted, 0, "{via:?}");
        gc.load_schemas(1, &[1, 3], 3).unwrap();
        let report = gc.collect(0).unwrap();
        assert_eq!((report.files_compacted, report.versions_removed), (1, 100), "{via:?}");
        assert_eq!(gc.collect(0).unwrap().files_compacted, 0, "{via:?}");
    }
}
