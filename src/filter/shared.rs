//! What all runs of a context share.

use super::Clock;
use crate::error::Error;
use crate::layout::{Form, KeyspaceId, Layout, Place, Timestamp};
use crate::log::{Level, log};
use crate::options::{Options, RemoveMode};
use crate::rule::raw::History;
use crate::safe_point::{Effective, SafePoints};
use crate::stats::Stats;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a column family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that is judged; only what is dropped as a whole would go.
    DroppedOnly,
    /// RawKV rows, a version a key.
    Default,
    /// Records of transactions, a record a key.
    Write,
    /// API V1 with TTL.
    TtlV1,
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
    plain_kind: OnceLock<Kind>,
}

impl Shared {
    /// A context's state at start.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            layout: options.layout()?,
            history: options.history,
            remove_mode: options.remove_mode,
            ttl_grace_seconds: options.ttl_grace_seconds,
            max_safe_point_ahead_seconds: options.max_safe_point_ahead_seconds,
            safe_points: SafePoints::new(options.unknown_keyspace),
            clock: Clock::new(),
            stats: Stats::default(),
            enabled: AtomicBool::new(true),
            generation: AtomicU64::new(0),
            plain_kind: OnceLock::new(),
        })
    }

    /// May there be runs of this kind? Plain keys do not tell RawKV versions from write records, so they are of one kind.
    pub fn admit(&self, kind: Kind) -> Result<(), Error> {
        let versions = matches!(kind, Kind::Default | Kind::Write);
        if versions && matches!(self.layout.form, Form::Plain(_)) && *self.plain_kind.get_or_init(|| kind) != kind {
            return Err(Error::invalid(
                "in the plain layout one context serves kind RGC_DEFAULT or kind RGC_WRITE, not both; make another rgc_t",
            ));
        }
        Ok(())
    }

    /// Are rows judged?
    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Acquire)
    }

    /// Judge rows, or keep everything from the next row on.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Keeps everything of a keyspace until it is named again, also in runs that are on, from their next row.
    pub fn remove_keyspace(&self, keyspace: KeyspaceId) {
        self.safe_points.remove(keyspace);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Changes when something happens that runs must see at their next row.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The effective safe point of keys at this place.
    pub fn effective(&self, place: Place) -> Effective {
        match place {
            Place::Keyspace(_, keyspace) => self.safe_points.effective(keyspace),
            Place::Tidb(_) | Place::Plain => Effective { safe_point: self.safe_points.global(), unknown: false },
            Place::Ledger | Place::Foreign => Effective { safe_point: 0, unknown: false },
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

    /// Counts safe points that were not taken, and says why.
    pub fn refuse_safe_points(&self, n: usize, why: impl FnOnce() -> String) {
        self.stats.shared().safe_points_refused.add(n as u64);
        log(Level::Warn, why);
    }
}
