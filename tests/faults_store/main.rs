//! Faults of the attached store that a field trial and a hostile review found. Each test failed
//! before its fault was mended.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod ledger;
#[path = "../support/mod.rs"]
mod support;
mod without_wal;

use rocks_gc::ffi::c;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use support::adaptor::adaptor;
use support::gc::Gc;
use support::store::{EVERY_WAY, Family, RAW, Store, TXN, Via};
use tempfile::tempdir;

const NOW: u64 = 1000;

/// Two families of rows, and one for the ledger.
const TWO: &[Family] = &[
    ("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_RAW)),
    ("extra", c::RGC_CF_OTHER, Some(c::RGC_KIND_RAW)),
    ("ledger", c::RGC_CF_LEDGER, None),
];

fn gc(options: &str) -> Gc {
    let gc = Gc::new(options, NOW);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc
}

/// Of the two keys above.
fn left(store: &Store<'_>, family: usize) -> usize {
    let own = b"\x01rocks_gc/";
    store.keys(family).iter().filter(|key| !key.starts_with(own)).count()
}

#[test]
fn attach_compares_roles_with_the_kinds_of_filters() {
    // What C hosts made factories of no family that is given may have.
    let write_only: &[Family] = &[("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_TXN))];
    let swapped: &[Family] = &[("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_TXN)), ("write", c::RGC_CF_WRITE, Some(c::RGC_KIND_RAW))];
    for (via, families) in [(Via::C, write_only), (Via::Adaptor, write_only), (Via::Adaptor, swapped)] {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = Store::open(dir.path(), &gc, via, families);
        let refused = store.attach().unwrap_err();
        assert!(refused.contains("kind") && refused.contains("role"), "{via:?}: {refused}");
    }
}

#[test]
fn a_family_that_the_host_dropped_is_an_empty_one() {
    for via in EVERY_WAY {
        for has_key in [true, false] {
            let gc = gc("schema_id=prefix");
            let dir = tempdir().unwrap();
            let store = Store::attached(dir.path(), &gc, via, TWO);
            for family in 0..if has_key { 2 } else { 1 } {
                store.put(family, &gc.raw_key(7, b"a", 10), b"v\0");
                store.put(family, &gc.raw_key(1, b"\0\0\0\x05 of schema 5", 10), b"v\0");
            }
            store.drop_family(1);
            gc.destroy_keyspace(7, 0).unwrap();
            gc.drop_schema(1, 5).unwrap();
            assert_eq!(gc.drain(60_000), Ok(0));
            store.try_put_as_host(0, b"of the host", b"v").expect("the host goes on writing");
            assert_eq!(store.keys(0), [b"of the host"], "{via:?} {has_key}");
            gc.collect(0).unwrap();
        }
    }
}

#[test]
fn a_factory_that_goes_ends_no_store() {
    let gc = gc("");
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, &[("default", c::RGC_CF_DEFAULT, None)]);
    support::rocksdb::destroy_factory(gc.factory(c::RGC_KIND_RAW));
    store.put(0, b"lion", b"v");
    gc.destroy_range(b"l", b"m", 0).unwrap();
    assert_eq!(left(&store, 0), 0);
}

/// Does a call come back by itself? If not, `release` ends what it waits for.
fn comes_back(call: impl FnOnce() + Send, release: impl FnOnce()) -> bool {
    let (ended, has_ended) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            call();
            let _ = ended.send(());
        });
        let came_back = has_ended.recv_timeout(Duration::from_secs(60)).is_ok();
        if !came_back {
            release();
        }
        came_back
    })
}

#[test]
fn detach_comes_back_while_background_work_is_paused() {
    for via in EVERY_WAY {
        let gc = gc("schema_id=prefix");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        let key = |row: &[u8]| gc.raw_key(1, &[b"\0\0\0\x05", row].concat(), 10);
        store.put(0, &key(b"a"), b"v\0");
        store.flush(0);
        store.put(0, &key(b"b"), b"v\0");
        adaptor().pause(store.handle());
        gc.drop_schema(1, 5).unwrap();
        assert_eq!(gc.drain(1500), Ok(1), "the sweep waits for a flush");
        let came_back = comes_back(|| gc.detach(), || adaptor().go_on(store.handle()));
        assert!(came_back, "{via:?}: rgc_detach waits for the flush");
        adaptor().go_on(store.handle());
        // What is left of the schema goes when the store is attached again.
        store.attach().unwrap();
        assert_eq!(gc.drain(60_000), Ok(0));
        assert_eq!(left(&store, 0), 0, "{via:?}");
    }
}

#[test]
fn destroying_nothing_makes_no_files() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, TXN);
        for family in 0..3 {
            store.put(family, b"a", b"v");
            store.put(family, b"z", b"v");
            store.compact(family);
            store.put(family, b"b", b"v");
        }
        let names = || (0..3).flat_map(|family| store.files(family)).map(|file| file.name).collect::<Vec<_>>();
        let before = names();
        for keyspace in 10..50 {
            gc.destroy_keyspace(keyspace, 0).unwrap();
        }
        assert_eq!(names(), before, "{via:?}");
        assert_eq!(gc.destroyed_count(), 80);
    }
}

#[test]
fn no_file_is_left_of_a_complete_destroy() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        for key in [b"a", b"l", b"z"] {
            store.put(0, key, b"v");
        }
        store.compact(0);
        let report = gc.destroy_range(b"k", b"m", 0).unwrap();
        assert_eq!((report.keys_deleted, report.files_left), (1, 1), "{via:?}: the border file is the debt");
        let before = store.files(0);
        assert_eq!(gc.debt().files, 1);
        gc.pay();
        let after = store.files(0);
        assert!(before.iter().all(|file| after.iter().all(|other| other.name != file.name)), "{via:?}: {before:?} {after:?}");
        assert_eq!(gc.debt().files, 0, "{via:?}");
    }
}

/// An iterator keeps the files that it reads, also those that a compaction has replaced.
#[test]
fn no_iterator_lives_while_the_worker_waits() {
    for via in EVERY_WAY {
        let gc = gc("delete_bytes_per_second=10000;delete_batch_bytes=2000;delete_range_min_keys=0");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, TXN);
        let key = |ts| gc.key(c::RGC_MODE_TXN, 1, b"row", ts);
        // Start timestamps of two bytes, as a varint.
        let record = |kind, start: u64| [kind, start as u8 | 0x80, (start >> 7) as u8];
        for ts in (0..400).map(|i| 200 + 2 * i) {
            store.put(0, &key(ts - 1), b"a long value");
            store.put(1, &key(ts), &record(b'P', ts - 1));
        }
        store.put(1, &key(2000), &record(b'D', 1999));
        (0..2).for_each(|family| store.compact(family));
        gc.advance(1, 5000).unwrap();
        store.compact_files(1, 6, 6).unwrap();
        let versions = || support::rocksdb::property(store.handle(), "rocksdb.num-live-versions");
        // In the middle of the row, between two batches.
        while store.keys(1).len() > 380 {
            thread::sleep(Duration::from_millis(5));
        }
        (0..2).for_each(|family| store.flush(family));
        let waits = (0..200).filter(|_| {
            thread::sleep(Duration::from_millis(5));
            versions() == "1"
        });
        assert!(waits.count() > 0, "{via:?}: an old version of the file list is always in use");
        assert!(gc.pending() > 0, "{via:?}: the row was done too soon to tell");
    }
}
