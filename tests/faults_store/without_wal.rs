//! A host that writes without a WAL: a crash loses its newest versions and deletes.

use crate::support::adaptor::{COMPILED, adaptor};
use crate::support::gc::Gc;
use crate::support::store::{EVERY_WAY, RAW, Store, TXN, Via};
use crate::{TWO, gc};
use rocks_gc::ffi::c;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;
use tempfile::tempdir;

/// In the child: what the test hands over.
fn given(name: &str) -> Option<String> {
    std::env::var(format!("ROCKS_GC_TEST_{name}")).ok()
}

/// Runs a test of this file in a process of its own, which kills itself in the middle.
fn killed(test: &str, folder: &Path, via: Via) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("without_wal::{test}"), "--exact", "--ignored", "--nocapture"]).env(COMPILED, adaptor().object());
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

/// Compacts the last level alone. A dead version there makes the filter give the row to the worker;
/// newer versions are in level 0 and in the memtable.
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
