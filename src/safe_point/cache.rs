//! The cache of safe points. Readers never wait: an effective safe point is two loads, also while a
//! writer is in progress or blocked. Writers write one at a time, and never move a safe point back.
//! A page is made when one of its keyspaces is first written.
//!
//! A reader loads the registration first, and then the safe point that the registration selects. A
//! pause changes the registration first and then clears the own safe point. So a reader in between
//! sees a value that was valid a moment ago, or 0. A registration is written after the own safe
//! point has been cleared, so no reader sees an own safe point from before the pause.
//!
//! Barriers act where safe points are written, so readers pay nothing for them. What the cache holds
//! is the least of what the host asked for and of the barriers. What the host asked for is noted
//! beside it, and put in force when the barrier lets go. So setting a barrier changes no safe point:
//! it must be at or above those that it holds back.
//!
//! | file | content |
//! |---|---|
//! | `registering` | the types of keyspaces |
//! | `holding` | setting barriers, and letting them go |

mod holding;
mod registering;

pub use holding::{Moment, SetError};

use super::barriers::{Barrier, Barriers, NEVER, Scope};
use super::gc_type::GcType;
use super::outcome::{AdvanceOutcome, Advanced, Effective, Known, UnknownKeyspace};
use super::page::{HELD_BYTES, Page, Registration, SLOTS, count_held};
use crate::callback::lock;
use crate::layout::{KeyspaceId, Timestamp};
use once_cell::race::OnceBox;
use std::mem::size_of;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize};

const PAGES: usize = (KeyspaceId::MAX as usize + 1) / SLOTS;

/// The safe points of one context.
pub struct SafePoints {
    unknown: UnknownKeyspace,
    global: AtomicU64,
    /// What the host asked for, if barriers hold the global safe point back, else 0.
    global_asked: AtomicU64,
    /// The highest safe point that any keyspace ever had of its own.
    highest_own: AtomicU64,
    pages: Box<[OnceBox<Page>; PAGES]>,
    allocated: AtomicUsize,
    /// The number of registered keyspace-level keyspaces with a safe point of their own.
    collecting: AtomicUsize,
    /// The number of keyspaces whose own safe point is held back.
    held: AtomicUsize,
    /// The number of barriers that were ever set.
    sets: AtomicU64,
    /// The last second in the life of the barrier that ends first.
    next_expiry: AtomicU64,
    writer: Mutex<Barriers>,
}

impl SafePoints {
    /// A cache without safe points and keyspaces.
    pub fn new(unknown: UnknownKeyspace) -> Self {
        Self {
            unknown,
            global: AtomicU64::new(0),
            global_asked: AtomicU64::new(0),
            highest_own: AtomicU64::new(0),
            pages: Box::new([const { OnceBox::new() }; PAGES]),
            allocated: AtomicUsize::new(0),
            collecting: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            sets: AtomicU64::new(0),
            next_expiry: AtomicU64::new(NEVER),
            writer: Mutex::default(),
        }
    }

    /// The global safe point.
    pub fn global(&self) -> Timestamp {
        self.global.load(Acquire)
    }

    /// The global safe point that the host asked for. Barriers may hold it back.
    pub fn asked_global(&self) -> Timestamp {
        self.global_asked.load(Acquire).max(self.global())
    }

    /// The effective safe point of a keyspace that is registered and not kept.
    #[inline(always)]
    pub fn of_registered(&self, keyspace: KeyspaceId) -> Option<Timestamp> {
        let (page, slot) = place(keyspace);
        let page = self.pages.get(page)?.get()?;
        match page.registered(slot)? {
            GcType::KeyspaceLevel => Some(page.own(slot)),
            GcType::Global => Some(self.global()),
        }
    }

    /// The effective safe point of a keyspace.
    pub fn effective(&self, keyspace: KeyspaceId) -> Effective {
        if let Some(safe_point) = self.of_registered(keyspace) {
            return Effective { safe_point, unknown: false };
        }
        match (self.registration(keyspace), self.unknown) {
            (Registration::Unknown, UnknownKeyspace::Keep) => Effective { safe_point: 0, unknown: true },
            (Registration::Unknown, UnknownKeyspace::Global) => Effective { safe_point: self.global(), unknown: false },
            // Registered a moment ago, or kept.
            (Registration::Registered(_) | Registration::Kept(..), _) => Effective { safe_point: 0, unknown: false },
        }
    }

    /// The stored state of a keyspace.
    pub fn known(&self, keyspace: KeyspaceId) -> Known {
        let (page, slot) = place(keyspace);
        let page = self.pages.get(page).and_then(OnceBox::get);
        page.map_or(Known { registration: Registration::Unknown, own: 0, asked: 0 }, |page| Known {
            registration: page.registration(slot),
            own: page.own(slot),
            asked: page.asked(slot),
        })
    }

    /// The first keyspace with this id or a higher one of which anything is stored.
    pub fn first_known(&self, from: KeyspaceId) -> Option<KeyspaceId> {
        let (first_page, first_slot) = place(from);
        let pages = self.pages.iter().enumerate().skip(first_page);
        pages.filter_map(|(number, page)| Some((number, page.get()?))).find_map(|(number, page)| {
            let first = if number == first_page { first_slot } else { 0 };
            let slot = (first..SLOTS).find(|&slot| page.registration(slot) != Registration::Unknown || page.own(slot) > 0)?;
            KeyspaceId::new((number * SLOTS + slot) as u32)
        })
    }

    /// Whether any effective safe point is above 0. With a global safe point it is true even if no
    /// keyspace is registered, so that filters count the keys of unregistered keyspaces.
    pub fn any_effective(&self) -> bool {
        self.global() > 0 || self.collecting.load(Acquire) > 0
    }

    /// No effective safe point is above this one.
    pub fn highest(&self) -> Timestamp {
        self.global().max(self.highest_own.load(Acquire))
    }

    /// The memory that the cache uses, in bytes.
    pub fn bytes(&self) -> usize {
        let held = self.pages.iter().filter_map(OnceBox::get).filter(|page| page.has_held()).count() * HELD_BYTES;
        size_of::<Self>() + PAGES * size_of::<OnceBox<Page>>() + self.allocated.load(Acquire) * size_of::<Page>() + held
    }

    /// Moves the global safe point forward, as far as barriers let it. Also returns the barrier that
    /// holds it back, the first time that it does.
    pub fn advance_global(&self, ts: Timestamp) -> (AdvanceOutcome, Option<Barrier>) {
        let mut barriers = lock(&self.writer);
        let global = self.global();
        let outcome = step(self.asked_global(), ts);
        if outcome != AdvanceOutcome::Moved {
            return (outcome, None);
        }
        let allowed = ts.min(barriers.least(Scope::Global)).min(barriers.least(Scope::All));
        self.global_asked.store(if allowed < ts { ts } else { 0 }, Release);
        self.global.store(allowed, Release);
        let holder = if allowed < ts { barriers.holder_untold(Scope::Global) } else { None };
        (if allowed > global { outcome } else { AdvanceOutcome::Held }, holder)
    }

    /// Moves keyspaces' own safe points forward, in order, as far as barriers let them.
    pub fn advance(&self, safe_points: impl IntoIterator<Item = (KeyspaceId, Timestamp)>) -> Advanced {
        let mut barriers = lock(&self.writer);
        let of_all = barriers.least(Scope::All);
        let has_own = barriers.any_of_keyspaces();
        let mut advanced = Advanced::default();
        for (keyspace, ts) in safe_points {
            let allowed = if has_own { of_all.min(barriers.least(Scope::Keyspace(keyspace))) } else { of_all };
            match self.advance_one(keyspace, ts, allowed, &mut advanced) {
                AdvanceOutcome::Moved => advanced.moved += 1,
                AdvanceOutcome::Same => continue,
                AdvanceOutcome::Refused => {
                    advanced.refused += 1;
                    continue;
                }
                AdvanceOutcome::Held => {}
            }
            if allowed < ts && self.known(keyspace).asked > 0 {
                advanced.holding.add(barriers.holder_untold(Scope::Keyspace(keyspace)), ts);
            }
        }
        advanced
    }

    fn advance_one(&self, keyspace: KeyspaceId, ts: Timestamp, allowed: Timestamp, advanced: &mut Advanced) -> AdvanceOutcome {
        let Some((page, slot)) = self.page(keyspace) else { return AdvanceOutcome::Refused };
        let (registration, own) = (page.registration(slot), page.own(slot));
        let step = match registration {
            Registration::Kept(..) => AdvanceOutcome::Refused,
            Registration::Unknown | Registration::Registered(_) => step(own.max(page.asked(slot)), ts),
        };
        if step != AdvanceOutcome::Moved {
            return step;
        }
        // A safe point that is not used needs no holding back.
        let next = if registration == Registration::Registered(GcType::Global) { ts } else { ts.min(allowed) };
        self.set_asked(page, slot, if next < ts { ts } else { 0 });
        if next == own {
            return AdvanceOutcome::Held;
        }
        self.raise_highest(next);
        page.set_own(slot, next);
        // This is the first own safe point: only keeping the keyspace sets it to 0 again.
        if own == 0 {
            match registration {
                Registration::Registered(GcType::KeyspaceLevel) => {
                    self.collecting.fetch_add(1, Release);
                }
                Registration::Registered(GcType::Global) => advanced.global.add(keyspace),
                Registration::Unknown | Registration::Kept(..) => advanced.unregistered.add(keyspace),
            }
        }
        AdvanceOutcome::Moved
    }

    fn set_asked(&self, page: &Page, slot: usize, ts: Timestamp) {
        count_held(&self.held, page.set_asked(slot, ts), ts);
    }

    /// Only for writers.
    fn raise_highest(&self, own: Timestamp) {
        if own > self.highest_own.load(Acquire) {
            self.highest_own.store(own, Release);
        }
    }

    fn registration(&self, keyspace: KeyspaceId) -> Registration {
        let (page, slot) = place(keyspace);
        self.pages.get(page).and_then(OnceBox::get).map_or(Registration::Unknown, |page| page.registration(slot))
    }

    /// The page of a keyspace, which is made if needed; only for writers.
    fn page(&self, keyspace: KeyspaceId) -> Option<(&Page, usize)> {
        let (page, slot) = place(keyspace);
        let page = self.pages.get(page)?.get_or_init(|| {
            self.allocated.fetch_add(1, Release);
            Page::new()
        });
        Some((page, slot))
    }
}

fn place(keyspace: KeyspaceId) -> (usize, usize) {
    let id = keyspace.get() as usize;
    (id / SLOTS, id % SLOTS)
}

fn step(in_force: Timestamp, ts: Timestamp) -> AdvanceOutcome {
    match ts.cmp(&in_force) {
        std::cmp::Ordering::Greater => AdvanceOutcome::Moved,
        std::cmp::Ordering::Equal => AdvanceOutcome::Same,
        std::cmp::Ordering::Less => AdvanceOutcome::Refused,
    }
}

#[cfg(test)]
mod tests;
