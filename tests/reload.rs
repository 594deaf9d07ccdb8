//! A standby on a real RocksDB: what replication brings into its ledger is in force after
//! `rgc_reload_ledger`, and nothing that is ordered meanwhile is forgotten.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use support::gc::Gc;
use support::store::{EVERY_WAY, RAW, Store, Via};
use tempfile::tempdir;

const LEDGER: &[u8] = b"\x01rocks_gc/";

fn gc() -> Gc {
    let gc = Gc::new("schema_id=prefix;recheck=manual", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc
}

fn user_key(schema: u32, row: &[u8]) -> Vec<u8> {
    [&schema.to_be_bytes()[..], row].concat()
}

/// The ledger of one store, in the other one.
fn replicate(from: &Store<'_>, to: &Store<'_>) {
    let records = |store: &Store<'_>| store.scan(0).into_iter().filter(|(key, _)| key.starts_with(LEDGER)).collect::<Vec<_>>();
    records(to).iter().for_each(|(key, _)| to.delete(0, key));
    records(from).iter().for_each(|(key, value)| to.put(0, key, value));
}

#[test]
fn a_standby_drops_what_its_primary_dropped() {
    for via in EVERY_WAY {
        let dirs = [tempdir().unwrap(), tempdir().unwrap()];
        let [primary, standby] = [gc(), gc()];
        let of_primary = Store::attached(dirs[0].path(), &primary, via, RAW);
        let of_standby = Store::attached(dirs[1].path(), &standby, via, RAW);
        let key = |schema, row: &[u8]| standby.raw_key(1, &user_key(schema, row), 5);
        for schema in [3, 4] {
            [b"a", b"b"].iter().for_each(|row| of_standby.put(0, &key(schema, *row), b"v\0"));
        }
        of_standby.put(0, &standby.raw_key(2, b"row", 5), b"v\0");
        primary.drop_schema(1, 3).unwrap();
        primary.destroy_keyspace(2, 0).unwrap();
        replicate(&of_primary, &of_standby);
        of_standby.compact(0);
        let left = || of_standby.keys(0).into_iter().filter(|key| key.starts_with(b"r")).collect::<Vec<_>>();
        assert_eq!(left().len(), 5, "{via:?}: not known yet");
        assert_eq!((standby.schema_state(1, 3), standby.destroyed_count()), (c::RGC_SCHEMA_UNKNOWN, 0));

        for _ in 0..2 {
            standby.reload_ledger().unwrap();
            assert_eq!((standby.schema_state(1, 3), standby.destroyed_count()), (c::RGC_SCHEMA_DROPPED, 2), "{via:?}");
        }
        of_standby.compact(0);
        assert_eq!(left(), [key(4, b"a"), key(4, b"b")], "{via:?}");

        // What the ledger no longer has is kept from now on.
        let released = standby.keyspace_range(c::RGC_MODE_RAW, 2);
        primary.pay();
        primary.forget_destroyed(&released.0, &released.1).unwrap();
        replicate(&of_primary, &of_standby);
        standby.reload_ledger().unwrap();
        assert_eq!(standby.destroyed_count(), 1);
        of_standby.put(0, &standby.raw_key(2, b"row", 9), b"v\0");
        of_standby.compact(0);
        assert_eq!(left().len(), 3, "{via:?}");
    }
}

/// Threads destroy, drop and reload at once: every record is known at the end, and is in the ledger.
#[test]
fn nothing_that_is_ordered_during_a_reload_is_forgotten() {
    let gc = gc();
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::Adaptor, RAW);
    const N: u32 = 30;
    let done = AtomicBool::new(false);
    thread::scope(|threads| {
        let orders = threads.spawn(|| {
            for n in 1..=N {
                let key = |row: &[u8]| gc.raw_key(1, &user_key(1000 + n, row), u64::MAX);
                store.put(0, &gc.raw_key(1, &user_key(1000 + n, b"b"), 5), b"v\0");
                store.put(0, &gc.raw_key(1, &user_key(n, b"b"), 5), b"v\0");
                gc.destroy_range(&key(b"a"), &key(b"z"), 0).unwrap();
                gc.drop_schema(1, n).unwrap();
                assert_eq!((gc.destroyed_count(), gc.schema_state(1, n)), (n as usize, c::RGC_SCHEMA_DROPPED));
            }
        });
        threads.spawn(|| {
            while !done.load(SeqCst) {
                gc.reload_ledger().unwrap();
            }
        });
        let ended = orders.join();
        done.store(true, SeqCst);
        ended.unwrap();
    });
    gc.reload_ledger().unwrap();
    assert_eq!(gc.destroyed_count(), N as usize);
    assert!((1..=N).all(|n| gc.schema_state(1, n) == c::RGC_SCHEMA_DROPPED));
    gc.pay();
    assert_eq!(store.keys(0).iter().filter(|key| key.starts_with(b"r")).count(), 0);
}
