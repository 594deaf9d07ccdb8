//! Barriers: random histories against an obvious oracle, two threads, and a real RocksDB whose
//! versions survive under a barrier. `BARRIER_SEED=N cargo test --test barriers` repeats a history.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use support::gc::Gc;
use support::log::Log;
use support::store::{EVERY_WAY, RAW, Store, TXN, Via};
use support::wait_for;
use tempfile::tempdir;

const GLOBAL: u32 = c::RGC_KEYSPACE_NONE;
const ALL: u32 = c::RGC_KEYSPACE_ALL;
const NEVER: u64 = u64::MAX;
const KEYSPACES: [u32; 5] = [0, 1, 4095, 4096, 16_777_215];

/// Everything as it was told, and each answer computed from the beginning.
struct Oracle {
    unknown_is_global: bool,
    now: u64,
    asked: BTreeMap<u32, u64>,
    types: BTreeMap<u32, u32>,
    paused: BTreeMap<u32, ()>,
    /// Timestamp and last second by scope and name.
    barriers: BTreeMap<(u32, String), (u64, u64)>,
}

impl Oracle {
    fn let_go(&mut self) {
        let now = self.now;
        self.barriers.retain(|_, (_, end)| *end == NEVER || *end >= now);
    }

    fn held(&self, scope: u32) -> u64 {
        let asked = self.asked.get(&scope).copied().unwrap_or(0);
        self.barriers.iter().filter(|((of, _), _)| *of == scope || *of == ALL).map(|(_, (ts, _))| *ts).fold(asked, u64::min)
    }

    fn follows_global(&self, keyspace: u32) -> bool {
        self.types
            .get(&keyspace)
            .map_or(self.unknown_is_global && !self.paused.contains_key(&keyspace), |gc_type| *gc_type == c::RGC_GC_GLOBAL)
    }

    fn effective(&self, keyspace: u32) -> u64 {
        match self.types.get(&keyspace) {
            _ if self.paused.contains_key(&keyspace) => 0,
            _ if self.follows_global(keyspace) => self.held(GLOBAL),
            Some(_) => self.held(keyspace),
            None => 0,
        }
    }

    fn may_set(&self, scope: u32, ts: u64) -> bool {
        match scope {
            GLOBAL => self.held(GLOBAL) <= ts,
            ALL => {
                let used = KEYSPACES.iter().filter(|keyspace| self.types.get(*keyspace) != Some(&c::RGC_GC_GLOBAL));
                self.held(GLOBAL) <= ts && used.into_iter().all(|keyspace| self.held(*keyspace) <= ts)
            }
            keyspace => !self.follows_global(keyspace) && self.held(keyspace) <= ts,
        }
    }

    fn has_own(&self, keyspace: u32) -> bool {
        self.barriers.keys().any(|(scope, _)| *scope == keyspace)
    }
}

fn history(seed: u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let unknown_is_global = random.random_bool(0.3);
    let gc = Gc::new(if unknown_is_global { "unknown_keyspace=global" } else { "" }, 1000);
    let mut oracle = Oracle {
        unknown_is_global,
        now: 1000,
        asked: BTreeMap::new(),
        types: BTreeMap::new(),
        paused: BTreeMap::new(),
        barriers: BTreeMap::new(),
    };
    let mut before: BTreeMap<u32, u64> = BTreeMap::new();
    for step in 0..300 {
        let keyspace = KEYSPACES[random.random_range(0..KEYSPACES.len())];
        let scope = match random.random_range(0..4) {
            0 => GLOBAL,
            1 => ALL,
            _ => keyspace,
        };
        let what = random.random_range(0..100);
        let ts = random.random_range(1..40) + step / 10;
        let name = ["a", "b", "c"][random.random_range(0..3)];
        let mut paused = None;
        match what {
            0..40 => {
                let scope = if scope == ALL { GLOBAL } else { scope };
                let effective = |oracle: &Oracle| oracle.held(scope);
                let was = effective(&oracle);
                let is_used = oracle.types.get(&scope) != Some(&c::RGC_GC_GLOBAL);
                let refused = oracle.paused.contains_key(&scope) || ts < oracle.asked.get(&scope).copied().unwrap_or(0);
                if !refused {
                    oracle.asked.insert(scope, ts);
                }
                let moved = if scope == GLOBAL { gc.advance_global(ts) } else { gc.advance(scope, ts).unwrap() };
                assert!(!is_used || moved == (effective(&oracle) > was), "step {step}: advance {scope} to {ts}");
            }
            40..65 => {
                let ttl = if random.random_bool(0.4) { NEVER } else { random.random_range(1..30) };
                let may = oracle.may_set(scope, ts) && (oracle.now > 0 || ttl == NEVER);
                let set = gc.set_barrier(scope, name, ts, ttl);
                assert_eq!(set.is_ok(), may, "step {step}: barrier {scope} {name} {ts} {ttl}: {set:?}");
                if may {
                    let end = if ttl == NEVER { NEVER } else { oracle.now + ttl };
                    oracle.barriers.insert((scope, name.into()), (ts, end));
                }
            }
            65..77 => {
                let was_there = oracle.barriers.remove(&(scope, name.to_owned())).is_some();
                assert_eq!(gc.delete_barrier(scope, name), Ok(was_there), "step {step}: delete {scope} {name}");
            }
            77..88 => {
                oracle.now = match random.random_range(0..10) {
                    0 => 0,
                    1 => oracle.now.saturating_sub(20),
                    _ => oracle.now.max(900) + random.random_range(0..10),
                };
                gc.set_time(oracle.now);
                oracle.let_go();
            }
            88..97 => {
                let gc_type = if random.random_bool(0.3) { c::RGC_GC_GLOBAL } else { c::RGC_GC_KEYSPACE_LEVEL };
                let known = oracle.types.get(&keyspace);
                if known.is_none_or(|known| *known == gc_type) {
                    let may = gc_type == c::RGC_GC_KEYSPACE_LEVEL || !oracle.has_own(keyspace);
                    let named = gc.name(keyspace, gc_type);
                    assert_eq!(named.is_ok(), may, "step {step}: name {keyspace} {gc_type}: {named:?}");
                    if may {
                        oracle.types.insert(keyspace, gc_type);
                        oracle.paused.remove(&keyspace);
                        // Unregistered, it was judged by the global safe point.
                        paused = Some(keyspace);
                    }
                }
            }
            _ => {
                gc.remove(keyspace);
                oracle.paused.insert(keyspace, ());
                oracle.asked.remove(&keyspace);
                paused = Some(keyspace);
            }
        }
        assert_eq!(gc.global(), oracle.held(GLOBAL), "step {step}: the global safe point");
        for keyspace in KEYSPACES {
            let effective = gc.effective(keyspace);
            assert_eq!(effective, oracle.effective(keyspace), "step {step}: keyspace {keyspace}");
            let last = before.insert(keyspace, effective).unwrap_or(0);
            assert!(last <= effective || paused == Some(keyspace), "step {step}: keyspace {keyspace} went back from {last} to {effective}");
        }
        let listed: BTreeMap<_, _> = gc.barriers().into_iter().map(|(scope, name, ts, end)| ((scope, name), (ts, end))).collect();
        assert_eq!(listed, oracle.barriers, "step {step}");
        let metrics = gc.metrics();
        let is_held = |scope: &&u32| {
            let is_used = oracle.types.get(*scope) != Some(&c::RGC_GC_GLOBAL);
            is_used && oracle.asked.get(*scope).is_some_and(|asked| *asked > oracle.held(**scope))
        };
        let held = KEYSPACES.iter().chain([&GLOBAL]).filter(is_held).count();
        for line in [format!("barriers {}", listed.len()), format!("safe_points_held {held}")] {
            assert!(metrics.contains(&format!("\nrocks_gc_{line}\n")), "step {step}: no {line} in {metrics}");
        }
    }
}

#[test]
fn random_histories_agree_with_an_obvious_oracle() {
    let given = std::env::var("BARRIER_SEED").ok().map(|seed| seed.parse().unwrap());
    let first: u64 = given.unwrap_or_else(|| rand::random_range(0..u64::MAX / 2));
    for seed in first..first + if given.is_some() { 1 } else { 300 } {
        println!("BARRIER_SEED={seed}");
        history(seed);
    }
}

/// A thread advances, another one sets barriers and deletes them. No reader sees a safe point above
/// a barrier that was set before the read and deleted after it.
#[test]
fn no_advance_passes_a_barrier_of_another_thread() {
    for scope in [1, GLOBAL, ALL] {
        let gc = Gc::new("", 1000);
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        let (done, last) = (AtomicBool::new(false), AtomicU64::new(0));
        let read = || if scope == GLOBAL { gc.global() } else { gc.effective(1) };
        thread::scope(|threads| {
            threads.spawn(|| {
                for ts in 1..200_000 {
                    gc.advance_global(ts);
                    gc.advance(1, ts).unwrap();
                    last.store(ts, SeqCst);
                }
                done.store(true, SeqCst);
            });
            let (mut set, mut refused, mut before) = (0u64, 0u64, 0);
            while !done.load(SeqCst) || set == 0 {
                // Now and then it comes too late.
                let ts = last.load(SeqCst) + 2;
                match gc.set_barrier(scope, "reader", ts, NEVER) {
                    Ok(()) => {
                        set += 1;
                        for _ in 0..20 {
                            let now = read();
                            assert!(now <= ts && now >= before, "{before}, then {now}, with a barrier at {ts}");
                            before = now;
                        }
                        assert_eq!(gc.delete_barrier(scope, "reader"), Ok(true));
                    }
                    Err(error) => {
                        assert!(error.contains("is behind"), "{error}");
                        refused += 1;
                    }
                }
            }
            println!("scope {scope}: {set} barriers set, {refused} refused");
        });
        assert_eq!((read(), gc.global()), (199_999, 199_999), "scope {scope}: all that was asked for");
    }
}

fn timestamps(store: &Store<'_>, family: usize) -> Vec<u64> {
    let ts = |key: &Vec<u8>| !u64::from_be_bytes(key[key.len() - 8..].try_into().unwrap());
    // The ledger lies in the same family.
    store.keys(family).iter().filter(|key| key.starts_with(b"r")).map(ts).collect()
}

/// Versions that a reader at the barrier needs survive compactions and the worker, and go when the
/// barrier is deleted or has ended.
#[test]
fn versions_under_a_barrier_survive_until_it_lets_go() {
    for (via, ends) in EVERY_WAY.into_iter().flat_map(|via| [(via, false), (via, true)]) {
        for scope in [1, ALL] {
            let gc = Gc::new("history=snapshot", 1000);
            gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
            let dir = tempdir().unwrap();
            let store = Store::attached(dir.path(), &gc, via, RAW);
            for ts in [10, 20, 30] {
                store.put(0, &gc.raw_key(1, b"row", ts), b"value\0");
            }
            gc.set_barrier(scope, "backup", 15, if ends { 60 } else { NEVER }).unwrap();
            gc.advance(1, 100).unwrap();
            store.compact(0);
            gc.collect(0).unwrap();
            store.compact(0);
            assert_eq!(gc.drain(60_000), Ok(0));
            assert_eq!(timestamps(&store, 0), [30, 20, 10], "{via:?} scope {scope}: a reader at 15 reads 10");
            let (answers, text) = gc.explain_keyspace(1).unwrap();
            assert_eq!(answers[0].why, c::RGC_WHY_BARRIER as i32, "{text}");
            assert_eq!((answers[0].own_safe_point, answers[0].effective_safe_point), (15, 15));
            assert!(text.contains("\"backup\"") && text.contains("at 15") && text.contains("asked for 100"), "{text}");
            if ends {
                gc.set_time(1061);
                // The worker looks once a second.
                wait_for("the end of the barrier", || gc.metrics().contains("rocks_gc_barriers 0\n"));
            } else {
                assert_eq!(gc.delete_barrier(scope, "backup"), Ok(true));
            }
            store.compact(0);
            assert_eq!(timestamps(&store, 0), [30], "{via:?} scope {scope}");
        }
    }
}

/// The safe point that the host asked for is below what made the versions stale.
#[test]
fn a_barrier_is_no_reason_if_nothing_would_go_without_it() {
    let gc = Gc::new("history=snapshot", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::Adaptor, RAW);
    for ts in [10, 50] {
        store.put(0, &gc.raw_key(1, b"row", ts), b"value\0");
    }
    gc.set_barrier(1, "backup", 15, NEVER).unwrap();
    gc.advance(1, 49).unwrap();
    store.compact(0);
    let why = |gc: &Gc| gc.explain_keyspace(1).unwrap().0[0].why;
    assert_eq!(why(&gc), c::RGC_WHY_OWN_SAFE_POINT as i32, "10 is stale since 50");
    gc.advance(1, 50).unwrap();
    assert_eq!(why(&gc), c::RGC_WHY_BARRIER as i32);
}

/// The worker by itself lets an ended barrier go; nothing else looks.
#[test]
fn the_worker_lets_an_ended_barrier_go() {
    let gc = Gc::new("", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempdir().unwrap();
    let _store = Store::attached(dir.path(), &gc, Via::C, RAW);
    gc.set_barrier(1, "reader", 50, 60).unwrap();
    gc.advance(1, 100).unwrap();
    gc.set_time(1061);
    let key = gc.raw_key(1, b"row", 1);
    wait_for("the safe point", || gc.of_key(&key) == 100);
}

/// A pending destroy waits for the barrier as for its safe point.
#[test]
fn a_pending_destroy_waits_for_a_barrier() {
    let gc = Gc::new("", 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::Adaptor, TXN);
    store.put(0, &gc.raw_key(1, b"row", 5), b"value\0");
    gc.set_barrier(ALL, "backup", 50, NEVER).unwrap();
    gc.destroy_keyspace_after(1, 50).unwrap();
    gc.advance(1, 100).unwrap();
    assert_eq!(gc.drain(60_000), Ok(0));
    assert_eq!(timestamps(&store, 0), [5]);
    gc.delete_barrier(ALL, "backup").unwrap();
    gc.drain(60_000).unwrap();
    assert_eq!(timestamps(&store, 0), [0; 0]);
}

#[test]
fn the_log_names_a_barrier_when_it_begins_to_hold_and_when_it_ends() {
    let log = Log::new(c::RGC_LOG_INFO);
    let gc = Gc::new("", 1000);
    gc.name_all(&[1, 2, 3], c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.set_barrier(ALL, "backup", 50, 60).unwrap();
    gc.set_barrier(2, "reader", 40, NEVER).unwrap();
    for ts in [30, 60, 70] {
        (1..4).for_each(|keyspace| _ = gc.advance(keyspace, ts).unwrap());
        gc.advance_global(ts);
    }
    let lines = log.with("holds a safe point back");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].1.contains("barrier \"backup\" of all safe points at 50") && lines[0].1.contains("asked for 60"), "{lines:?}");
    assert!(lines[1].1.contains("barrier \"reader\" of keyspace 2 at 40"), "{lines:?}");
    gc.set_time(1061);
    assert_eq!([gc.effective(1), gc.effective(2)], [70, 40]);
    let ended = log.with("has ended");
    assert!(ended.len() == 1 && ended[0].1.contains("\"backup\"") && ended[0].1.contains("1060"), "{ended:?}");
}
