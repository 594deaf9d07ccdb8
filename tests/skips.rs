//! What a skip could make visible again, and what it saves, through the C++ adaptor on a real
//! RocksDB: named traces. Levels are written as `Lx`, the newest data first; `@` is a timestamp, a
//! struck one a tombstone.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, unsafe_code, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::ffi::c_void;
use support::adaptor::adaptor;
use support::gc::Gc;
use support::rocksdb::{Db, Settings, Write};

const STATIC_LEVELS: Settings =
    Settings { max_subcompactions: 1, target_file_size: 64 << 20, dynamic_levels: false, blobs: false, num_levels: 7 };

struct Host {
    gc: Gc,
    db: Db,
    mode: u32,
    _dir: tempfile::TempDir,
}

impl Host {
    /// Keyspace 1 is collected below 80.
    fn new(kind: u32, options: &str, settings: &Settings) -> Self {
        let gc = Gc::new(options, 1000);
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        gc.advance(1, 80).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_with(dir.path(), settings, |options| {
            adaptor().enable_statistics(options);
            adaptor().install(&gc, kind, options).unwrap();
        });
        let mode = if kind == c::RGC_KIND_TXN { c::RGC_MODE_TXN } else { c::RGC_MODE_RAW };
        Self { gc, db, mode, _dir: dir }
    }

    fn key(&self, row: &[u8], ts: u64) -> Vec<u8> {
        self.gc.key(self.mode, 1, row, ts)
    }

    fn put(&self, row: &[u8], ts: u64, value: &[u8]) {
        self.db.write(&[Write::Put(&self.key(row, ts), value)]);
    }

    fn delete(&self, row: &[u8], ts: u64) {
        self.db.write(&[Write::Delete(&self.key(row, ts))]);
    }

    /// Runs while nothing is judged.
    fn undisturbed(&self, what: impl FnOnce()) {
        self.gc.set_enabled(false);
        what();
        self.gc.set_enabled(true);
    }

    fn flush_and_compact(&self, from: i32, to: i32) {
        self.db.flush();
        adaptor().compact_files(self.db.handle(), from, to, b"", b"").unwrap();
    }

    /// The timestamps of a row's versions that are visible, newest first.
    fn versions(&self, row: &[u8]) -> Vec<u64> {
        let prefix = self.key(row, 0);
        let prefix = &prefix[..prefix.len() - 8];
        let visible =
            self.db.scan().into_iter().filter_map(|(key, _)| Some(!u64::from_be_bytes(key.strip_prefix(prefix)?.try_into().ok()?)));
        visible.collect()
    }

    fn files(&self) -> Vec<u64> {
        self.db.files_per_level()
    }
}

const LIVE: &[u8] = b"value\0";
const MARK: &[u8] = b"\x02";
const SHORT_PUT: &[u8] = b"P\x05v\x05value";
const LONG_PUT: &[u8] = b"P\x05";
const ROLLBACK: &[u8] = b"R\x05";
const DELETE: &[u8] = b"D\x05";

/// ```text
/// L0   a@79 a@78 (late)  and tombstones of a@5 to a@1
/// L6   a@5 to a@1
/// ```
/// Into L1: a@78 is shadowed; a skip to the row's end would drop the tombstones, and a@5 to a@1
/// would be back.
#[test]
fn tombstones_behind_a_late_key_stay() {
    let host = Host::new(c::RGC_KIND_RAW, "remove_mode=skip", &STATIC_LEVELS);
    host.undisturbed(|| {
        (1..=5).for_each(|ts| host.put(b"a", ts, LIVE));
        host.flush_and_compact(0, 6);
    });
    (1..=5).for_each(|ts| host.delete(b"a", ts));
    host.put(b"a", 79, LIVE);
    host.put(b"a", 78, LIVE);
    assert_eq!(host.versions(b"a"), [79, 78]);
    host.flush_and_compact(0, 1);
    assert_eq!((host.files()[1], host.files()[6]), (1, 1), "{:?}", host.files());
    assert_eq!(host.versions(b"a"), [79]);
    assert_eq!((host.gc.stats().skipped, host.gc.stats().removed), (1, 0));
}

/// The same with a range tombstone over the old values.
#[test]
fn a_range_tombstone_behind_a_late_key_stays() {
    let host = Host::new(c::RGC_KIND_RAW, "remove_mode=skip", &STATIC_LEVELS);
    host.undisturbed(|| {
        (1..=5).for_each(|ts| host.put(b"a", ts, LIVE));
        host.flush_and_compact(0, 6);
    });
    host.db.write(&[Write::DeleteRange(&host.key(b"a", 5), &host.key(b"a", 0))]);
    host.put(b"a", 79, LIVE);
    host.put(b"a", 78, LIVE);
    host.flush_and_compact(0, 1);
    assert_eq!(host.versions(b"a"), [79]);
}

/// ```text
/// memtable   tombstones of a@70 a@69
/// L1         a@70 mark, a@69, tombstones of a@5 to a@1: a dead row, half deleted
/// L6         a@5 to a@1
/// ```
/// L1 into L2: a@69 is shadowed by the mark.
#[test]
fn a_dead_row_that_is_half_deleted_stays_dead() {
    let host = Host::new(c::RGC_KIND_RAW, "remove_mode=skip", &STATIC_LEVELS);
    host.undisturbed(|| {
        (1..=5).for_each(|ts| host.put(b"a", ts, LIVE));
        host.flush_and_compact(0, 6);
        (1..=5).for_each(|ts| host.delete(b"a", ts));
        host.put(b"a", 70, MARK);
        host.put(b"a", 69, LIVE);
        host.flush_and_compact(0, 1);
    });
    host.delete(b"a", 70);
    host.delete(b"a", 69);
    adaptor().compact_files(host.db.handle(), 1, 2, b"", b"").unwrap();
    assert_eq!((host.files()[1], host.files()[2]), (0, 1), "{:?}", host.files());
    assert_eq!(host.versions(b"a"), [0u64; 0]);
    host.db.compact(None, true);
    assert_eq!(host.versions(b"a"), [0u64; 0]);
}

/// ```text
/// L0   a@50 R, written late over
/// L0   a tombstone of a@50
/// L6   a@50 P
/// ```
/// L0 into L5: the rollback goes, and must leave a tombstone, for its own one goes with it.
#[test]
fn a_late_rollback_over_a_tombstone_leaves_one() {
    for options in ["remove_mode=skip", "remove_mode=auto", "remove_mode=remove"] {
        let host = Host::new(c::RGC_KIND_TXN, options, &STATIC_LEVELS);
        host.undisturbed(|| {
            host.put(b"a", 50, SHORT_PUT);
            host.flush_and_compact(0, 6);
            host.delete(b"a", 50);
            host.db.flush();
        });
        host.put(b"a", 50, ROLLBACK);
        host.flush_and_compact(0, 5);
        assert_eq!((host.files()[5], host.files()[6]), (1, 1), "{:?}", host.files());
        assert_eq!(host.versions(b"a"), [0u64; 0], "{options}");
        assert_eq!((host.gc.stats().skipped, host.gc.stats().removed), (0, 1), "{options}");
    }
}

struct Meanwhile<'h> {
    host: &'h Host,
    keys_seen: usize,
}

/// While a run over row a is on: a is deleted, written again and deleted again.
unsafe extern "C" fn rewrite_the_row(state: *mut c_void) {
    // SAFETY: the test's own, and the only run's thread is the one that changes it.
    let meanwhile = unsafe { &mut *state.cast::<Meanwhile<'_>>() };
    meanwhile.keys_seen += 1;
    let host = meanwhile.host;
    match meanwhile.keys_seen {
        2 => (1..=9).for_each(|ts| host.delete(b"a", ts)),
        3 => host.put(b"a", 90, LIVE),
        4 => host.delete(b"a", 90),
        _ => {}
    }
}

#[test]
fn a_row_rewritten_and_deleted_during_a_run_stays_deleted() {
    for (to, options) in [(6, "remove_mode=skip"), (1, "remove_mode=skip"), (6, "remove_mode=auto"), (1, "remove_mode=remove")] {
        let mut meanwhile = std::mem::MaybeUninit::<Meanwhile<'_>>::uninit();
        let state = meanwhile.as_mut_ptr();
        let gc = Gc::new(options, 1000);
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        gc.advance(1, 80).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_with(dir.path(), &STATIC_LEVELS, |options| {
            adaptor().install(&gc, c::RGC_KIND_RAW, options).unwrap();
            adaptor().hook(options, rewrite_the_row, state.cast());
        });
        let host = Host { gc, db, mode: c::RGC_MODE_RAW, _dir: dir };
        // SAFETY: written before the first compaction, and not read after the DB is closed.
        unsafe { state.write(Meanwhile { host: &host, keys_seen: 0 }) };
        host.put(b"b", 70, LIVE);
        (1..=9).for_each(|ts| host.put(b"a", ts, LIVE));
        host.flush_and_compact(0, to);
        // SAFETY: no run is on.
        assert!(unsafe { (*state).keys_seen } >= 3, "the hook was not called");
        host.delete(b"a", 90);
        assert_eq!(host.versions(b"a"), [0u64; 0], "{options} into L{to}");
        host.db.flush();
        host.db.compact(None, true);
        assert_eq!((host.versions(b"a"), host.versions(b"b")), (vec![], vec![70]), "{options} into L{to}");
    }
}

/// Rows of five versions, four of them garbage, from two files of L0 into L1 over older data, as
/// RocksDB compacts by itself: entries, tombstones, and the number of skips.
fn after_l0_to_l1(kind: u32, options: &str, value: &[u8], of_another_row: &[u8]) -> (u64, u64, u64) {
    let host = Host::new(kind, options, &STATIC_LEVELS);
    host.undisturbed(|| {
        (0..=100u8).for_each(|row| host.put(&[row], 1, value));
        host.flush_and_compact(0, 6);
    });
    for file in [70..72, 72..75] {
        (1..=100u8).for_each(|row| file.clone().for_each(|ts| host.put(&[row], ts, value)));
        host.put(&[200], file.end, of_another_row);
        host.db.flush();
    }
    host.db.compact_level_0();
    assert_eq!((host.files()[1], host.files()[6]), (1, 1), "{:?}", host.files());
    let entries = adaptor().entries(host.db.handle());
    (entries.entries, entries.deletions, host.gc.stats().skipped)
}

/// 101 versions in L6, 101 in L1, and no tombstone. The filter skips to the row's end: the inputs
/// hold no tombstone, and each record holds its value. If a record of any row does not hold its
/// value, or does not parse, it skips from version to version; that other row's records stay.
#[test]
fn stale_versions_leave_no_tombstone_above_the_last_level() {
    const NO_RECORD: &[u8] = b"?";
    assert_eq!(after_l0_to_l1(c::RGC_KIND_RAW, "remove_mode=skip", LIVE, LIVE), (202, 0, 101));
    assert_eq!(after_l0_to_l1(c::RGC_KIND_TXN, "remove_mode=skip", SHORT_PUT, SHORT_PUT), (202, 0, 101));
    assert_eq!(after_l0_to_l1(c::RGC_KIND_TXN, "remove_mode=skip", SHORT_PUT, LONG_PUT), (203, 0, 400));
    assert_eq!(after_l0_to_l1(c::RGC_KIND_TXN, "remove_mode=skip", SHORT_PUT, NO_RECORD), (203, 0, 400));
    let (entries, deletions, skipped) = after_l0_to_l1(c::RGC_KIND_RAW, "remove_mode=remove", LIVE, LIVE);
    assert!(entries - deletions == 202 && deletions > 300 && skipped == 0, "removes leave tombstones: {deletions} of {entries} entries");
}

/// A quarter of the versions stay. Of the others no blob is read: the key decides.
#[test]
fn dropped_versions_in_blob_files_are_not_read() {
    const VALUE: usize = 4096;
    for options in ["remove_mode=auto", "remove_mode=remove", "remove_mode=skip"] {
        let host = Host::new(c::RGC_KIND_RAW, options, &Settings { blobs: true, ..STATIC_LEVELS });
        let value = [vec![b'v'; VALUE], vec![0]].concat();
        (0..100u8).for_each(|row| (70..74).for_each(|ts| host.put(&[row], ts, &value)));
        let before = adaptor().blob_bytes_read(host.db.options());
        host.flush_and_compact(0, 6);
        let read = adaptor().blob_bytes_read(host.db.options()) - before;
        let stats = host.gc.stats();
        assert!(stats.removed + stats.skipped >= 100, "{options}: {stats:?}");
        let kept = 100 * (VALUE as u64 + 100);
        assert!((1..=kept).contains(&read), "{options}: {read} bytes were read, those of all kept values are at most {kept}");
        assert_eq!(host.db.scan().len(), 100);
    }
}

/// TiKV's worked scenarios in a DB: the filter removes short values, keeps long ones and counts
/// their rows. Then it removes what the newest delete marks hid; the worker deletes the marks.
#[test]
fn transaction_records_through_a_db() {
    for options in ["remove_mode=skip", "remove_mode=remove", "remove_mode=auto"] {
        let host = Host::new(c::RGC_KIND_TXN, options, &STATIC_LEVELS);
        type Row = (&'static [u8], &'static [(u64, &'static [u8])], &'static [u64]);
        let rows: [Row; 8] = [
            (b"W1", &[(70, LONG_PUT)], &[70]),
            (b"W2", &[(90, LONG_PUT), (70, LONG_PUT)], &[90, 70]),
            (b"W3", &[(75, LONG_PUT), (70, LONG_PUT)], &[75, 70]),
            (b"W5", &[(75, LONG_PUT), (70, SHORT_PUT)], &[75]),
            (b"W6", &[(75, DELETE), (70, LONG_PUT)], &[75, 70]),
            (b"W7", &[(80, DELETE), (70, SHORT_PUT)], &[80]),
            (b"rl", &[(81, ROLLBACK), (80, ROLLBACK), (79, SHORT_PUT), (78, ROLLBACK), (77, SHORT_PUT)], &[81, 79]),
            (b"s", &[(80, SHORT_PUT), (79, SHORT_PUT), (78, DELETE), (77, SHORT_PUT)], &[80]),
        ];
        for (row, records, _) in rows {
            records.iter().for_each(|(ts, record)| host.put(row, *ts, record));
        }
        host.flush_and_compact(0, 6);
        for (row, _, left) in rows {
            assert_eq!(host.versions(row), left, "{options}: {}", String::from_utf8_lossy(row));
        }
        assert_eq!(host.gc.stats().delete_marked, 2, "{options}");
        assert_eq!(host.gc.stats().rows_deferred, 3, "{options}: W3, W6 and W7 wait for the worker");
    }
}

/// And those of RawKV rows.
#[test]
fn rawkv_rows_through_a_db() {
    for options in ["remove_mode=skip", "remove_mode=remove", "remove_mode=auto"] {
        let host = Host::new(c::RGC_KIND_RAW, options, &STATIC_LEVELS);
        let expires = |at: u64| [&b"v"[..], &at.to_be_bytes(), &[1]].concat();
        [100, 90, 70].iter().for_each(|ts| host.put(b"R1", *ts, LIVE));
        [100, 80, 79].iter().for_each(|ts| host.put(b"R2", *ts, LIVE));
        [(9, MARK), (5, LIVE), (1, LIVE)].iter().for_each(|(ts, value)| host.put(b"R4", *ts, value));
        [9, 5].iter().for_each(|ts| host.put(b"R6", *ts, &expires(10)));
        host.flush_and_compact(0, 6);
        for (row, left) in [(b"R1", &[100, 90][..]), (b"R2", &[100, 80]), (b"R4", &[9]), (b"R6", &[9])] {
            assert_eq!(host.versions(row), left, "{options}: {}", String::from_utf8_lossy(row));
        }
        let stats = host.gc.stats();
        assert_eq!((stats.delete_marked, stats.expired, stats.rows_deferred), (1, 1, 2), "{options}: R4 and R6 wait for the worker");
    }
}

/// H7: a key between a row's versions that is no version. A filter that sees it keeps it; a skip to
/// the row's end removes it unseen.
#[test]
fn what_stands_between_versions_is_kept_by_removes_only() {
    for (options, kept) in [("remove_mode=remove", true), ("remove_mode=skip", false)] {
        let host = Host::new(c::RGC_KIND_RAW, options, &STATIC_LEVELS);
        (60..70).for_each(|ts| host.put(b"a", ts, LIVE));
        let foreign = [host.key(b"a", 65), b"x".to_vec()].concat();
        host.db.write(&[Write::Put(&foreign, b"value")]);
        host.flush_and_compact(0, 6);
        assert_eq!(host.db.scan().iter().any(|(key, _)| *key == foreign), kept, "{options}");
        // Behind a key that is none of them the row begins anew.
        assert_eq!(host.versions(b"a"), if kept { vec![69, 64] } else { vec![69] }, "{options}");
    }
}
