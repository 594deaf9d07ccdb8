//! Random histories on a real RocksDB against the obvious answer: I2 and I1 for snapshots (reads stay the same), I3 (a keyspace
//! changes by its own safe point only) and I4 (after full compactions exactly what must stay is left).
//!
//! The host writes, flushes, compacts ranges and levels, deletes what it may delete (H2) by tombstones and range tombstones,
//! names and removes keyspaces and moves safe points. Another seed: `HISTORY_SEED=N cargo test --test histories`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::collections::BTreeMap;
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
    /// Keys of other modes, and keys that are none.
    foreign: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Rows that the host deleted: only newer versions may follow.
    deleted_up_to: BTreeMap<RowKey, u64>,
    next_ts: u64,
    _dir: tempfile::TempDir,
}

impl Host {
    fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let history = if rng.random() { History::Latest } else { History::Snapshot };
        let plain = rng.random_ratio(1, 5);
        let mut options = vec![if history == History::Latest { "history=latest" } else { "history=snapshot" }];
        options.push(if rng.random() { "data_prefix=z" } else { "data_prefix=" });
        if plain {
            options.push("key_layout=plain;plain_keys=4");
        } else if rng.random_ratio(1, 4) {
            options.push("unknown_keyspace=global");
        }
        let gc = Gc::new(&options.join(";"), NOW);
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { dynamic_levels: rng.random(), ..Settings::default() };
        let db = Db::open(dir.path(), &settings, gc.factory(c::RGC_DEFAULT));
        let model = Model::new(history);
        Self { rng, gc, db, model, plain, foreign: BTreeMap::new(), deleted_up_to: BTreeMap::new(), next_ts: 10, _dir: dir }
    }

    fn step(&mut self) -> Result<(), String> {
        match self.rng.random_range(0..100) {
            0..45 => self.write_versions(),
            45..52 => self.write_foreign(),
            52..60 => self.db.flush(),
            60..68 => self.delete_an_older_version(),
            68..72 => self.delete_a_row(),
            72..80 => self.name_or_remove(),
            80..90 => self.advance(),
            90..97 => self.compact_range(),
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
        self.gc.key(if self.plain { c::RGC_MODE_NONE } else { c::RGC_MODE_RAW }, *keyspace, user_key, ts)
    }

    fn value(&mut self, ts: u64) -> Vec<u8> {
        let expiry = |at: u64| [&at.to_be_bytes()[..], &[1]].concat();
        let tail = match self.rng.random_range(0..10) {
            0..2 => vec![2],
            2 => expiry(NOW - 1),
            3 => expiry(NOW + 1),
            _ => vec![0],
        };
        [format!("v{ts}").as_bytes(), &tail].concat()
    }

    /// At or above the effective safe point (H1), above what was deleted as a whole (H2), not twice.
    fn write_versions(&mut self) {
        for _ in 0..self.rng.random_range(1..6) {
            let row = self.row();
            let lowest = self.model.safe_point(row.0).max(self.deleted_up_to.get(&row).map_or(1, |ts| ts + 1));
            self.next_ts += self.rng.random_range(0..3);
            let ts = if self.rng.random_ratio(1, 5) {
                self.rng.random_range(lowest..self.next_ts.max(lowest + 1))
            } else {
                self.next_ts.max(lowest)
            };
            if self.model.rows.get(&row).is_some_and(|versions| versions.contains_key(&ts)) {
                continue;
            }
            let (stored_key, value) = (self.stored_key(&row, ts), self.value(ts));
            self.db.write(&[Write::Put(&stored_key, &value)]);
            self.model.rows.entry(row).or_default().insert(ts, Version { stored_key, value, gone: false });
        }
    }

    fn write_foreign(&mut self) {
        let key = if self.plain || self.rng.random() {
            (0..self.rng.random_range(0..7)).map(|_| *b"z\0r\xff".choose(&mut self.rng).unwrap()).collect()
        } else {
            let (keyspace, user_key) = self.row();
            let (mode, keyspace) =
                *[(c::RGC_MODE_TXN, keyspace), (c::RGC_MODE_TIDB_TABLE, c::RGC_KEYSPACE_NONE)].choose(&mut self.rng).unwrap();
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

    fn check(&mut self) -> Result<usize, String> {
        let (foreign, judged): (Vec<_>, Vec<_>) = self.db.scan().into_iter().partition(|(key, _)| self.foreign.contains_key(key));
        if foreign.into_iter().collect::<BTreeMap<_, _>>() != self.foreign {
            return Err("a key that is no RawKV version is lost".into());
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
        self.db.compact(None, true);
        match self.check()? {
            0 => Ok(before),
            spare => Err(format!("{spare} of {before} versions could be gone after full compactions")),
        }
    }
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
    let (mut removed, mut levels) = (0, 0);
    for seed in first..first + HISTORIES {
        let mut host = Host::new(seed);
        let outcome = (0..STEPS).try_for_each(|_| host.step()).and_then(|()| {
            levels = levels.max(host.db.files_per_level().iter().filter(|files| **files > 0).count());
            host.end()
        });
        if let Err(what) = outcome {
            panic!("{what}; again: HISTORY_SEED={seed} cargo test --test histories");
        }
        removed += host.gc.stats().removed;
        assert_eq!(host.gc.stats().runs_closed, 0);
    }
    assert!(removed > HISTORIES * 20, "the histories had next to no garbage: {removed} versions removed");
    assert!(levels > 1, "no history had data in several levels");
}

/// Rows of more than 400 versions, small files, four subcompactions: a run that begins inside a row keeps what it sees first,
/// and nothing else may be left over.
#[test]
fn rows_cut_by_subcompactions_keep_one_more_version_at_most() {
    let gc = Gc::new("", NOW);
    gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { max_subcompactions: 4, target_file_size: 32 << 10, ..Settings::default() };
    let db = Db::open(dir.path(), &settings, gc.factory(c::RGC_DEFAULT));
    let mut model = Model::new(History::Latest);
    const VERSIONS: u64 = 450;
    for file in 0..4 {
        for row in 0..12u8 {
            for ts in (1..=VERSIONS).filter(|ts| ts % 4 == file) {
                let (stored_key, value) = (gc.raw_key(1, &[row], ts), [&[b'v'; 100][..], b"\0"].concat());
                db.write(&[Write::Put(&stored_key, &value)]);
                model.rows.entry((1, vec![row])).or_default().insert(ts, Version { stored_key, value, gone: false });
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

/// TTL v1: a key reads as before, or not at all once its newest value has expired; after a full compaction exactly so.
#[test]
fn ttl_v1_removes_what_has_expired_and_nothing_else() {
    let seed = first_seed();
    let mut rng = SmallRng::seed_from_u64(seed);
    let gc = Gc::new("data_prefix=z", NOW);
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path(), &Settings::default(), gc.factory(c::RGC_TTL_V1));
    let mut newest: BTreeMap<Vec<u8>, (Vec<u8>, bool)> = BTreeMap::new();
    for step in 0..400u64 {
        let key = vec![*b"zzzy".choose(&mut rng).unwrap(), rng.random_range(0..20)];
        match rng.random_range(0..10) {
            0 => db.flush(),
            1 => db.compact(None, rng.random()),
            2 => {
                db.write(&[Write::Delete(&key)]);
                newest.remove(&key);
            }
            _ => {
                let expire_ts: u64 = *[0, 1, NOW, NOW + 1, u64::MAX].choose(&mut rng).unwrap();
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
