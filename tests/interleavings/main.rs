//! Random histories of attached stores in which the host acts inside of runs: at a random decision
//! it writes, moves a safe point, destroys a range, or waits for the worker. Invariants: I1 and I2
//! (reads do not change), I5 (when the call returns, the destroyed range is gone, and nothing
//! else), every long value has its record and every record its value, and at the end I4 (full
//! compactions and the worker leave exactly what must stay). `HISTORY_SEED=N cargo test --test
//! interleavings` repeats a seed.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, unsafe_code, reason = "a test may fail")]

mod host;
#[path = "../support/mod.rs"]
mod support;

use host::{History, Hook, Host, KEYSPACES, Test, at_a_decision};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rocks_gc::ffi::c;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_void;
use std::sync::Mutex;
use std::thread;
use support::adaptor::adaptor;
use support::gc::Gc;
use support::rocksdb::Settings;
use support::store::{EVERY_WAY, RAW, Store, TXN, Via};

const NOW: u64 = 1000;
const HISTORIES: u64 = 40;
const STEPS: usize = 120;

fn history(seed: u64) -> Result<usize, String> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let history = *[History::Latest, History::Snapshot, History::Txn].choose(&mut rng).unwrap();
    let mut options = vec![if history == History::Snapshot { "history=snapshot" } else { "history=latest" }];
    options.push(["remove_mode=auto", "remove_mode=remove", "remove_mode=skip"].choose(&mut rng).unwrap());
    options.push(["delete_batch_bytes=100", "delete_batch_bytes=32768"].choose(&mut rng).unwrap());
    options.push(["delete_range_min_keys=0", "delete_range_min_keys=4", "delete_range_min_keys=10000"].choose(&mut rng).unwrap());
    let gc: &'static Gc = Box::leak(Box::new(Gc::new(&options.join(";"), NOW)));
    gc.name_all(&KEYSPACES, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let via = *EVERY_WAY.choose(&mut rng).unwrap();
    let hook: &'static Hook = Box::leak(Box::new(Hook(Mutex::new(None))));
    let families = if history == History::Txn { TXN } else { RAW };
    let hook_state = (&raw const *hook).cast_mut().cast::<c_void>() as usize;
    let store = Store::open_with(dir.path(), gc, via, families, &Settings::default(), |options| {
        adaptor().hook(options, at_a_decision, hook_state as *mut c_void);
    });
    let store: &'static Store<'static> = Box::leak(Box::new(store));
    store.attach()?;
    let host = Host {
        rng,
        history,
        rows: BTreeMap::new(),
        locked: BTreeSet::new(),
        safe_points: BTreeMap::new(),
        next_ts: 10,
        destroyed: Vec::new(),
        destroying: None,
        interleaved: 0,
    };
    let test: &'static Test = Box::leak(Box::new(Test { gc, store, host: Mutex::new(host) }));
    *hook.0.lock().unwrap() = Some(test);
    let outcome = (0..STEPS).try_for_each(|step| test.step().map_err(|error| format!("step {step}: {error}")));
    *hook.0.lock().unwrap() = None;
    let outcome = outcome.and_then(|()| {
        test.end_destroy()?;
        for _ in 0..3 {
            (0..=test.family()).for_each(|family| store.compact(family));
            gc.drain(60_000)?;
        }
        test.check(true).map_err(|error| format!("at the end: {error}"))
    });
    let interleaved = test.host.lock().unwrap().interleaved;
    // SAFETY: it came from Box::leak, and nothing uses it any more: the hook is empty, and the
    // destroys have ended.
    drop(unsafe { Box::from_raw((&raw const *store).cast_mut()) });
    outcome.map(|()| interleaved).map_err(|error| format!("{history:?} {options:?} {via:?}: {error}"))
}

#[test]
fn histories_with_everything_at_once() {
    let given = std::env::var("HISTORY_SEED").ok().and_then(|seed| seed.parse().ok());
    let first: u64 = given.unwrap_or_else(rand::random);
    let mut interleaved = 0;
    for seed in if given.is_some() { first..first + 1 } else { first..first.saturating_add(HISTORIES) } {
        interleaved += history(seed).unwrap_or_else(|error| panic!("HISTORY_SEED={seed}: {error}"));
    }
    assert!(given.is_some() || interleaved > 500, "only {interleaved} things happened inside of runs");
}

/// Keyspace 1 is collected up to this safe point.
fn gc_at(safe_point: u64) -> Gc {
    let gc = Gc::new("", NOW);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.advance(1, safe_point).unwrap();
    gc
}

/// A destroy cuts a row after a filter has kept its newest version. That version no longer shadows
/// the half that stays.
#[test]
fn a_row_is_cut_while_a_run_is_in_the_middle_of_it() {
    let gc = gc_at(100);
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::attached(dir.path(), &gc, Via::C, RAW);
    let key = |ts| gc.raw_key(1, b"a long enough row", ts);
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    let decide = |ts| run.decide(c::RGC_VALUE, &key(ts), b"v\0");
    assert_eq!([9, 8].map(decide), [c::RGC_KEEP, c::RGC_REMOVE]);
    // By another thread: on this one it would be inside the run.
    assert!(gc.destroy_range(&key(9), &key(5), 0).unwrap_err().starts_with("Aborted: "));
    thread::scope(|scope| scope.spawn(|| gc.destroy_range(&key(9), &key(5), 0)).join().unwrap()).unwrap();
    assert_eq!([7, 6].map(decide), [c::RGC_REMOVE, c::RGC_REMOVE], "destroyed");
    assert_eq!([5, 4].map(decide), [c::RGC_KEEP, c::RGC_REMOVE], "the first that counts, and what it shadows");
    assert_eq!(gc.stats().dropped, 2);
}

/// A filter drops half of a row until the record is forgotten. Versions of the dropped half must
/// not shadow the half that stays.
#[test]
fn a_row_is_no_longer_cut_while_a_run_is_in_the_middle_of_it() {
    for forget in [false, true] {
        let gc = gc_at(100);
        let dir = tempfile::tempdir().unwrap();
        let _store = Store::attached(dir.path(), &gc, Via::C, RAW);
        let key = |ts| gc.raw_key(1, b"a long enough row", ts);
        gc.destroy_range(&key(9), &key(5), 0).unwrap();
        let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
        let decide = |ts| run.decide(c::RGC_VALUE, &key(ts), b"v\0");
        assert_eq!(decide(9), c::RGC_REMOVE);
        if forget {
            thread::scope(|scope| scope.spawn(|| gc.forget_destroyed(&key(9), &key(5))).join().unwrap()).unwrap();
            // From here on it is a row like any other: the first that the run sees stays.
            assert_eq!([7, 5].map(decide), [c::RGC_KEEP, c::RGC_REMOVE]);
        } else {
            thread::scope(|scope| scope.spawn(|| gc.set_enabled(false)).join().unwrap());
            assert_eq!([7, 5, 4].map(decide), [c::RGC_KEEP; 3], "switched off, everything stays");
        }
    }
}

/// Two parts of one row are destroyed, at timestamps above the safe point.
#[test]
fn a_row_that_is_cut_twice() {
    let gc = gc_at(3);
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::attached(dir.path(), &gc, Via::C, RAW);
    let key = |ts| gc.raw_key(1, b"a long enough row", ts);
    gc.destroy_range(&key(9), &key(8), 0).unwrap();
    gc.destroy_range(&key(6), &key(5), 0).unwrap();
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    let decide = |ts| run.decide(c::RGC_VALUE, &key(ts), b"v\0");
    let (keep, remove) = (c::RGC_KEEP, c::RGC_REMOVE);
    assert_eq!([10, 9, 8, 7, 6, 5, 4, 2].map(decide), [keep, remove, keep, keep, remove, keep, keep, remove]);
}
