//! The cache of safe points. Readers never wait: an effective safe point is two loads, also while a
//! writer is in progress or blocked. Writers write one at a time, and never move a safe point back.
//! A page is made when one of its keyspaces is first written.
//!
//! A reader loads the registration first, and then the safe point that the registration selects. A
//! pause changes the registration first and then clears the own safe point. So a reader in between
//! sees a value that was valid a moment ago, or 0. A registration is written after the own safe
//! point has been cleared, so no reader sees an own safe point from before the pause.

use super::gc_type::GcType;
use super::outcome::{AdvanceOutcome, Advanced, Effective, Known, Loaded, TypeConflict, UnknownKeyspace};
use super::page::{KeepReason, Page, Registration, SLOTS};
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
    pages: Box<[OnceBox<Page>]>,
    allocated: AtomicUsize,
    /// The number of registered keyspace-level keyspaces with a safe point of their own.
    collecting: AtomicUsize,
    writer: Mutex<()>,
}

impl SafePoints {
    /// A cache without safe points and keyspaces.
    pub fn new(unknown: UnknownKeyspace) -> Self {
        Self {
            unknown,
            global: AtomicU64::new(0),
            pages: (0..PAGES).map(|_| OnceBox::new()).collect(),
            allocated: AtomicUsize::new(0),
            collecting: AtomicUsize::new(0),
            writer: Mutex::new(()),
        }
    }

    /// The global safe point.
    pub fn global(&self) -> Timestamp {
        self.global.load(Acquire)
    }

    /// The effective safe point of a keyspace.
    pub fn effective(&self, keyspace: KeyspaceId) -> Effective {
        let (page, slot) = place(keyspace);
        let page = self.pages.get(page).and_then(OnceBox::get);
        match page.map_or(Registration::Unknown, |page| page.registration(slot)) {
            Registration::Registered(GcType::KeyspaceLevel) => {
                Effective { safe_point: page.map_or(0, |page| page.own(slot)), unknown: false }
            }
            Registration::Registered(GcType::Global) => Effective { safe_point: self.global(), unknown: false },
            Registration::Kept(..) => Effective { safe_point: 0, unknown: false },
            Registration::Unknown => match self.unknown {
                UnknownKeyspace::Keep => Effective { safe_point: 0, unknown: true },
                UnknownKeyspace::Global => Effective { safe_point: self.global(), unknown: false },
            },
        }
    }

    /// The stored state of a keyspace.
    pub fn known(&self, keyspace: KeyspaceId) -> Known {
        let (page, slot) = place(keyspace);
        let page = self.pages.get(page).and_then(OnceBox::get);
        page.map_or(Known { registration: Registration::Unknown, own: 0 }, |page| Known {
            registration: page.registration(slot),
            own: page.own(slot),
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

    /// The memory that the cache uses, in bytes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + PAGES * size_of::<OnceBox<Page>>() + self.allocated.load(Acquire) * size_of::<Page>()
    }

    /// Moves the global safe point forward.
    pub fn advance_global(&self, ts: Timestamp) -> AdvanceOutcome {
        let _turn = lock(&self.writer);
        let step = step(self.global(), ts);
        if step == AdvanceOutcome::Moved {
            self.global.store(ts, Release);
        }
        step
    }

    /// Moves keyspaces' own safe points forward, in order.
    pub fn advance(&self, safe_points: impl IntoIterator<Item = (KeyspaceId, Timestamp)>) -> Advanced {
        let _turn = lock(&self.writer);
        let mut advanced = Advanced::default();
        for (keyspace, ts) in safe_points {
            match self.advance_one(keyspace, ts, &mut advanced) {
                AdvanceOutcome::Moved => advanced.moved += 1,
                AdvanceOutcome::Same => {}
                AdvanceOutcome::Refused => advanced.refused += 1,
            }
        }
        advanced
    }

    fn advance_one(&self, keyspace: KeyspaceId, ts: Timestamp, advanced: &mut Advanced) -> AdvanceOutcome {
        let Some((page, slot)) = self.page(keyspace) else { return AdvanceOutcome::Refused };
        let (registration, own) = (page.registration(slot), page.own(slot));
        let step = match registration {
            Registration::Kept(..) => AdvanceOutcome::Refused,
            Registration::Unknown | Registration::Registered(_) => step(own, ts),
        };
        if step == AdvanceOutcome::Moved {
            page.set_own(slot, ts);
        }
        // This is the first own safe point: only keeping the keyspace sets it to 0 again.
        if step == AdvanceOutcome::Moved && own == 0 {
            match registration {
                Registration::Registered(GcType::KeyspaceLevel) => {
                    self.collecting.fetch_add(1, Release);
                }
                Registration::Registered(GcType::Global) => advanced.global.add(keyspace),
                Registration::Unknown | Registration::Kept(..) => advanced.unregistered.add(keyspace),
            }
        }
        step
    }

    /// The safe point of keyspaces that were never registered.
    pub fn unknown(&self) -> UnknownKeyspace {
        self.unknown
    }

    /// Registers the type of all these keyspaces, or of none, and ends every reason to keep them.
    /// Returns the number of keyspaces that became keyspace level after [`UnknownKeyspace::Global`]
    /// may have judged them.
    pub fn register(&self, keyspaces: impl Iterator<Item = KeyspaceId> + Clone, gc_type: GcType) -> Result<usize, TypeConflict> {
        let _turn = lock(&self.writer);
        self.keep_those_of_other_type(keyspaces.clone(), gc_type)?;
        Ok(keyspaces.filter(|&keyspace| self.register_one(keyspace, gc_type)).count())
    }

    /// Registers the type from a keyspace's metadata. A pause and a conflict remain in force.
    pub fn load(&self, keyspace: KeyspaceId, gc_type: GcType) -> Result<Loaded, TypeConflict> {
        let _turn = lock(&self.writer);
        self.keep_those_of_other_type(std::iter::once(keyspace), gc_type)?;
        if let Registration::Kept(why @ (KeepReason::Conflict | KeepReason::Paused), _) = self.registration(keyspace) {
            if let Some((page, slot)) = self.page(keyspace) {
                page.set_registration(slot, Registration::Kept(why, Some(gc_type)));
            }
            return Ok(Loaded::StaysKept(why, gc_type));
        }
        Ok(Loaded::Registered { late: self.register_one(keyspace, gc_type) })
    }

    /// Keeps all keys of a keyspace if it is registered with the other type.
    pub fn refuse_other_type(&self, keyspace: KeyspaceId, gc_type: GcType) -> Result<(), TypeConflict> {
        let _turn = lock(&self.writer);
        self.keep_those_of_other_type(std::iter::once(keyspace), gc_type)
    }

    fn keep_those_of_other_type(&self, keyspaces: impl Iterator<Item = KeyspaceId>, gc_type: GcType) -> Result<(), TypeConflict> {
        let mut conflict: Option<TypeConflict> = None;
        for (index, keyspace) in keyspaces.enumerate() {
            if let Some(in_force) = self.registration(keyspace).gc_type().filter(|in_force| *in_force != gc_type) {
                self.keep_one(keyspace, KeepReason::Conflict);
                conflict.get_or_insert(TypeConflict { n: 0, index, keyspace, in_force }).n += 1;
            }
        }
        conflict.map_or(Ok(()), Err)
    }

    fn register_one(&self, keyspace: KeyspaceId, gc_type: GcType) -> bool {
        let Some((page, slot)) = self.page(keyspace) else { return false };
        let before = page.registration(slot);
        if before == Registration::Registered(gc_type) {
            return false;
        }
        page.set_registration(slot, Registration::Registered(gc_type));
        if gc_type == GcType::KeyspaceLevel && page.own(slot) > 0 {
            self.collecting.fetch_add(1, Release);
        }
        let judged_by_global = before.gc_type().is_none() && self.unknown == UnknownKeyspace::Global && self.global() > 0;
        judged_by_global && gc_type == GcType::KeyspaceLevel
    }

    /// Keeps all keys of a keyspace. `why` tells which event ends that.
    pub fn keep(&self, keyspace: KeyspaceId, why: KeepReason) {
        let _turn = lock(&self.writer);
        self.keep_one(keyspace, why);
    }

    fn keep_one(&self, keyspace: KeyspaceId, why: KeepReason) {
        let Some((page, slot)) = self.page(keyspace) else { return };
        let before = page.registration(slot);
        let why = if let Registration::Kept(before, _) = before { before.max(why) } else { why };
        page.set_registration(slot, Registration::Kept(why, before.gc_type()));
        if before == Registration::Registered(GcType::KeyspaceLevel) && page.own(slot) > 0 {
            self.collecting.fetch_sub(1, Release);
        }
        page.set_own(slot, 0);
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
