//! Random histories on a real RocksDB against a model. Invariants: I1 and I2 (reads do not change:
//! of snapshots and transactions, and of RawKV), I3 (a keyspace changes by its own safe point
//! only), and I4 (a full compaction leaves exactly what must stay).
//!
//! The host uses RocksDB's C API or the C++ adaptor, with any `remove_mode`, static or dynamic
//! levels, one subcompaction or four, and values in blob files or not. It writes, flushes, compacts
//! ranges, and compacts any level into any other. It deletes what H2 lets it delete, by tombstones
//! and range tombstones, some in files of their own. It writes late rollbacks over earlier
//! versions, registers and pauses keyspaces, and moves safe points. `HISTORY_SEED=N cargo test
//! --test histories` repeats a seed.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod host;
#[path = "../support/mod.rs"]
mod support;

use host::{Host, NOW, leap};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use support::gc::Gc;
use support::model::{History, Model, Version};
use support::rocksdb::{Db, Settings, Write};

const HISTORIES: u64 = 60;
const STEPS: usize = 250;

/// The seed to begin with, printed so that a failure can be had again.
fn first_seed() -> u64 {
    let seed = std::env::var("HISTORY_SEED").map_or_else(|_| rand::random_range(0..u64::MAX / 2), |seed| seed.parse().unwrap());
    println!("HISTORY_SEED={seed}");
    seed
}

#[test]
fn reads_stay_the_same_and_only_what_must_stay_is_left() {
    let first = first_seed();
    let (mut removed, mut skipped, mut levels, mut at_safe_point, mut leaps) = (0, 0, 0, 0, 0);
    for seed in first..first + HISTORIES {
        let mut host = Host::new(seed);
        let outcome = (0..STEPS).try_for_each(|step| {
            if step % 10 == 0 {
                levels = levels.max(host.db.files_per_level().iter().filter(|files| **files > 0).count());
            }
            host.step()
        });
        let outcome = outcome.and_then(|()| host.end());
        if let Err(what) = outcome {
            panic!("{what}; again: HISTORY_SEED={seed} cargo test --test histories");
        }
        removed += host.gc.stats().removed;
        skipped += host.gc.stats().skipped;
        leaps += host.leaps;
        if host.model.history == History::Txn {
            at_safe_point += host.at_safe_point;
        }
        assert_eq!(host.gc.stats().runs_closed, 0);
    }
    assert!(removed > HISTORIES * 20, "the histories had next to no garbage: {removed} versions removed");
    assert!(skipped > HISTORIES * 10, "next to nothing was skipped: {skipped}");
    assert!(at_safe_point > 100 && leaps > 60, "{at_safe_point} commits at the safe point, {leaps} leaps");
    assert!(levels > 2, "no history had data in several levels");
}

/// Rows of more than 400 versions, small files, four subcompactions: a filter that begins inside a
/// row keeps the first version that it sees, and leaves no other garbage.
#[test]
fn rows_cut_by_subcompactions_keep_one_more_version_at_most() {
    let gc = Gc::new("", NOW);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { max_subcompactions: 4, target_file_size: 32 << 10, ..Settings::default() };
    let db = Db::open(dir.path(), &settings, gc.factory(c::RGC_KIND_RAW));
    let mut model = Model::new(History::Latest);
    const VERSIONS: u64 = 450;
    for file in 0..4 {
        for row in 0..12u8 {
            for ts in (1..=VERSIONS).filter(|ts| ts % 4 == file) {
                let (stored_key, value) = (gc.raw_key(1, &[row], ts), [&[b'v'; 100][..], b"\0"].concat());
                db.write(&[Write::Put(&stored_key, &value)]);
                model.rows.entry((1, vec![row])).or_default().insert(ts, Version { stored_key, value, gone: false, beneath: None });
            }
        }
        db.flush();
    }
    // Into the last level before there is a safe point, so that the rows lie in many files there.
    db.compact(None, true);
    assert!(db.files_per_level().iter().sum::<u64>() > 12, "small files: {:?}", db.files_per_level());
    gc.advance(1, VERSIONS + 1).unwrap();
    model.saw_safe_point(1, VERSIONS + 1);
    let runs_before = gc.stats().runs_started;
    db.compact(None, true);
    let runs = gc.stats().runs_started - runs_before;
    let spare = model.check(&db.scan()).unwrap();
    assert!(spare > 0, "no row was cut, so nothing was tested; {runs} runs");
    assert!(spare as u64 <= runs, "{spare} versions too many from {runs} runs");
}

/// TTL v1: a key reads as before until its newest value expires, and may then be gone, also while
/// the clock leaps. After a full compaction it is gone.
#[test]
fn ttl_v1_removes_what_has_expired_and_nothing_else() {
    let seed = first_seed();
    let mut rng = SmallRng::seed_from_u64(seed);
    let gc = Gc::new("data_prefix=z", NOW);
    let clock: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(NOW)));
    gc.set_moving_time(clock);
    gc.look_at_the_clock();
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path(), &Settings::default(), gc.factory(c::RGC_KIND_TTL_V1));
    let mut newest: BTreeMap<Vec<u8>, (Vec<u8>, bool)> = BTreeMap::new();
    for step in 0..400u64 {
        let key = vec![*b"zzzy".choose(&mut rng).unwrap(), rng.random_range(0..20)];
        match rng.random_range(0..10) {
            0 => db.flush(),
            1 => db.compact(None, rng.random()),
            3 if rng.random() => {
                leap(clock, &gc, &mut rng, || {
                    db.flush();
                    db.compact(None, true);
                });
            }
            2 => {
                db.write(&[Write::Delete(&key)]);
                newest.remove(&key);
            }
            _ => {
                let expire_ts: u64 = *[0, 1, NOW, NOW + 3000, u64::MAX].choose(&mut rng).unwrap();
                let expired = key[0] == b'z' && (1..=NOW).contains(&expire_ts);
                let value = [&step.to_be_bytes()[..], &expire_ts.to_be_bytes()].concat();
                db.write(&[Write::Put(&key, &value)]);
                newest.insert(key, (value, expired));
            }
        }
        let found: BTreeMap<Vec<u8>, Vec<u8>> = db.scan().into_iter().collect();
        for (key, (value, expired)) in &newest {
            let read = found.get(key);
            assert!(read == Some(value) || (*expired && read.is_none()), "{key:02x?} reads {read:02x?}; HISTORY_SEED={seed}");
        }
        assert!(found.keys().all(|key| newest.contains_key(key)), "a deleted key is back; HISTORY_SEED={seed}");
    }
    db.compact(None, true);
    assert!(db.scan().iter().all(|(key, _)| !newest[key].1), "expired values are left; HISTORY_SEED={seed}");
    assert!(gc.stats().expired > 0, "nothing expired; HISTORY_SEED={seed}");
}
