//! The ledger: whose it is, what it records, and for which families.

use crate::support::gc::Gc;
use crate::support::log::Log;
use crate::support::store::{EVERY_WAY, RAW, Store, Via};
use crate::{TWO, gc, left};
use rocks_gc::ffi::c;
use std::process::Command;
use std::thread;
use std::time::Duration;
use tempfile::tempdir;

#[test]
fn a_ledger_is_one_contexts() {
    for via in EVERY_WAY {
        let (first, second) = (gc(""), gc(""));
        let dir = tempdir().unwrap();
        let store = Store::open(dir.path(), &first, via, TWO);
        second.bind();
        store.attach_to(&first, &[(0, c::RGC_CF_DEFAULT), (2, c::RGC_CF_LEDGER)]).unwrap();
        let refused = store.attach_to(&second, &[(1, c::RGC_CF_OTHER), (2, c::RGC_CF_LEDGER)]).unwrap_err();
        assert!(refused.contains("ledger"), "{via:?}: {refused}");
        let refused = store.attach_to(&second, &[(0, c::RGC_CF_DEFAULT), (2, c::RGC_CF_LEDGER)]).unwrap_err();
        assert!(refused.contains("another rgc_t"), "{via:?}: {refused}");
        first.destroy_range(b"l", b"m", 0).unwrap();
        first.detach();
        let refused = store.attach_to(&second, &[(1, c::RGC_CF_OTHER), (2, c::RGC_CF_LEDGER)]).unwrap_err();
        assert!(refused.contains("belongs to a context with the families default"), "{via:?}: {refused}");
        // The same families again, and one more: it is the same context.
        store.attach_to(&second, &[(0, c::RGC_CF_DEFAULT), (1, c::RGC_CF_OTHER), (2, c::RGC_CF_LEDGER)]).unwrap();
        second.detach();
    }
}

/// A copy of a store has a ledger of its own, also while the first one is attached.
#[test]
fn the_copy_of_a_store_is_another_store() {
    let (first, second) = (gc(""), gc(""));
    let (dir, copied) = (tempdir().unwrap(), tempdir().unwrap());
    drop(Store::attached(dir.path(), &first, Via::C, TWO));
    let copy = Command::new("cp").arg("-r").arg(dir.path().join(".")).arg(copied.path()).status().unwrap();
    assert!(copy.success());
    let _one = Store::attached(dir.path(), &first, Via::C, TWO);
    let _other = Store::attached(copied.path(), &second, Via::C, TWO);
}

#[test]
fn what_is_destroyed_is_so_in_the_families_of_its_record_only() {
    let via = Via::Adaptor;
    let dir = tempdir().unwrap();
    {
        let gc = gc("schema_id=prefix");
        let store = Store::open(dir.path(), &gc, via, TWO);
        store.attach_to(&gc, &[(0, c::RGC_CF_DEFAULT), (2, c::RGC_CF_LEDGER)]).unwrap();
        gc.destroy_range(b"l", b"m", 0).unwrap();
        gc.drop_schema(1, 7).unwrap();
        assert_eq!(gc.drain(60_000), Ok(0));
        fill_and_compact(&gc, &store);
        assert_eq!(left(&store, 0), 0, "late keys go where it is destroyed");
        assert_eq!(left(&store, 1), 2, "and stay in a family that is not attached");
    }
    let gc = gc("schema_id=prefix");
    let store = Store::attached(dir.path(), &gc, via, TWO);
    fill_and_compact(&gc, &store);
    assert_eq!((left(&store, 0), left(&store, 1)), (0, 2), "nor is it destroyed in a family that is attached later");
}

fn fill_and_compact(gc: &Gc, store: &Store<'_>) {
    for family in 0..2 {
        store.put(family, b"lion", b"v");
        store.put(family, &gc.raw_key(1, b"\0\0\0\x07 a key of schema 7", 30), b"v\0");
        store.compact(family);
    }
}

#[test]
fn what_a_ledger_said_ends_with_detach() {
    for via in EVERY_WAY {
        let gc = gc("schema_id=prefix");
        let dir = tempdir().unwrap();
        {
            let store = Store::attached(dir.path(), &gc, via, RAW);
            gc.destroy_range(b"l", b"m", 0).unwrap();
            gc.drop_schema(1, 7).unwrap();
            gc.detach();
            assert_eq!(gc.destroyed_count(), 0);
            drop(store);
        }
        // The backup of before the destroy: a store whose ledger has no record.
        let backup = tempdir().unwrap();
        let store = Store::open(backup.path(), &gc, via, RAW);
        gc.advance(1, 1).unwrap();
        store.put(0, b"lion", b"v");
        store.put(0, &gc.raw_key(1, b"\0\0\0\x07 a key of schema 7", 30), b"v\0");
        store.compact(0);
        assert_eq!(store.keys(0).len(), 2, "{via:?}: restored data is dropped");
        store.attach().unwrap();
        store.compact(0);
        assert_eq!(left(&store, 0), 2, "{via:?}");
    }
}

#[test]
fn attach_refuses_a_destroyed_keyspace_that_was_registered() {
    for via in EVERY_WAY {
        let dir = tempdir().unwrap();
        {
            let gc = gc("");
            let _store = Store::attached(dir.path(), &gc, via, RAW);
            gc.destroy_keyspace(2, 0).unwrap();
        }
        let gc = gc("");
        gc.name(2, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        gc.advance(2, 50).unwrap();
        let store = Store::open(dir.path(), &gc, via, RAW);
        let refused = store.attach().unwrap_err();
        assert!(refused.contains("registered keyspace 2,") && refused.contains("destroyed"), "{via:?}: {refused}");
        let key = gc.raw_key(2, b"new", 60);
        store.put(0, &key, b"v\0");
        store.compact(0);
        assert!(store.keys(0).contains(&key), "{via:?}: new data is removed");
        // The way out that the error tells.
        gc.remove(2);
        store.attach().unwrap();
    }
}

#[test]
fn the_type_of_a_keyspace_outlives_the_process() {
    for via in EVERY_WAY {
        let dir = tempdir().unwrap();
        {
            let gc = gc("");
            gc.name(7, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
            let _store = Store::attached(dir.path(), &gc, via, TWO);
            gc.name(8, c::RGC_GC_GLOBAL).unwrap();
            // The worker records it; a destroy is durable behind it.
            while !worker_has_recorded(&_store, 8) {
                thread::sleep(Duration::from_millis(20));
            }
        }
        let before_attach = gc("");
        before_attach.name(7, c::RGC_GC_GLOBAL).unwrap();
        before_attach.advance_global(50);
        {
            let store = Store::open(dir.path(), &before_attach, via, TWO);
            let refused = store.attach().unwrap_err();
            assert!(refused.contains("recorded keyspace 7 as keyspace level"), "{via:?}: {refused}");
            assert_eq!(before_attach.effective(7), 0, "everything of it is kept");
        }
        let after_attach = gc("");
        after_attach.advance_global(50);
        let _store = Store::attached(dir.path(), &after_attach, via, TWO);
        let refused = after_attach.name(7, c::RGC_GC_GLOBAL).unwrap_err();
        assert!(refused.contains("recorded in the ledger as keyspace level"), "{via:?}: {refused}");
        assert_eq!(after_attach.effective(7), 0);
        after_attach.name(8, c::RGC_GC_KEYSPACE_LEVEL).unwrap_err();
        after_attach.name(7, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    }
}

fn worker_has_recorded(store: &Store<'_>, keyspace: u16) -> bool {
    let pages = store.scan_range(2, b"\x01rocks_gc/k", b"\x01rocks_gc/l");
    pages.iter().any(|(_, page)| page.windows(3).any(|entry| entry == [&keyspace.to_be_bytes()[..], &[0]].concat()))
}

#[test]
fn a_ledger_whose_family_is_dropped_records_nothing_in_silence() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, TWO);
        store.put(0, b"lion", b"v");
        store.drop_family(2);
        let refused = gc.destroy_range(b"l", b"m", 0).unwrap_err();
        assert!(refused.contains("the column family of the ledger was dropped"), "{via:?}: {refused}");
        assert_eq!(gc.destroyed_count(), 0, "what is not in the ledger is not listed");
        store.compact(0);
        assert_eq!(store.keys(0), [b"lion"], "{via:?}");
    }
}

/// A host may drop a family while the worker pays the debt of a destroyed range.
#[test]
fn a_debt_whose_ledger_is_dropped_is_no_error() {
    for via in EVERY_WAY {
        let log = Log::new(c::RGC_LOG_WARN);
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, TWO);
        store.put(0, b"lion", b"v");
        store.put(0, b"zebra", b"v");
        store.compact(0);
        gc.destroy_range(b"l", b"m", 0).unwrap();
        assert!(gc.debt().debts > 0, "{via:?}: the worker has not paid yet");
        store.drop_family(2);
        let told = loop {
            let told = log.with("the column family of the ledger was dropped");
            if !told.is_empty() {
                break told;
            }
            thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(told[0].0, c::RGC_LOG_WARN, "{via:?}: {told:?}");
        thread::sleep(Duration::from_millis(2500));
        assert_eq!(log.with("the column family of the ledger was dropped").len(), 1, "{via:?}: the worker repeats itself");
    }
}
