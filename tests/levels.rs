//! What a filter knows of the level that its compaction writes, on a real RocksDB. With the C++
//! adaptor and `remove_mode=skip` a filter that knows it is bottommost skips to the row's end, one
//! skip a row; any other skips from version to version. With the C API's listener a filter does not
//! count a dead row when older data lies below.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, unsafe_code, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use support::adaptor::adaptor;
use support::gc::Gc;
use support::rocksdb::{Db, Settings, Write, api};

const LEVEL: i32 = 0;
const UNIVERSAL: i32 = 1;
const FIFO: i32 = 2;

const STATIC: Settings = Settings { max_subcompactions: 1, target_file_size: 64 << 20, dynamic_levels: false, blobs: false, num_levels: 7 };

const ROWS: u8 = 20;
const VERSIONS: u64 = 10;

struct Host {
    gc: Gc,
    db: Db,
    _dir: tempfile::TempDir,
}

impl Host {
    fn new(settings: &Settings, style: i32, ingests_behind: bool) -> Self {
        Self::with(
            settings,
            |options| {
                adaptor().set_compaction_style(options, style);
                adaptor().set_ingests_behind(options, ingests_behind);
            },
            |_| {},
        )
    }

    /// What happens to the options before and after the install.
    fn with(settings: &Settings, before: impl FnOnce(*mut c_void), after: impl FnOnce(*mut c_void)) -> Self {
        let gc = Gc::new("remove_mode=skip", 1000);
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        gc.advance(1, 80).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_with(dir.path(), settings, |options| {
            before(options);
            adaptor().install(&gc, c::RGC_KIND_RAW, options).unwrap();
            after(options);
        });
        Self { gc, db, _dir: dir }
    }

    /// Rows of ten versions, nine of them garbage, and a tombstone, in a file of level 0; and
    /// distant keys in a newer file, so that no compaction of the rows is a full one.
    fn write_garbage(&self) {
        for row in 0..ROWS {
            (60..60 + VERSIONS).for_each(|ts| self.db.write(&[Write::Put(&self.gc.raw_key(1, &[row], ts), b"value\0")]));
        }
        self.db.write(&[Write::Delete(&self.gc.raw_key(1, b"a deleted one", 70))]);
        self.db.flush();
        self.db.write(&[Write::Put(&self.gc.raw_key(1, b"zzz", 70), b"value\0")]);
        self.db.flush();
    }

    /// The rows' files from one level into another.
    fn compact_files(&self, from: i32, to: i32) {
        adaptor()
            .compact_files(self.db.handle(), from, to, &self.gc.raw_key(1, b"", 99), &self.gc.raw_key(1, b"a deleted one", 0))
            .unwrap();
    }

    /// The rows' range, as far down as there is anything of it.
    fn compact_range(&self) {
        self.db.compact(Some((&self.gc.raw_key(1, b"", 99), &self.gc.raw_key(1, b"a deleted one", 0))), false);
    }

    /// Did the runs of this know that they were bottommost?
    fn knows(&self, compaction: impl FnOnce()) -> bool {
        let before = self.gc.stats().skipped;
        compaction();
        match self.gc.stats().skipped - before {
            // A row that a subcompaction's border cuts takes two.
            n if (u64::from(ROWS)..=u64::from(ROWS) + 3).contains(&n) => true,
            n if n > u64::from(ROWS) * (VERSIONS - 2) => false,
            n => panic!("{n} skips; levels {:?}", self.db.files_per_level()),
        }
    }
}

fn known(settings: &Settings, style: i32, compaction: impl FnOnce(&Host)) -> bool {
    let host = Host::new(settings, style, false);
    host.write_garbage();
    host.knows(|| compaction(&host))
}

#[test]
fn the_last_level_is_known_in_compactions_that_are_not_full() {
    let dynamic = Settings { dynamic_levels: true, ..STATIC };
    for settings in [&STATIC, &dynamic] {
        assert!(known(settings, LEVEL, |host| host.compact_files(0, 6)));
        assert!(!known(settings, LEVEL, |host| host.compact_files(0, 5)));
    }
    // As RocksDB does it by itself: with dynamic levels everything goes to the last one.
    assert!(known(&dynamic, LEVEL, Host::compact_range));
    assert!(known(&Settings { num_levels: 3, ..STATIC }, LEVEL, |host| host.compact_files(0, 2)));
}

#[test]
fn a_rewrite_of_the_last_level_is_known() {
    let host = Host::new(&STATIC, LEVEL, false);
    host.write_garbage();
    host.gc.set_enabled(false);
    host.compact_files(0, 6);
    host.gc.set_enabled(true);
    assert!(host.knows(|| host.compact_files(6, 6)));
}

#[test]
fn subcompactions_know_it_all() {
    let settings = Settings { max_subcompactions: 4, target_file_size: 1 << 10, dynamic_levels: true, ..STATIC };
    let host = Host::new(&settings, LEVEL, false);
    host.gc.set_enabled(false);
    for _ in 0..3 {
        host.write_garbage();
    }
    host.compact_files(0, 6);
    host.write_garbage();
    host.gc.set_enabled(true);
    let runs = host.gc.stats().runs_started;
    assert!(host.knows(|| host.compact_range()));
    assert!(host.gc.stats().runs_started - runs > 1, "there was one subcompaction only");
}

#[test]
fn universal_with_one_level_and_with_seven() {
    assert!(known(&STATIC, UNIVERSAL, |host| host.compact_files(0, 6)));
    assert!(!known(&STATIC, UNIVERSAL, |host| host.compact_files(0, 5)));
    // Some of the files of level 0, into level 0: older ones may lie there.
    assert!(!known(&Settings { num_levels: 1, ..STATIC }, UNIVERSAL, |host| host.compact_files(0, 0)));
}

#[test]
fn a_full_compaction_is_known_wherever_it_writes() {
    for settings in [&STATIC, &Settings { num_levels: 1, ..STATIC }] {
        assert!(known(settings, UNIVERSAL, |host| host.db.compact(None, false)));
    }
}

#[test]
fn fifo_runs_no_filters_and_is_refused() {
    let gc = Gc::new("", 1000);
    let dir = tempfile::tempdir().unwrap();
    Db::open_with(dir.path(), &Settings { num_levels: 1, ..STATIC }, |options| {
        adaptor().set_compaction_style(options, FIFO);
        let refused = adaptor().install(&gc, c::RGC_KIND_RAW, options).unwrap_err();
        assert!(refused.contains("FIFO"), "{refused}");
    });
}

/// Older data may come in below everything, later.
#[test]
fn with_ingest_behind_no_level_is_the_last() {
    for (to, style) in [(5, UNIVERSAL), (6, UNIVERSAL)] {
        let host = Host::new(&STATIC, style, true);
        host.write_garbage();
        let knows = host.knows(|| if to == 5 { host.compact_files(0, 5) } else { host.db.compact(None, false) });
        assert!(!knows, "to level {to}");
    }
}

/// DBs of different depth alternate on one thread, and run beside each other on one pool: level 3
/// is the last one of every second DB.
#[test]
fn dbs_on_one_thread_pool_are_told_apart() {
    let hosts = [7, 4, 7, 4].map(|num_levels| Host::new(&Settings { num_levels, ..STATIC }, LEVEL, false));
    for round in 0..3 {
        for (i, host) in hosts.iter().enumerate() {
            host.write_garbage();
            assert_eq!(host.knows(|| host.compact_files(0, 3)), i % 2 == 1, "DB {i}, round {round}");
        }
    }
    hosts.iter().for_each(Host::write_garbage);
    std::thread::scope(|scope| {
        for (i, host) in hosts.iter().enumerate() {
            scope.spawn(move || assert_eq!(host.knows(|| host.compact_files(0, 3)), i % 2 == 1, "DB {i}"));
        }
    });
}

#[test]
fn without_the_listener_the_level_is_unknown() {
    let host = Host::with(&STATIC, |_| {}, |options| adaptor().remove_listeners(options));
    host.write_garbage();
    assert!(!host.knows(|| host.compact_files(0, 6)));
    let host = Host::with(&STATIC, |_| {}, |options| adaptor().remove_listeners(options));
    host.write_garbage();
    assert!(host.knows(|| host.db.compact(None, false)), "a full one");
}

static RUN_IS_ON: AtomicBool = AtomicBool::new(false);
static CANCELLED: AtomicBool = AtomicBool::new(false);

/// Holds the run at a key until it is being cancelled.
unsafe extern "C" fn wait_for_the_cancellation(_: *mut c_void) {
    RUN_IS_ON.store(true, Ordering::SeqCst);
    while !CANCELLED.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

/// A manual compaction into the last level is cancelled in the middle. No other filter uses what
/// RocksDB told its thread.
#[test]
fn a_cancelled_compaction_leaves_no_word_behind() {
    let host = Host::with(&STATIC, |_| {}, |options| adaptor().hook(options, wait_for_the_cancellation, null_mut()));
    host.gc.set_enabled(false);
    CANCELLED.store(true, Ordering::SeqCst);
    host.write_garbage();
    host.compact_files(0, 6);
    host.gc.set_enabled(true);
    CANCELLED.store(false, Ordering::SeqCst);
    RUN_IS_ON.store(false, Ordering::SeqCst);
    host.write_garbage();
    std::thread::scope(|scope| {
        scope.spawn(|| host.compact_range());
        while !RUN_IS_ON.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        // Returns when the compaction has ended, so the run must go on meanwhile.
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            CANCELLED.store(true, Ordering::SeqCst);
        });
        adaptor().cancel_manual_compactions(host.db.handle());
    });
    assert_eq!(host.gc.stats().runs_closed, 0);
    host.write_garbage();
    assert!(!host.knows(|| host.compact_files(0, 5)));
    host.db.compact(None, true);
    assert_eq!(host.db.scan().len(), usize::from(ROWS) + 1, "one version of each row, and the one far away");
}

/// The C API's listener, where RocksDB has one; `None` = it has not, which the library says.
fn with_c_listener(settings: &Settings, compaction: impl FnOnce(&Db)) -> Option<u64> {
    let gc = Gc::new("", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.advance(1, 80).unwrap();
    let factory = gc.factory(c::RGC_KIND_RAW);
    type Add = unsafe extern "C" fn(*mut c_void, *mut c_void);
    // SAFETY: the type is that of rocksdb/c.h.
    let add = unsafe { api().library.get::<Add>(b"rocksdb_options_add_eventlistener") };
    let listener = gc.event_listener();
    let add = match (&add, &listener) {
        (Ok(add), Ok(_)) => add,
        (Err(_), Err(error)) => {
            assert!(error.starts_with("Not supported: ") && error.contains("rocksdb_eventlistener_create"), "{error}");
            // SAFETY: of this library, and not given to RocksDB.
            unsafe {
                (api().library.get::<unsafe extern "C" fn(*mut c_void)>(b"rocksdb_compactionfilterfactory_destroy").unwrap())(factory)
            };
            return None;
        }
        other => panic!("{other:?}"),
    };
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open_with(dir.path(), settings, |options| {
        // SAFETY: the options take both over.
        unsafe {
            (api().library.get::<Add>(b"rocksdb_options_set_compaction_filter_factory").unwrap())(options, factory);
            add(options, listener.unwrap());
        }
    });
    let put = |row: &[u8], ts, value: &[u8]| db.write(&[Write::Put(&gc.raw_key(1, row, ts), value)]);
    // Something below, and a dead row above it; and one that nothing lies below.
    put(b"b", 50, b"value\0");
    put(b"d", 50, b"value\0");
    db.flush();
    gc.set_enabled(false);
    adaptor().compact_files(db.handle(), 0, 6, b"", b"").unwrap();
    gc.set_enabled(true);
    put(b"c", 70, b"\x02");
    put(b"b", 70, b"value\0");
    db.flush();
    compaction(&db);
    Some(gc.stats().rows_deferred)
}

#[test]
fn the_c_api_knows_the_level_where_it_has_listeners() {
    // Level 0 into level 1, with older data in level 6: not bottommost.
    let Some(counted) = with_c_listener(&STATIC, |db| {
        // Two files that overlap, else one is only moved.
        db.write(&[Write::Put(b"", b""), Write::Put(b"zzz", b"")]);
        db.flush();
        db.compact_level_0();
        assert_eq!((db.files_per_level()[1], db.files_per_level()[6]), (1, 1), "{:?}", db.files_per_level());
    }) else {
        println!("this RocksDB's C API has no listeners");
        return;
    };
    assert_eq!(counted, 0);
    // Into the last one.
    let dynamic = Settings { dynamic_levels: true, ..STATIC };
    assert_eq!(with_c_listener(&dynamic, |db| db.compact(None, false)), Some(1));
    // CompactFiles says nothing of the job: unknown, which counts.
    assert_eq!(with_c_listener(&STATIC, |db| adaptor().compact_files(db.handle(), 0, 5, b"", b"").unwrap()), Some(1));
}
