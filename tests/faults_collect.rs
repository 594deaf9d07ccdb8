//! Faults of collect now, which could run without end or bound: a budget counts all files that a
//! compaction includes, calls do not rewrite again what cannot be removed, and a useless call says
//! why.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::engine::File;
use rocks_gc::ffi::c;
use std::path::Path;
use support::gc::Gc;
use support::rocksdb::{Settings, hold_snapshot, release_snapshot};
use support::store::{EVERY_WAY, Family, RAW, Store, Via};
use tempfile::tempdir;

const NOW: u64 = 1000;
const ROWS: u8 = 100;
const VERSIONS: u64 = 5;
const UNFILTERED: &[Family] = &[("default", c::RGC_CF_DEFAULT, None)];

/// Rows of keyspace 1 in many files of the last level, before anything of them is garbage.
fn filled<'g>(gc: &'g Gc, via: Via, path: &Path, families: &[Family]) -> Store<'g> {
    gc.name_all(&[1], c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let settings = Settings { target_file_size: 8 << 10, ..Settings::default() };
    let store = Store::open_with(path, gc, via, families, &settings, |_| {});
    store.attach().unwrap();
    for row in 0..ROWS {
        for ts in 1..=VERSIONS {
            store.put(0, &gc.raw_key(1, &[row; 12], ts), &[0; 400]);
        }
    }
    store.compact(0);
    store
}

fn bytes(files: &[File]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

/// Of files that were not there before.
fn rewritten(before: &[File], after: &[File]) -> u64 {
    after.iter().filter(|file| !before.iter().any(|other| other.name == file.name)).map(|file| file.bytes).sum()
}

#[test]
fn a_budget_counts_all_files_that_a_small_one_above_drags_along() {
    for via in EVERY_WAY {
        let gc = Gc::new("", NOW);
        let dir = tempdir().unwrap();
        let store = filled(&gc, via, dir.path(), RAW);
        assert!(store.files(0).len() > 5);
        // Two keys at level 0, over all files.
        store.put(0, &gc.raw_key(1, &[0; 12], 50), b"v\0");
        store.put(0, &gc.raw_key(1, &[ROWS; 12], 50), b"v\0");
        store.flush(0);
        gc.advance(1, 100).unwrap();
        let before = store.files(0);
        let budget = bytes(&before) / 4;
        for _ in 0..10 {
            let report = gc.collect(budget).unwrap();
            let wrote = rewritten(&before, &store.files(0));
            assert!(wrote <= budget, "{via:?}: {wrote} bytes were rewritten for a budget of {budget}: {report:?}");
            assert!(report.files_over_budget > 0, "{via:?} {report:?}");
        }
        let report = gc.collect(2 * bytes(&before)).unwrap();
        assert!(report.versions_removed >= 300, "{via:?}: {report:?}");
    }
}

/// What the call itself flushes counts, too.
#[test]
fn a_budget_counts_the_flush() {
    let gc = Gc::new("", NOW);
    let dir = tempdir().unwrap();
    let store = filled(&gc, Via::C, dir.path(), RAW);
    gc.advance(1, 100).unwrap();
    let budget = 2 * store.files(0)[0].bytes;
    for row in 0..ROWS {
        store.put(0, &gc.raw_key(1, &[row; 12], 200), &[0; 400]);
    }
    let report = gc.collect(budget).unwrap();
    assert_eq!((report.files_read, report.files_compacted), (0, 0), "the flush took it all: {report:?}");
    assert!(report.files_over_budget > 0);
}

/// Each call reads or compacts something new, until nothing is left.
#[test]
fn calls_whose_budget_is_a_fraction_of_reading_come_to_an_end() {
    let gc = Gc::new("", NOW);
    let dir = tempdir().unwrap();
    let store = filled(&gc, Via::C, dir.path(), RAW);
    gc.advance(1, 100).unwrap();
    let budget = 3 * store.files(0).iter().map(|file| file.bytes).max().unwrap();
    let files = store.files(0).len();
    let mut removed = 0;
    for round in 0.. {
        assert!(round < 10 * files, "no end after {round} calls");
        let report = gc.collect(budget).unwrap();
        removed += report.versions_removed;
        if report.files_over_budget == 0 && report.files_compacted == 0 {
            assert_eq!(gc.collect(budget).unwrap().files_read, 0, "all is known");
            break;
        }
    }
    assert!(removed >= u64::from(ROWS) * (VERSIONS - 1) - 50, "{removed}");
    // What comes anew is found.
    gc.advance(1, 101).unwrap();
    assert!(gc.collect(0).unwrap().files_read > 0, "another safe point");
}

#[test]
fn what_a_snapshot_keeps_is_not_rewritten_by_every_call() {
    for via in EVERY_WAY {
        let gc = Gc::new("", NOW);
        let dir = tempdir().unwrap();
        let store = filled(&gc, via, dir.path(), RAW);
        let snapshot = hold_snapshot(store.handle());
        for row in 0..ROWS {
            store.delete(0, &gc.raw_key(1, &[row; 12], 3));
        }
        let mut rewrote = Vec::new();
        for _ in 0..12 {
            let before = store.files(0);
            gc.collect(0).unwrap();
            rewrote.push(rewritten(&before, &store.files(0)) > 40_000);
        }
        // Where the engine tells of no snapshots the pauses double: 1, 2, 4, 8.
        let calls = rewrote.iter().filter(|rewrote| **rewrote).count();
        assert!(calls <= if via == Via::C { 1 } else { 5 }, "{via:?}: {rewrote:?}");
        release_snapshot(store.handle(), snapshot);
        let removed: u64 = (0..20).map(|_| gc.collect(0).unwrap().versions_removed).sum();
        assert!(removed >= 2 * u64::from(ROWS), "{via:?}: {removed}: the tombstones go, and what they hid");
        assert_eq!(store.files(0).iter().map(|file| file.deletions).sum::<u64>(), 0, "{via:?}");
    }
}

#[test]
fn a_missing_factory_is_asked_about_and_nothing_is_rewritten_again() {
    for via in EVERY_WAY {
        let gc = Gc::new("", NOW);
        let dir = tempdir().unwrap();
        let store = filled(&gc, via, dir.path(), UNFILTERED);
        gc.advance(1, 100).unwrap();
        let error = gc.collect(0).unwrap_err();
        assert!(error.contains("factory") && error.contains("\"default\""), "{via:?}: {error}");
        let before = store.files(0);
        assert_eq!(gc.collect(0).unwrap_err(), error);
        assert_eq!(rewritten(&before, &store.files(0)), 0, "{via:?}");
    }
}

#[test]
fn collecting_while_switched_off_is_an_error() {
    let gc = Gc::new("", NOW);
    let dir = tempdir().unwrap();
    let store = filled(&gc, Via::C, dir.path(), RAW);
    gc.advance(1, 100).unwrap();
    gc.set_enabled(false);
    let before = store.files(0);
    let error = gc.collect(0).unwrap_err();
    assert!(error.contains("rgc_set_enabled"), "{error}");
    assert_eq!(rewritten(&before, &store.files(0)), 0);
    gc.set_enabled(true);
    assert!(gc.collect(0).unwrap().versions_removed > 300);
}
