//! The state of 4,096 neighbouring keyspaces, 9 bytes each; 17 once a barrier has held one of them
//! back.

use super::gc_type::GcType;
use crate::layout::Timestamp;
use once_cell::race::OnceBox;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize};

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
    pub fn gc_type(self) -> Option<GcType> {
        match self {
            Self::Unknown => None,
            Self::Registered(gc_type) => Some(gc_type),
            Self::Kept(_, gc_type) => gc_type,
        }
    }
}

/// The index of a registered global keyspace in [`Registration::ALL`].
const GLOBAL: u8 = 1;
/// The index of a registered keyspace-level keyspace.
const KEYSPACE_LEVEL: u8 = 2;

pub(super) struct Page {
    own: [AtomicU64; SLOTS],
    /// Indices into [`Registration::ALL`].
    registration: [AtomicU8; SLOTS],
    /// The safe points that the host asked for where barriers hold them back; 0 elsewhere.
    asked: OnceBox<[AtomicU64; SLOTS]>,
    /// The number of safe points that are held back.
    held: AtomicUsize,
}

/// The bytes that a page takes more once it has held a safe point back.
pub(super) const HELD_BYTES: usize = size_of::<[AtomicU64; SLOTS]>();

impl Page {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            own: [const { AtomicU64::new(0) }; SLOTS],
            registration: [const { AtomicU8::new(0) }; SLOTS],
            asked: OnceBox::new(),
            held: AtomicUsize::new(0),
        })
    }

    /// The safe point that the host asked for, if a barrier holds it back, else 0.
    pub(super) fn asked(&self, slot: usize) -> Timestamp {
        self.asked.get().and_then(|asked| asked.get(slot)).map_or(0, |asked| asked.load(Acquire))
    }

    /// Notes what the host asked for, 0 if nothing is held back; only for writers. Returns the
    /// value before.
    pub(super) fn set_asked(&self, slot: usize, ts: Timestamp) -> Timestamp {
        if ts == 0 && self.asked.get().is_none() {
            return 0;
        }
        let asked = self.asked.get_or_init(|| Box::new([const { AtomicU64::new(0) }; SLOTS]));
        let Some(asked) = asked.get(slot) else { return 0 };
        // Writers write one at a time, so none of this needs a locked instruction.
        let before = asked.load(Acquire);
        asked.store(ts, Release);
        count_held(&self.held, before, ts);
        before
    }

    /// The number of safe points that are held back.
    pub(super) fn held(&self) -> usize {
        self.held.load(Acquire)
    }

    /// Whether the page has room for what the host asked for.
    pub(super) fn has_held(&self) -> bool {
        self.asked.get().is_some()
    }

    pub(super) fn own(&self, slot: usize) -> Timestamp {
        self.own.get(slot).map_or(0, |own| own.load(Acquire))
    }

    pub(super) fn set_own(&self, slot: usize, ts: Timestamp) {
        if let Some(own) = self.own.get(slot) {
            own.store(ts, Release);
        }
    }

    /// The type of a keyspace that is registered and not kept, without a look at the table.
    #[inline(always)]
    pub(super) fn registered(&self, slot: usize) -> Option<GcType> {
        match self.registration.get(slot)?.load(Acquire) {
            KEYSPACE_LEVEL => Some(GcType::KeyspaceLevel),
            GLOBAL => Some(GcType::Global),
            _ => None,
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

/// Counts a safe point that is held back from now on, or no longer; only for writers.
pub(super) fn count_held(held: &AtomicUsize, before: Timestamp, now: Timestamp) {
    match (before, now) {
        (0, 1..) => held.store(held.load(Acquire) + 1, Release),
        (1.., 0) => held.store(held.load(Acquire) - 1, Release),
        _ => {}
    }
}
