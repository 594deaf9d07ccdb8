//! Recovery: a host is killed, and its writes are only in the WAL. With a WAL filter the puts of
//! invalid schemas and of TOMBSTONE keyspaces do not come back; deletes do, and everything else.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, unsafe_code, reason = "a test may fail")]

mod support;

use rocks_gc::engine::{Engine, Op, Write, WriteOptions};
use rocks_gc::ffi::{self, c};
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::ptr::null_mut;
use support::adaptor::{COMPILED, adaptor};
use support::gc::Gc;
use support::rocksdb::{Settings, api};
use support::store::{EVERY_WAY, Family, Store, Via};
use tempfile::tempdir;

/// Where the host of the tests below lives; without it there is none.
const FOLDER: &str = "ROCKS_GC_TEST_RECOVERY_FOLDER";
const WAY: &str = "ROCKS_GC_TEST_RECOVERY_WAY";

const FAMILIES: &[Family] = &[
    ("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_RAW)),
    ("write", c::RGC_CF_WRITE, Some(c::RGC_KIND_TXN)),
    // Its keys look like ours.
    ("other", c::RGC_CF_OTHER, None),
];
const NAMED: [&CStr; 2] = [c"default", c"write"];
const DEFAULT: usize = 0;
const WRITE: usize = 1;
const OTHER: usize = 2;

fn gc() -> Gc {
    Gc::new("schema_id=prefix;data_prefix=z", 1000)
}

fn raw(gc: &Gc, keyspace: u32, schema: u32, row: &str) -> Vec<u8> {
    gc.raw_key(keyspace, &[&schema.to_be_bytes(), row.as_bytes()].concat(), 10)
}

fn txn(gc: &Gc, keyspace: u32, schema: u32, row: &str) -> Vec<u8> {
    gc.key(c::RGC_MODE_TXN, keyspace, &[&schema.to_be_bytes(), row.as_bytes()].concat(), 10)
}

fn put(family: usize, key: Vec<u8>) -> Write {
    Write { family, op: Op::Put(key, b"v\0".to_vec()) }
}

/// What the host writes: in table files first, then in the WAL only.
fn write(store: &Store, gc: &Gc) {
    for family in [DEFAULT, OTHER] {
        store.write_all(&["old", "older"].map(|row| put(family, raw(gc, 1, 1, row))));
        store.flush(family);
    }
    // One batch in several families.
    store.write_all(&[
        put(DEFAULT, raw(gc, 1, 1, "new")),
        Write { family: DEFAULT, op: Op::Delete(raw(gc, 1, 1, "old")) },
        put(DEFAULT, raw(gc, 1, 2, "new")),
        put(WRITE, txn(gc, 1, 1, "new")),
        put(WRITE, txn(gc, 1, 2, "new")),
        put(OTHER, raw(gc, 1, 1, "new")),
        put(DEFAULT, raw(gc, 5, 2, "tombstone")),
        put(DEFAULT, raw(gc, 6, 2, "archived")),
        put(DEFAULT, b"\x01rocks_gc/of the library".to_vec()),
    ]);
    // One of the default family alone.
    store.write_all(&[
        put(DEFAULT, raw(gc, 1, 1, "newer")),
        put(DEFAULT, raw(gc, 1, 2, "newer")),
        Write { family: DEFAULT, op: Op::DeleteRange(raw(gc, 1, 1, "older"), raw(gc, 1, 1, "oldes")) },
    ]);
    // And one of which nothing is left.
    store.write_all(&[put(DEFAULT, raw(gc, 1, 1, "newest")), put(WRITE, txn(gc, 5, 1, "newest"))]);
}

fn die() -> ! {
    // SAFETY: nothing of this process is used afterwards.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    exit(1)
}

/// Right before the destroyed keys are flushed.
unsafe extern "C" fn die_before_compact(_: *mut c_void, _: c_int, message: *const c_char) {
    // SAFETY: the library gives a C string.
    if unsafe { CStr::from_ptr(message) }.to_string_lossy().ends_with(": compact") {
        die();
    }
}

#[test]
fn host_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let gc = gc();
    let way = std::env::var(WAY).unwrap();
    let also = |options| {
        if way == "first" || way == "precious" {
            avoid_flush(options)
        }
    };
    let store = Store::open_with(&folder, &gc, Via::C, FAMILIES, &Settings::default(), also);
    match way.as_str() {
        "write" => write(&store, &gc),
        "first" | "precious" => {
            let row = |row| if way == "first" { raw(&gc, 1, 1, row) } else { raw(&gc, 1, 2, row) };
            let sync = WriteOptions { sync: true, no_slowdown: false };
            store.engine().write(&[put(DEFAULT, raw(&gc, 1, 2, "before"))], sync).unwrap();
            store.engine().write(&[put(DEFAULT, row(&way))], sync).unwrap();
            die();
        }
        "destroy" => {
            store.write_all(&["a", "b", "c"].map(|row| put(DEFAULT, raw(&gc, 5, 2, row))));
            store.write_all(&[put(DEFAULT, raw(&gc, 6, 2, "a"))]);
            store.compact(DEFAULT);
            store.attach().unwrap();
            // SAFETY: the logger lives as long as the process.
            assert_eq!(unsafe { ffi::rgc_set_logger(Some(die_before_compact), null_mut(), c::RGC_LOG_DEBUG as c_int) }, 1);
            gc.destroy_keyspace(5, 0).unwrap();
        }
        other => panic!("{other}"),
    }
    die();
}

fn kill(folder: &Path, way: &str) {
    let test = std::env::current_exe().unwrap();
    let ended = Command::new(test)
        .args(["--exact", "host_that_is_killed"])
        .env(FOLDER, folder)
        .env(WAY, way)
        .env(COMPILED, adaptor().object())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), None, "it was not killed: {}", String::from_utf8_lossy(&ended.stdout));
}

/// What the lists say before open.
fn know(gc: &Gc) {
    gc.load_schemas(1, &[2], 2).unwrap();
    gc.load_keyspace(5, c::RGC_KEYSPACE_TOMBSTONE, None).unwrap();
    gc.load_keyspace(6, c::RGC_KEYSPACE_ARCHIVED, None).unwrap();
}

/// An open store, and what gives its WAL filter back once it is closed.
struct Opened<'g> {
    store: Option<Store<'g>>,
    filters: Vec<Box<dyn FnOnce()>>,
}

impl<'g> std::ops::Deref for Opened<'g> {
    type Target = Store<'g>;

    fn deref(&self) -> &Store<'g> {
        self.store.as_ref().unwrap()
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.store = None;
        self.filters.drain(..).for_each(|give_back| give_back());
    }
}

/// Opens it with a filter, if this RocksDB has one that way.
fn open<'g>(folder: &Path, gc: &'g Gc, filtered: Option<Via>) -> Option<Opened<'g>> {
    open_with(folder, gc, filtered, |_| {})
}

/// The same; `also` gets the options of each family.
fn open_with<'g>(folder: &Path, gc: &'g Gc, filtered: Option<Via>, also: impl Fn(*mut c_void)) -> Option<Opened<'g>> {
    let names = NAMED.map(CStr::as_ptr);
    let settings = Settings::default();
    let filters = RefCell::new(Vec::<Box<dyn FnOnce()>>::new());
    let store = match filtered {
        None => Store::open_with(folder, gc, Via::C, FAMILIES, &settings, also),
        Some(Via::Adaptor) => Store::open_with(folder, gc, Via::Adaptor, FAMILIES, &settings, |options| {
            also(options);
            let filter = adaptor().wal_filter(gc, &names, options);
            // The options are gone when it is given back.
            filters.borrow_mut().push(Box::new(move || adaptor().wal_filter_destroy(filter, null_mut())));
        }),
        Some(Via::C) => {
            gc.bind();
            let filter = match gc.wal_filter(&names) {
                Ok(filter) => filter,
                Err(error) => {
                    assert!(error.starts_with("Not supported: RocksDB's C API lacks rocksdb_walfilter_create"), "{error}");
                    return None;
                }
            };
            // SAFETY: RocksDB's own functions.
            let (set, destroy) = unsafe {
                let library = &api().library;
                (
                    *library.get::<unsafe extern "C" fn(*mut c_void, *mut c_void)>(b"rocksdb_options_set_wal_filter").unwrap(),
                    *library.get::<unsafe extern "C" fn(*mut c_void)>(b"rocksdb_walfilter_destroy").unwrap(),
                )
            };
            // SAFETY: it was made above, and the DB is closed by then.
            filters.borrow_mut().push(Box::new(move || unsafe { destroy(filter) }));
            Store::open_with(folder, gc, Via::C, FAMILIES, &settings, |options| {
                also(options);
                // SAFETY: the filter lives until the DB is closed.
                unsafe { set(options, filter) }
            })
        }
    };
    Some(Opened { store: Some(store), filters: filters.into_inner() })
}

#[test]
fn puts_of_what_is_dropped_do_not_come_back() {
    for filtered in [None, Some(Via::Adaptor), Some(Via::C)] {
        let dir = tempdir().unwrap();
        kill(dir.path(), "write");
        let gc = gc();
        know(&gc);
        let Some(store) = open(dir.path(), &gc, filtered) else { continue };
        // RocksDB's C API cannot build what is kept in another family.
        let (several, one) = (filtered == Some(Via::Adaptor), filtered.is_some());
        let all = |keys: &[(bool, Vec<u8>)]| {
            let mut keys: Vec<_> = keys.iter().filter(|(ignored, _)| !ignored).map(|(_, key)| key.clone()).collect();
            keys.sort();
            keys
        };
        let default = all(&[
            (several, raw(&gc, 1, 1, "new")),
            (one, raw(&gc, 1, 1, "newer")),
            (one, raw(&gc, 1, 1, "newest")),
            (false, raw(&gc, 1, 2, "new")),
            (false, raw(&gc, 1, 2, "newer")),
            (several, raw(&gc, 5, 2, "tombstone")),
            (false, raw(&gc, 6, 2, "archived")),
            (false, b"\x01rocks_gc/of the library".to_vec()),
        ]);
        assert_eq!(store.keys(DEFAULT), default, "{filtered:?}: and no deleted key is back");
        let write = all(&[(several, txn(&gc, 1, 1, "new")), (false, txn(&gc, 1, 2, "new")), (one, txn(&gc, 5, 1, "newest"))]);
        assert_eq!(store.keys(WRITE), write, "{filtered:?}");
        let other = all(&["new", "old", "older"].map(|row| (false, raw(&gc, 1, 1, row))));
        assert_eq!(store.keys(OTHER), other, "{filtered:?}: a family that is not named");
        // The DB continues like any other. RocksDB asks the filter for its name whenever it writes
        // the OPTIONS file.
        store.set_option("disable_auto_compactions", "true");
        store.write_all(&[put(DEFAULT, raw(&gc, 1, 2, "after"))]);
        store.compact(DEFAULT);
        drop(store);
        let store = open(dir.path(), &gc, None).unwrap();
        assert!(store.keys(DEFAULT).contains(&raw(&gc, 1, 2, "after")));
        assert!(!store.keys(DEFAULT).contains(&raw(&gc, 1, 1, "older")));
    }
}

#[test]
fn deletes_of_an_unflushed_destroy_come_back() {
    for via in EVERY_WAY {
        let dir = tempdir().unwrap();
        kill(dir.path(), "destroy");
        let gc = gc();
        know(&gc);
        let Some(store) = open(dir.path(), &gc, Some(via)) else { continue };
        let seen: Vec<_> = store.keys(DEFAULT).into_iter().filter(|key| key[0] == b'z').collect();
        assert_eq!(seen, [raw(&gc, 6, 2, "a")], "{via:?}: before anything is attached");
        store.attach().unwrap();
        assert_eq!(gc.destroyed_count(), 2);
        store.compact(DEFAULT);
        let seen: Vec<_> = store.keys(DEFAULT).into_iter().filter(|key| key[0] == b'z').collect();
        assert_eq!(seen, [raw(&gc, 6, 2, "a")], "{via:?}");
    }
}

/// Several WALs stay at open.
fn avoid_flush(options: *mut c_void) {
    adaptor().avoid_flush_during_recovery(options);
}

/// RocksDB continues behind a torn WAL only if the next WAL's sequence numbers begin where the torn
/// one's end.
#[test]
fn what_came_behind_a_torn_wal_is_not_lost_for_an_ignored_put() {
    for via in EVERY_WAY {
        let dir = tempdir().unwrap();
        kill(dir.path(), "first");
        let newest = |folder: &Path| {
            let logs = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            logs.filter(|path| path.extension().is_some_and(|extension| extension == "log")).max().unwrap()
        };
        // The beginning of a record that was never written to its end.
        let mut log = std::fs::OpenOptions::new().append(true).open(newest(dir.path())).unwrap();
        log.write_all(b"\x12\x34\x56\x78\x10\x00\x01garbage that is too short").unwrap();
        kill(dir.path(), "precious");
        let gc = gc();
        know(&gc);
        let Some(store) = open_with(dir.path(), &gc, Some(via), avoid_flush) else { continue };
        let expected = [raw(&gc, 1, 2, "before"), raw(&gc, 1, 2, "precious")];
        assert_eq!(store.keys(DEFAULT), expected, "{via:?}");
    }
}
