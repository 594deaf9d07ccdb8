//! The worker on a real RocksDB, through its C API and through the C++ adaptor: it deletes the rows
//! that filters give it, and nothing else.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use support::gc::Gc;
use support::rocksdb::Settings;
use support::store::{EVERY_WAY, RAW, Store, TXN, Via};
use tempfile::tempdir;

const NOW: u64 = 1000;

fn gc(options: &str) -> Gc {
    let gc = Gc::new(options, NOW);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc
}

fn expired(value: &[u8]) -> Vec<u8> {
    [value, &(NOW - 1).to_be_bytes(), &[1]].concat()
}

fn put(start_ts: u8, short: bool) -> Vec<u8> {
    if short { vec![b'P', start_ts, b'v', 1, b'x'] } else { vec![b'P', start_ts] }
}

#[test]
fn dead_rows_go_to_the_last_version() {
    for via in EVERY_WAY {
        let gc = gc("data_prefix=z");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        let key = |row: &[u8], ts| gc.raw_key(1, row, ts);
        for ts in [10, 20, 30] {
            store.put(0, &key(b"deleted", ts), b"v\0");
            store.put(0, &key(b"expired", ts), b"v\0");
            store.put(0, &key(b"alive", ts), b"v\0");
            store.put(0, &key(b"deleted above", ts), b"v\0");
            store.flush(0);
        }
        store.put(0, &key(b"deleted", 40), b"\x02");
        store.put(0, &key(b"expired", 40), &expired(b"v"));
        store.put(0, &key(b"deleted above", 100), b"\x02");
        gc.advance(1, 100).unwrap();
        store.collect_all();
        assert_eq!(store.keys(0), [key(b"alive", 30), key(b"deleted above", 100)], "{via:?}");
        let stats = gc.stats();
        assert_eq!((stats.rows_queued, stats.pending, stats.rows_left_unparsed), (stats.rows_done, 0, 0));
    }
}

/// A delete mark that shadows nothing has nothing to wait for.
#[test]
fn one_delete_mark_a_row_and_nothing_else() {
    for via in EVERY_WAY {
        let gc = gc("");
        let dir = tempdir().unwrap();
        let settings = Settings { dynamic_levels: false, ..Settings::default() };
        let store = Store::open_with(dir.path(), &gc, via, RAW, &settings, |_| {});
        store.attach().unwrap();
        for row in 0..5000u32 {
            store.put(0, &gc.raw_key(1, &row.to_be_bytes(), 10), b"\x02");
        }
        gc.advance(1, 100).unwrap();
        store.collect_all();
        assert_eq!(store.keys(0).len(), 0, "{via:?}");
        assert_eq!(store.files(0).iter().map(|file| file.entries).sum::<u64>(), 0, "no tombstone is left");
    }
}

#[test]
fn records_go_with_their_values() {
    for via in EVERY_WAY {
        let gc = gc("data_prefix=z");
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, TXN);
        let key = |row: &[u8], ts| gc.key(c::RGC_MODE_TXN, 1, row, ts);
        let (default, write) = (0, 1);
        for (row, records) in [
            // A delete first: all of it goes.
            (&b"deleted"[..], &[(90, b'D', 85), (80, b'P', 75), (70, b'R', 70), (60, b'P', 55)][..]),
            // A put first: what is behind it goes.
            (b"replaced", &[(90, b'P', 85), (80, b'P', 75), (60, b'P', 55)]),
            // Nothing eligible but the newest.
            (b"alive", &[(120, b'D', 115), (60, b'P', 55)]),
        ] {
            for (commit_ts, kind, start_ts) in records {
                store.put(write, &key(row, *commit_ts), &[*kind, *start_ts]);
                if *kind == b'P' {
                    store.put(default, &key(row, u64::from(*start_ts)), b"a long value");
                }
            }
        }
        store.put(write, &key(b"short behind", 90), &put(85, true));
        store.put(write, &key(b"short behind", 60), &put(55, true));
        // The value of a lock: nobody has committed it yet.
        store.put(default, &key(b"locked", 95), b"a long value");
        gc.advance(1, 100).unwrap();
        store.collect_all();
        let kept = [key(b"alive", 120), key(b"alive", 60), key(b"replaced", 90), key(b"short behind", 90)];
        assert_eq!(store.keys(write), kept, "{via:?}");
        assert_eq!(store.keys(default), [key(b"alive", 55), key(b"locked", 95), key(b"replaced", 85)], "{via:?}");
    }
}

/// TiKV's worker deletes a row of more than some 1,261 versions over and over again.
#[test]
fn a_row_of_a_hundred_thousand_versions_in_many_files() {
    const VERSIONS: u64 = 100_000;
    for (via, options, range_tombstone) in [
        (Via::C, "delete_range_min_keys=0", false),
        (Via::Adaptor, "delete_range_min_keys=0;remove_mode=skip", false),
        (Via::C, "delete_range_min_keys=10000", true),
    ] {
        let gc = gc(options);
        let dir = tempdir().unwrap();
        let settings = Settings { target_file_size: 64 << 10, ..Settings::default() };
        let store = Store::open_with(dir.path(), &gc, via, RAW, &settings, |_| {});
        store.attach().unwrap();
        for ts in 1..VERSIONS {
            store.put(0, &gc.raw_key(1, b"row", ts), b"some value\0");
        }
        store.put(0, &gc.raw_key(1, b"row", VERSIONS), b"\x02");
        store.put(0, &gc.raw_key(1, b"next", 5), b"v\0");
        store.compact(0);
        let files = store.files(0);
        assert!(files.len() >= 20 && files.iter().all(|file| file.level == files[0].level), "{} files", files.len());
        gc.advance(1, VERSIONS + 1).unwrap();
        // The last file first: no filter sees the row as a whole, and the first one sees only its
        // mark.
        let first = files.iter().map(|file| &file.smallest).min().unwrap();
        store.engine_compact(0, (first, &gc.raw_key(1, b"row", VERSIONS - 1)));
        assert_eq!(gc.drain(120_000), Ok(0));
        assert_eq!(store.keys(0), [gc.raw_key(1, b"next", 5)], "{via:?} {options}");
        let stats = gc.stats();
        assert_eq!((stats.rows_deferred, stats.rows_left_unparsed), (0, 0));
        let before = store.files(0).iter().map(|file| file.deletions).sum::<u64>();
        store.flush(0);
        let tombstones = store.files(0).iter().map(|file| file.deletions).sum::<u64>() - before;
        assert_eq!(tombstones < 10, range_tombstone, "{tombstones} tombstones");
        store.collect_all();
        assert_eq!(store.files(0).iter().map(|file| file.entries).sum::<u64>(), 1);
    }
}

/// A long row of records: what has a value elsewhere never goes by a range tombstone.
#[test]
fn a_long_row_of_records() {
    for (long_every, range_min) in [(1, "0"), (7, "100"), (u64::MAX, "100")] {
        let gc = gc(&format!("delete_batch_bytes=2000;delete_range_min_keys={range_min}"));
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, Via::C, TXN);
        let key = |row: &[u8], ts| gc.key(c::RGC_MODE_TXN, 1, row, ts);
        for ts in (10..3000).step_by(10) {
            let long = (ts / 10) % long_every == 0;
            for row in [&b"deleted"[..], b"fenced", b"replaced"] {
                let mut record = vec![b'P'];
                record.extend(varint(ts - 5));
                if long {
                    store.put(0, &key(row, ts - 5), b"a long value");
                } else {
                    record.extend(b"v\x01x");
                }
                store.put(1, &key(row, ts), &record);
            }
        }
        store.put(1, &key(b"deleted", 3000), b"D\x05");
        // A put that counts as a delete, with a value of its own.
        let fenced = [&b"P"[..], &varint(2995), b"F", &3001u64.to_be_bytes()].concat();
        store.put(1, &key(b"fenced", 3000), &fenced);
        store.put(0, &key(b"fenced", 2995), b"a long value");
        store.put(1, &key(b"replaced", 3000), b"P\x05v\x01x");
        store.put(1, &key(b"replaced", 4000), b"R\x05");
        gc.advance(1, 3500).unwrap();
        store.collect_all();
        assert_eq!(store.keys(1), [key(b"replaced", 4000), key(b"replaced", 3000)], "{long_every} {range_min}");
        assert_eq!(store.keys(0).len(), 0);
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// Two threads write at full speed while many rows wait: the worker causes no stall, and deletes
/// every row.
#[test]
fn writers_at_full_speed_are_not_stalled() {
    const ROWS: u32 = 100_000;
    let gc = gc("");
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    for row in 0..ROWS {
        store.put(0, &gc.raw_key(1, &row.to_be_bytes(), 10), b"v\0");
        store.put(0, &gc.raw_key(1, &row.to_be_bytes(), 20), b"\x02");
    }
    gc.advance(1, 100).unwrap();
    gc.set_enabled(true);
    store.compact(0);
    let (written, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let stalls = std::thread::scope(|scope| {
        for writer in 0..2u8 {
            let (store, gc, written, stop) = (&store, &gc, &written, &stop);
            scope.spawn(move || {
                for i in 0u64.. {
                    store.put(0, &gc.raw_key(1, &[&[0xff, writer][..], &i.to_be_bytes()].concat(), 200), b"v\0");
                    written.fetch_add(1, SeqCst);
                    if stop.load(SeqCst) {
                        break;
                    }
                }
            });
        }
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut stalls = 0;
        while gc.drain(10) != Ok(0) {
            stalls += usize::from(store.is_stalled());
            assert!(Instant::now() < deadline, "{:?} rows are left", gc.drain(0));
        }
        stop.store(true, SeqCst);
        stalls
    });
    let stats = gc.stats();
    assert_eq!((stalls, stats.rows_deferred), (0, 0));
    assert_eq!(stats.rows_done, u64::from(ROWS));
    assert_eq!(store.keys(0).len() as u64, written.load(SeqCst), "what was written stays, what was dead is gone");
}
