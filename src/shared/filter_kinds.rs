//! The kinds of filters, and those that a context has.

use crate::error::Error;
use crate::layout::{KeyMode, KeyOwner};
use crate::stats::Mode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

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
    /// Whether filters of this kind judge versions of this owner.
    pub fn judges(self, owner: KeyOwner) -> bool {
        matches!(
            (self, owner),
            (Self::Default, KeyOwner::Keyspace(KeyMode::Raw, _) | KeyOwner::Plain)
                | (Self::Write, KeyOwner::Keyspace(KeyMode::Txn, _) | KeyOwner::Tidb(_) | KeyOwner::Plain)
        )
    }

    /// The counters that its filters count in.
    pub fn mode(self) -> Mode {
        match self {
            Self::Default | Self::TtlV1 => Mode::Raw,
            Self::Write => Mode::Txn,
            Self::DroppedOnly => Mode::Other,
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The kinds of filters that a context has.
#[derive(Debug, Default)]
pub struct FilterKinds {
    /// The kinds of filters that were admitted, as bits.
    admitted: AtomicU8,
    /// The kinds of the factories that were made, as bits.
    factories: AtomicU8,
    /// In the plain layout: the kind of its keys.
    plain: OnceLock<FilterKind>,
}

impl FilterKinds {
    /// Whether filters of this kind were admitted.
    pub fn has(&self, kind: FilterKind) -> bool {
        self.admitted.load(Ordering::Relaxed) & kind.bit() != 0
    }

    /// Admits filters of this kind. Plain keys do not distinguish RawKV versions from write
    /// records, so all of them must be of one kind.
    pub fn admit(&self, kind: FilterKind, is_plain: bool) -> Result<(), Error> {
        let versions = matches!(kind, FilterKind::Default | FilterKind::Write);
        if versions && is_plain && *self.plain.get_or_init(|| kind) != kind {
            return Err(Error::invalid(
                "in the plain layout one context serves kind RGC_KIND_RAW or kind RGC_KIND_TXN, not both; make another rgc_t",
            ));
        }
        self.admitted.fetch_or(kind.bit(), Ordering::Relaxed);
        Ok(())
    }

    /// Remembers that a factory of this kind was made.
    pub fn add_factory(&self, kind: FilterKind) {
        self.factories.fetch_or(kind.bit(), Ordering::Relaxed);
    }

    /// Whether a factory of this kind was made.
    pub fn has_factory(&self, kind: FilterKind) -> bool {
        self.factories.load(Ordering::Relaxed) & kind.bit() != 0
    }
}
