//! Faults that the crash host found in stores with several column families, several contexts, and
//! compactions that the host starts. Each test failed before its fault was mended.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;
use support::adaptor::adaptor;
use support::gc::Gc;
use support::rocksdb::{Settings, set_atomic_flush};
use support::store::{EVERY_WAY, Family, RAW, Store, Via};
use tempfile::tempdir;

const NOW: u64 = 1000;

/// Two families of rows, and one for the ledger.
const TWO: &[Family] = &[
    ("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_RAW)),
    ("extra", c::RGC_CF_OTHER, Some(c::RGC_KIND_RAW)),
    ("ledger", c::RGC_CF_LEDGER, None),
];

fn gc() -> Gc {
    let gc = Gc::new("", NOW);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc
}

/// A destroy that ends in the middle: it has deleted the lions, and waits for a flush when the host
/// detaches.
fn interrupted_destroy(gc: &Gc, store: &Store<'_>) {
    adaptor().pause(store.handle());
    thread::scope(|scope| {
        let destroy = scope.spawn(|| gc.destroy_range(b"l", b"m", c::RGC_DESTROY_REUSABLE));
        while store.keys(0).contains(&b"lion".to_vec()) {
            thread::sleep(Duration::from_millis(1));
        }
        gc.detach();
        destroy.join().unwrap().expect_err("it was cancelled");
    });
    adaptor().go_on(store.handle());
}

/// The host dropped a family with an unfinished destroy, and made it again. The library finishes
/// the destroy all the same, and what the host writes into the range afterwards stays.
#[test]
fn a_destroy_is_finished_though_one_of_its_families_was_dropped_and_made_again() {
    for via in EVERY_WAY {
        let dir = tempdir().unwrap();
        {
            let gc = gc();
            let store = Store::attached(dir.path(), &gc, via, TWO);
            store.put(0, b"lion", b"v");
            store.flush(0);
            // A destroy flushes what has no WAL entry.
            store.put_without_wal(0, b"lioness", b"v");
            store.drop_family(1);
            interrupted_destroy(&gc, &store);
        }
        let gc = gc();
        let store = Store::attached(dir.path(), &gc, via, TWO);
        assert_eq!(gc.destroyed_count(), 0, "{via:?}: attaching finishes it");
        for family in 0..2 {
            store.put(family, b"lion", b"new");
            store.compact(family);
            assert_eq!(store.keys(family), [b"lion"], "{via:?}: family {family}");
        }
    }
}

/// With atomic_flush the adaptor flushes all families together. It leaves out a family that the
/// host dropped, and does not treat the others as dropped.
#[test]
fn an_atomic_flush_over_a_dropped_family_is_one_of_the_others() {
    let gc = gc();
    let dir = tempdir().unwrap();
    let store = Store::open_with(dir.path(), &gc, Via::Adaptor, TWO, &Settings::default(), set_atomic_flush);
    store.attach().unwrap();
    for family in 0..2 {
        store.put_without_wal(family, b"lion", b"v");
    }
    store.drop_family(1);
    store.put_without_wal(0, &gc.raw_key(1, b"row", 9), b"v\0");
    gc.collect(0).unwrap();
    gc.destroy_range(b"l", b"m", 0).unwrap();
    assert_eq!(store.keys(0), [gc.raw_key(1, b"row", 9)]);
    gc.destroy_range(&gc.raw_key(1, b"ro", 0), &gc.raw_key(1, b"rx", 0), 0).unwrap();
    assert!(store.keys(0).is_empty(), "the second destroy finds its family, too");
}

/// The host dropped a family, and keeps its handle. The keys in its memtable can still be read, but
/// with atomic_flush RocksDB reports success for flushes and compactions that do nothing. A destroy
/// with a bound that cuts a row does not wait for that row's compaction.
#[test]
fn a_destroy_cuts_a_row_in_the_memtable_of_a_dropped_family() {
    for (via, configure) in [(Via::C, None), (Via::Adaptor, None), (Via::Adaptor, Some(set_atomic_flush as fn(_)))] {
        let gc = gc();
        let dir = tempdir().unwrap();
        let store = Store::open_with(dir.path(), &gc, via, TWO, &Settings::default(), |options| {
            configure.into_iter().for_each(|configure| configure(options));
        });
        store.attach().unwrap();
        let row = |ts| gc.raw_key(1, b"row", ts);
        // The file's range covers the row, and the file holds no key of it.
        for neighbour in [b"ros", b"rox"] {
            store.put(1, &gc.raw_key(1, neighbour, 5), b"v\0");
        }
        store.flush(1);
        for family in 0..2 {
            for ts in [5, 7, 9] {
                store.put(family, &row(ts), b"v\0");
            }
        }
        store.drop_family(1);
        gc.destroy_range(&row(9), &row(5), 0).unwrap();
        assert_eq!(store.keys(0), [row(5)], "{via:?}");
    }
}

/// The first context destroys meanwhile. The probe keys of that destroy do not disturb the check of
/// whose ledger it is.
#[test]
fn a_ledger_is_refused_to_a_second_context_while_the_first_one_destroys() {
    for via in EVERY_WAY {
        let (first, second) = (gc(), gc());
        let dir = tempdir().unwrap();
        let store = Store::open(dir.path(), &first, via, TWO);
        second.bind();
        let families = [(0, c::RGC_CF_DEFAULT), (1, c::RGC_CF_OTHER), (2, c::RGC_CF_LEDGER)];
        store.attach_to(&first, &families).unwrap();
        // A file that the range lies in, so that a destroy asks what is durable.
        for key in [b"a", b"z"] {
            store.put(0, key, b"v");
        }
        store.compact(0);
        let ends = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !ends.load(SeqCst) {
                    first.destroy_range(b"l", b"m", c::RGC_DESTROY_REUSABLE).unwrap();
                }
            });
            let attached = (0..200).filter(|_| store.attach_to(&second, &families).is_ok()).count();
            ends.store(true, SeqCst);
            assert_eq!(attached, 0, "{via:?}: of 200");
        });
    }
}

/// Many contexts take one ledger at the same moment: one of them gets it.
#[test]
fn one_of_many_contexts_gets_a_ledger() {
    for via in EVERY_WAY {
        let contexts: Vec<Gc> = (0..4).map(|_| gc()).collect();
        let dir = tempdir().unwrap();
        let store = Store::open(dir.path(), contexts.first().unwrap(), via, TWO);
        contexts.iter().for_each(Gc::bind);
        let families = [(0, c::RGC_CF_DEFAULT), (1, c::RGC_CF_OTHER), (2, c::RGC_CF_LEDGER)];
        for round in 0..20 {
            let attach = |gc| store.attach_to(gc, &families).is_ok();
            let attached = thread::scope(|scope| {
                let threads: Vec<_> = contexts.iter().map(|gc| scope.spawn(move || attach(gc))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).filter(|attached| *attached).count()
            });
            assert_eq!(attached, 1, "{via:?}, round {round}");
            contexts.iter().for_each(Gc::detach);
        }
    }
}

/// A compaction of the host's, which asked for its filter long ago.
struct Compaction {
    is_on: AtomicBool,
    may_end: AtomicBool,
}

#[allow(unsafe_code, reason = "called by C++")]
unsafe extern "C" fn hold(compaction: *mut c_void) {
    // SAFETY: the test leaks it.
    let compaction = unsafe { &*compaction.cast::<Compaction>() };
    compaction.is_on.store(true, SeqCst);
    while !compaction.may_end.load(SeqCst) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// A compaction of the host's takes the files that a collect has picked: the factory is there.
#[test]
fn collect_believes_in_the_factory_though_another_compaction_took_its_files() {
    let gc = gc();
    let dir = tempdir().unwrap();
    let compaction: &'static Compaction =
        Box::leak(Box::new(Compaction { is_on: AtomicBool::new(false), may_end: AtomicBool::new(false) }));
    let state = std::ptr::from_ref(compaction).cast_mut().cast::<c_void>();
    let store = Store::open_with(dir.path(), &gc, Via::C, RAW, &Settings::default(), |options| adaptor().hook(options, hold, state));
    store.attach().unwrap();
    for ts in 1..9 {
        store.put(0, &gc.raw_key(1, b"row", ts), b"v\0");
    }
    store.flush(0);
    gc.advance(1, 100).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| store.compact_files(0, 0, 6));
        while !compaction.is_on.load(SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        let collect = scope.spawn(|| gc.collect(0));
        thread::sleep(Duration::from_millis(500));
        compaction.may_end.store(true, SeqCst);
        collect.join().unwrap().expect("the factory was asked before");
    });
    assert_eq!(store.keys(0).len(), 1);
}

/// A debt that the ledger cannot record any more, because the host dropped the ledger's family: no
/// thread waits for it.
#[test]
fn no_thread_waits_for_the_debt_of_a_dropped_ledger() {
    for via in EVERY_WAY {
        let gc = gc();
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, TWO);
        for key in [b"a", b"l", b"z"] {
            store.put(0, key, b"v");
        }
        store.compact(0);
        gc.destroy_range(b"k", b"m", 0).unwrap();
        store.drop_family(store.place("ledger").unwrap());
        assert_eq!(gc.drain(60_000), Ok(0), "{via:?}");
        assert_eq!(store.keys(0), [b"a", b"z"], "{via:?}");
    }
}
