//! What the host promises, and what it loses when it breaks a promise: each promise of the header
//! on a real RocksDB.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use support::adaptor::adaptor;
use support::gc::Gc;
use support::rocksdb::{Db, Settings, Write};
use support::store::{RAW, Store, Via};
use tempfile::TempDir;

const ROW: &[u8] = b"row";

struct Host {
    gc: Gc,
    db: Db,
    _dir: TempDir,
}

fn ts_of(key: &[u8]) -> u64 {
    !u64::from_be_bytes(*key.last_chunk().unwrap())
}

impl Host {
    /// Keyspace 1 is keyspace level, with this safe point.
    fn new(safe_point: u64) -> Self {
        Self::with(safe_point, &Settings::default())
    }

    fn with(safe_point: u64, settings: &Settings) -> Self {
        let gc = Gc::new("", 1000);
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        gc.advance(1, safe_point).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), settings, gc.factory(c::RGC_KIND_RAW));
        Self { gc, db, _dir: dir }
    }

    fn key(&self, ts: u64) -> Vec<u8> {
        self.gc.raw_key(1, ROW, ts)
    }

    fn put(&self, versions: &[u64]) {
        for ts in versions {
            self.db.write(&[Write::Put(&self.key(*ts), b"value\0")]);
        }
    }

    fn delete(&self, ts: u64) {
        self.db.write(&[Write::Delete(&self.key(ts))]);
    }

    /// The timestamps that are visible, newest first.
    fn versions(&self) -> Vec<u64> {
        self.db.scan().iter().map(|(key, _)| ts_of(key)).collect()
    }

    fn compact(&self) {
        self.db.flush();
        self.db.compact(None, true);
    }
}

/// H1, second half: what is restored below the safe point needs the four steps.
#[test]
fn a_restore_below_the_safe_point_is_safe_with_all_four_steps_only() {
    // The host deleted the row by a range tombstone, which a filter does not see; a backup of 60
    // and 50 is put back.
    let prepare = || {
        let host = Host::new(100);
        host.put(&[90]);
        host.compact();
        host.db.write(&[Write::DeleteRange(&host.key(u64::MAX), &host.key(0))]);
        host.db.flush();
        host
    };
    let restore = |host: &Host| host.put(&[60, 50]);

    let kept = prepare();
    kept.gc.remove(1);
    restore(&kept);
    kept.compact();
    kept.gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    kept.gc.advance(1, 55).unwrap();
    kept.compact();
    assert_eq!(kept.versions(), [60], "the newest of what was restored stays");

    let switched_off = prepare();
    switched_off.gc.set_enabled(false);
    restore(&switched_off);
    switched_off.compact();
    assert_eq!(switched_off.versions(), [60, 50]);
    switched_off.gc.set_enabled(true);
    switched_off.compact();
    assert_eq!(switched_off.versions(), [60], "enabled again: the same");

    // Without step 3 the hidden put counts as the newest, and nothing is left of the row.
    let without_compaction = prepare();
    without_compaction.gc.remove(1);
    restore(&without_compaction);
    without_compaction.gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    without_compaction.gc.advance(1, 100).unwrap();
    without_compaction.compact();
    assert_eq!(without_compaction.versions(), [0; 0], "step 3 is left out: what was restored is lost");

    let without_any = prepare();
    restore(&without_any);
    without_any.compact();
    assert_eq!(without_any.versions(), [0; 0], "a restore below the safe point is lost");
}

/// H2: an older version that somebody wants to bring up again may be gone.
#[test]
fn deleting_the_newest_version_does_not_bring_up_an_older_one() {
    let host = Host::new(100);
    host.put(&[90, 80]);
    host.compact();
    host.delete(90);
    assert_eq!(host.versions(), [0; 0], "80 was collected as shadowed by 90");
}

/// H2: whole rows, and versions that are not the newest, may go at any time.
#[test]
fn deleting_a_row_or_an_older_version_is_free() {
    let host = Host::new(85);
    host.put(&[90, 80, 70]);
    host.db.flush();
    host.delete(80);
    host.compact();
    assert_eq!(host.versions(), [90]);
    host.delete(90);
    host.compact();
    host.put(&[95]);
    host.compact();
    assert_eq!(host.versions(), [95]);
}

/// H4: a SingleDelete that meets a removed version is corruption to RocksDB, and ends all writes.
#[test]
fn single_delete_of_a_removed_version_is_corruption() {
    let host = Host::with(100, &Settings { dynamic_levels: false, ..Settings::default() });
    // Data of other keyspaces in the last level keeps the tombstone that the filter leaves for 80
    // in level 1.
    for keyspace in [0, 2] {
        host.db.write(&[Write::Put(&host.gc.raw_key(keyspace, ROW, 1), b"value\0")]);
    }
    host.db.flush();
    host.db.move_to_last_level();
    for versions in [[90, 80], [95, 70]] {
        host.put(&versions);
        host.db.flush();
    }
    host.db.compact_level_0();
    assert_eq!(host.gc.stats().removed, 3);
    for version in [96, 97] {
        host.put(&[version]);
        host.db.write(&[Write::SingleDelete(&host.key(80))]);
        host.db.flush();
    }
    host.db.compact_level_0();
    let refused = host.db.try_write(&[Write::Put(&host.key(101), b"value\0")]);
    assert!(refused.as_ref().is_err_and(|error| error.contains("Corruption")), "{refused:?}");
}

/// H4: a filter that two threads share keeps everything.
#[test]
fn a_shared_filter_keeps_everything() {
    let host = Host::new(100);
    let run = host.gc.run(c::RGC_KIND_RAW, -1).unwrap();
    let [newest, older, oldest] = [90, 80, 70].map(|ts| host.key(ts));
    assert!(!run.callback(&newest, b"value\0") && run.callback(&older, b"value\0"));
    let elsewhere = std::thread::scope(|scope| scope.spawn(|| run.callback(&oldest, b"value\0")).join().unwrap());
    assert!(!elsewhere && !run.callback(&oldest, b"value\0"));
    assert_eq!(host.gc.stats().runs_closed, 1);
}

/// H6: filters ignore snapshots.
#[test]
fn a_snapshot_misses_what_was_collected() {
    let host = Host::new(100);
    host.put(&[90, 80]);
    host.db.flush();
    let snapshot = host.db.snapshot();
    host.db.compact(None, true);
    assert_eq!(host.db.scan_at(snapshot).len(), 1, "80 is gone for the snapshot, too");
    host.db.release(snapshot);
}

/// H7: runs keep merge operands.
#[test]
fn merge_operands_are_kept() {
    let host = Host::new(100);
    let one = 1u64.to_le_bytes();
    host.put(&[90]);
    host.db.write(&[Write::Merge(&host.key(80), &one), Write::Merge(&host.key(80), &one)]);
    let snapshot = host.db.snapshot();
    host.db.write(&[Write::Merge(&host.key(80), &one)]);
    host.db.flush();
    let before = host.gc.stats().removed;
    host.db.compact(None, false);
    assert_eq!((host.gc.stats().removed - before, host.versions()), (0, vec![90, 80]), "operands are nobody's to remove");
    host.db.release(snapshot);
}

/// H8: one context, two databases: the second one loses the keys that the host destroyed in the
/// first. (The C++ adaptor refuses to open it.)
#[test]
fn a_second_database_of_one_context_loses_what_the_first_one_destroyed() {
    let gc = Gc::new("", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = Store::attached(dirs[0].path(), &gc, Via::C, RAW);
    let (start, end) = (gc.raw_key(1, ROW, u64::MAX), gc.raw_key(1, b"rox", u64::MAX));
    gc.destroy_range(&start, &end, 0).unwrap();
    let second = Db::open(dirs[1].path(), &Settings::default(), gc.factory(c::RGC_KIND_RAW));
    second.write(&[Write::Put(&gc.raw_key(1, ROW, 80), b"value\0")]);
    second.flush();
    second.compact(None, true);
    assert_eq!(second.scan().len(), 0, "the header warns of nothing");
    drop((second, first));
}

/// H10: the timestamps that are left of a cut row after a crash interrupted its destroy. `keeps` =
/// the host sets its safe point after attach.
fn left_of_a_cut_row(keeps: bool) -> Vec<u64> {
    let dir = tempfile::tempdir().unwrap();
    let new = || {
        let gc = Gc::new("", 1000);
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        gc
    };
    let gc = new();
    let [newest, older, alive] = [9, 7, 5].map(|ts| gc.raw_key(1, ROW, ts));
    {
        let store = Store::attached(dir.path(), &gc, Via::Adaptor, RAW);
        [&newest, &older, &alive].into_iter().for_each(|key| store.put(0, key, b"value\0"));
        store.compact(0);
        // The destroy ends in the middle: its tombstones are written, the row is not compacted.
        adaptor().pause(store.handle());
        std::thread::scope(|scope| {
            let destroy = scope.spawn(|| gc.destroy_range(&newest, &alive, 0));
            while store.keys(0).contains(&older) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            gc.detach();
            destroy.join().unwrap().expect_err("it was cancelled");
        });
        adaptor().go_on(store.handle());
    }
    let gc = new();
    let store = Store::open(dir.path(), &gc, Via::Adaptor, RAW);
    let give_safe_point = || gc.advance(1, 100).unwrap();
    if !keeps {
        give_safe_point();
    }
    store.compact_files(0, 6, 6).unwrap();
    store.attach().unwrap();
    if keeps {
        give_safe_point();
    }
    store.keys(0).iter().filter(|key| key.starts_with(&alive[..alive.len() - 8])).map(|key| ts_of(key)).collect()
}

#[test]
fn h10_a_cut_row_keeps_its_other_half_if_the_safe_point_comes_after_attach() {
    assert_eq!(left_of_a_cut_row(true), [5]);
}

#[test]
fn h10_a_safe_point_before_attach_takes_the_other_half_of_a_cut_row() {
    assert_eq!(left_of_a_cut_row(false), [0; 0], "the header warns of nothing");
}

/// A deleted row: its mark is in the last level, hidden by the worker's tombstone further up. The
/// host then restores a version that is older than the mark and the safe point. `step_3` = the
/// forced compaction that the header asks for. Does the version exist afterwards?
fn a_restore_survives(step_3: bool) -> bool {
    let gc = Gc::new("", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::Adaptor, RAW);
    let key = |row: &[u8], ts| gc.raw_key(1, row, ts);
    for (row, ts, value) in [(&b"a"[..], 5, &b"v\0"[..]), (b"row", 30, b"\x02"), (b"z", 5, b"v\0")] {
        store.put(0, &key(row, ts), value);
    }
    store.flush(0);
    store.compact_files(0, 0, 6).unwrap();
    gc.advance(1, 100).unwrap();
    // A run hands the row over, and the worker deletes it.
    store.compact(0);
    assert_eq!(gc.drain(60_000), Ok(0));
    store.flush(0);
    store.compact_files(0, 0, 5).unwrap();
    assert_eq!(store.keys(0), [key(b"a", 5), key(b"z", 5)]);

    gc.remove(1); // step 1
    store.put(0, &key(b"row", 15), b"restored\0"); // step 2
    store.flush(0);
    if step_3 {
        store.compact(0);
    }
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap(); // step 4
    gc.advance(1, 100).unwrap();

    // The restored version meets the last level, and the tombstone does not.
    let _ = store.compact_files(0, 0, 5);
    let (first, last) = (key(b"row", 15), key(b"row", 15));
    adaptor().compact_files(store.handle(), 5, 6, &first, &last).unwrap();
    store.collect_all();
    store.keys(0).contains(&key(b"row", 15))
}

#[test]
fn h1_a_restore_step_by_step() {
    assert!(a_restore_survives(true));
}

#[test]
fn h1_a_restore_without_its_third_step_is_lost() {
    assert!(!a_restore_survives(false), "a hidden delete mark did not count as the newest: the header warns of nothing");
}
