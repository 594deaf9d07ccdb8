//! What keeps a keyspace goes on keeping it until the host itself ends it.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "C calls of a test, with arguments that live long enough")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::{self, c};
use std::ffi::{CString, c_int, c_void};
use std::ptr::null;
use support::gc::{Gc, checked};
use support::log::Log;
use support::rocksdb::{Db, Settings, Write};

/// As a refresher does it for keyspace 1.
fn load(gc: &Gc, gc_type: Option<&str>) -> Result<(), String> {
    let gc_type = gc_type.map(|text| CString::new(text).unwrap());
    let meta = c::rgc_keyspace_meta_t {
        struct_size: size_of::<c::rgc_keyspace_meta_t>(),
        id: 1,
        state: c::RGC_KEYSPACE_ENABLED as c_int,
        name: c"one".as_ptr(),
        gc_management_type: gc_type.as_ref().map_or(null(), |text| text.as_ptr()),
    };
    checked(|error| unsafe { ffi::rgc_keyspace_load(gc.handle(), &meta, error) })
}

/// What rgc_keyspaces_foreach shows of the type of keyspace 1.
fn shown_type(gc: &Gc) -> Option<c_int> {
    unsafe extern "C" fn see(state: *mut c_void, info: *const c::rgc_keyspace_info_t) -> c_int {
        let (found, info) = unsafe { (&mut *state.cast::<Option<c_int>>(), &*info) };
        if info.id == 1 {
            *found = Some(info.gc_type);
        }
        0
    }
    let mut found: Option<c_int> = None;
    unsafe { ffi::rgc_keyspaces_foreach(gc.handle(), Some(see), (&raw mut found).cast()) };
    found
}

const LIVE: &[u8] = b"value\0";

struct Host {
    gc: Gc,
    db: Db,
    _dir: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let gc = Gc::new("", 1000);
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), &Settings::default(), gc.factory(c::RGC_KIND_RAW));
        Self { gc, db, _dir: dir }
    }

    fn write(&self, versions: &[u64]) {
        for &ts in versions {
            self.db.write(&[Write::Put(&self.gc.raw_key(1, b"row", ts), LIVE)]);
        }
        self.db.flush();
    }

    fn versions_after_compaction(&self) -> usize {
        self.db.compact(None, true);
        self.db.scan().len()
    }
}

#[test]
fn a_load_does_not_end_the_pause_of_a_restore() {
    let host = Host::new();
    let gc = &host.gc;
    // Keyspace 2 is collected all the time, so that there are runs.
    gc.name(2, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.advance(2, 80).unwrap();
    load(gc, Some("keyspace_level")).unwrap();
    gc.advance(1, 80).unwrap();
    gc.remove(1);
    let log = Log::new(c::RGC_LOG_INFO);
    for _ in 0..2 {
        load(gc, Some("keyspace_level")).unwrap();
    }
    let told = log.with("keyspace 1 is loaded and remains paused");
    assert_eq!(told.iter().map(|(level, _)| *level).collect::<Vec<_>>(), [c::RGC_LOG_INFO; 2]);
    drop(log);
    assert!(!gc.advance(1, 80).unwrap());
    assert_eq!((gc.effective(1), shown_type(gc)), (0, Some(-2)));
    // The restore.
    host.write(&[60, 70]);
    assert_eq!(host.versions_after_compaction(), 2);
    // Only the host ends it.
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.advance(1, 80).unwrap();
    assert_eq!(host.versions_after_compaction(), 1);
}

#[test]
fn a_load_says_the_type_that_a_removed_keyspace_may_get() {
    let gc = Gc::new("", 1000);
    gc.remove(1);
    load(&gc, Some("keyspace_level")).unwrap();
    assert_eq!(shown_type(&gc), Some(-2));
    assert!(gc.name(1, c::RGC_GC_GLOBAL).unwrap_err().contains("keyspace 1 is keyspace level"));
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    assert_eq!(shown_type(&gc), Some(c::RGC_GC_KEYSPACE_LEVEL as c_int));
}

#[test]
fn an_unknown_type_is_resumed_by_a_load_unless_the_host_removed_the_keyspace_too() {
    for removes in [false, true] {
        let gc = Gc::new("", 1000);
        gc.advance_global(50);
        assert!(load(&gc, Some("keyspace_level_v2")).unwrap_err().contains("unknown"));
        if removes {
            gc.remove(1);
        }
        load(&gc, None).unwrap();
        assert_eq!(gc.effective(1), if removes { 0 } else { 50 });
    }
}

#[test]
fn a_conflict_of_types_stops_the_global_safe_point() {
    let host = Host::new();
    let gc = &host.gc;
    gc.advance_global(100);
    load(gc, None).unwrap();
    host.write(&[60, 70]);
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    let decide = |row: &[u8], ts| run.decide(c::RGC_VALUE, &gc.raw_key(1, row, ts), LIVE);
    assert_eq!((decide(b"a", 9), decide(b"a", 8)), (c::RGC_KEEP, c::RGC_REMOVE));
    let error = load(gc, Some("keyspace_level")).unwrap_err();
    assert!(
        error.contains("keyspace 1 is global and cannot become keyspace level") && error.contains("all its keys are kept until"),
        "{error}"
    );
    assert_eq!((decide(b"b", 9), decide(b"b", 8)), (c::RGC_KEEP, c::RGC_KEEP), "a run that is on follows from its next row");
    drop(run);
    assert_eq!((gc.effective(1), shown_type(gc)), (0, Some(-2)));
    assert_eq!(host.versions_after_compaction(), 2);
    // No load ends it, not even of the type that stands; nor does the other type.
    load(gc, None).unwrap();
    load(gc, Some("keyspace_level")).unwrap_err();
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap_err();
    assert_eq!(host.versions_after_compaction(), 2);
    gc.name(1, c::RGC_GC_GLOBAL).unwrap();
    assert_eq!(host.versions_after_compaction(), 1);
}

#[test]
fn all_keyspaces_of_a_batch_that_conflict_are_kept() {
    let gc = Gc::new("", 1000);
    gc.advance_global(50);
    gc.name_all(&[1, 2, 3], c::RGC_GC_GLOBAL).unwrap();
    let error = gc.name_all(&[4, 1, 5, 3], c::RGC_GC_KEYSPACE_LEVEL).unwrap_err();
    assert!(error.contains("element 1: keyspace 1") && error.contains("so are 1 more"), "{error}");
    assert_eq!([1, 2, 3].map(|keyspace| gc.effective(keyspace)), [0, 50, 0]);
    assert_eq!(gc.stats().gc_types_refused, 2);
    gc.name_all(&[1, 3], c::RGC_GC_GLOBAL).unwrap();
    assert_eq!([1, 2, 3].map(|keyspace| gc.effective(keyspace)), [50, 50, 50]);
    gc.name(4, c::RGC_GC_GLOBAL).unwrap();
}

#[test]
fn a_conflict_counts_whatever_else_is_wrong_with_the_metadata() {
    let gc = Gc::new("", 1000);
    gc.advance_global(50);
    gc.name(1, c::RGC_GC_GLOBAL).unwrap();
    let meta = c::rgc_keyspace_meta_t {
        struct_size: size_of::<c::rgc_keyspace_meta_t>(),
        id: 1,
        state: 99,
        name: c"no name at all".as_ptr(),
        gc_management_type: c"keyspace_level".as_ptr(),
    };
    checked(|error| unsafe { ffi::rgc_keyspace_load(gc.handle(), &meta, error) }).unwrap_err();
    assert_eq!(gc.effective(1), 0);
}
