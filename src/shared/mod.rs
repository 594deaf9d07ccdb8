//! The state that filters and worker of a context share: the parsed options, safe points, the
//! clock, destroyed ranges and schemas, and the rows that filters hand over to the worker.

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

/// The content of a column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKind {
    /// Keys that are never judged; only destroyed and dropped keys are removed.
    DroppedOnly,
    /// RawKV rows: each key is a version.
    Default,
    /// Commit records of transactions: each key is a record.
    Write,
    /// API V1 values with a TTL.
    TtlV1,
}

impl FilterKind {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The state of a context, without C types.
pub struct Shared {
    /// The layout of keys.
    pub layout: Layout,
    /// The reads that the host serves.
    pub history: History,
    /// The way in which filters remove versions.
    pub remove_mode: RemoveMode,
    /// The time between a value's expiry and its removal, in seconds.
    pub ttl_grace_seconds: u64,
    /// The most seconds that a safe point may be ahead of the clock; 0 means no limit.
    max_safe_point_ahead_seconds: u64,
    /// The safe points of all keyspaces.
    pub safe_points: SafePoints,
    /// The clock that decides about expiry.
    pub clock: Clock,
    /// The counters of all filters and the worker.
    pub stats: Stats,
    /// Whether rows are judged. If not, every filter keeps everything from its next row.
    enabled: AtomicBool,
    generation: AtomicU64,
    /// In the plain layout: the kind of its keys.
    plain_kind: OnceLock<FilterKind>,
    /// The kinds of filters that were admitted, as bits.
    kinds: AtomicU8,
    /// The options of the worker's deletes.
    pub deleting: Deleting,
    /// The rows that filters hand over to the worker.
    pub worker_queue: WorkerQueue,
    dropped: Mutex<Arc<Dropped>>,
    /// Whether everything is kept, because half of a row may be destroyed and no ledger says which
    /// half.
    suspended: AtomicBool,
    /// The kinds of the factories that were made, as bits.
    factory_kinds: AtomicU8,
    /// The valid and dropped schemas.
    pub schemas: Registry,
    /// The metadata of keyspaces.
    pub keyspaces: Keyspaces,
    /// The types that the ledger has recorded.
    pub recorded_types: RecordedTypes,
    /// Whether the first key outside the layout was logged.
    has_told_foreign_key: AtomicBool,
    /// The lock that the worker holds while it has rows in hand.
    rows_in_hand: Mutex<()>,
    /// The number of threads that wait for that lock.
    waiting: AtomicUsize,
}

impl Shared {
    /// The initial state of a context.
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

    /// Whether filters of this kind were admitted.
    pub fn has_seen(&self, kind: FilterKind) -> bool {
        self.kinds.load(Ordering::Relaxed) & kind.bit() != 0
    }

    /// Admits filters of this kind. Plain keys do not distinguish RawKV versions from write
    /// records, so all of them must be of one kind.
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

    /// Whether rows are judged.
    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Acquire) && !self.suspended.load(Ordering::Acquire)
    }

    /// Keeps everything until a store is attached, or ends that.
    pub fn suspend(&self, suspended: bool) {
        self.suspended.store(suspended, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Remembers that a factory of this kind was made.
    pub fn factory_made(&self, kind: FilterKind) {
        self.factory_kinds.fetch_or(kind.bit(), Ordering::Relaxed);
    }

    /// Whether a factory of this kind was made.
    pub fn has_factory(&self, kind: FilterKind) -> bool {
        self.factory_kinds.load(Ordering::Relaxed) & kind.bit() != 0
    }

    /// Switches judging on or off. Filters follow at their next row. Returns when the worker's rows
    /// in hand are finished.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
        self.wait_for_rows_in_hand();
    }

    /// Makes running filters see at their next row that more is kept.
    fn tell_runs(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Keeps all keys of a keyspace until the host registers it again. Running filters follow at
    /// their next row. Returns when the worker's rows in hand are finished.
    pub fn remove_keyspace(&self, keyspace: KeyspaceId) {
        self.safe_points.keep(keyspace, KeepReason::Paused);
        self.tell_runs();
        self.wait_for_rows_in_hand();
    }

    /// Changes a tenant's schemas. Running filters see the change at their next key.
    pub fn change_schemas<R>(&self, tenant: Tenant, change: impl FnOnce(&mut Schemas) -> R) -> R {
        let result = self.schemas.change(tenant, change);
        self.generation.fetch_add(1, Ordering::Release);
        result
    }

    /// Forgets the drop and truncate orders of all schemas.
    pub fn forget_schema_orders(&self) {
        for (tenant, _) in self.schemas.all() {
            self.change_schemas(tenant, Schemas::forget_orders);
        }
    }

    /// Whether a key's schema is invalid now in the family at this place. `None` means in any
    /// family.
    pub fn is_of_invalid_schema(&self, key: &[u8], family: Option<usize>) -> bool {
        let schemas = |(tenant, id)| Some(self.schemas.of(tenant)?.standing(id));
        match self.layout.schema(key).and_then(schemas) {
            Some(KeyDropState::Invalid(Some(dropped))) => family.is_none_or(|place| dropped.covers.contains(&place)),
            Some(KeyDropState::Invalid(None)) => true,
            _ => false,
        }
    }

    /// Whether recovery leaves out a put of this key.
    pub fn ignores_at_recovery(&self, key: &[u8]) -> bool {
        let tombstone = match self.layout.place(key) {
            KeyOwner::Keyspace(_, keyspace) => self.keyspaces.state(keyspace) == Some(KeyspaceState::Tombstone),
            _ => false,
        };
        tombstone || self.is_of_invalid_schema(key, None)
    }

    /// The destroyed ranges at this moment.
    pub fn dropped(&self) -> Arc<Dropped> {
        lock(&self.dropped).clone()
    }

    /// Replaces all destroyed ranges. Running filters follow at their next key, the worker at its
    /// next rows. Returns when its rows in hand are finished.
    pub fn set_dropped(&self, dropped: Arc<Dropped>) {
        *lock(&self.dropped) = dropped;
        self.generation.fetch_add(1, Ordering::Release);
        self.wait_for_rows_in_hand();
    }

    /// Returns when the worker's rows in hand are finished. It decides about later rows by the new
    /// state.
    fn wait_for_rows_in_hand(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        drop(lock(&self.rows_in_hand));
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether a thread waits for the worker's rows in hand, or judging is switched off. Then the
    /// worker puts back the rows that it can put back.
    pub fn wants_rows_in_hand_back(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0 || !self.enabled()
    }

    /// Takes the lock for rows in hand, which the worker holds while it has any. Threads that
    /// already wait for the rows in hand have priority.
    pub fn take_rows_in_hand(&self) -> MutexGuard<'_, ()> {
        while self.waiting.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
        lock(&self.rows_in_hand)
    }

    /// A number that changes with every event that filters must see at their next row.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The effective safe point of keys with this owner.
    pub fn effective(&self, place: KeyOwner) -> Effective {
        match place {
            KeyOwner::Keyspace(_, keyspace) => self.safe_points.effective(keyspace),
            KeyOwner::Tidb(_) | KeyOwner::Plain => Effective { safe_point: self.safe_points.global(), unknown: false },
            KeyOwner::Ledger | KeyOwner::Foreign => Effective { safe_point: 0, unknown: false },
        }
    }

    /// The highest safe point that is accepted now: the clock plus the allowed lead. While the time
    /// is unknown no safe point is accepted.
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

    /// Logs once that a filter keeps keys outside the layout. The usual cause is a wrong data
    /// prefix.
    pub fn tell_foreign_key(&self, key: &[u8]) {
        let is_told = &self.has_told_foreign_key;
        if !is_told.load(Ordering::Relaxed) && !is_told.swap(true, Ordering::Relaxed) {
            log(Level::Warn, || {
                let prefix = &self.layout.data_prefix;
                let prefix = if prefix.is_empty() { "empty".into() } else { hex(prefix) };
                format!(
                    "a filter keeps keys that do not match the key layout, the first is {}; data_prefix is {prefix}: make sure that it is the \
                     prefix of the host's keys",
                    hex(key)
                )
            });
        }
    }

    /// Counts safe points that were refused, and logs the reason.
    pub fn refuse_safe_points(&self, n: usize, why: impl FnOnce() -> String) {
        self.stats.shared().safe_points_refused.add(n as u64);
        log(Level::Warn, why);
    }
}
