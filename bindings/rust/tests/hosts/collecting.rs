//! What compactions collect, and what hosts destroy.

use crate::support::{attach, compact, context, joined, open, options, versions, write};
use rocks_gc::{Flags, Kind, Mode, Why};
use rocksdb::{CompactOptions, DB, IteratorMode, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::tempdir;

#[test]
fn two_tenants_have_two_safe_points() {
    let (gc, directory) = (context(), tempdir().unwrap());
    let db = open(&gc, directory.path());
    for keyspace in [7, 8] {
        write(&gc, &db, keyspace, 10, &[10, 20, 30]);
    }
    assert_eq!(gc.advance_keyspace_safe_points(&[7, 8], &[100, 15]).unwrap(), 2);
    compact(&db);
    assert_eq!((versions(&gc, &db, 7), versions(&gc, &db, 8)), (10, 20));
    assert_eq!((gc.keyspace_safe_point(7).unwrap(), gc.keyspace_safe_point(8).unwrap()), (100, 15));
    let explained = gc.explain_keyspace(8).unwrap();
    assert_eq!(
        (explained.answers.len(), explained.answers[0].effective_safe_point),
        (1, 15),
        "{explained:?}"
    );
    assert!(explained.text.contains("15"), "{explained:?}");
    assert_eq!(gc.explain_keyspace(9).unwrap().answers[0].why, Why::NotRegistered);
    assert!(gc.metrics().contains("rocks_gc_removed_total"));
    let stats = gc.stats();
    assert!(stats.removed + stats.skipped >= 10, "{stats:?}");
}

#[test]
fn a_version_may_hold_nul_bytes() {
    let (gc, directory) = (context(), tempdir().unwrap());
    let db = open(&gc, directory.path());
    for ts in [10, 20] {
        db.put(gc.encode_key(Mode::Raw, 7, b"\0row\0\0", ts).unwrap(), b"\0\0value\0\0").unwrap();
    }
    gc.advance_keyspace_safe_point(7, 30).unwrap();
    compact(&db);
    let left: Vec<_> = db.iterator(IteratorMode::Start).map(|entry| entry.unwrap()).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(gc.decode_key(&left[0].0).unwrap().user_key, b"\0row\0\0");
    assert_eq!(&*left[0].1, b"\0\0value\0\0");
}

#[test]
fn safe_points_move_while_compactions_run() {
    let (gc, directory) = (context(), tempdir().unwrap());
    let mut options = options(&gc);
    options.set_max_subcompactions(4);
    options.set_max_background_jobs(4);
    options.set_target_file_size_base(64 << 10);
    options.set_write_buffer_size(64 << 10);
    let db = DB::open(&options, directory.path()).unwrap();
    let db = attach(&gc, db);
    let stops = Arc::new(AtomicBool::new(false));
    let mover = thread::spawn({
        let (gc, stops) = (gc.clone(), stops.clone());
        move || {
            let mut ts = 1;
            while !stops.load(Ordering::Relaxed) {
                gc.advance_keyspace_safe_point(7, ts).unwrap();
                ts += 1;
            }
        }
    });
    for ts in 1..=10 {
        write(&gc, &db, 7, 2000, &[ts]);
        compact(&db);
    }
    stops.store(true, Ordering::Relaxed);
    mover.join().unwrap();
    gc.advance_keyspace_safe_point(7, 1 << 60).unwrap();
    compact(&db);
    let left = db.iterator(IteratorMode::Start).map(|entry| entry.unwrap().0);
    let left: Vec<_> = left.map(|key| gc.decode_key(&key).unwrap().ts).collect();
    assert_eq!(left, [10; 2000], "the newest version of each row");
}

#[test]
fn destroyed_ranges_are_listed_taken_back_and_released() {
    let (gc, directory) = (context(), tempdir().unwrap());
    let db = open(&gc, directory.path());
    write(&gc, &db, 8, 10, &[10]);
    let range = gc.keyspace_range(Mode::Raw, 8).unwrap();
    let (start, end) = (range.start, range.end.unwrap());
    gc.destroy_range_after(&start, &end, 100, Flags::NONE).unwrap();
    assert_eq!(gc.destroyed()[0].pending_ts, 100);
    gc.take_back_destroy_range(&start, &end).unwrap();
    let report = gc.destroy_ranges(&[(&start, &end)], Flags::NONE).unwrap();
    assert_eq!(report.keys_deleted, 10);
    assert_eq!((versions(&gc, &db, 8), gc.destroyed_count()), (0, 1));
    assert_eq!(gc.worker_drain(Duration::MAX).unwrap(), 0);
    assert_eq!(gc.debt().unwrap().debts, 0);
    gc.recheck_destroyed_range(&start, &end).unwrap();
    assert_eq!(gc.destroyed_count(), 0);
    gc.destroy_keyspaces(&[20, 21], Flags::FORCE).unwrap();
    assert_eq!(gc.destroyed_count(), 4);
    let (end_of_first, first) = (gc.destroyed()[0].end.clone(), gc.destroyed()[0].start.clone());
    gc.release_destroyed(&first, &end_of_first).unwrap();
    assert_eq!(gc.recheck_destroyed(1 << 40).unwrap().0, 3);
    let report = gc.collect(None, b"", b"", 0).unwrap();
    assert_eq!(
        gc.collect_dry_run(Some("default"), b"", b"", 0).unwrap().files_compacted,
        0,
        "{report:?}"
    );
}

/// Without the listener, filters would hand the row over at each of the 6 levels. The C++ adaptor
/// tells filters of the last level only.
#[test]
fn filters_know_whether_they_write_the_last_level() {
    let (gc, directory) = (context(), tempdir().unwrap());
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_disable_auto_compactions(true);
    options.set_level_compaction_dynamic_level_bytes(false);
    joined::install(&gc, &mut options, Kind::Raw).unwrap();
    let db = attach(&gc, DB::open(&options, directory.path()).unwrap());
    let mut into_last_level = CompactOptions::default();
    into_last_level.set_change_level(true);
    into_last_level.set_target_level(6);
    write(&gc, &db, 7, 2, &[10]);
    db.compact_range_opt(None::<&[u8]>, None::<&[u8]>, &into_last_level);
    write(&gc, &db, 7, 2, &[15]);
    // A flag says that it is a delete mark.
    db.put(gc.encode_key(Mode::Raw, 7, b"row 000000", 20).unwrap(), b"\x02").unwrap();
    gc.advance_keyspace_safe_point(7, 30).unwrap();
    compact(&db);
    assert_eq!(gc.worker_drain(Duration::from_secs(20)).unwrap(), 0);
    let handed_over = if cfg!(feature = "shim") { 6 } else { 1 };
    assert_eq!((gc.stats().rows_queued, versions(&gc, &db, 7)), (handed_over, 1));
}
