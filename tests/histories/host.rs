//! The host: a DB with its context, and the steps that it takes at random.

mod writes;

use crate::support::adaptor::adaptor;
use crate::support::gc::Gc;
use crate::support::model::{History, Model, RowKey};
use crate::support::rocksdb::{Db, Settings};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

pub const NOW: u64 = 1000;
const KEYSPACES: [u32; 5] = [0, 1, 2, 255, 16_777_215];
const USER_KEYS: [&[u8]; 8] = [b"", b"a", b"ab", b"abc\0", b"abcd", b"abcdefg", b"abcdefghi", b"\xff\xff\xff\xff\xff\xff"];

pub struct Host {
    pub rng: SmallRng,
    pub gc: Gc,
    pub db: Db,
    pub model: Model,
    pub plain: bool,
    pub subcompactions: bool,
    /// Keys of other modes, and keys that are none.
    pub foreign: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Versions that the host deleted one by one.
    pub deleted: Vec<(RowKey, u64, Vec<u8>)>,
    /// Rows that the host deleted: only newer versions may follow.
    pub deleted_up_to: BTreeMap<RowKey, u64>,
    pub next_ts: u64,
    /// How many versions were written at the safe point.
    pub at_safe_point: usize,
    pub clock: &'static AtomicU64,
    pub leaps: usize,
    pub _dir: tempfile::TempDir,
}

impl Host {
    pub fn new(seed: u64) -> Self {
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

    pub fn step(&mut self) -> Result<(), String> {
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

    /// Checks that full compactions leave exactly what must stay. Paused keyspaces, which keep
    /// everything, are registered again first.
    pub fn end(&mut self) -> Result<usize, String> {
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
pub fn leap(clock: &AtomicU64, gc: &Gc, rng: &mut SmallRng, meanwhile: impl FnOnce()) {
    gc.look_at_the_clock();
    clock.store(*[1, NOW * 100, NOW + 10 * 365 * 86_400, 1_700_000_000_000].choose(rng).unwrap(), SeqCst);
    meanwhile();
    clock.store(NOW, SeqCst);
    gc.look_at_the_clock();
}
