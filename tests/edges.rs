//! Random histories with attached stores on a real RocksDB against the obvious answer: a host without a WAL, two contexts on one DB, two
//! DBs in one process, a family that is dropped, backups that are put back under the same context, restarts, compactions before
//! attach, clocks that leap; and the host destroys, forgets, rechecks and pauses. A seed again: `EDGES_SEED=N cargo test --test edges`.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rand::rngs::SmallRng;
use rand::seq::{IndexedMutRandom, IndexedRandom};
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use support::gc::Gc;
use support::log::Log;
use support::rocksdb::Settings;
use support::store::{EVERY_WAY, Family, RAW, Store, Via, copy_folder, install};
use tempfile::{TempDir, tempdir};

const NOW: u64 = 1000;
const HISTORIES: u64 = 40;
const STEPS: usize = 150;
const KEYSPACES: [u32; 3] = [1, 2, 3];
const GLOBAL: u32 = 2;
const ROWS: u8 = 6;
/// The families with rows, by their places. The one of the ledger, if there is one, stands behind them.
const DEFAULT: usize = 0;
const EXTRA: usize = 1;
/// Keys of the two ledgers.
const LEDGERS: [&[u8]; 2] = [b"\x01rocks_gc/", b"second/"];
/// A wrong time holds for a moment only, but for longer than a second perhaps.
const LATER: u64 = NOW + 100;

/// Says whether it did what it is named for.
type Step = fn(&mut World) -> bool;

/// Steps by weight.
const CHOICES: &[(u32, &str, Step)] = &[
    (60, "write", World::write),
    (4, "the host deletes a row", World::delete_a_row),
    (12, "flush", World::flush),
    (6, "compact a range", World::compact_a_range),
    (10, "compact a level", World::compact_a_level),
    (5, "compact everything", World::compact_everything),
    (5, "drain", World::drain),
    (5, "collect", World::collect),
    (10, "advance", World::advance),
    (7, "destroy", |world| world.destroy(0)),
    (5, "destroy, reusable", |world| world.destroy(c::RGC_DESTROY_REUSABLE)),
    (2, "recheck", World::recheck),
    (3, "forget", World::forget),
    (2, "pause", World::pause),
    (6, "name again", World::name_again),
    (1, "drop a family", World::drop_extra),
    (3, "restart", |world| world.reopen(Reopen::Plain)),
    (2, "back up", |world| world.reopen(Reopen::BackUp)),
    (3, "put a backup back", |world| world.reopen(Reopen::PutBack)),
    (3, "the clock leaps", World::leap),
    (2, "a second context on the ledger", World::share_the_ledger),
];

/// What happens besides, and must happen often enough.
const BESIDES: [(&str, usize); 6] = [
    ("compacted before attach", 10),
    ("attach refused a destroyed keyspace", 1),
    ("destroy refused", 2),
    ("destroyed in the first family only", 5),
    ("calls on a dropped family", 1),
    ("put back under the same context, which had destroyed more since", 2),
];

#[derive(Clone)]
struct Version {
    value: Vec<u8>,
    /// A look at the DB did not find it: it must never come back.
    gone: bool,
}

impl Version {
    fn is_dead(&self) -> bool {
        match self.value.as_slice() {
            [.., 2] => true,
            [head @ .., 1] => head.last_chunk().is_some_and(|expiry| u64::from_be_bytes(*expiry) <= NOW),
            _ => false,
        }
    }
}

/// A destroyed range whose record stands; no rows = the whole keyspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    context: usize,
    keyspace: u32,
    rows: Option<(u8, u8)>,
}

impl Record {
    fn rows(&self) -> (u8, u8) {
        self.rows.unwrap_or((0, ROWS))
    }

    fn has(&self, keyspace: u32, row: u8) -> bool {
        self.keyspace == keyspace && (self.rows().0..self.rows().1).contains(&row)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let ((start, end), (from, to)) = (self.rows(), other.rows());
        (self.context, self.keyspace) == (other.context, other.keyspace) && start < to && from < end
    }

    /// Its ranges, as stored keys.
    fn ranges(&self, gc: &Gc) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bound = |row| start_of(gc, self.keyspace, row);
        match self.rows {
            Some((start, end)) => vec![(bound(start), bound(end))],
            None => [c::RGC_MODE_RAW, c::RGC_MODE_TXN].map(|mode| gc.keyspace_range(mode, self.keyspace)).to_vec(),
        }
    }
}

/// What a DB holds. A copy of the DB is described by a copy of this.
#[derive(Clone, Default)]
struct Model {
    families: [BTreeMap<(u32, u8), BTreeMap<u64, Version>>; 2],
    extra_is_dropped: bool,
    /// Those that stand; is the range destroyed in the second family of the context, too?
    records: BTreeMap<Record, bool>,
}

/// A context, and what the host knows of it.
struct Context {
    gc: &'static Gc,
    is_attached: bool,
    /// The highest effective safe points that there ever were.
    safe_points: BTreeMap<u32, u64>,
    paused: BTreeSet<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reopen {
    Plain,
    BackUp,
    PutBack,
}

/// A DB with its contexts: one for both families, or one for each.
struct World {
    rng: SmallRng,
    clock: &'static AtomicU64,
    via: Via,
    has_wal: bool,
    has_ledger: bool,
    /// One context may have both families, or once in a while the first one only.
    has_extra: bool,
    contexts: Vec<Context>,
    store: Option<Store<'static>>,
    model: Model,
    backup: Option<(TempDir, Model)>,
    next_ts: u64,
    did: BTreeMap<&'static str, usize>,
    /// What was done, for who looks at a failure.
    trace: Vec<String>,
    dir: TempDir,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let (via, has_wal, has_ledger) = (*EVERY_WAY.choose(&mut rng).unwrap(), rng.random(), rng.random_ratio(3, 4));
        let contexts = if rng.random_ratio(1, 3) { 2 } else { 1 };
        let clock: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(NOW)));
        let mut world = Self {
            rng,
            clock,
            via,
            has_wal,
            has_ledger,
            has_extra: true,
            contexts: Vec::new(),
            store: None,
            model: Model::default(),
            backup: None,
            next_ts: 10,
            did: BTreeMap::new(),
            trace: vec![format!("{via:?}, WAL {has_wal}, ledger {has_ledger}, contexts {contexts}")],
            dir: tempdir().unwrap(),
        };
        for place in 0..contexts {
            let gc = world.new_gc(place);
            world.contexts.push(Context { gc, is_attached: false, safe_points: BTreeMap::new(), paused: BTreeSet::new() });
            world.tell(place, false);
        }
        world.open();
        world.attach(false);
        world
    }

    /// It lives as long as the process, as filters may.
    fn new_gc(&mut self, place: usize) -> &'static Gc {
        let mode = ["remove", "skip", "auto"].choose(&mut self.rng).unwrap();
        let own = if place == 1 { ";ledger_prefix=second/" } else { "" };
        let min_keys = self.rng.random_range(0..5);
        let options = format!("recheck=manual;recheck_seconds=100;remove_mode={mode};delete_range_min_keys={min_keys}{own}");
        let gc: &'static Gc = Box::leak(Box::new(Gc::new(&options, NOW)));
        gc.set_moving_time(self.clock);
        gc.bind();
        gc.look_at_the_clock();
        gc
    }

    fn store(&self) -> &Store<'static> {
        self.store.as_ref().expect("it is open")
    }

    fn note(&mut self, what: &'static str) {
        *self.did.entry(what).or_default() += 1;
        self.trace.push(what.into());
    }

    /// The context that a family is attached to.
    fn owner(&self, family: usize) -> usize {
        family.min(self.contexts.len() - 1)
    }

    /// Does a record that stands forbid to write there?
    fn is_dead(&self, family: usize, keyspace: u32, row: u8) -> bool {
        let covers = |(record, in_extra): (&Record, &bool)| {
            record.has(keyspace, row) && record.context == self.owner(family) && (family == DEFAULT || *in_extra)
        };
        self.model.records.iter().any(covers)
    }

    fn live_families(&self) -> std::ops::Range<usize> {
        0..if self.model.extra_is_dropped { EXTRA } else { EXTRA + 1 }
    }

    fn some_family(&mut self) -> usize {
        let families = self.live_families();
        self.rng.random_range(families)
    }

    fn some_context(&mut self) -> usize {
        self.rng.random_range(0..self.contexts.len())
    }

    fn some_keyspace(&mut self) -> u32 {
        *KEYSPACES.choose(&mut self.rng).unwrap()
    }

    fn step(&mut self) {
        let &(_, name, step) = CHOICES.choose_weighted(&mut self.rng, |choice| choice.0).unwrap();
        if step(self) {
            self.note(name);
        }
        self.check(false);
    }

    /// Not in a destroyed range (H3), at or above the effective safe point (H1), upwards in a row.
    fn write(&mut self) -> bool {
        for _ in 0..self.rng.random_range(1..8) {
            let (family, keyspace, row) = (self.some_family(), self.some_keyspace(), self.rng.random_range(0..ROWS));
            let owner = self.owner(family);
            if self.is_dead(family, keyspace, row) {
                continue;
            }
            let last = self.model.families[family].get(&(keyspace, row)).and_then(|row| row.last_key_value()).map(|(ts, _)| *ts);
            let at_safe_point = self.contexts[owner].safe_points.get(&keyspace).copied().unwrap_or(1);
            self.next_ts = self.next_ts.max(at_safe_point) + self.rng.random_range(1..4);
            // Above what was deleted or destroyed of the row (H2, H3).
            let ts = match last {
                Some(last) if self.rng.random_ratio(1, 4) => at_safe_point.max(last + 1),
                _ => self.next_ts,
            };
            let value = self.value(ts);
            let key = self.contexts[owner].gc.raw_key(keyspace, &[row], ts);
            if self.has_wal {
                self.store().put(family, &key, &value);
            } else {
                self.store().put_without_wal(family, &key, &value);
            }
            self.trace.push(format!("put {family}: {keyspace}/{row} @{ts} {value:?}"));
            self.model.families[family].entry((keyspace, row)).or_default().insert(ts, Version { value, gone: false });
        }
        true
    }

    fn value(&mut self, ts: u64) -> Vec<u8> {
        let expiry = |at: u64| [&at.to_be_bytes()[..], &[1]].concat();
        let tail = match self.rng.random_range(0..10) {
            0..3 => vec![2],
            3 => expiry(NOW - 1),
            4..6 => expiry(LATER),
            _ => vec![0],
        };
        [format!("v{ts}").as_bytes(), &tail].concat()
    }

    /// H2: a row may be deleted as a whole.
    fn delete_a_row(&mut self) -> bool {
        let family = self.some_family();
        let rows: Vec<_> = self.model.families[family].keys().copied().collect();
        let Some(&(keyspace, row)) = rows.choose(&mut self.rng) else { return false };
        for ts in self.model.families[family].remove(&(keyspace, row)).unwrap().into_keys() {
            let key = self.contexts[0].gc.raw_key(keyspace, &[row], ts);
            if self.has_wal {
                self.store().delete(family, &key);
            } else {
                self.store().delete_without_wal(family, &key);
            }
        }
        self.trace.push(format!("delete {family}: {keyspace}/{row}"));
        true
    }

    fn flush(&mut self) -> bool {
        let family = self.some_family();
        self.store().flush(family);
        true
    }

    fn compact_a_range(&mut self) -> bool {
        let (family, keyspace, row) = (self.some_family(), self.some_keyspace(), self.rng.random_range(0..ROWS));
        let record = Record { context: 0, keyspace, rows: Some((row, self.rng.random_range(row..ROWS) + 1)) };
        let (start, end) = record.ranges(self.contexts[0].gc).remove(0);
        self.store().engine_compact(family, (&start, &end));
        true
    }

    /// RocksDB refuses what it cannot.
    fn compact_a_level(&mut self) -> bool {
        let (family, from) = (self.some_family(), self.rng.random_range(0..6));
        let to = self.rng.random_range(from.max(1)..7);
        self.store().compact_files(family, from, to).is_ok()
    }

    fn compact_everything(&mut self) -> bool {
        self.live_families().for_each(|family| self.store().compact(family));
        true
    }

    fn drain(&mut self) -> bool {
        for context in self.contexts.iter().filter(|context| context.is_attached) {
            assert_eq!(context.gc.drain(60_000), Ok(0));
        }
        true
    }

    fn collect(&mut self) -> bool {
        let (place, budget) = (self.some_context(), *[0, 0, 2000, 100_000].choose(&mut self.rng).unwrap());
        let context = &self.contexts[place];
        if context.is_attached {
            context.gc.collect(budget).expect("collects");
        }
        context.is_attached
    }

    fn advance(&mut self) -> bool {
        let (place, keyspace, ts) = (self.some_context(), self.some_keyspace(), self.rng.random_range(1..self.next_ts + 2));
        self.advance_to(place, keyspace, ts);
        self.trace.push(format!("safe point of {keyspace} in context {place}: {ts}"));
        true
    }

    fn advance_to(&mut self, place: usize, keyspace: u32, ts: u64) {
        let context = &mut self.contexts[place];
        if keyspace == GLOBAL {
            context.gc.advance_global(ts);
        } else {
            context.gc.advance(keyspace, ts).unwrap();
        }
        self.note_safe_points(place);
    }

    fn note_safe_points(&mut self, place: usize) {
        let context = &mut self.contexts[place];
        for keyspace in KEYSPACES {
            let highest = context.safe_points.entry(keyspace).or_default();
            *highest = context.gc.effective(keyspace).max(*highest);
        }
    }

    fn is_destroyed(&self, context: usize, keyspace: u32) -> bool {
        self.model.records.contains_key(&Record { context, keyspace, rows: None })
    }

    /// Of one context, so that it holds in that context's families only.
    fn destroy(&mut self, flags: u32) -> bool {
        let (context, keyspace, start) = (self.some_context(), self.some_keyspace(), self.rng.random_range(0..ROWS));
        let rows = self.rng.random_ratio(3, 4).then_some((start, self.rng.random_range(start..ROWS) + 1));
        let record = Record { context, keyspace, rows };
        let gc = self.contexts[context].gc;
        let outcome = match record.rows {
            Some(_) => {
                let (start, end) = record.ranges(gc).remove(0);
                gc.destroy_range(&start, &end, flags).map(|_| ())
            }
            None => gc.destroy_keyspace(keyspace, flags),
        };
        self.trace.push(format!("destroy {record:?}, flags {flags}: {outcome:?}"));
        if self.owner(EXTRA) == context && context > 0 && self.model.extra_is_dropped {
            assert!(outcome.is_err(), "a destroy that nothing records");
            self.note("calls on a dropped family");
            return false;
        }
        if flags != 0 && self.model.records.keys().any(|other| other.overlaps(&record)) {
            assert!(outcome.is_err_and(|text| text.starts_with("Busy: ")), "another record stands");
            self.note("destroy refused");
            return false;
        }
        outcome.expect("destroys");
        let (in_extra, last) = (self.has_extra || context > 0, self.contexts.len() - 1);
        for family in (DEFAULT..=EXTRA).filter(|family| (*family).min(last) == context && (*family == DEFAULT || in_extra)) {
            self.model.families[family].retain(|(keyspace, row), _| !record.has(*keyspace, *row));
        }
        if !in_extra && !self.model.extra_is_dropped {
            self.note("destroyed in the first family only");
        }
        if flags == 0 {
            *self.model.records.entry(record).or_default() |= in_extra;
        }
        true
    }

    fn recheck(&mut self) -> bool {
        let (place, early) = (self.some_context(), self.rng.random());
        if !self.contexts[place].is_attached || (place > 0 && self.model.extra_is_dropped) {
            return false;
        }
        let records: usize = self
            .model
            .records
            .keys()
            .filter(|record| record.context == place)
            .map(|record| record.ranges(self.contexts[place].gc).len())
            .sum();
        let (now, expected) = if early { (NOW + 99, 0) } else { (NOW + 100, records) };
        assert_eq!(self.contexts[place].gc.recheck_destroyed(now), Ok(expected));
        if !early {
            self.model.records.retain(|record, _| record.context != place);
        }
        expected > 0
    }

    fn forget(&mut self) -> bool {
        let records: Vec<_> = self.model.records.keys().cloned().collect();
        let Some(record) = records.choose(&mut self.rng) else { return false };
        let gc = self.contexts[record.context].gc;
        record.ranges(gc).iter().for_each(|(start, end)| gc.forget_destroyed(start, end).expect("forgets"));
        self.model.records.remove(record);
        self.trace.push(format!("forget {record:?}"));
        true
    }

    /// Everything that is there when the call returns is kept.
    fn pause(&mut self) -> bool {
        let (place, keyspace) = (self.some_context(), self.some_keyspace());
        self.contexts[place].gc.remove(keyspace);
        self.check(false);
        self.contexts[place].paused.insert(keyspace);
        self.trace.push(format!("pause {keyspace} in context {place}"));
        true
    }

    fn name_again(&mut self) -> bool {
        let (place, keyspace) = (self.some_context(), self.some_keyspace());
        self.name(place, keyspace)
    }

    fn name(&mut self, place: usize, keyspace: u32) -> bool {
        if place > 0 && self.model.extra_is_dropped {
            return false;
        }
        let named = self.contexts[place].gc.name(keyspace, gc_type(keyspace));
        if self.is_destroyed(place, keyspace) {
            assert!(named.is_err_and(|text| text.contains("is destroyed")));
            return false;
        }
        named.expect("names");
        self.trace.push(format!("name {keyspace} in context {place}"));
        let highest = self.contexts[place].safe_points.get(&keyspace).copied().unwrap_or(0);
        if highest > 0 {
            self.advance_to(place, keyspace, highest);
        }
        // The global one holds at once.
        self.note_safe_points(place);
        self.contexts[place].paused.remove(&keyspace)
    }

    /// What the host says to a new context; `all` = names of destroyed keyspaces, too.
    fn tell(&mut self, place: usize, all: bool) {
        let highest = self.contexts[place].safe_points.clone();
        for keyspace in KEYSPACES {
            if self.contexts[place].paused.contains(&keyspace) {
                self.contexts[place].gc.remove(keyspace);
            } else if all || !self.is_destroyed(place, keyspace) {
                self.contexts[place].gc.name(keyspace, gc_type(keyspace)).expect("nothing is attached");
            }
        }
        highest.into_iter().filter(|(_, ts)| *ts > 0).for_each(|(keyspace, ts)| self.advance_to(place, keyspace, ts));
    }

    fn drop_extra(&mut self) -> bool {
        if self.model.extra_is_dropped || self.rng.random() {
            return false;
        }
        self.store().drop_family(EXTRA);
        self.model.extra_is_dropped = true;
        self.model.families[EXTRA].clear();
        self.model.records.retain(|record, _| record.context == 0);
        true
    }

    fn open(&mut self) {
        let (gc, second) = (self.contexts[0].gc, self.contexts.get(1).map(|context| context.gc));
        let mut families: Vec<Family> = vec![("default", c::RGC_CF_DEFAULT, Some(c::RGC_DEFAULT))];
        if !self.model.extra_is_dropped {
            // H8: a C host gives no family that it does not attach a filter.
            let is_judged = second.is_none() && (self.has_extra || self.via == Via::Adaptor);
            families.push(("extra", c::RGC_CF_OTHER, is_judged.then_some(c::RGC_DEFAULT)));
        }
        if self.has_ledger {
            families.push(("ledger", c::RGC_CF_LEDGER, None));
        }
        let seen = Cell::new(0);
        let store = Store::open_with(self.dir.path(), gc, self.via, &families, &Settings::default(), |options| {
            if let (Some(second), "extra") = (second, families[seen.replace(seen.get() + 1)].0) {
                install(self.via, second, c::RGC_DEFAULT, options);
            }
        });
        self.store = Some(store);
    }

    /// A keyspace that the ledger says is destroyed must not be named; the host then pauses it.
    fn attach(&mut self, told_all: bool) {
        let single = self.contexts.len() == 1;
        for place in 0..self.contexts.len() {
            let ledger = self.store().place("ledger").map(|ledger| (ledger, c::RGC_CF_LEDGER));
            let families: Vec<_> = match (place, self.model.extra_is_dropped) {
                (0, dropped) => {
                    let extra = (single && !dropped && self.has_extra).then_some((EXTRA, c::RGC_CF_OTHER));
                    [Some((DEFAULT, c::RGC_CF_DEFAULT)), extra, ledger].into_iter().flatten().collect()
                }
                (_, true) => continue,
                _ => vec![(EXTRA, c::RGC_CF_DEFAULT)],
            };
            let (gc, destroyed) =
                (self.contexts[place].gc, KEYSPACES.into_iter().filter(|keyspace| self.is_destroyed(place, *keyspace)).collect::<Vec<_>>());
            let mut attached = self.store().attach_to(gc, &families);
            let must_refuse = told_all && destroyed.iter().any(|keyspace| !self.contexts[place].paused.contains(keyspace));
            assert!(!must_refuse || attached.is_err(), "a destroyed keyspace is named");
            if let Err(text) = &attached {
                assert!(text.contains("registered keyspace") && !destroyed.is_empty(), "{text}");
                destroyed.iter().for_each(|keyspace| gc.remove(*keyspace));
                self.contexts[place].paused.extend(destroyed);
                attached = self.store().attach_to(gc, &families);
                self.note("attach refused a destroyed keyspace");
            }
            attached.expect("attaches");
            self.contexts[place].is_attached = true;
        }
    }

    fn close(&mut self) {
        for context in &mut self.contexts {
            context.gc.detach();
            context.is_attached = false;
        }
        self.store = None;
    }

    fn reopen(&mut self, how: Reopen) -> bool {
        if how == Reopen::PutBack && self.backup.is_none() {
            return false;
        }
        self.close();
        let fresh = how == Reopen::Plain && self.rng.random();
        if let (Reopen::PutBack, Some((copy, model))) = (how, &self.backup) {
            let more = self.model.records.keys().any(|record| !model.records.contains_key(record));
            fs::remove_dir_all(self.dir.path()).unwrap();
            copy_folder(copy.path(), self.dir.path());
            self.model = model.clone();
            if more {
                self.note("put back under the same context, which had destroyed more since");
            }
        }
        let told_all = fresh && self.rng.random();
        for place in 0..if fresh { self.contexts.len() } else { 0 } {
            self.contexts[place].gc = self.new_gc(place);
            self.tell(place, told_all);
        }
        let copy = (how == Reopen::BackUp).then(|| tempdir().unwrap());
        if let Some(copy) = &copy {
            copy_folder(self.dir.path(), copy.path());
        }
        self.has_extra = self.contexts.len() > 1 || self.rng.random_ratio(2, 3);
        self.open();
        self.check(false);
        self.backup = copy.map(|copy| (copy, self.model.clone())).or(self.backup.take());
        if self.rng.random() {
            self.compact_everything();
            self.note("compacted before attach");
            self.check(false);
        }
        self.attach(told_all);
        true
    }

    /// The clock is wrong while everything is compacted and the worker is busy.
    fn leap(&mut self) -> bool {
        self.contexts.iter().for_each(|context| context.gc.look_at_the_clock());
        self.clock.store(*[1, NOW * 100, NOW + 10 * 365 * 86_400, 1_700_000_000_000].choose(&mut self.rng).unwrap(), SeqCst);
        self.compact_everything();
        self.drain();
        self.clock.store(NOW, SeqCst);
        self.contexts.iter().for_each(|context| context.gc.look_at_the_clock());
        true
    }

    fn share_the_ledger(&mut self) -> bool {
        let stranger = Gc::new("recheck=manual", NOW);
        stranger.bind();
        let families: Vec<_> = match self.store().place("ledger") {
            Some(ledger) if !self.model.extra_is_dropped => vec![(EXTRA, c::RGC_CF_OTHER), (ledger, c::RGC_CF_LEDGER)],
            Some(ledger) => vec![(DEFAULT, c::RGC_CF_DEFAULT), (ledger, c::RGC_CF_LEDGER)],
            None => vec![(DEFAULT, c::RGC_CF_DEFAULT)],
        };
        let refused = self.store().attach_to(&stranger, &families).expect_err("a ledger is one context's");
        assert!(refused.contains("ledger"), "{refused}");
        true
    }

    /// What must stay is there, and nothing that must not be; `exact`: nothing else.
    fn check(&mut self, exact: bool) {
        for family in self.live_families() {
            let mut found: BTreeMap<_, _> =
                self.store().scan(family).into_iter().filter(|(key, _)| !LEDGERS.iter().any(|own| key.starts_with(own))).collect();
            let owner = self.owner(family);
            let (context, served) = (&self.contexts[owner], owner == family);
            for ((keyspace, row), versions) in &mut self.model.families[family] {
                let safe_point = context.safe_points.get(keyspace).copied().unwrap_or(0);
                let newest = *versions.last_key_value().unwrap().0;
                for (ts, version) in versions.iter_mut() {
                    let name = format!("family {family}: {keyspace}/{row} @{ts}, safe point {safe_point}, newest {newest}");
                    let is_paused = context.paused.contains(keyspace) && !version.gone;
                    let must_stay = is_paused || *ts >= safe_point || (*ts == newest && !version.is_dead());
                    match found.remove(&context.gc.raw_key(*keyspace, &[*row], *ts)) {
                        Some(_) if version.gone => panic!("{name} came back"),
                        Some(value) => {
                            assert_eq!(value, version.value, "{name} has another value");
                            assert!(!exact || must_stay || (*ts == newest && !served) || !self.has_extra, "{name} could be gone");
                        }
                        None if must_stay => panic!("{name} is lost: {:?}", version.value),
                        None => version.gone = true,
                    }
                }
                let is_dead = versions[&newest].gone;
                assert!(
                    !is_dead || versions.values().all(|version| version.gone),
                    "family {family}: dead row {keyspace}/{row} is alive again"
                );
            }
            assert!(found.is_empty(), "family {family}: deleted, destroyed or never written: {found:02x?}");
        }
        for (place, context) in
            self.contexts.iter().enumerate().filter(|(place, context)| context.is_attached && (*place == 0 || !self.model.extra_is_dropped))
        {
            let records = self.model.records.keys().filter(|record| record.context == place);
            assert_eq!(context.gc.destroyed_count(), records.map(|record| 2 - usize::from(record.rows.is_some())).sum::<usize>());
        }
    }

    fn end(&mut self) -> BTreeMap<&'static str, usize> {
        for place in 0..self.contexts.len() {
            for keyspace in KEYSPACES {
                self.name(place, keyspace);
            }
        }
        for _ in 0..2 {
            self.compact_everything();
            self.drain();
        }
        self.compact_everything();
        self.check(true);
        std::mem::take(&mut self.did)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let from = self.trace.len().saturating_sub(60);
            println!("{}\n...\n{}", self.trace[0], self.trace[from..].join("\n"));
        }
        self.close();
    }
}

fn gc_type(keyspace: u32) -> u32 {
    if keyspace == GLOBAL { c::RGC_GC_GLOBAL } else { c::RGC_GC_KEYSPACE_LEVEL }
}

/// Where a row begins, as a bound without a timestamp.
fn start_of(gc: &Gc, keyspace: u32, row: u8) -> Vec<u8> {
    let mut bound = gc.raw_key(keyspace, &[row], 0);
    bound.truncate(bound.len() - 8);
    bound
}

#[test]
fn what_must_stay_stays_whatever_happens_to_the_store() {
    let _quiet = Log::new(c::RGC_LOG_ERROR);
    let given = std::env::var("EDGES_SEED").ok();
    let first = given.as_ref().map_or_else(|| rand::random_range(0..u64::MAX / 2), |seed| seed.parse().unwrap());
    let mut did = BTreeMap::<_, usize>::new();
    for seed in first..first + HISTORIES {
        println!("EDGES_SEED={seed}");
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut worlds: Vec<_> = (0..rng.random_range(1..3)).map(|_| World::new(rng.random())).collect();
        (0..STEPS).for_each(|_| worlds.choose_mut(&mut rng).unwrap().step());
        for (what, times) in worlds.iter_mut().flat_map(World::end) {
            *did.entry(what).or_default() += times;
        }
    }
    println!("{did:?}");
    for (what, least) in CHOICES.iter().map(|choice| (choice.1, 5)).chain(BESIDES) {
        assert!(did.get(what).is_some_and(|times| *times >= least), "too seldom, {what}: {did:?}");
    }
}

/// The worker takes a row that a bound with a timestamp touches for a cut one, also where no version is on the other side.
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
