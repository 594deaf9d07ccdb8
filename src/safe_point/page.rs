//! The state of 4,096 neighbouring keyspaces, 9 bytes each.

use super::gc_type::GcType;
use crate::layout::Timestamp;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU8, AtomicU64};

/// The number of keyspaces of a page.
pub(super) const SLOTS: usize = 4096;

/// The registration of a keyspace's GC type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// The keyspace was never registered.
    Unknown,
    /// The keyspace is registered, and collected.
    Registered(GcType),
    /// All keys are kept. If the keyspace had a type, it can only be registered with that type
    /// again.
    Kept(KeepReason, Option<GcType>),
}

/// The reason why all keys of a keyspace are kept. A later variant is stronger and replaces an
/// earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeepReason {
    /// Metadata with an unknown GC type were loaded; metadata with a known type end it.
    UnknownType,
    /// Both types were registered; only the host's registration ends it.
    Conflict,
    /// The host paused the keyspace; only the host's registration ends it.
    Paused,
}

impl Registration {
    const ALL: [Self; 12] = {
        let [global, own] = [Some(GcType::Global), Some(GcType::KeyspaceLevel)];
        [
            Self::Unknown,
            Self::Registered(GcType::Global),
            Self::Registered(GcType::KeyspaceLevel),
            Self::Kept(KeepReason::UnknownType, None),
            Self::Kept(KeepReason::UnknownType, global),
            Self::Kept(KeepReason::UnknownType, own),
            Self::Kept(KeepReason::Conflict, None),
            Self::Kept(KeepReason::Conflict, global),
            Self::Kept(KeepReason::Conflict, own),
            Self::Kept(KeepReason::Paused, None),
            Self::Kept(KeepReason::Paused, global),
            Self::Kept(KeepReason::Paused, own),
        ]
    };

    /// The registered type, also if all keys are kept.
    pub(super) fn gc_type(self) -> Option<GcType> {
        match self {
            Self::Unknown => None,
            Self::Registered(gc_type) => Some(gc_type),
            Self::Kept(_, gc_type) => gc_type,
        }
    }
}

pub(super) struct Page {
    own: [AtomicU64; SLOTS],
    /// Indices into [`Registration::ALL`].
    registration: [AtomicU8; SLOTS],
}

impl Page {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self { own: [const { AtomicU64::new(0) }; SLOTS], registration: [const { AtomicU8::new(0) }; SLOTS] })
    }

    pub(super) fn own(&self, slot: usize) -> Timestamp {
        self.own.get(slot).map_or(0, |own| own.load(Acquire))
    }

    pub(super) fn set_own(&self, slot: usize, ts: Timestamp) {
        if let Some(own) = self.own.get(slot) {
            own.store(ts, Release);
        }
    }

    pub(super) fn registration(&self, slot: usize) -> Registration {
        let index = self.registration.get(slot).map_or(0, |registration| registration.load(Acquire));
        Registration::ALL.get(usize::from(index)).copied().unwrap_or(Registration::Unknown)
    }

    pub(super) fn set_registration(&self, slot: usize, registration: Registration) {
        let index = Registration::ALL.iter().position(|&n| n == registration);
        if let (Some(cell), Some(index)) = (self.registration.get(slot), index) {
            cell.store(index as u8, Release);
        }
    }
}
