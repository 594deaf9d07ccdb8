//! Faults that a field trial and a hostile review found in what needs the open store. Each test failed before its fault was mended.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use support::adaptor::{COMPILED, adaptor};
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

/// In the child: what the test hands over.
fn given(name: &str) -> Option<String> {
    std::env::var(format!("ROCKS_GC_TEST_{name}")).ok()
}

/// Runs a test of this file in a process of its own, which kills itself in the middle.
fn killed(test: &str, folder: &Path, via: Via) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]).env(COMPILED, adaptor().object());
    command.env("ROCKS_GC_TEST_FOLDER", folder).env("ROCKS_GC_TEST_VIA", format!("{via:?}"));
    let output = command.output().unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
    assert!(killed, "{test} ended by itself: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

fn kill_this_process() -> ! {
    let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

fn via_given() -> Via {
    if given("VIA").as_deref() == Some("C") { Via::C } else { Via::Adaptor }
}

/// A dead version of the row, in the last level, hands the row over; newer ones lie in level 0 and in the memtable.
fn a_run_over_the_last_level(gc: &Gc, store: &Store<'_>, family: usize) {
    gc.advance(1, 20).unwrap();
    assert!(store.compact_files(family, 6, 6).is_ok());
}

/// A record that deletes, and one that puts, with its start timestamp; a short value if it has one.
fn record(kind: u8, start_ts: u8, short: bool) -> Vec<u8> {
    if short { vec![kind, start_ts, b'v', 1, b'x'] } else { vec![kind, start_ts] }
}

#[test]
#[ignore = "run by a test, in a process of its own"]
fn child_raw_without_wal() {
    let (Some(folder), via) = (given("FOLDER"), via_given()) else { return };
    let gc = gc("");
    let store = Store::attached(Path::new(&folder), &gc, via, RAW);
    let key = |ts| gc.raw_key(1, b"row", ts);
    store.put_without_wal(0, &key(5), b"\x02");
    store.flush(0);
    store.compact_files(0, 0, 6).unwrap();
    store.put_without_wal(0, &key(10), b"alive\0");
    store.flush(0);
    store.put_without_wal(0, &key(12), b"\x02");
    // Nothing can make the mark durable.
    adaptor().pause(store.handle());
    a_run_over_the_last_level(&gc, &store, 0);
    assert_eq!(gc.stats().rows_queued, 1);
    let _ = gc.drain(1500);
    kill_this_process();
}

#[test]
fn a_row_does_not_go_by_a_mark_that_a_crash_loses() {
    for via in EVERY_WAY {
        let folder = tempdir().unwrap();
        killed("child_raw_without_wal", folder.path(), via);
        let gc = gc("");
        let store = Store::open(folder.path(), &gc, via, RAW);
        assert!(store.keys(0).contains(&gc.raw_key(1, b"row", 10)), "{via:?}: what was durable and alive is lost");
    }
}

#[test]
#[ignore = "run by a test, in a process of its own"]
fn child_records_without_wal() {
    let (Some(folder), via) = (given("FOLDER"), via_given()) else { return };
    let gc = gc("");
    let store = Store::attached(Path::new(&folder), &gc, via, TXN);
    let key = |ts| gc.key(c::RGC_MODE_TXN, 1, b"row", ts);
    store.put_without_wal(1, &key(5), &record(b'D', 4, true)[..2]);
    store.flush(1);
    store.compact_files(1, 0, 6).unwrap();
    store.put_without_wal(0, &key(9), b"a long value");
    store.put_without_wal(1, &key(10), &record(b'P', 9, false));
    (0..2).for_each(|family| store.flush(family));
    store.put_without_wal(1, &key(12), &record(b'D', 11, false));
    adaptor().pause(store.handle());
    a_run_over_the_last_level(&gc, &store, 1);
    assert_eq!(gc.stats().rows_queued, 1);
    let _ = gc.drain(1500);
    kill_this_process();
}

#[test]
fn a_record_and_its_value_do_not_go_by_a_mark_that_a_crash_loses() {
    for via in EVERY_WAY {
        let folder = tempdir().unwrap();
        killed("child_records_without_wal", folder.path(), via);
        let gc = gc("");
        let store = Store::open(folder.path(), &gc, via, TXN);
        let key = |ts| gc.key(c::RGC_MODE_TXN, 1, b"row", ts);
        assert!(store.keys(1).contains(&key(10)) && store.keys(0).contains(&key(9)), "{via:?}: a durable record or its value is lost");
    }
}

/// The worker flushes what it needs, once for all rows.
#[test]
fn rows_of_a_host_without_wal_go_after_a_flush() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        for row in 0..200u32 {
            store.put_without_wal(0, &gc.raw_key(1, &row.to_be_bytes(), 5), b"\x02");
        }
        store.compact(0);
        for row in 0..200u32 {
            store.put_without_wal(0, &gc.raw_key(1, &row.to_be_bytes(), 12), b"\x02");
        }
        let files = store.files(0).len();
        a_run_over_the_last_level(&gc, &store, 0);
        assert_eq!(gc.drain(60_000), Ok(0));
        assert_eq!(store.keys(0).len(), 0, "{via:?}");
        assert_eq!(store.files(0).len(), files + 1, "{via:?}: one flush is enough");
    }
}

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

/// Of the two keys above.
fn left(store: &Store<'_>, family: usize) -> usize {
    let own = b"\x01rocks_gc/";
    store.keys(family).iter().filter(|key| !key.starts_with(own)).count()
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
        assert_eq!((report.keys_deleted, report.files_left), (1, 0), "{via:?}");
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

/// What the host deleted without a WAL is hidden, but a crash would bring it back.
#[test]
#[ignore = "run by a test, in a process of its own"]
fn child_hidden_without_wal() {
    let (Some(folder), via) = (given("FOLDER"), via_given()) else { return };
    let gc = gc("");
    let store = Store::attached(Path::new(&folder), &gc, via, TWO);
    for key in [b"a", b"l", b"z"] {
        store.put_without_wal(0, key, b"v");
    }
    store.compact(0);
    store.delete_without_wal(0, b"l");
    gc.destroy_range(b"k", b"m", 0).unwrap();
    kill_this_process();
}

#[test]
fn what_a_destroy_found_hidden_stays_hidden() {
    for via in EVERY_WAY {
        let folder = tempdir().unwrap();
        killed("child_hidden_without_wal", folder.path(), via);
        let gc = gc("");
        let store = Store::open(folder.path(), &gc, via, TWO);
        assert_eq!(store.keys(0), [b"a", b"z"], "{via:?}: what is destroyed is back");
    }
}
