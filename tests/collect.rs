//! Collect now, on a real RocksDB: it compacts the files that hold garbage, at every level, and no
//! others.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use support::gc::Gc;
use support::rocksdb::Settings;
use support::store::{EVERY_WAY, RAW, Store, TXN, Via};
use tempfile::tempdir;

const NOW: u64 = 1000;

fn gc(options: &str) -> Gc {
    let gc = Gc::new(options, NOW);
    gc.name_all(&[1, 2, 3], c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc
}

/// Three keyspaces of a hundred rows, in the last level, in many files; before anything is garbage.
fn filled<'g>(gc: &'g Gc, via: Via, path: &std::path::Path, versions: u64) -> Store<'g> {
    let settings = Settings { target_file_size: 8 << 10, ..Settings::default() };
    let store = Store::open_with(path, gc, via, RAW, &settings, |_| {});
    store.attach().unwrap();
    for keyspace in 1..=3 {
        for row in 0..100u8 {
            for ts in 1..=versions {
                store.put(0, &gc.raw_key(keyspace, &[row; 12], ts), &[0; 400]);
            }
        }
    }
    store.compact(0);
    assert!(store.files(0).iter().all(|file| file.level > 0));
    store
}

/// RocksDB by itself never looks at the last level again.
#[test]
fn garbage_that_lies_in_the_last_level_only() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = filled(&gc, via, dir.path(), 5);
        let nothing = gc.collect(0).unwrap();
        assert_eq!(
            (nothing.files_compacted, nothing.files_read, nothing.versions_removed),
            (0, 0, 0),
            "no safe point, nothing to read: {nothing:?}"
        );
        gc.advance(2, 100).unwrap();
        let files = store.files(0);
        let report = gc.collect(0).unwrap();
        assert_eq!(report.files_considered, files.len() as u64, "{via:?} {report:?}");
        assert!(
            report.files_compacted > 0 && report.files_compacted < report.files_considered / 2,
            "{via:?}: only those of keyspace 2: {report:?}"
        );
        assert_eq!(report.files_skipped, report.files_considered - report.files_compacted);
        // A row that a file's border cuts may keep one more.
        assert!((396..=400).contains(&report.versions_removed), "{via:?} {report:?}");
        assert!(report.bytes_after < report.bytes_before, "{report:?}");
        let untouched = store.files(0).iter().filter(|file| files.contains(file)).count();
        assert!(untouched > files.len() / 2, "the neighbours' files are as they were");
        // One more time there is nothing to do, though rows may be cut at the borders.
        let again = gc.collect(0).unwrap();
        assert_eq!((again.files_compacted, again.versions_removed), (0, 0), "{via:?} {again:?}");
        assert!(again.files_read <= again.files_without_garbage, "{again:?}");
    }
}

/// With properties no file is read, and a dry run tells beforehand what goes. Files that give back
/// more come first.
#[test]
fn properties_choose_the_files() {
    let gc = gc("");
    let dir = tempdir().unwrap();
    let store = filled(&gc, Via::Adaptor, dir.path(), 5);
    (1..=3).for_each(|keyspace| assert!(gc.advance(keyspace, if keyspace == 3 { 2 } else { 100 }).unwrap()));
    let files = store.files(0);
    let expected = gc.collect_dry_run().unwrap();
    assert_eq!((expected.files_with_figures, expected.files_read), (files.len() as u64, 0), "{expected:?}");
    assert_eq!(store.files(0), files, "a dry run changes nothing");
    let few = gc.collect(4 * files[0].bytes).unwrap();
    let in_keyspace_3 = |store: &Store<'_>| {
        let first = gc.raw_key(3, &[], u64::MAX);
        store.files(0).into_iter().filter(|file| file.smallest >= first).collect::<Vec<_>>()
    };
    assert!(few.files_compacted > 0 && in_keyspace_3(&store).iter().all(|file| files.contains(file)), "{few:?}");
    let report = gc.collect(0).unwrap();
    let removed = few.versions_removed + report.versions_removed;
    assert_eq!((few.files_read, report.files_read), (0, 0));
    // Keyspaces 1 and 2 lose 4 of 5 versions. Of keyspace 3 version 1 goes; the figures take its
    // versions as spread evenly.
    assert!((880..=900).contains(&removed), "{removed}: {few:?} {report:?}");
    assert!(expected.garbage_versions.abs_diff(900) <= 150 && expected.garbage_bytes > 300 * 900, "{expected:?}");
    let nothing = gc.collect_dry_run().unwrap();
    assert!(nothing.files_compacted * 10 <= nothing.files_considered, "{nothing:?}");
}

#[test]
fn dead_rows_and_their_tombstones() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let store = filled(&gc, via, dir.path(), 1);
        for row in 0..100u8 {
            store.put(0, &gc.raw_key(1, &[row; 12], 50), b"\x02");
        }
        store.compact(0);
        gc.advance(1, 100).unwrap();
        for _ in 0..2 {
            gc.collect(0).unwrap();
            assert_eq!(gc.drain(60_000), Ok(0));
        }
        let last = gc.collect(0).unwrap();
        assert_eq!(store.keys(0).len(), 200, "{via:?}");
        assert_eq!(store.files(0).iter().map(|file| file.entries).sum::<u64>(), 200, "{via:?}: {last:?}");
        assert_eq!(gc.collect(0).unwrap().files_compacted, 0);
    }
}

#[test]
fn values_of_records_that_are_gone() {
    let gc = gc("");
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, TXN);
    let key = |ts| gc.key(c::RGC_MODE_TXN, 1, b"row", ts);
    for ts in [10u8, 20, 30] {
        store.put(0, &key(u64::from(ts) - 5), b"a long value");
        store.put(1, &key(u64::from(ts)), &[b'P', ts - 5]);
    }
    (0..2).for_each(|family| store.compact(family));
    gc.advance(1, 100).unwrap();
    for _ in 0..2 {
        gc.collect(0).unwrap();
        assert_eq!(gc.drain(60_000), Ok(0));
    }
    assert_eq!((store.keys(0), store.keys(1)), (vec![key(25)], vec![key(30)]));
}

/// The filter of each file removes every version but the first. Collect picks no file again for
/// that one version.
#[test]
fn a_row_in_many_files_does_not_keep_anybody_busy() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let settings = Settings { target_file_size: 4 << 10, ..Settings::default() };
        let store = Store::open_with(dir.path(), &gc, via, RAW, &settings, |_| {});
        store.attach().unwrap();
        for ts in 1..=20_000 {
            store.put(0, &gc.raw_key(1, b"row", ts), b"some value\0");
        }
        store.compact(0);
        assert!(store.files(0).len() > 10);
        gc.advance(1, 50_000).unwrap();
        let file = |store: &Store<'_>| store.files(0).into_iter().max_by(|one, other| one.smallest.cmp(&other.smallest)).unwrap();
        // Only the oldest half of the row, from the middle of it: its first version stays.
        let oldest = file(&store);
        let report = gc.collect_range(&oldest.smallest, &[&oldest.largest[..], &[0]].concat(), 0).unwrap();
        assert_eq!((report.files_compacted, report.versions_removed), (1, oldest.entries - 1), "{via:?} {report:?}");
        let left = file(&store);
        let again = gc.collect_range(&left.smallest, &[&left.largest[..], &[0]].concat(), 0).unwrap();
        assert_eq!((again.files_considered, again.files_compacted), (1, 0), "{via:?} {again:?}");
        // RocksDB cuts a large compaction into several, and the filter of each keeps the first
        // version that it sees. Each call leaves less, until no file has more garbage than that.
        let mut left = store.keys(0).len();
        while gc.collect(0).unwrap().files_compacted > 0 {
            assert!(store.keys(0).len() < left, "{via:?}: {left} versions, and none went");
            left = store.keys(0).len();
        }
        assert_eq!(store.keys(0)[0], gc.raw_key(1, b"row", 20_000));
        assert!(left <= store.files(0).len(), "{via:?}: {left} versions are left");
    }
}

#[test]
fn a_budget_is_kept() {
    let gc = gc("");
    let dir = tempdir().unwrap();
    let store = filled(&gc, Via::C, dir.path(), 5);
    (1..=3).for_each(|keyspace| assert!(gc.advance(keyspace, 100).unwrap()));
    let file = store.files(0)[0].bytes;
    let mut removed = 0;
    for round in 0..100 {
        let report = gc.collect(6 * file).unwrap();
        assert!(report.files_over_budget > 10 || round > 3, "{report:?}");
        assert!(report.files_compacted <= 6, "{report:?}");
        removed += report.versions_removed;
        if report.files_over_budget == 0 && report.files_compacted == 0 {
            assert!(round > 3, "{report:?}");
            break;
        }
    }
    assert!(removed >= 1100, "{removed} of 1200");
}

/// A destroyed range that ends in the middle of a file is no reason to compact it again and again.
#[test]
fn what_is_destroyed_is_garbage_only_while_it_is_there() {
    let gc = gc("");
    let dir = tempdir().unwrap();
    let store = filled(&gc, Via::C, dir.path(), 2);
    let (start, end) = (gc.raw_key(1, &[10; 12], u64::MAX), gc.raw_key(1, &[20; 12], u64::MAX));
    gc.destroy_range(&start, &end, 0).unwrap();
    assert_eq!(gc.collect(0).unwrap().files_compacted, 0);
    store.put(0, &gc.raw_key(1, &[15; 12], 9), b"late\0");
    let report = gc.collect(0).unwrap();
    assert!(report.files_compacted > 0, "{report:?}");
    assert_eq!(store.scan_range(0, &start, &end).len(), 0);
    assert_eq!(gc.collect(0).unwrap().files_compacted, 0);
}
