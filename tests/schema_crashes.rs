//! A host that drops and truncates schemas is killed again and again, at any moment, and restarts
//! with what it finds. It keeps a journal: a line before each step, and one after it. Invariants:
//! nothing is deleted without an order; of a row that is being truncated no older version exists
//! without the newer ones; every value has its record, and every record its value; when the worker
//! is done, everything that was ordered to be deleted is gone. `ROCKS_GC_TEST_SEED=N cargo test
//! --test schema_crashes` repeats a seed.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rocks_gc::engine::{Op, Write as EngineWrite};
use rocks_gc::ffi::c;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, read_to_string};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::adaptor::{COMPILED, adaptor};
use support::gc::Gc;
use support::store::{EVERY_WAY, Store, TXN, Via};
use tempfile::{Builder, TempDir};

const FOLDER: &str = "ROCKS_GC_TEST_SCHEMAS_FOLDER";
const SEED: &str = "ROCKS_GC_TEST_SCHEMAS_SEED";
/// Kills of each engine.
const KILLS: u64 = 60;
const TENANTS: [u32; 2] = [1, 2];
const ROWS: u8 = 4;
/// Of the host: what the worker has to do takes a while.
const SLOW: &str = "schema_id=prefix;delete_batch_bytes=300;delete_range_min_keys=60;delete_bytes_per_second=60000";
/// Of who comes back.
const FAST: &str = "schema_id=prefix;delete_batch_bytes=300;delete_range_min_keys=60";

type Schema = (u32, u32);
/// RawKV or a transaction's, a row of a schema.
type Row = (bool, Schema, u8);

/// What was done, as far as the journal says.
#[derive(Default)]
struct Model {
    rows: BTreeMap<Row, BTreeSet<u64>>,
    /// The highest id of each tenant; ids are 0 and up.
    highest: BTreeMap<u32, u32>,
    dropped: BTreeSet<Schema>,
    truncated: BTreeMap<Schema, u64>,
    next_ts: u64,
    /// Begun, and nobody knows whether it happened.
    open: Option<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Put(Row, u64),
    Create(Schema),
    Drop(Schema),
    Truncate(Schema, u64),
}

impl Step {
    fn line(self) -> String {
        match self {
            Self::Put((raw, (tenant, id), row), ts) => format!("put {} {tenant} {id} {row} {ts}", u8::from(raw)),
            Self::Create((tenant, id)) => format!("create {tenant} {id}"),
            Self::Drop((tenant, id)) => format!("drop {tenant} {id}"),
            Self::Truncate((tenant, id), ts) => format!("truncate {tenant} {id} {ts}"),
        }
    }

    /// A line that was cut off is none.
    fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |i: usize| words.get(i)?.parse::<u64>().ok();
        let schema = |i| Some((number(i)? as u32, number(i + 1)? as u32));
        Some(match (words[0], words.len()) {
            ("put", 6) => Self::Put((number(1)? == 1, schema(2)?, number(4)? as u8), number(5)?),
            ("create", 3) => Self::Create(schema(1)?),
            ("drop", 3) => Self::Drop(schema(1)?),
            ("truncate", 4) => Self::Truncate(schema(1)?, number(3)?),
            _ => return None,
        })
    }
}

impl Model {
    fn read(journal: &Path) -> Self {
        let mut model = Self { next_ts: 1, ..Self::default() };
        let text = read_to_string(journal).unwrap_or_default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line {
                "ok" => model.done(),
                "no" => model.open = None,
                step => model.open = Some(Step::read(step).expect("a step")),
            }
            if let Some(Step::Put(_, ts)) = model.open {
                model.next_ts = ts + 1;
            }
        }
        model
    }

    fn done(&mut self) {
        match self.open.take().expect("a step was begun") {
            Step::Put(row, ts) => _ = self.rows.entry(row).or_default().insert(ts),
            Step::Create((tenant, id)) => _ = self.highest.insert(tenant, id),
            Step::Drop(schema) => _ = self.dropped.insert(schema),
            Step::Truncate(schema, ts) => _ = self.truncated.insert(schema, ts),
        }
    }

    fn alive(&self) -> Vec<Schema> {
        let all = self.highest.iter().flat_map(|(tenant, highest)| (0..=*highest).map(|id| (*tenant, id)));
        all.filter(|schema| !self.dropped.contains(schema)).collect()
    }

    /// Tells the library what it must know before open.
    fn tell(&self, gc: &Gc) {
        for (tenant, highest) in &self.highest {
            let ids: Vec<u32> = (0..=*highest).filter(|id| !self.dropped.contains(&(*tenant, *id))).collect();
            gc.load_schemas(*tenant, &ids, *highest).unwrap();
        }
    }
}

/// Of a line without an end nobody knows what it says: it was not begun.
fn journal(path: &Path) -> File {
    if let Ok(text) = read_to_string(path) {
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        OpenOptions::new().write(true).open(path).unwrap().set_len(whole as u64).unwrap();
    }
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

struct Host<'g> {
    gc: &'g Gc,
    store: Store<'g>,
}

const DEFAULT: usize = 0;
const WRITE: usize = 1;

impl<'g> Host<'g> {
    fn open(folder: &Path, gc: &'g Gc, via: Via, model: &Model) -> Self {
        model.tell(gc);
        let store = Store::attached(folder, gc, via, TXN);
        Self { gc, store }
    }

    fn user_key(schema: u32, row: u8) -> Vec<u8> {
        [&schema.to_be_bytes(), &[row][..]].concat()
    }

    fn key(&self, (raw, (tenant, id), row): Row, ts: u64) -> Vec<u8> {
        self.gc.key(if raw { c::RGC_MODE_RAW } else { c::RGC_MODE_TXN }, tenant, &Self::user_key(id, row), ts)
    }

    /// Where the value of a transaction's record lies: every second one is long.
    fn value_key(&self, row: Row, ts: u64) -> Option<Vec<u8>> {
        (!row.0 && ts.is_multiple_of(2)).then(|| self.key(row, ts - 1))
    }

    fn put(&self, row: Row, ts: u64) {
        let put = |family, key, value: &[u8]| EngineWrite { family, op: Op::Put(key, value.to_vec()) };
        let key = self.key(row, ts);
        match self.value_key(row, ts) {
            _ if row.0 => self.store.write_all(&[put(DEFAULT, key, b"v\0")]),
            Some(value_key) => {
                let mut record = vec![b'P'];
                let mut start = ts - 1;
                while start >= 0x80 {
                    record.push(start as u8 | 0x80);
                    start >>= 7;
                }
                record.push(start as u8);
                self.store.write_all(&[put(DEFAULT, value_key, b"a long value"), put(WRITE, key, &record)]);
            }
            None => self.store.write_all(&[put(WRITE, key, b"P\x05v\x01x")]),
        }
    }

    fn step(&self, step: Step) {
        match step {
            Step::Put(row, ts) => self.put(row, ts),
            Step::Create((tenant, id)) => self.gc.create_schema(tenant, id).unwrap(),
            Step::Drop((tenant, id)) => self.gc.drop_schema(tenant, id).unwrap(),
            Step::Truncate((tenant, id), ts) => self.gc.truncate_schema(tenant, id, ts).unwrap(),
        }
    }

    /// Did a step happen of which the journal does not say?
    fn happened(&self, step: Step) -> bool {
        match step {
            Step::Put(row, ts) => self.has(if row.0 { DEFAULT } else { WRITE }, &self.key(row, ts)),
            // It is the process's; the next one has to do it again.
            Step::Create(_) => false,
            Step::Drop((tenant, id)) => {
                let mut all = self.gc.schemas().into_iter();
                all.any(|(of, other, state, _)| (of, other, state) == (tenant, id, c::RGC_SCHEMA_DROPPED))
            }
            Step::Truncate((tenant, id), ts) => {
                self.gc.schemas().into_iter().any(|(of, other, _, up_to)| (of, other) == (tenant, id) && up_to >= ts)
            }
        }
    }

    fn has(&self, family: usize, key: &[u8]) -> bool {
        !self.store.scan_range(family, key, &[key, &[0][..]].concat()).is_empty()
    }

    /// What is there, against what must be; `settled` = the worker is done.
    fn check(&self, model: &Model, settled: bool) -> Result<(), String> {
        let found = [DEFAULT, WRITE].map(|family| self.store.keys(family).into_iter().filter(|key| key[0] > 1).collect::<BTreeSet<_>>());
        let mut known: [BTreeSet<Vec<u8>>; 2] = Default::default();
        for (row, written) in &model.rows {
            let (raw, schema, _) = *row;
            let family = if raw { DEFAULT } else { WRITE };
            let up_to = model.truncated.get(&schema).copied().unwrap_or(0);
            let mut newer_is_missing = None;
            for ts in written.iter().rev() {
                let key = self.key(*row, *ts);
                let there = found[family].contains(&key);
                let value = self.value_key(*row, *ts);
                let value_there = value.as_ref().map(|key| found[DEFAULT].contains(key));
                known[DEFAULT].extend(value);
                known[family].insert(key);
                let what = format!("{row:?} @ {ts}");
                match (model.dropped.contains(&schema), *ts <= up_to) {
                    (true, _) if settled && (there || value_there == Some(true)) => {
                        return Err(format!("{what} is left of a dropped schema"));
                    }
                    (true, _) => continue,
                    (false, false) if !there => return Err(format!("{what} is lost")),
                    (false, true) if there && settled => return Err(format!("{what} is left, truncated up to {up_to}")),
                    (false, true) if there && newer_is_missing.is_some() => {
                        return Err(format!("{what} came up: @ {newer_is_missing:?} is gone, truncated up to {up_to}"));
                    }
                    _ => {}
                }
                if value_there.is_some_and(|value| value != there) {
                    return Err(format!("{what}: its record is there: {there}, its value: {value_there:?}"));
                }
                newer_is_missing = newer_is_missing.or((!there).then_some(*ts));
            }
        }
        for (family, known) in known.iter().enumerate() {
            if let Some(key) = found[family].difference(known).next() {
                return Err(format!("{key:02x?} was never written"));
            }
        }
        Ok(())
    }
}

/// In memory where that is possible: RocksDB syncs a lot.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    Builder::new().prefix("rocks_gc_schemas").tempdir_in(parent).unwrap()
}

/// Lives until it is killed.
#[test]
fn host_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    let via = EVERY_WAY[(seed % 2) as usize];
    let mut rng = SmallRng::seed_from_u64(seed);
    let path = folder.join("journal");
    let mut model = Model::read(&path);
    let mut journal = journal(&path);
    let gc = Gc::new(SLOW, 1000);
    let host = Host::open(&folder.join("db"), &gc, via, &model);
    loop {
        let alive = model.alive();
        let schema = alive.choose(&mut rng).copied();
        let step = match (schema, rng.random_range(0..100)) {
            (Some(schema), 4..80) => {
                let ts = model.next_ts;
                model.next_ts += rng.random_range(1..3);
                Step::Put((rng.random(), schema, rng.random_range(0..ROWS)), ts)
            }
            (Some(schema), 80..86) if alive.len() > 4 => Step::Drop(schema),
            (Some(schema), 86..98) => {
                let lowest = model.truncated.get(&schema).copied().unwrap_or(0) + 1;
                if lowest >= model.next_ts {
                    continue;
                }
                Step::Truncate(schema, rng.random_range(lowest..model.next_ts))
            }
            (Some(_), 98..100) => {
                let family = rng.random_range(0..2);
                if rng.random() {
                    host.store.flush(family)
                } else {
                    host.store.compact(family)
                }
                continue;
            }
            _ => {
                let tenant = *TENANTS.choose(&mut rng).unwrap();
                Step::Create((tenant, model.highest.get(&tenant).map_or(0, |id| id + 1)))
            }
        };
        model.open = Some(step);
        writeln!(journal, "{}", step.line()).unwrap();
        host.step(step);
        writeln!(journal, "ok").unwrap();
        model.done();
    }
}

fn spawn(folder: &Path, seed: u64) -> Child {
    let test = std::env::current_exe().unwrap();
    let mut command = Command::new(test);
    command.args(["--exact", "host_that_is_killed"]).env(FOLDER, folder).env(SEED, seed.to_string());
    command.env(COMPILED, adaptor().object());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until so many drops and truncations were begun in this life, and a little longer.
fn wait_for_moment(journal: &Path, begun: usize, rng: &mut SmallRng) {
    let orders = |text: &str| text.lines().filter(|line| line.starts_with("drop") || line.starts_with("truncate")).count();
    let (wanted, since) = (begun + rng.random_range(1..10), Instant::now());
    while orders(&read_to_string(journal).unwrap_or_default()) < wanted && since.elapsed() < Duration::from_secs(5) {
        sleep(Duration::from_millis(1));
    }
    let longest = if rng.random() { 300 } else { 20_000 };
    sleep(Duration::from_micros(rng.random_range(0..longest)));
}

#[test]
fn nothing_but_what_was_ordered_goes_and_all_of_that() {
    let seed = std::env::var("ROCKS_GC_TEST_SEED").map_or_else(|_| rand::random_range(0..1_000_000), |seed| seed.parse().unwrap());
    println!("ROCKS_GC_TEST_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let (mut unsettled, mut opened) = (0, 0);
    for via in EVERY_WAY {
        let dir = folder();
        let path = dir.path().join("journal");
        for kill in 0..KILLS {
            // Even seeds are of one engine, odd ones of the other.
            let life = (seed + kill) * 2 + u64::from(via == EVERY_WAY[1]);
            let begun = read_to_string(&path).unwrap_or_default().lines().filter(|line| line.starts_with(['d', 't'])).count();
            let mut child = spawn(dir.path(), life);
            wait_for_moment(&path, begun, &mut rng);
            child.kill().unwrap();
            let status = child.wait().unwrap();
            assert_eq!(status.code(), None, "{via:?} kill {kill}: the host ended by itself, {status}");

            let mut journal = journal(&path);
            let mut model = Model::read(&path);
            let gc = Gc::new(FAST, 1000);
            let host = Host::open(&dir.path().join("db"), &gc, via, &model);
            unsettled += usize::from(gc.pending() > 0);
            if let Some(step) = model.open {
                opened += 1;
                let happened = host.happened(step);
                writeln!(journal, "{}", if happened { "ok" } else { "no" }).unwrap();
                if happened { model.done() } else { model.open = None }
            }
            let at = format!("seed {seed} {via:?} kill {kill}");
            host.check(&model, false).unwrap_or_else(|wrong| panic!("{at}, after attach: {wrong}"));
            assert_eq!(gc.drain(60_000), Ok(0), "{at}");
            host.check(&model, true).unwrap_or_else(|wrong| panic!("{at}, after the worker: {wrong}"));
            [DEFAULT, WRITE].iter().for_each(|family| host.store.compact(*family));
            host.check(&model, true).unwrap_or_else(|wrong| panic!("{at}, after a compaction: {wrong}"));
        }
    }
    println!("{unsettled} of {} kills left the worker something to do, {opened} hit a step", 2 * KILLS);
    assert!(unsettled >= KILLS as usize, "{unsettled} of {} kills left the worker something to do", 2 * KILLS);
}
