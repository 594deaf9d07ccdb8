//! The host, and what it does between two steps and inside of runs.

mod check;

use crate::NOW;
use crate::support::gc::Gc;
use crate::support::store::Store;
use rand::RngExt;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rocks_gc::engine::{Op, Write};
use rocks_gc::ffi::c;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_void;
use std::sync::Mutex;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

pub const KEYSPACES: [u32; 3] = [0, 1, 255];
const USER_KEYS: [&[u8]; 5] = [b"", b"a", b"abcdefgh", b"abcdefghi", b"\xff\xff"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    Latest,
    Snapshot,
    Txn,
}

type Row = (u32, &'static [u8]);
type Range = (Vec<u8>, Vec<u8>);
type Destroyer = JoinHandle<Result<(), String>>;

/// What the host knows; behind a lock, for it goes on inside of runs.
pub struct Host {
    pub rng: SmallRng,
    pub history: History,
    pub rows: BTreeMap<Row, BTreeMap<u64, Vec<u8>>>,
    /// Values of locks: no record names them yet.
    pub locked: BTreeSet<Vec<u8>>,
    pub safe_points: BTreeMap<u32, u64>,
    pub next_ts: u64,
    /// Destroyed for good: nothing is written there.
    pub destroyed: Vec<Range>,
    /// On, or about to end; its thread is gone when somebody waits for it.
    pub destroying: Option<(Range, Option<Destroyer>)>,
    pub interleaved: usize,
}

pub struct Test {
    pub gc: &'static Gc,
    pub store: &'static Store<'static>,
    pub host: Mutex<Host>,
}

/// The hook's state: set while a compaction is on.
pub struct Hook(pub Mutex<Option<&'static Test>>);

pub unsafe extern "C" fn at_a_decision(hook: *mut c_void) {
    // SAFETY: the hook is leaked for as long as its DB is open.
    let hook = unsafe { &*hook.cast::<Hook>() };
    let test = *hook.0.lock().unwrap();
    if let Some(test) = test {
        test.interleave();
    }
}

impl Test {
    pub fn family(&self) -> usize {
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

    /// Whether the host must not write this key any more (H3).
    fn is_dead(host: &Host, key: &Vec<u8>) -> bool {
        let mut ranges = host.destroyed.iter().chain(host.destroying.iter().map(|(range, _)| range));
        ranges.any(|(start, end)| start <= key && key < end)
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
            if Self::is_dead(host, &key) || host.rows.get(&row).is_some_and(|versions| versions.contains_key(&ts)) {
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
                // A bound that cuts the row may have destroyed this key, and not the record's.
                let lock = self.key(host.history, row, 2_000_000 + ts);
                if Self::is_dead(host, &lock) {
                    return;
                }
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

    /// Ends the destroy in progress, if there is one. Of a row that it cuts, the model then holds
    /// what the store shows of the outer half.
    pub fn end_destroy(&self) -> Result<(), String> {
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

    pub fn step(&self) -> Result<(), String> {
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
