//! The one principle, at the level of the rule: filters over any parts of a key space, from any
//! levels, in any order, remove nothing that a reader reads; a filter over everything leaves
//! exactly that.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::collections::BTreeSet;
use support::gc::Gc;

const SAFE_POINT: u64 = 50;

/// Versions as (row, timestamp), in stored order: newest first within a row.
type Key = (u8, std::cmp::Reverse<u64>);

fn key(row: u8, ts: u64) -> Key {
    (row, std::cmp::Reverse(ts))
}

fn context(history: &str) -> Gc {
    let gc = Gc::new(history, 1000);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.advance(1, SAFE_POINT).unwrap();
    gc
}

/// What a run over these keys keeps. Odd timestamps are delete marks.
fn keeps(gc: &Gc, keys: &[Key]) -> BTreeSet<Key> {
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    let stays = |(row, ts): &&Key| !run.callback(&gc.raw_key(1, &[*row], ts.0), if ts.0 % 2 == 0 { b"v\0" } else { b"\x02" });
    keys.iter().filter(stays).copied().collect()
}

/// What must stay of these keys.
fn needed(history: &str, keys: &BTreeSet<Key>) -> BTreeSet<Key> {
    let shadows = |newer: u64, ts: u64| newer > ts && (history == "history=latest" || newer < SAFE_POINT);
    let is_needed = |(row, ts): &&Key| ts.0 >= SAFE_POINT || !keys.iter().any(|(other, newer)| other == row && shadows(newer.0, ts.0));
    keys.iter().filter(is_needed).copied().collect()
}

#[test]
fn a_key_space_split_into_runs_at_every_possible_key() {
    let keys: BTreeSet<Key> = [(1, 90), (1, 60), (1, 45), (1, 40), (1, 30), (2, 44), (2, 43), (2, 42), (3, 47), (3, 20), (4, 70), (4, 10)]
        .map(|(r, t)| key(r, t))
        .into();
    let keys_in_order: Vec<Key> = keys.iter().copied().collect();
    for history in ["history=latest", "history=snapshot"] {
        let (gc, needed) = (context(history), needed(history, &keys));
        for splits in 0u32..1 << (keys.len() - 1) {
            let mut left = BTreeSet::new();
            let mut start = 0;
            for end in 1..=keys.len() {
                if end == keys.len() || splits & (1 << (end - 1)) != 0 {
                    left.extend(keeps(&gc, &keys_in_order[start..end]));
                    start = end;
                }
            }
            assert!(left.is_superset(&needed), "{history} split {splits:011b}: lost {:?}", needed.difference(&left));
            let runs = splits.count_ones() as usize + 1;
            assert!(
                left.len() < needed.len() + runs,
                "{history} split {splits:011b}: {} too many from {runs} runs",
                left.len() - needed.len()
            );
            let left: Vec<Key> = left.into_iter().collect();
            assert_eq!(keeps(&gc, &left), needed, "{history}: one run over what was left of split {splits:011b}");
        }
    }
}

#[test]
fn runs_over_any_levels_in_any_order() {
    let seed = std::env::var("HISTORY_SEED").map_or_else(|_| rand::random_range(0..u64::MAX / 2), |seed| seed.parse().unwrap());
    println!("HISTORY_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    for history in ["history=latest", "history=snapshot"] {
        let gc = context(history);
        for _ in 0..2000 {
            let all: BTreeSet<Key> = (0..rng.random_range(1..30)).map(|_| key(rng.random_range(0..5), rng.random_range(0..70))).collect();
            let mut levels = [const { BTreeSet::new() }; 4];
            for key in &all {
                levels[rng.random_range(0..4)].insert(*key);
            }
            let needed = needed(history, &all);
            for _ in 0..6 {
                let (from, to) = (rng.random_range(0..4), rng.random_range(0..4));
                let (start, end) = (rng.random_range(0..5), rng.random_range(0..5));
                let in_range = |key: &Key| (start..=end).contains(&key.0);
                let inputs: BTreeSet<Key> = levels[from].union(&levels[to]).copied().filter(in_range).collect();
                let inputs: Vec<Key> = inputs.into_iter().collect();
                let kept = keeps(&gc, &inputs);
                for level in [from, to] {
                    levels[level].retain(|key| !in_range(key));
                }
                levels[to].extend(kept);
            }
            let left: BTreeSet<Key> = levels.into_iter().flatten().collect();
            assert!(left.is_superset(&needed), "{history}: lost {:?} of {all:?}", needed.difference(&left));
            assert_eq!(keeps(&gc, &left.iter().copied().collect::<Vec<_>>()), needed, "{history} {all:?}");
        }
    }
}
