//! Destroying on a real RocksDB, through its C API and through the C++ adaptor. I5: when the call
//! returns, the range is gone for good, and nothing outside has changed. Its last bytes are gone when
//! the worker has paid the debt.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use support::gc::Gc;
use support::rocksdb::Settings;
use support::store::{EVERY_WAY, RAW, Store, TXN, Via};
use support::wait_for;
use tempfile::tempdir;

const NOW: u64 = 1000;
const REUSABLE: u32 = c::RGC_DESTROY_REUSABLE;

/// Families of every role; the last one has a filter only for what is dropped.
const EVERY_ROLE: &[support::store::Family] = &[
    ("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_RAW)),
    ("write", c::RGC_CF_WRITE, Some(c::RGC_KIND_TXN)),
    ("lock", c::RGC_CF_LOCK, Some(c::RGC_KIND_DROPPED_ONLY)),
    ("other", c::RGC_CF_OTHER, None),
    ("ledger", c::RGC_CF_LEDGER, None),
];

fn small_files() -> Settings {
    Settings { target_file_size: 16 << 10, ..Settings::default() }
}

fn key(number: u32) -> Vec<u8> {
    format!("key{number:05}").into_bytes()
}

/// Keys 0..1000 in the last level, in several files; then some in level 0, and some in memory.
fn fill(store: &Store<'_>, family: usize) {
    for number in (0..1000).filter(|number| number % 10 < 8) {
        store.put(family, &key(number), &[7; 100]);
    }
    store.compact(family);
    for number in (0..1000).filter(|number| number % 10 == 8) {
        store.put(family, &key(number), &[8; 100]);
    }
    store.flush(family);
    for number in (0..1000).filter(|number| number % 10 == 9) {
        store.put(family, &key(number), &[9; 100]);
    }
}

#[test]
fn a_range_is_gone_in_every_family_and_nothing_else() {
    for via in EVERY_WAY {
        for options in ["", "delete_range_min_keys=50", "delete_range_min_keys=0;delete_batch_bytes=200"] {
            let gc = Gc::new(options, NOW);
            let dir = tempdir().unwrap();
            let store = Store::open_with(dir.path(), &gc, via, EVERY_ROLE, &small_files(), |_| {});
            store.attach().unwrap();
            (0..4).for_each(|family| fill(&store, family));
            let report = gc.destroy_range(&key(200), &key(800), 0).unwrap();
            for family in 0..4 {
                let left: Vec<_> = (0..200).chain(800..1000).map(key).collect();
                assert_eq!(store.keys(family), left, "{via:?} {options}");
            }
            assert_eq!(store.keys(4).len(), 1, "the record lies in the family with role LEDGER");
            assert!(report.files_dropped >= 3 && report.file_bytes_dropped > 30_000, "{report:?}");
            assert_eq!(report.range_tombstones > 0, !options.contains("min_keys=0") && !options.is_empty(), "{report:?}");
            assert_eq!(gc.destroyed_count(), 1);
            assert!(report.files_left > 0 && report.file_bytes_left > 0, "{report:?}");
            // What level 0 and the files at the borders hold of it is compacted away by the worker.
            assert_eq!((gc.debt().debts, gc.pending()), (1, 1));
            gc.pay();
            for family in 0..4 {
                let left: Vec<_> = (0..200).chain(800..1000).map(key).collect();
                assert_eq!(store.keys(family), left, "{via:?} {options}");
                let files = store.files(family);
                let overlapping = files.iter().filter(|file| file.overlaps(&key(200), &key(800)));
                assert!(overlapping.count() <= 2 * files.iter().map(|file| file.level).max().unwrap() as usize, "{files:?}");
                assert!(files.iter().all(|file| file.level > 0 || !file.overlaps(&key(200), &key(800))), "{files:?}");
            }
        }
    }
}

#[test]
fn a_file_that_ends_at_the_exclusive_end_keeps_that_key() {
    for via in EVERY_WAY {
        let gc = Gc::new("", NOW);
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        for number in 0..=5 {
            store.put(0, &key(number), b"v");
        }
        store.compact(0);
        assert_eq!(store.files(0)[0].largest, key(5));
        gc.destroy_range(&key(0), &key(5), 0).unwrap();
        store.compact(0);
        assert_eq!(store.scan_range(0, b"k", b"l"), [(key(5), b"v".to_vec())], "{via:?}");
    }
}

#[test]
fn data_in_level_0_only_or_in_memory_only() {
    for via in EVERY_WAY {
        for flush in [false, true] {
            let gc = Gc::new("", NOW);
            let dir = tempdir().unwrap();
            let store = Store::attached(dir.path(), &gc, via, RAW);
            (0..100).for_each(|number| store.put(0, &key(number), b"v"));
            if flush {
                store.flush(0);
            }
            gc.destroy_range(&key(10), &key(90), 0).unwrap();
            let left: Vec<_> = (0..10).chain(90..100).map(key).collect();
            assert_eq!(store.scan_range(0, b"k", b"l").into_iter().map(|(key, _)| key).collect::<Vec<_>>(), left);
        }
    }
}

#[test]
fn late_data_at_every_pair_of_levels() {
    late_data(true);
}

#[test]
fn late_data_at_every_pair_of_levels_before_the_debt_is_paid() {
    late_data(false);
}

/// Late data may meet destroyed data, and its tombstones, at any level: neither becomes visible,
/// whether the debt is paid or not.
fn late_data(is_paid: bool) {
    for options in ["remove_mode=remove", "remove_mode=skip", "remove_mode=auto;delete_range_min_keys=5"] {
        // The first payment uses up the rate.
        let options = &if is_paid { options.to_owned() } else { format!("{options};compact_bytes_per_second=1") };
        for upper in 0..6 {
            for lower in upper + 1..=6 {
                let gc = Gc::new(options, NOW);
                gc.advance_global(5);
                let dir = tempdir().unwrap();
                let store = Store::open(dir.path(), &gc, Via::Adaptor, RAW);
                // The data that the test destroys is at level `lower`, at the border of a file that
                // RocksDB does not drop as a whole.
                for number in 0..20 {
                    store.put(0, &key(number), b"old");
                }
                store.flush(0);
                store.compact_files(0, 0, lower).unwrap();
                if !is_paid {
                    ["a", "c"].iter().for_each(|key| store.put(0, key.as_bytes(), b"v"));
                    store.flush(0);
                }
                store.attach().unwrap();
                if !is_paid {
                    gc.destroy_range(b"a", b"b", 0).unwrap();
                    wait_for("its payment", || gc.debt().debts == 0);
                }
                gc.destroy_range(&key(5), &key(15), 0).unwrap();
                if is_paid {
                    gc.pay();
                }
                let outside: Vec<_> = (0..5).chain(15..20).map(key).collect();
                let keys = |store: &Store<'_>| store.scan_range(0, b"k", b"l").into_iter().map(|(key, _)| key).collect::<Vec<_>>();
                assert_eq!(keys(&store), outside);
                let entries = store.files(0);
                // An unpaid debt may have been flushed.
                assert!(!is_paid || entries.iter().all(|file| file.level != 0 || !file.overlaps(b"k", b"l")), "{entries:?}");
                assert_eq!(gc.debt().debts == 0, is_paid);
                // Late data at two levels, twice under one key. A filter that is switched off lets
                // a compaction move it there.
                gc.set_enabled(false);
                for (value, numbers, level) in [(b"first", [6, 8], lower), (b"later", [6, 7], upper)] {
                    numbers.iter().for_each(|number| store.put(0, &key(*number), value));
                    store.flush(0);
                    if level > 0 {
                        store.compact_files(0, 0, level).unwrap();
                    }
                }
                gc.set_enabled(true);
                assert_eq!(keys(&store).len(), outside.len() + 3);
                for from in 0..6 {
                    for to in from + 1..=6 {
                        store.compact_files(0, from, to).unwrap();
                        let visible = store.scan_range(0, b"k", b"l");
                        let late = [(key(6), b"later".to_vec()), (key(7), b"later".to_vec()), (key(8), b"first".to_vec())];
                        let strange: Vec<_> = visible.iter().filter(|found| !outside.contains(&found.0) && !late.contains(found)).collect();
                        assert!(strange.is_empty(), "{options} {upper} {lower}, {from} to {to}: {strange:?} came to light");
                        assert!(outside.iter().all(|key| visible.iter().any(|found| found.0 == *key)), "{options} {upper} {lower}");
                    }
                }
                store.compact(0);
                assert_eq!(keys(&store), outside, "{options} {upper} {lower}");
                assert!(gc.stats().dropped >= 1, "{:?}", gc.stats());
                // A key is late if the range is done.
                assert_eq!(gc.stats().late_dropped >= 1, is_paid, "{:?}", gc.stats());
            }
        }
    }
}

#[test]
fn a_range_that_is_used_again() {
    for via in EVERY_WAY {
        let gc = Gc::new("", NOW);
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        let key = |ts| gc.raw_key(1, b"row", ts);
        store.put(0, &key(10), b"v\0");
        store.compact(0);
        gc.advance(1, 50).unwrap();
        let (start, end) = (gc.raw_key(1, b"", u64::MAX), gc.raw_key(1, b"s", u64::MAX));
        gc.destroy_range(&start, &end, REUSABLE).unwrap();
        let visible = || store.scan_range(0, b"r", b"s").into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!((gc.destroyed_count(), visible().len()), (0, 0), "no record is listed");
        store.put(0, &key(60), b"again\0");
        gc.pay();
        assert_eq!(store.keys(0), [key(60)], "{via:?}: no record is kept");
        store.compact(0);
        assert_eq!(store.keys(0), [key(60)], "{via:?}");
        // For ever, then forgotten.
        gc.destroy_range(&start, &end, 0).unwrap();
        assert_eq!(gc.destroyed_count(), 1);
        let busy = gc.destroy_range(&start, &gc.raw_key(1, b"r", 0), REUSABLE).unwrap_err();
        assert!(busy.starts_with("Busy: ") && busy.contains("RGC_DESTROY_REUSABLE"), "{busy}");
        assert!(gc.forget_destroyed(&start, &key(1)).unwrap_err().starts_with("Not found: "));
        gc.forget_destroyed(&start, &end).unwrap();
        store.put(0, &key(70), b"again\0");
        store.compact(0);
        assert_eq!(store.keys(0), [key(70)]);
    }
}

/// A bound with a timestamp leaves half a row. That half does not change, also when the record is
/// gone and any two levels are compacted.
#[test]
fn the_half_of_a_cut_row_that_is_outside_stays() {
    for (via, history) in [(Via::Adaptor, "history=latest"), (Via::C, "history=latest"), (Via::Adaptor, "history=snapshot")] {
        for level in [0, 3, 6] {
            for newer_half in [true, false] {
                let gc = Gc::new(&format!("{history};delete_range_min_keys=3"), NOW);
                gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
                let dir = tempdir().unwrap();
                let store = Store::attached(dir.path(), &gc, via, RAW);
                let key = |ts| gc.raw_key(1, b"row", ts);
                for ts in 1..=9 {
                    store.put(0, &key(ts), b"v\0");
                }
                // Neighbours, so that the files are not dropped as a whole.
                for row in [&b"a"[..], b"z"] {
                    store.put(0, &gc.raw_key(1, row, 5), b"v\0");
                }
                store.flush(0);
                store.compact_files(0, 0, level).unwrap();
                let (start, end) = if newer_half { (gc.raw_key(1, b"b", 9), key(5)) } else { (key(4), gc.raw_key(1, b"y", 9)) };
                gc.destroy_range(&start, &end, REUSABLE).unwrap();
                let outside: Vec<_> = if newer_half { (1..=5).rev().map(key).collect() } else { (5..=9).rev().map(key).collect() };
                let row = || {
                    store
                        .scan_range(0, &gc.raw_key(1, b"b", 9), &gc.raw_key(1, b"y", 9))
                        .into_iter()
                        .map(|(key, _)| key)
                        .collect::<Vec<_>>()
                };
                assert_eq!(row(), outside, "{via:?} {level} {newer_half}");
                assert_eq!(gc.destroyed_count(), 0);
                gc.advance(1, 100).unwrap();
                for from in 0..6 {
                    for to in from + 1..=6 {
                        store.compact_files(0, from, to).unwrap();
                        assert_eq!(row().first(), outside.first(), "{via:?} {level} {newer_half}: the newest version is lost");
                    }
                }
                store.collect_all();
                assert_eq!(row(), outside[..1], "{via:?} {level} {newer_half}");
            }
        }
    }
}

/// The same without the compaction by force: the loss that it prevents.
#[test]
fn what_a_hidden_half_would_do() {
    let gc = Gc::new("", NOW);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempdir().unwrap();
    let store = Store::open(dir.path(), &gc, Via::Adaptor, RAW);
    let key = |ts| gc.raw_key(1, b"row", ts);
    (1..=9).for_each(|ts| store.put(0, &key(ts), b"v\0"));
    store.flush(0);
    store.compact_files(0, 0, 5).unwrap();
    // As a destroy would, but only this.
    (6..=9).for_each(|ts| store.delete(0, &key(ts)));
    store.flush(0);
    gc.advance(1, 100).unwrap();
    store.compact_files(0, 5, 6).unwrap();
    assert_eq!(store.keys(0).len(), 0, "a hidden version was taken for the newest: H2 is there for a reason");
}

#[test]
fn records_survive_and_are_looked_at_again() {
    for via in EVERY_WAY {
        let dir = tempdir().unwrap();
        {
            let gc = Gc::new("recheck=manual;recheck_seconds=100", NOW);
            let store = Store::attached(dir.path(), &gc, via, EVERY_ROLE);
            (0..4).for_each(|family| store.put(family, &key(5), b"v"));
            gc.destroy_range(&key(0), &key(9), 0).unwrap();
        }
        let gc = Gc::new("recheck=manual;recheck_seconds=100", NOW);
        let store = Store::attached(dir.path(), &gc, via, EVERY_ROLE);
        assert_eq!(gc.destroyed_count(), 1, "{via:?}");
        (0..4).for_each(|family| store.put(family, &key(6), b"late"));
        for (now, expected) in [(0, 0), (NOW - 1, 0), (NOW + 99, 0), (NOW + 100, 1), (NOW + 1000, 0)] {
            assert_eq!(gc.recheck_destroyed(now), Ok(expected), "at {now}");
        }
        assert_eq!(gc.destroyed_count(), 0);
        gc.pay();
        for family in 0..5 {
            assert_eq!(store.keys(family).len(), 0, "{via:?} {family}");
        }
    }
}

#[test]
fn the_worker_looks_at_records_again() {
    let gc = Gc::new("recheck_seconds=100", NOW);
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    gc.destroy_range(&key(0), &key(9), 0).unwrap();
    store.put(0, &key(6), b"late");
    // A clock that goes back is no reason to be early.
    gc.set_time(NOW - 500);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(gc.destroyed_count(), 1);
    gc.set_time(NOW + 100);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while gc.destroyed_count() > 0 {
        assert!(std::time::Instant::now() < deadline, "the worker does not look");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(store.keys(0).len(), 0);
}

#[test]
fn a_keyspace_goes_in_both_modes_and_its_neighbours_stay() {
    for via in EVERY_WAY {
        let gc = Gc::new("data_prefix=z", NOW);
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, TXN);
        let neighbours = [0, 1, 2, 16_777_214, 16_777_215];
        for keyspace in neighbours {
            for mode in [c::RGC_MODE_RAW, c::RGC_MODE_TXN] {
                for row in [&b""[..], b"a", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
                    (0..3).for_each(|family| store.put(family, &gc.key(mode, keyspace, row, 7), b"v"));
                }
            }
        }
        let keys_of = |left: &[u32]| -> Vec<Vec<u8>> {
            let mut keys: Vec<_> = [c::RGC_MODE_RAW, c::RGC_MODE_TXN]
                .iter()
                .flat_map(|mode| left.iter().map(move |keyspace| (*mode, *keyspace)))
                .flat_map(|(mode, keyspace)| {
                    [&b""[..], b"a", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"].map(|row| gc.key(mode, keyspace, row, 7))
                })
                .collect();
            keys.sort();
            keys
        };
        let mut left = neighbours.to_vec();
        for keyspace in [16_777_215, 1, 0] {
            gc.destroy_keyspace(keyspace, 0).unwrap();
            left.retain(|id| *id != keyspace);
            for family in 0..3 {
                let found: Vec<_> = store.keys(family).into_iter().filter(|key| key[0] == b'z').collect();
                assert_eq!(found, keys_of(&left), "{via:?} {keyspace}");
            }
        }
        assert_eq!(gc.destroyed_count(), 6, "a record a mode");
    }
}
