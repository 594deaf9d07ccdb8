//! The host: a DB with its contexts, and the steps that it takes at random.

mod check;
mod destroys;
mod keyspaces;
mod opening;
mod writes;

use crate::model::{EXTRA, GLOBAL, KEYSPACES, Model, NOW};
use crate::support::gc::Gc;
use crate::support::store::{EVERY_WAY, Store, Via};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rocks_gc::ffi::c;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use tempfile::{TempDir, tempdir};

/// Says whether it did what it is named for.
type Step = fn(&mut Host) -> bool;

/// Steps by weight.
pub const CHOICES: &[(u32, &str, Step)] = &[
    (60, "write", Host::write),
    (4, "the host deletes a row", Host::delete_a_row),
    (12, "flush", Host::flush),
    (6, "compact a range", Host::compact_a_range),
    (10, "compact a level", Host::compact_a_level),
    (5, "compact everything", Host::compact_everything),
    (5, "drain", Host::drain),
    (5, "collect", Host::collect),
    (10, "advance", Host::advance),
    (7, "destroy", |host| host.destroy(0)),
    (5, "destroy, reusable", |host| host.destroy(c::RGC_DESTROY_REUSABLE)),
    (2, "recheck", Host::recheck),
    (3, "forget", Host::forget),
    (2, "pause", Host::pause),
    (6, "name again", Host::name_again),
    (1, "drop a family", Host::drop_extra),
    (3, "restart", |host| host.reopen(Reopen::Plain)),
    (2, "back up", |host| host.reopen(Reopen::BackUp)),
    (3, "put a backup back", |host| host.reopen(Reopen::PutBack)),
    (3, "the clock leaps", Host::leap),
    (2, "a second context on the ledger", Host::share_the_ledger),
];

/// What happens besides, and must happen often enough.
pub const BESIDES: [(&str, usize); 6] = [
    ("compacted before attach", 10),
    ("attach refused a destroyed keyspace", 1),
    ("destroy refused", 2),
    ("destroyed in the first family only", 5),
    ("calls on a dropped family", 1),
    ("put back under the same context, which had destroyed more since", 2),
];

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
pub struct Host {
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

impl Host {
    pub fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let (via, has_wal, has_ledger) = (*EVERY_WAY.choose(&mut rng).unwrap(), rng.random(), rng.random_ratio(3, 4));
        let contexts = if rng.random_ratio(1, 3) { 2 } else { 1 };
        let clock: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(NOW)));
        let mut host = Self {
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
            let gc = host.new_gc(place);
            host.contexts.push(Context { gc, is_attached: false, safe_points: BTreeMap::new(), paused: BTreeSet::new() });
            host.tell(place, false);
        }
        host.open();
        host.attach(false);
        host
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

    pub fn step(&mut self) {
        let &(_, name, step) = CHOICES.choose_weighted(&mut self.rng, |choice| choice.0).unwrap();
        if step(self) {
            self.note(name);
        }
        self.check(false);
    }

    pub fn end(&mut self) -> BTreeMap<&'static str, usize> {
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

impl Drop for Host {
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
