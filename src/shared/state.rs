//! The state of a context that its filters and its worker share.

use super::clock::Clock;
use super::dropped::Dropped;
use super::filter_kinds::{FilterKind, FilterKinds};
use super::keyspace_counts::CountsOfKeyspaces;
use super::keyspaces::Keyspaces;
use super::notices::Notices;
use super::recorded::RecordedTypes;
use super::rows_in_hand::RowsInHand;
use super::schema_registry::Registry;
use super::schemas::Schemas;
use super::worker_queue::WorkerQueue;
use crate::callback::lock;
use crate::error::{Error, hex};
use crate::layout::{KeyForm, KeyMode, KeyOwner, KeyRange, KeyspaceId, Layout, Tenant, Timestamp};
use crate::log::{Level, log};
use crate::options::{Deleting, Options, RemoveMode};
use crate::rule::raw::History;
use crate::safe_point::{Effective, GcType, KeepReason, Registration, SafePoints};
use crate::stats::Stats;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// The state of a context, without C types.
pub struct Shared {
    /// The layout of keys.
    pub layout: Layout,
    /// The reads that the host serves.
    pub history: History,
    /// The way in which filters remove versions.
    pub remove_mode: RemoveMode,
    /// The versions per row from which a compaction above the bottommost level gets a filter.
    pub ratio_threshold: f64,
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
    /// What filters did, per keyspace.
    pub of_keyspaces: CountsOfKeyspaces,
    /// Whether rows are judged. If not, every filter keeps everything from its next row.
    enabled: AtomicBool,
    generation: AtomicU64,
    /// The kinds of filters that the context has.
    pub kinds: FilterKinds,
    /// The number of keyspaces that the metrics name one by one.
    pub metrics_keyspaces: usize,
    /// Whether the metrics also have the names that TiKV's dashboards use.
    pub metrics_tikv: bool,
    /// The options of the worker's deletes.
    pub deleting: Deleting,
    /// The rows that filters hand over to the worker.
    pub worker_queue: WorkerQueue,
    dropped: Mutex<Arc<Dropped>>,
    /// Whether everything is kept: half of a row may be destroyed, and no attached ledger says
    /// which half.
    suspended: AtomicBool,
    /// The valid and dropped schemas.
    pub schemas: Registry,
    /// The metadata of keyspaces.
    pub keyspaces: Keyspaces,
    /// The types that the ledger has recorded.
    pub recorded_types: RecordedTypes,
    /// The reasons to keep versions that were logged.
    pub notices: Notices,
    /// Whether the first key outside the layout was logged.
    has_told_foreign_key: AtomicBool,
    /// The rows that the worker has in hand.
    pub rows_in_hand: RowsInHand,
}

impl Shared {
    /// The initial state of a context.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            layout: options.layout()?,
            history: options.history(),
            remove_mode: options.remove_mode,
            ratio_threshold: options.ratio_threshold,
            ttl_grace_seconds: options.ttl_grace_seconds,
            max_safe_point_ahead_seconds: options.max_safe_point_ahead_seconds,
            safe_points: SafePoints::new(options.unknown_keyspace),
            clock: Clock::new(),
            stats: Stats::default(),
            of_keyspaces: CountsOfKeyspaces::default(),
            enabled: AtomicBool::new(true),
            generation: AtomicU64::new(0),
            kinds: FilterKinds::default(),
            metrics_keyspaces: options.metrics_keyspaces,
            metrics_tikv: options.metrics_tikv,
            deleting: options.deleting,
            worker_queue: WorkerQueue::new(options.worker_queue_max_rows, options.worker_queue_max_bytes),
            dropped: Mutex::default(),
            suspended: AtomicBool::new(false),
            schemas: Registry::default(),
            keyspaces: Keyspaces::default(),
            recorded_types: RecordedTypes::default(),
            notices: Notices::default(),
            has_told_foreign_key: AtomicBool::new(false),
            rows_in_hand: RowsInHand::default(),
        })
    }

    /// Whether rows are judged.
    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Acquire) && !self.suspended.load(Ordering::Acquire)
    }

    /// With `true`, filters keep everything until a store is attached. With `false`, that ends.
    pub fn suspend(&self, suspended: bool) {
        self.suspended.store(suspended, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Switches judging on or off. Filters follow at their next row. Returns when the worker's rows
    /// in hand are finished.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
        self.rows_in_hand.wait();
    }

    /// Makes running filters read the state again at their next row.
    pub(super) fn tell_runs(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Keeps all keys of a keyspace until the host registers it again. Running filters follow at
    /// their next row. Returns when the worker's rows in hand are finished.
    pub fn pause_keyspace(&self, keyspace: KeyspaceId) {
        self.safe_points.keep(keyspace, KeepReason::Paused);
        self.tell_runs();
        self.rows_in_hand.wait();
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

    /// The destroyed ranges at this moment.
    pub fn dropped(&self) -> Arc<Dropped> {
        lock(&self.dropped).clone()
    }

    /// Replaces all destroyed ranges. Running filters follow at their next key, the worker at its
    /// next rows. Returns when its rows in hand are finished.
    pub fn set_dropped(&self, dropped: Arc<Dropped>) {
        *lock(&self.dropped) = dropped;
        self.generation.fetch_add(1, Ordering::Release);
        self.rows_in_hand.wait();
    }

    /// Changes the destroyed ranges, and waits as [`Shared::set_dropped`] does. Copies that were
    /// made before are not changed.
    pub fn change_dropped(&self, change: impl FnOnce(&mut Dropped)) {
        let mut dropped = lock(&self.dropped);
        change(Arc::make_mut(&mut dropped));
        drop(dropped);
        self.generation.fetch_add(1, Ordering::Release);
        self.rows_in_hand.wait();
    }

    /// Whether a thread waits for the worker's rows in hand, or judging is switched off. Then the
    /// worker puts back the rows that it can put back.
    pub fn wants_rows_in_hand_back(&self) -> bool {
        self.rows_in_hand.are_waited_for() || !self.enabled()
    }

    /// Admits filters of this kind.
    pub fn admit(&self, kind: FilterKind) -> Result<(), Error> {
        self.kinds.admit(kind, matches!(self.layout.form, KeyForm::Plain(_)))
    }

    /// A number that changes with every event that filters must see at their next row.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The effective safe point of keys with this owner.
    pub fn effective(&self, owner: KeyOwner) -> Effective {
        match owner {
            KeyOwner::Keyspace(_, keyspace) => self.safe_points.effective(keyspace),
            KeyOwner::Tidb(_) | KeyOwner::Plain => Effective { safe_point: self.safe_points.global(), unknown: false },
            KeyOwner::Ledger | KeyOwner::Foreign => Effective { safe_point: 0, unknown: false },
        }
    }

    /// Whether a keyspace lacks a safe point of its own, while a global one is set, which does not
    /// count for it.
    pub fn lacks_own_safe_point(&self, owner: KeyOwner) -> bool {
        let KeyOwner::Keyspace(_, keyspace) = owner else { return false };
        let known = self.safe_points.known(keyspace);
        known.registration == Registration::Registered(GcType::KeyspaceLevel) && known.own == 0 && self.safe_points.global() > 0
    }

    /// The first keyspace with keys in a range that is registered as keyspace level.
    pub fn keyspace_level_in(&self, range: &KeyRange) -> Option<KeyspaceId> {
        let is_keyspace_level = |keyspace: &KeyspaceId| {
            let registration = self.safe_points.known(*keyspace).registration;
            matches!(registration, Registration::Registered(GcType::KeyspaceLevel) | Registration::Kept(_, Some(GcType::KeyspaceLevel)))
        };
        let is_in_range = |keyspace: &KeyspaceId| {
            let owned = [KeyMode::Raw, KeyMode::Txn].map(|mode| self.layout.owner_range(KeyOwner::Keyspace(mode, *keyspace)));
            owned.into_iter().flatten().any(|owned| owned.overlaps(range))
        };
        let next = |keyspace: &KeyspaceId| self.safe_points.first_known(KeyspaceId::new(keyspace.get() + 1)?);
        let known = std::iter::successors(KeyspaceId::new(0).and_then(|first| self.safe_points.first_known(first)), next);
        known.filter(is_keyspace_level).find(is_in_range)
    }

    /// The highest safe point that is accepted now: the clock's time plus the allowed lead. While
    /// the time is unknown, no safe point is accepted.
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
