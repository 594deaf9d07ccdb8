//! What runs and the worker of a context share: its options' outcome, safe points, the clock, what is destroyed, and the rows on
//! their way from the ones to the other.

#![forbid(unsafe_code)]

mod clock;
mod dropped;
mod families;
mod keyspaces;
mod late_keys;
mod recorded;
mod rows;
mod schemas;
mod trusted;
mod worker_queue;

pub use clock::Clock;
pub use dropped::{Dropped, DroppedRange, Segment, Segments};
pub use families::{AllowedFilters, AttachedFamily, all_covered, candidates};
pub use keyspaces::{KeyspaceState, Keyspaces};
pub use late_keys::LateKeys;
pub use recorded::RecordedTypes;
pub use rows::HandedOverRows;
pub use schemas::{DroppedSchema, KeyDropState, Lookup, Registry, SchemaState, Schemas, Truncation};
pub use worker_queue::{Served, ServedFamily, WorkerQueue};

use crate::callback::lock;
use crate::error::{Error, hex};
use crate::layout::{KeyForm, KeyOwner, KeyspaceId, Layout, Tenant, Timestamp};
use crate::log::{Level, log};
use crate::options::{Deleting, Options, RemoveMode};
use crate::rule::raw::History;
use crate::safe_point::{Effective, KeepReason, SafePoints};
use crate::stats::Stats;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// What a column family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKind {
    /// Nothing that is judged; only what is dropped as a whole would go.
    DroppedOnly,
    /// RawKV rows, a version a key.
    Default,
    /// Records of transactions, a record a key.
    Write,
    /// API V1 with TTL.
    TtlV1,
}

impl FilterKind {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The state of a context, without anything of C.
pub struct Shared {
    /// What keys look like.
    pub layout: Layout,
    /// What readers want.
    pub history: History,
    /// How versions go.
    pub remove_mode: RemoveMode,
    /// Of expiries.
    pub ttl_grace_seconds: u64,
    /// How far ahead of the clock a safe point may be; 0 = any.
    max_safe_point_ahead_seconds: u64,
    /// Of all keyspaces.
    pub safe_points: SafePoints,
    /// For expiries.
    pub clock: Clock,
    /// Of all runs.
    pub stats: Stats,
    /// Off: every run keeps everything from its next row on.
    enabled: AtomicBool,
    generation: AtomicU64,
    /// In the plain layout: the kind whose versions its keys are.
    plain_kind: OnceLock<FilterKind>,
    /// Those that were admitted.
    kinds: AtomicU8,
    /// How the worker deletes.
    pub deleting: Deleting,
    /// From runs to the worker.
    pub worker_queue: WorkerQueue,
    dropped: Mutex<Arc<Dropped>>,
    /// Rows are kept whatever was said before: half of a row may be destroyed, and no ledger says which half.
    suspended: AtomicBool,
    /// The kinds of the factories that were made.
    factory_kinds: AtomicU8,
    /// Whose keys go.
    pub schemas: Registry,
    /// What is stored of keyspaces.
    pub keyspaces: Keyspaces,
    /// The types that the ledger has recorded.
    pub recorded_types: RecordedTypes,
    /// Was the first key that is not of the layout told?
    has_told_foreign_key: AtomicBool,
    /// Held by the worker while it has rows in hand.
    rows_in_hand: Mutex<()>,
    /// How many wait for that.
    waiting: AtomicUsize,
}

impl Shared {
    /// A context's state at start.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            layout: options.layout()?,
            history: options.history(),
            remove_mode: options.remove_mode,
            ttl_grace_seconds: options.ttl_grace_seconds,
            max_safe_point_ahead_seconds: options.max_safe_point_ahead_seconds,
            safe_points: SafePoints::new(options.unknown_keyspace),
            clock: Clock::new(),
            stats: Stats::default(),
            enabled: AtomicBool::new(true),
            generation: AtomicU64::new(0),
            plain_kind: OnceLock::new(),
            kinds: AtomicU8::new(0),
            deleting: options.deleting,
            worker_queue: WorkerQueue::new(options.worker_queue_max_rows, options.worker_queue_max_bytes),
            dropped: Mutex::default(),
            suspended: AtomicBool::new(false),
            factory_kinds: AtomicU8::new(0),
            schemas: Registry::default(),
            keyspaces: Keyspaces::default(),
            recorded_types: RecordedTypes::default(),
            has_told_foreign_key: AtomicBool::new(false),
            rows_in_hand: Mutex::default(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Have there been runs of this kind, or may there be?
    pub fn has_seen(&self, kind: FilterKind) -> bool {
        self.kinds.load(Ordering::Relaxed) & kind.bit() != 0
    }

    /// May there be runs of this kind? Plain keys do not tell RawKV versions from write records, so they are of one kind.
    pub fn admit(&self, kind: FilterKind) -> Result<(), Error> {
        let versions = matches!(kind, FilterKind::Default | FilterKind::Write);
        if versions && matches!(self.layout.form, KeyForm::Plain(_)) && *self.plain_kind.get_or_init(|| kind) != kind {
            return Err(Error::invalid(
                "in the plain layout one context serves kind RGC_KIND_RAW or kind RGC_KIND_TXN, not both; make another rgc_t",
            ));
        }
        self.kinds.fetch_or(kind.bit(), Ordering::Relaxed);
        Ok(())
    }

    /// Are rows judged?
    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Acquire) && !self.suspended.load(Ordering::Acquire)
    }

    /// Keeps everything until a store is attached, or no longer.
    pub fn suspend(&self, suspended: bool) {
        self.suspended.store(suspended, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// A factory of this kind was made.
    pub fn factory_made(&self, kind: FilterKind) {
        self.factory_kinds.fetch_or(kind.bit(), Ordering::Relaxed);
    }

    /// Was a factory of this kind made?
    pub fn has_factory(&self, kind: FilterKind) -> bool {
        self.factory_kinds.load(Ordering::Relaxed) & kind.bit() != 0
    }

    /// Judge rows, or keep everything from the next row on. Returns when the worker's rows in hand are finished.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
        self.wait_for_rows_in_hand();
    }

    /// Runs that are on see at their next row what is kept from now on.
    fn tell_runs(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Keeps everything of a keyspace until the host names it again, also in runs that are on, from their next row. Returns when
    /// the worker's rows in hand are finished.
    pub fn remove_keyspace(&self, keyspace: KeyspaceId) {
        self.safe_points.keep(keyspace, KeepReason::Paused);
        self.tell_runs();
        self.wait_for_rows_in_hand();
    }

    /// Changes a tenant's schemas, for runs that are on from their next key on.
    pub fn change_schemas<R>(&self, tenant: Tenant, change: impl FnOnce(&mut Schemas) -> R) -> R {
        let result = self.schemas.change(tenant, change);
        self.generation.fetch_add(1, Ordering::Release);
        result
    }

    /// What was ordered of schemas does not hold any more.
    pub fn forget_schema_orders(&self) {
        for (tenant, _) in self.schemas.all() {
            self.change_schemas(tenant, Schemas::forget_orders);
        }
    }

    /// Is a key's schema invalid now, in the family at this place? `None` = in any family.
    pub fn is_of_invalid_schema(&self, key: &[u8], family: Option<usize>) -> bool {
        let schemas = |(tenant, id)| Some(self.schemas.of(tenant)?.standing(id));
        match self.layout.schema(key).and_then(schemas) {
            Some(KeyDropState::Invalid(Some(dropped))) => family.is_none_or(|place| dropped.covers.contains(&place)),
            Some(KeyDropState::Invalid(None)) => true,
            _ => false,
        }
    }

    /// Is a put of this key to be left out at recovery?
    pub fn ignores_at_recovery(&self, key: &[u8]) -> bool {
        let tombstone = match self.layout.place(key) {
            KeyOwner::Keyspace(_, keyspace) => self.keyspaces.state(keyspace) == Some(KeyspaceState::Tombstone),
            _ => false,
        };
        tombstone || self.is_of_invalid_schema(key, None)
    }

    /// What is destroyed, as of now.
    pub fn dropped(&self) -> Arc<Dropped> {
        lock(&self.dropped).clone()
    }

    /// This, and nothing else, is destroyed from now on: for runs that are on from their next key on, for the worker from its
    /// next rows on. Returns when its rows in hand are finished.
    pub fn set_dropped(&self, dropped: Arc<Dropped>) {
        *lock(&self.dropped) = dropped;
        self.generation.fetch_add(1, Ordering::Release);
        self.wait_for_rows_in_hand();
    }

    /// Returns when the worker's rows in hand are finished; on the next ones it decides anew.
    fn wait_for_rows_in_hand(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        drop(lock(&self.rows_in_hand));
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Does anybody wait for the worker's rows in hand, or want it to rest? Then it puts back what it can put back.
    pub fn wants_rows_in_hand_back(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0 || !self.enabled()
    }

    /// The worker has rows in hand for as long as it holds this. Those who wait for the end of that go first.
    pub fn take_rows_in_hand(&self) -> MutexGuard<'_, ()> {
        while self.waiting.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
        lock(&self.rows_in_hand)
    }

    /// Changes when something happens that runs must see at their next row.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The effective safe point of keys at this place.
    pub fn effective(&self, place: KeyOwner) -> Effective {
        match place {
            KeyOwner::Keyspace(_, keyspace) => self.safe_points.effective(keyspace),
            KeyOwner::Tidb(_) | KeyOwner::Plain => Effective { safe_point: self.safe_points.global(), unknown: false },
            KeyOwner::Ledger | KeyOwner::Foreign => Effective { safe_point: 0, unknown: false },
        }
    }

    /// The highest safe point that may be taken now: the clock plus what is allowed ahead of it. An unknown time vouches for none.
    pub fn safe_point_limit(&self) -> Timestamp {
        const LOGICAL_BITS: u32 = 18;
        if self.max_safe_point_ahead_seconds == 0 {
            return Timestamp::MAX - 1;
        }
        let now = self.clock.now();
        if now == 0 {
            return 0;
        }
        let physical_ms = now.saturating_add(self.max_safe_point_ahead_seconds).saturating_mul(1000);
        physical_ms.checked_mul(1 << LOGICAL_BITS).map_or(Timestamp::MAX - 1, |ts| ts | ((1 << LOGICAL_BITS) - 1)).min(Timestamp::MAX - 1)
    }

    /// Says once that a run keeps keys which are not of the layout: often the host's data prefix is another one.
    pub fn tell_foreign_key(&self, key: &[u8]) {
        let is_told = &self.has_told_foreign_key;
        if !is_told.load(Ordering::Relaxed) && !is_told.swap(true, Ordering::Relaxed) {
            log(Level::Warn, || {
                let prefix = &self.layout.data_prefix;
                let prefix = if prefix.is_empty() { "empty".into() } else { hex(prefix) };
                format!(
                    "a run keeps keys that are not of the layout, the first is {}; data_prefix is {prefix}: make sure that it is what \
                     stands before the host's keys",
                    hex(key)
                )
            });
        }
    }

    /// Counts safe points that were not taken, and says why.
    pub fn refuse_safe_points(&self, n: usize, why: impl FnOnce() -> String) {
        self.stats.shared().safe_points_refused.add(n as u64);
        log(Level::Warn, why);
    }
}
