//! Random histories of attached stores on a real RocksDB, which end where the model says: a host
//! without a WAL, two contexts on one DB, two DBs in one process, a dropped family, a backup put
//! back under the same context, restarts, compactions before attach, and clocks that leap. The host
//! destroys, forgets, rechecks and pauses. `EDGES_SEED=N cargo test --test edges` repeats a seed.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod host;
mod model;
#[path = "../support/mod.rs"]
mod support;

use host::{BESIDES, CHOICES, Host};
use model::{NOW, start_of};
use rand::rngs::SmallRng;
use rand::seq::IndexedMutRandom;
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::collections::BTreeMap;
use support::gc::Gc;
use support::log::Log;
use support::store::{RAW, Store, Via};
use tempfile::tempdir;

/// More are run if something happened too seldom in these.
const HISTORIES: u64 = 40;
const MOST_HISTORIES: u64 = 160;
const STEPS: usize = 150;

#[test]
fn what_must_stay_stays_whatever_happens_to_the_store() {
    let _quiet = Log::new(c::RGC_LOG_ERROR);
    let given = std::env::var("EDGES_SEED").ok();
    let first = given.as_ref().map_or_else(|| rand::random_range(0..u64::MAX / 2), |seed| seed.parse().unwrap());
    let mut did = BTreeMap::<_, usize>::new();
    let wanted: Vec<_> = CHOICES.iter().map(|choice| (choice.1, 5)).chain(BESIDES).collect();
    let seldom = |did: &BTreeMap<&str, usize>| wanted.iter().find(|(what, least)| did.get(what).is_none_or(|times| times < least)).copied();
    for seed in first..first + MOST_HISTORIES {
        if seed >= first + HISTORIES && seldom(&did).is_none() {
            break;
        }
        println!("EDGES_SEED={seed}");
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut hosts: Vec<_> = (0..rng.random_range(1..3)).map(|_| Host::new(rng.random())).collect();
        (0..STEPS).for_each(|_| hosts.choose_mut(&mut rng).unwrap().step());
        for (what, times) in hosts.iter_mut().flat_map(Host::end) {
            *did.entry(what).or_default() += times;
        }
    }
    println!("{did:?}");
    assert_eq!(seldom(&did), None, "too seldom: {did:?}");
}

/// A bound with a timestamp cuts the row that it names, for the worker also where no version lies
/// on the other side.
#[test]
fn a_dead_row_at_an_end_bound_goes_with_the_record_at_the_latest() {
    for timestamp in [0, 8] {
        let gc = Gc::new("recheck=manual", NOW);
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, Via::C, RAW);
        let bound = |row| [start_of(&gc, 1, row), vec![0; timestamp]].concat();
        store.put(0, &gc.raw_key(1, &[3], 5), b"\x02");
        gc.destroy_range(&bound(2), &bound(3), 0).unwrap();
        gc.advance(1, 50).unwrap();
        store.collect_all();
        assert!(timestamp > 0 || store.keys(0).len() == 1, "nothing but the record is left");
        gc.forget_destroyed(&bound(2), &bound(3)).unwrap();
        store.collect_all();
        assert_eq!(store.keys(0).len(), 0);
    }
}
