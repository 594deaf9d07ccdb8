//! Random histories of attached stores while runs are on: at a decision, any decision, the host writes, moves a safe point, destroys a
//! range or lets the worker pass. Against the obvious answer: I1 and I2 (reads stay the same), I5 (what is destroyed is gone when
//! the call returns, and nothing else), no value without its record and no record without its value, and at the end I4 (after
//! full compactions and the worker, exactly what must stay is left). Another seed: `HISTORY_SEED=N cargo test --test interleavings`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, unsafe_code, reason = "a test may fail")]

mod support;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rocks_gc::engine::{Op, Write};
use rocks_gc::ffi::c;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_void;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use support::adaptor::adaptor;
use support::gc::Gc;
use support::store::{EVERY_WAY, RAW, Store, TXN};

const NOW: u64 = 1000;
const HISTORIES: u64 = 40;
const STEPS: usize = 120;
const KEYSPACES: [u32; 3] = [0, 1, 255];
const USER_KEYS: [&[u8]; 5] = [b"", b"a", b"abcdefgh", b"abcdefghi", b"\xff\xff"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum History {
    Latest,
    Snapshot,
    Txn,
}

type Row = (u32, &'static [u8]);
type Range = (Vec<u8>, Vec<u8>);
type Destroyer = JoinHandle<Result<(), String>>;

/// What the host knows; behind a lock, for it goes on inside of runs.
struct Host {
    rng: SmallRng,
    history: History,
    rows: BTreeMap<Row, BTreeMap<u64, Vec<u8>>>,
    /// Values of locks: no record names them yet.
    locked: BTreeSet<Vec<u8>>,
    safe_points: BTreeMap<u32, u64>,
    next_ts: u64,
    /// Destroyed for good: nothing is written there.
    destroyed: Vec<Range>,
    /// On, or about to end; its thread is gone when somebody waits for it.
    destroying: Option<(Range, Option<Destroyer>)>,
    interleaved: usize,
}

struct Test {
    gc: &'static Gc,
    store: &'static Store<'static>,
    host: Mutex<Host>,
}

/// The hook's state: set while a compaction is on.
struct Hook(Mutex<Option<&'static Test>>);

unsafe extern "C" fn at_a_decision(hook: *mut c_void) {
    // SAFETY: the hook is leaked for as long as its DB is open.
    let hook = unsafe { &*hook.cast::<Hook>() };
    let test = *hook.0.lock().unwrap();
    if let Some(test) = test {
        test.interleave();
    }
}

impl Test {
    fn family(&self) -> usize {
        usize::from(self.host.lock().unwrap().history == History::Txn)
    }

    fn key(&self, history: History, (keyspace, user_key): Row, ts: u64) -> Vec<u8> {
        let mode = if history == History::Txn { c::RGC_MODE_TXN } else { c::RGC_MODE_RAW };
        self.gc.key(mode, keyspace, user_key, ts)
    }

    fn interleave(&self) {
        let mut host = self.host.lock().unwrap();
        if !host.rng.random_ratio(1, 12) {
            return;
        }
        host.interleaved += 1;
        match host.rng.random_range(0..10) {
            0..4 => self.write(&mut host),
            4..7 => self.advance(&mut host),
            7 => {
                // The worker goes on by itself; let it.
                drop(host);
                thread::sleep(Duration::from_millis(2));
            }
            _ => {
                self.begin_destroy(&mut host);
                drop(host);
                thread::sleep(Duration::from_millis(3));
            }
        }
    }

    fn row(host: &mut Host) -> Row {
        (*KEYSPACES.choose(&mut host.rng).unwrap(), *USER_KEYS.choose(&mut host.rng).unwrap())
    }

    fn write(&self, host: &mut Host) {
        for _ in 0..host.rng.random_range(1..8) {
            let row = Self::row(host);
            host.next_ts += host.rng.random_range(1..4);
            let safe_point = host.safe_points.get(&row.0).copied().unwrap_or(0);
            let ts = if host.rng.random_ratio(1, 4) {
                // Of transactions also at the safe point.
                host.rng.random_range(safe_point.max(1)..host.next_ts.max(safe_point + 2))
            } else {
                host.next_ts
            };
            let key = self.key(host.history, row, ts);
            let dead_range =
                host.destroyed.iter().chain(host.destroying.iter().map(|(range, _)| range)).any(|(start, end)| *start <= key && key < *end);
            if dead_range || host.rows.get(&row).is_some_and(|versions| versions.contains_key(&ts)) {
                continue;
            }
            if host.history == History::Txn {
                self.write_record(host, row, ts, key);
            } else {
                let tail: &[u8] = match host.rng.random_range(0..10) {
                    0..3 => &[2],
                    3 => &[&(NOW - 1).to_be_bytes()[..], &[1]].concat(),
                    _ => &[0],
                };
                let value = [format!("v{ts}").as_bytes(), tail].concat();
                self.store.put(0, &key, &value);
                host.rows.entry(row).or_default().insert(ts, value);
            }
        }
    }

    /// A transaction began right before it was committed, or has not been yet.
    fn write_record(&self, host: &mut Host, row: Row, ts: u64, key: Vec<u8>) {
        let (start_ts, put) =
            ((ts * 2 % 100) as u8 + 1, |family, key: &[u8], value: &[u8]| Write { family, op: Op::Put(key.into(), value.into()) });
        // One value a transaction: its key tells the record.
        let value_key = self.key(host.history, row, 1_000_000 + ts);
        let long_start =
            [0x80 | ((1_000_000 + ts) & 0x7f) as u8, 0x80 | ((1_000_000 + ts) >> 7 & 0x7f) as u8, ((1_000_000 + ts) >> 14) as u8];
        match host.rng.random_range(0..12) {
            0..4 => {
                let record = [&b"P"[..], &long_start].concat();
                self.store.write_all(&[put(0, &value_key, b"a long value"), put(1, &key, &record)]);
                host.rows.entry(row).or_default().insert(ts, record);
            }
            4..7 => {
                let record = [b'P', start_ts, b'v', 1, ts as u8];
                self.store.put(1, &key, &record);
                host.rows.entry(row).or_default().insert(ts, record.into());
            }
            7..10 => {
                self.store.put(1, &key, &[b'D', start_ts]);
                host.rows.entry(row).or_default().insert(ts, vec![b'D', start_ts]);
            }
            10 => {
                self.store.put(1, &key, &[b'R', start_ts]);
                host.rows.entry(row).or_default().insert(ts, vec![b'R', start_ts]);
            }
            _ => {
                let lock = self.key(host.history, row, 2_000_000 + ts);
                self.store.put(0, &lock, b"a value of a lock");
                host.locked.insert(lock);
            }
        }
    }

    fn advance(&self, host: &mut Host) {
        let keyspace = *KEYSPACES.choose(&mut host.rng).unwrap();
        let lowest = host.safe_points.get(&keyspace).copied().unwrap_or(0);
        let ts = host.rng.random_range(lowest + 1..host.next_ts.max(lowest + 2));
        self.gc.advance(keyspace, ts).unwrap();
        host.safe_points.insert(keyspace, ts);
    }

    /// Between two rows, or through the middle of some.
    fn begin_destroy(&self, host: &mut Host) {
        if host.destroying.is_some() || host.destroyed.len() >= 4 {
            return;
        }
        let mut bound = || {
            let row = Self::row(host);
            let ts = host.rng.random_range(1..host.next_ts + 1);
            let key = self.key(host.history, row, ts);
            if host.rng.random() { key } else { key[..key.len() - 8].to_vec() }
        };
        let (one, other) = (bound(), bound());
        let range = (one.clone().min(other.clone()), one.max(other));
        if range.0 == range.1 || host.rng.random_ratio(1, 2) && range.1.len() - range.0.len().min(range.1.len()) > 30 {
            return;
        }
        let (gc, (start, end)) = (self.gc, range.clone());
        host.destroying = Some((range, Some(thread::spawn(move || gc.destroy_range(&start, &end, 0).map(|_| ())))));
    }

    fn touches(&self, history: History, row: Row, (start, end): &Range) -> bool {
        self.key(history, row, u64::MAX) < *end && *start <= self.key(history, row, 0)
    }

    /// The destroy that is on, if there is one, comes to its end. Of rows that it cuts the half outside is what is there now.
    fn end_destroy(&self) -> Result<(), String> {
        let Some((range, Some(thread))) =
            self.host.lock().unwrap().destroying.as_mut().map(|(range, thread)| (range.clone(), thread.take()))
        else {
            return Ok(());
        };
        thread.join().unwrap()?;
        let mut host = self.host.lock().unwrap();
        host.destroying = None;
        let history = host.history;
        let found: BTreeMap<_, _> = self.store.scan(usize::from(history == History::Txn)).into_iter().collect();
        let rows: Vec<Row> = host.rows.keys().copied().collect();
        for row in rows.into_iter().filter(|row| self.touches(history, *row, &range)) {
            host.rows.get_mut(&row).unwrap().retain(|ts, _| {
                let key = self.key(history, row, *ts);
                !(range.0 <= key && key < range.1) && found.contains_key(&key)
            });
        }
        host.locked.retain(|key| !(range.0 <= *key && key < &range.1));
        host.destroyed.push(range);
        Ok(())
    }

    /// What a reader finds: of RawKV latest the newest, else the newest at or below a timestamp.
    fn read(history: History, versions: &BTreeMap<u64, Vec<u8>>, at: u64) -> Option<Vec<u8>> {
        let mut older = versions.range(..=if history == History::Latest { u64::MAX } else { at }).rev();
        let found = match history {
            History::Txn => older.find(|(_, record)| matches!(record[0], b'P' | b'D')),
            _ => older.next(),
        };
        found.map(|(_, value)| value.clone()).filter(|value| match history {
            History::Txn => value[0] == b'P',
            _ => value[value.len() - 1] == 0,
        })
    }

    fn check(&self, at_the_end: bool) -> Result<(), String> {
        let host = self.host.lock().unwrap();
        let history = host.history;
        let found: BTreeMap<_, _> = self.store.scan(usize::from(history == History::Txn)).into_iter().collect();
        let mut known = BTreeSet::new();
        for (row, written) in &host.rows {
            let mut there: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
            for (ts, value) in written {
                let key = self.key(history, *row, *ts);
                if let Some(shown) = found.get(&key) {
                    if shown != value {
                        return Err(format!("{row:?}@{ts} has another value"));
                    }
                    there.insert(*ts, value.clone());
                }
                known.insert(key);
            }
            if host.destroying.as_ref().is_some_and(|(range, _)| self.touches(history, *row, range)) {
                continue;
            }
            let safe_point = host.safe_points.get(&row.0).copied().unwrap_or(0);
            // Between two versions all timestamps read the same.
            let moments = written.keys().copied().filter(|ts| *ts >= safe_point).chain([safe_point.max(1), host.next_ts + 1]);
            for at in moments {
                let (expected, read) = (Self::read(history, written, at), Self::read(history, &there, at));
                if expected != read {
                    return Err(format!("{row:?} read at {at}, safe point {safe_point}: {read:02x?} instead of {expected:02x?}"));
                }
                if history == History::Latest {
                    break;
                }
            }
            // A row that a standing record cuts is left to when it is gone.
            let cut = host.destroyed.iter().any(|range| self.touches(history, *row, range));
            if at_the_end && !cut {
                let spare: Vec<_> = there.keys().filter(|ts| !Self::must_stay(history, written, **ts, safe_point)).collect();
                if !spare.is_empty() {
                    return Err(format!("{row:?}, safe point {safe_point}: {spare:?} could be gone, of {written:02x?}"));
                }
            }
        }
        if let Some(strange) = found.keys().find(|key| !known.contains(*key) && key[0] != 1 && !self.is_being_destroyed(&host, key)) {
            return Err(format!("{strange:02x?} is there, though it was destroyed or never written"));
        }
        if history != History::Txn || self.check_values(&host, &found).is_ok() {
            return Ok(());
        }
        // The worker may have been between the two families; let it finish what it has.
        self.gc.drain(10_000)?;
        self.check_values(&host, &self.store.scan(1).into_iter().collect())
    }

    fn is_being_destroyed(&self, host: &Host, key: &[u8]) -> bool {
        host.destroying.as_ref().is_some_and(|((start, end), _)| start.as_slice() <= key && key < end.as_slice())
    }

    /// Every long value has its record, and every record its value.
    fn check_values(&self, host: &Host, records: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), String> {
        if host.destroying.is_some() {
            return Ok(());
        }
        let long = records.iter().filter(|(_, record)| record.len() == 4 && record[0] == b'P');
        let named: BTreeSet<Vec<u8>> = long
            .map(|(key, record)| {
                let start_ts = u64::from(record[1] & 0x7f) | u64::from(record[2] & 0x7f) << 7 | u64::from(record[3]) << 14;
                [&key[..key.len() - 8], &(!start_ts).to_be_bytes()].concat()
            })
            .collect();
        let values: BTreeSet<Vec<u8>> = self.store.keys(0).into_iter().filter(|key| key[0] != 1).collect();
        let cut_rows = host.rows.keys().filter(|row| host.destroyed.iter().any(|range| self.touches(History::Txn, **row, range)));
        let cut_rows: BTreeSet<Vec<u8>> = cut_rows.map(|row| row_of(&self.key(History::Txn, *row, 0)).to_vec()).collect();
        let of_cut_rows = |key: &Vec<u8>| cut_rows.contains(row_of(key));
        let orphan = values.iter().find(|key| !named.contains(*key) && !host.locked.contains(*key) && !of_cut_rows(key));
        let missing =
            named.iter().find(|key| !values.contains(*key) && !of_cut_rows(key)).or(host.locked.iter().find(|key| !values.contains(*key)));
        match (orphan, missing) {
            (None, None) => Ok(()),
            _ => Err(format!("values without records {orphan:02x?}, without values {missing:02x?}")),
        }
    }

    fn must_stay(history: History, row: &BTreeMap<u64, Vec<u8>>, ts: u64, safe_point: u64) -> bool {
        let alive = |value: &Vec<u8>| value[value.len() - 1] == 0;
        let newest = *row.last_key_value().unwrap().0;
        match history {
            History::Latest => ts >= safe_point || ts == newest && alive(&row[&ts]),
            History::Snapshot => {
                ts >= safe_point || row.range(ts + 1..safe_point.max(ts + 1)).next().is_none() && (ts != newest || alive(&row[&ts]))
            }
            History::Txn => {
                let newest_data = row.range(..=safe_point).rev().find(|(_, record)| matches!(record[0], b'P' | b'D'));
                ts > safe_point || newest_data.is_some_and(|(newest, record)| *newest == ts && record[0] == b'P')
            }
        }
    }

    fn step(&self) -> Result<(), String> {
        let mut host = self.host.lock().unwrap();
        match host.rng.random_range(0..100) {
            0..35 => {
                self.write(&mut host);
                drop(host);
            }
            35..50 => {
                self.advance(&mut host);
                drop(host);
            }
            50..60 => {
                let family = usize::from(host.history == History::Txn);
                drop(host);
                self.store.flush(family);
                self.store.flush(0);
            }
            60..64 => {
                self.begin_destroy(&mut host);
                drop(host);
                self.end_destroy()?;
            }
            64..68 => {
                drop(host);
                self.gc.drain(10_000)?;
            }
            _ => {
                let (from, to, family) = (host.rng.random_range(0..6), host.rng.random_range(1..=6), host.rng.random_range(0..2));
                let whole = host.rng.random_ratio(1, 6);
                let family = if host.history == History::Txn { family } else { 0 };
                drop(host);
                self.compact(family, whole, from, to);
                self.end_destroy()?;
            }
        }
        self.check(false)
    }

    fn compact(&self, family: usize, whole: bool, from: i32, to: i32) {
        if whole {
            self.store.compact(family);
        } else if from < to {
            // Another compaction may be at the same files: then RocksDB refuses.
            let _ = self.store.compact_files(family, from, to);
        }
    }
}

/// A stored key without its timestamp.
fn row_of(key: &[u8]) -> &[u8] {
    &key[..key.len() - 8]
}

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
    let store = Store::open_with(dir.path(), gc, via, families, &support::rocksdb::Settings::default(), |options| {
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
    // SAFETY: it came from Box::leak, and nobody uses it any more: the hook is empty, the destroys have ended.
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

/// Step by step: what a run has kept of a row is destroyed under it. It no longer shadows the half that stays.
#[test]
fn a_row_is_cut_while_a_run_is_in_the_middle_of_it() {
    let gc = gc_at(100);
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::attached(dir.path(), &gc, support::store::Via::C, RAW);
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

/// The other way round: what is destroyed of a row stops being dropped while a run is in the middle of it. What comes of the dead half
/// must not shadow the half that is alive.
#[test]
fn a_row_is_no_longer_cut_while_a_run_is_in_the_middle_of_it() {
    for forget in [false, true] {
        let gc = gc_at(100);
        let dir = tempfile::tempdir().unwrap();
        let _store = Store::attached(dir.path(), &gc, support::store::Via::C, RAW);
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
    let _store = Store::attached(dir.path(), &gc, support::store::Via::C, RAW);
    let key = |ts| gc.raw_key(1, b"a long enough row", ts);
    gc.destroy_range(&key(9), &key(8), 0).unwrap();
    gc.destroy_range(&key(6), &key(5), 0).unwrap();
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    let decide = |ts| run.decide(c::RGC_VALUE, &key(ts), b"v\0");
    let (keep, remove) = (c::RGC_KEEP, c::RGC_REMOVE);
    assert_eq!([10, 9, 8, 7, 6, 5, 4, 2].map(decide), [keep, remove, keep, keep, remove, keep, keep, remove]);
}
