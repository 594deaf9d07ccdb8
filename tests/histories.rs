//! Random histories on a real RocksDB against the obvious answer: I2 for RawKV, I1 for snapshots and transactions (reads stay the
//! same), I3 (a keyspace changes by its own safe point only) and I4 (after full compactions exactly what must stay is left).
//!
//! The host is on RocksDB's C API or has the C++ adaptor, with any `remove_mode`, static or dynamic levels, one subcompaction or
//! four, values in blob files or not. It writes, flushes, compacts ranges and from any level into any other, deletes what it may
//! delete (H2) by tombstones and range tombstones, some in files of their own, writes rollbacks late over what was there before,
//! names and removes keyspaces and moves safe points. Another seed: `HISTORY_SEED=N cargo test --test histories`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use support::adaptor::adaptor;
use support::gc::Gc;
use support::model::{History, Model, RowKey, Version};
use support::rocksdb::{Db, Settings, Write};

const NOW: u64 = 1000;
const HISTORIES: u64 = 60;
const STEPS: usize = 250;
const KEYSPACES: [u32; 5] = [0, 1, 2, 255, 16_777_215];
const USER_KEYS: [&[u8]; 8] = [b"", b"a", b"ab", b"abc\0", b"abcd", b"abcdefg", b"abcdefghi", b"\xff\xff\xff\xff\xff\xff"];

struct Host {
    rng: SmallRng,
    gc: Gc,
    db: Db,
    model: Model,
    plain: bool,
    subcompactions: bool,
    /// Keys of other modes, and keys that are none.
    foreign: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Versions that the host deleted one by one.
    deleted: Vec<(RowKey, u64, Vec<u8>)>,
    /// Rows that the host deleted: only newer versions may follow.
    deleted_up_to: BTreeMap<RowKey, u64>,
    next_ts: u64,
    /// How many versions were written at the safe point.
    at_safe_point: usize,
    clock: &'static AtomicU64,
    leaps: usize,
    _dir: tempfile::TempDir,
}

impl Host {
    fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let history = *[History::Latest, History::Snapshot, History::Txn].choose(&mut rng).unwrap();
        let plain = rng.random_ratio(1, 5);
        let mut options = vec![if history == History::Snapshot { "history=snapshot" } else { "history=latest" }];
        options.push(if rng.random() { "data_prefix=z" } else { "data_prefix=" });
        options.push(["remove_mode=auto", "remove_mode=remove", "remove_mode=skip", "remove_mode=skip"].choose(&mut rng).unwrap());
        if plain {
            options.push("key_layout=plain;plain_keys=4");
        } else if rng.random_ratio(1, 4) {
            options.push("unknown_keyspace=global");
        }
        let gc = Gc::new(&options.join(";"), NOW);
        let clock: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(NOW)));
        gc.set_moving_time(clock);
        gc.look_at_the_clock();
        let dir = tempfile::tempdir().unwrap();
        let subcompactions = rng.random_ratio(1, 4);
        let settings = Settings {
            dynamic_levels: rng.random(),
            blobs: rng.random_ratio(1, 4),
            max_subcompactions: if subcompactions { 4 } else { 1 },
            target_file_size: if subcompactions { 1 << 10 } else { 64 << 20 },
            ..Settings::default()
        };
        let kind = if history == History::Txn { c::RGC_KIND_TXN } else { c::RGC_KIND_RAW };
        let db = if rng.random_ratio(1, 4) {
            Db::open(dir.path(), &settings, gc.factory(kind))
        } else {
            Db::open_with(dir.path(), &settings, |options| adaptor().install(&gc, kind, options).unwrap())
        };
        let model = Model::new(history);
        let (foreign, deleted, deleted_up_to) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let (next_ts, at_safe_point, leaps) = (10, 0, 0);
        Self { rng, gc, db, model, plain, subcompactions, foreign, deleted, deleted_up_to, next_ts, at_safe_point, clock, leaps, _dir: dir }
    }

    fn step(&mut self) -> Result<(), String> {
        match self.rng.random_range(0..100) {
            0..40 => self.write_versions(),
            40..45 => self.write_late_rollback(),
            45..50 => self.write_foreign(),
            50..58 => self.db.flush(),
            58..65 => self.delete_an_older_version(),
            65..69 => self.delete_a_row(),
            69..71 => self.write_a_file_of_tombstones(),
            71..78 => self.name_or_remove(),
            78..87 => self.advance(),
            87..91 => self.compact_range(),
            91..97 => self.compact_a_level(),
            97 => self.leap(),
            _ => self.db.compact(None, self.rng.random()),
        }
        self.check().map(|_| ())
    }

    fn keyspace(&mut self) -> u32 {
        if self.plain { c::RGC_KEYSPACE_NONE } else { *KEYSPACES.choose(&mut self.rng).unwrap() }
    }

    fn row(&mut self) -> RowKey {
        let keyspace = self.keyspace();
        let user_key = if self.plain {
            vec![b'k', b'e', b'y', self.rng.random_range(0..6)]
        } else {
            USER_KEYS.choose(&mut self.rng).unwrap().to_vec()
        };
        (keyspace, user_key)
    }

    fn stored_key(&self, (keyspace, user_key): &RowKey, ts: u64) -> Vec<u8> {
        let mode = match (self.plain, self.model.history) {
            (true, _) => c::RGC_MODE_NONE,
            (false, History::Txn) => c::RGC_MODE_TXN,
            (false, _) => c::RGC_MODE_RAW,
        };
        self.gc.key(mode, *keyspace, user_key, ts)
    }

    fn value(&mut self, ts: u64) -> Vec<u8> {
        if self.model.history == History::Txn {
            return self.record(ts);
        }
        let expiry = |at: u64| [&at.to_be_bytes()[..], &[1]].concat();
        let tail = match self.rng.random_range(0..10) {
            0..2 => vec![2],
            2 => expiry(NOW - 1),
            3 => expiry(NOW + 1),
            _ => vec![0],
        };
        [format!("v{ts}").as_bytes(), &tail].concat()
    }

    /// Every record is its own, for its timestamp stands in it as a last change.
    fn record(&mut self, ts: u64) -> Vec<u8> {
        let head: &[u8] = match self.rng.random_range(0..12) {
            0..2 => b"D\x05",
            2..4 => b"R\x05",
            4 => b"L\x05",
            5..7 => b"P\x05",
            _ => b"P\x05v\x05value",
        };
        let fence = if self.rng.random_ratio(1, 8) { [&b"RF"[..], &(ts + 3).to_be_bytes()].concat() } else { Vec::new() };
        [head, &fence, b"l", &ts.to_be_bytes(), b"\x01"].concat()
    }

    /// At or above the effective safe point (H1), above what was deleted as a whole (H2), not twice.
    fn write_versions(&mut self) {
        for _ in 0..self.rng.random_range(1..6) {
            let row = self.row();
            // H1 forbids a transaction to commit at the safe point; the library does not lose it.
            let lowest = self.model.safe_point(row.0).max(self.deleted_up_to.get(&row).map_or(1, |ts| ts + 1));
            self.next_ts += self.rng.random_range(0..3);
            let ts = match self.rng.random_range(0..10) {
                0..2 => self.rng.random_range(lowest..self.next_ts.max(lowest + 1)),
                2 => lowest,
                _ => self.next_ts.max(lowest),
            };
            if self.model.rows.get(&row).is_some_and(|versions| versions.contains_key(&ts)) {
                continue;
            }
            let (stored_key, value) = (self.stored_key(&row, ts), self.value(ts));
            self.db.write(&[Write::Put(&stored_key, &value)]);
            self.at_safe_point += usize::from(ts == self.model.safe_point(row.0));
            self.model.rows.entry(row).or_default().insert(ts, Version { stored_key, value, gone: false, beneath: None });
        }
    }

    /// Rollbacks hold no data, so they may come at any timestamp; also where a version has been before.
    fn write_late_rollback(&mut self) {
        if self.model.history != History::Txn {
            return;
        }
        let (row, ts) = match self.deleted.choose(&mut self.rng) {
            Some((row, ts, _)) if self.rng.random() => (row.clone(), *ts),
            _ => (self.row(), self.rng.random_range(1..self.next_ts)),
        };
        let beneath = self.deleted.iter().rfind(|(deleted, at, _)| (deleted, *at) == (&row, ts)).map(|(_, _, value)| value.clone());
        if self.model.rows.get(&row).and_then(|versions| versions.get(&ts)).is_some_and(|version| !version.gone) {
            return;
        }
        let (stored_key, value) = (self.stored_key(&row, ts), [b"R\x06l", &ts.to_be_bytes()[..], b"\x01"].concat());
        self.db.write(&[Write::Put(&stored_key, &value)]);
        self.model.rows.entry(row).or_default().insert(ts, Version { stored_key, value, gone: false, beneath });
    }

    fn write_a_file_of_tombstones(&mut self) {
        self.db.flush();
        self.delete_an_older_version();
        self.delete_a_row();
        self.db.flush();
    }

    fn write_foreign(&mut self) {
        let key = if self.plain || self.rng.random() {
            (0..self.rng.random_range(0..7)).map(|_| *b"z\0r\xff".choose(&mut self.rng).unwrap()).collect()
        } else {
            let (keyspace, user_key) = self.row();
            let (mode, keyspace) = if self.model.history == History::Txn {
                (c::RGC_MODE_RAW, keyspace)
            } else {
                *[(c::RGC_MODE_TXN, keyspace), (c::RGC_MODE_TIDB_TABLE, c::RGC_KEYSPACE_NONE)].choose(&mut self.rng).unwrap()
            };
            self.gc.key(mode, keyspace, &user_key, self.rng.random_range(0..self.next_ts))
        };
        let value = vec![self.rng.random(); 3];
        self.db.write(&[Write::Put(&key, &value)]);
        self.foreign.insert(key, value);
    }

    fn some_row(&mut self) -> Option<RowKey> {
        let rows: Vec<_> = self.model.rows.keys().cloned().collect();
        rows.choose(&mut self.rng).cloned()
    }

    /// Not the newest, and with snapshots nothing that anybody reads: H2.
    fn delete_an_older_version(&mut self) {
        let Some(row) = self.some_row() else { return };
        let versions = &self.model.rows[&row];
        let Some((&newest, _)) = versions.last_key_value() else { return };
        let may_go = |ts: &u64| *ts < newest && (self.model.history == History::Latest || !self.model.must_stay(row.0, versions, *ts));
        let older: Vec<u64> = versions.keys().copied().filter(may_go).collect();
        let Some(&ts) = older.choose(&mut self.rng) else { return };
        let version = self.model.rows.get_mut(&row).unwrap().remove(&ts).unwrap();
        self.db.write(&[Write::Delete(&version.stored_key)]);
        self.deleted.push((row, ts, version.value));
    }

    fn delete_a_row(&mut self) {
        let Some(row) = self.some_row() else { return };
        let versions = self.model.rows.remove(&row).unwrap();
        let Some((&newest, _)) = versions.last_key_value() else { return };
        if self.rng.random() {
            let (start, end) = (self.stored_key(&row, u64::MAX), [self.stored_key(&row, 0), vec![0]].concat());
            self.db.write(&[Write::DeleteRange(&start, &end)]);
        } else {
            let keys: Vec<_> = versions.values().map(|version| Write::Delete(&version.stored_key)).collect();
            self.db.write(&keys);
            self.deleted.extend(versions.iter().map(|(ts, version)| (row.clone(), *ts, version.value.clone())));
        }
        self.deleted_up_to.insert(row, newest);
    }

    fn name_or_remove(&mut self) {
        if self.plain {
            return;
        }
        let keyspace = self.keyspace();
        let gc_type = if keyspace.is_multiple_of(2) { c::RGC_GC_GLOBAL } else { c::RGC_GC_KEYSPACE_LEVEL };
        if self.rng.random_ratio(1, 6) {
            self.gc.remove(keyspace)
        } else {
            self.gc.name(keyspace, gc_type).unwrap()
        }
        self.note_safe_points();
    }

    fn advance(&mut self) {
        let ts = self.rng.random_range(1..self.next_ts + 2);
        if self.plain || self.rng.random_ratio(1, 3) {
            self.gc.advance_global(ts);
        } else {
            let keyspace = self.keyspace();
            self.gc.advance(keyspace, ts).unwrap();
        }
        self.note_safe_points();
    }

    fn note_safe_points(&mut self) {
        if self.plain {
            self.model.saw_safe_point(c::RGC_KEYSPACE_NONE, self.gc.global());
        }
        for keyspace in KEYSPACES {
            self.model.saw_safe_point(keyspace, self.gc.effective(keyspace));
        }
    }

    fn compact_range(&mut self) {
        let (one, two) = (self.row(), self.row());
        let mut bounds = [self.stored_key(&one, self.next_ts), self.stored_key(&two, 0)];
        bounds.sort();
        self.db.compact(Some((&bounds[0], &bounds[1])), self.rng.random());
    }

    /// Some or all files of a level, into any level below it. RocksDB refuses what it cannot.
    fn compact_a_level(&mut self) {
        let from = self.rng.random_range(0..6);
        let to = self.rng.random_range(from.max(1)..7);
        let (one, two) = (self.row(), self.row());
        let mut bounds = [self.stored_key(&one, self.next_ts), self.stored_key(&two, 0)];
        bounds.sort();
        if self.rng.random() {
            bounds = [Vec::new(), Vec::new()];
        }
        let _ = adaptor().compact_files(self.db.handle(), from, to, &bounds[0], &bounds[1]);
    }

    /// The clock is wrong for the time of a compaction.
    fn leap(&mut self) {
        leap(self.clock, &self.gc, &mut self.rng, || {
            self.db.flush();
            self.db.compact(None, true);
        });
        self.leaps += 1;
    }

    fn check(&mut self) -> Result<usize, String> {
        let (foreign, judged): (Vec<_>, Vec<_>) = self.db.scan().into_iter().partition(|(key, _)| self.foreign.contains_key(key));
        if foreign.into_iter().collect::<BTreeMap<_, _>>() != self.foreign {
            return Err("a key that is not judged is lost".into());
        }
        self.model.check(&judged)
    }

    /// After full compactions only what must stay is left: but for removed keyspaces, whose versions are kept again.
    fn end(&mut self) -> Result<usize, String> {
        for keyspace in KEYSPACES {
            if !self.plain && self.gc.effective(keyspace) < self.model.safe_point(keyspace) {
                let gc_type = if keyspace.is_multiple_of(2) { c::RGC_GC_GLOBAL } else { c::RGC_GC_KEYSPACE_LEVEL };
                self.gc.name(keyspace, gc_type).unwrap();
                self.gc.advance(keyspace, self.model.safe_point(keyspace)).unwrap();
            }
        }
        self.note_safe_points();
        let before = self.model.rows.values().map(BTreeMap::len).sum::<usize>();
        self.db.compact(None, true);
        let runs = self.gc.stats().runs_started;
        self.db.compact(None, true);
        let runs = self.gc.stats().runs_started - runs;
        match self.check()? {
            0 => Ok(before),
            // Runs that begin inside a row keep what they see first.
            spare if self.subcompactions && spare as u64 <= runs => Ok(before),
            spare => Err(format!("{spare} of {before} versions could be gone after full compactions")),
        }
    }
}

/// A clock that goes far back, far ahead, or answers milliseconds, while something is done.
fn leap(clock: &AtomicU64, gc: &Gc, rng: &mut SmallRng, meanwhile: impl FnOnce()) {
    gc.look_at_the_clock();
    clock.store(*[1, NOW * 100, NOW + 10 * 365 * 86_400, 1_700_000_000_000].choose(rng).unwrap(), SeqCst);
    meanwhile();
    clock.store(NOW, SeqCst);
    gc.look_at_the_clock();
}

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

/// Rows of more than 400 versions, small files, four subcompactions: a run that begins inside a row keeps what it sees first,
/// and nothing else may be left over.
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

/// TTL v1: a key reads as before, or not at all once its newest value has expired, also if the clock leaps; after a full compaction
/// exactly so.
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
