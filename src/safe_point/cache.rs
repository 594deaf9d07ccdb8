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
mod tests {
    use super::super::outcome::Unused;
    use super::*;
    use GcType::{Global, KeyspaceLevel};
    use std::iter::once;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::sync::mpsc;
    use std::thread;

    fn id(id: u32) -> KeyspaceId {
        KeyspaceId::new(id).unwrap()
    }

    fn effective(safe_points: &SafePoints, keyspace: u32) -> u64 {
        safe_points.effective(id(keyspace)).safe_point
    }

    #[test]
    fn each_keyspace_has_its_own_effective_safe_point() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        assert!(!sp.any_effective());
        assert_eq!(sp.advance([(id(7), 70)]).moved, 1);
        assert!(!sp.any_effective(), "not named yet");
        assert_eq!(sp.register([id(7), id(16_777_215)].into_iter(), KeyspaceLevel), Ok(0));
        assert_eq!(sp.register(once(id(0)), Global), Ok(0));
        assert!(sp.any_effective());
        sp.advance_global(50);
        sp.advance([(id(0), 99)]);
        assert_eq!([0, 1, 7, 16_777_215].map(|keyspace| effective(&sp, keyspace)), [50, 0, 70, 0]);
        assert!(sp.effective(id(1)).unknown && !sp.effective(id(16_777_215)).unknown);
    }

    #[test]
    fn safe_points_only_move_forward() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        assert_eq!(
            [5, 5, 4, 6].map(|ts| sp.advance_global(ts)),
            [AdvanceOutcome::Moved, AdvanceOutcome::Same, AdvanceOutcome::Refused, AdvanceOutcome::Moved]
        );
        let batch = [(id(1), 10), (id(1), 9), (id(1), 10), (id(2), 1)];
        let unregistered = Unused { n: 2, first: Some(id(1)) };
        assert_eq!(sp.advance(batch), Advanced { moved: 2, refused: 1, unregistered, ..Advanced::default() });
    }

    #[test]
    fn the_first_type_stands_and_another_one_keeps_everything_until_it_is_named() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        sp.advance_global(50);
        sp.register([id(3), id(5)].into_iter(), KeyspaceLevel).unwrap();
        sp.advance([(id(3), 70), (id(5), 70)]);
        let conflict = sp.register([id(4), id(3), id(5)].into_iter(), Global).unwrap_err();
        assert_eq!(conflict, TypeConflict { n: 2, index: 1, keyspace: id(3), in_force: KeyspaceLevel });
        assert!(sp.effective(id(4)).unknown, "a refused batch registers no keyspace");
        assert_eq!([3, 5].map(|keyspace| effective(&sp, keyspace)), [0, 0], "all that conflict are kept");
        assert!(sp.any_effective(), "by the global one");
        assert_eq!(sp.load(id(3), KeyspaceLevel), Ok(Loaded::StaysKept(KeepReason::Conflict, KeyspaceLevel)));
        assert!(sp.load(id(3), Global).is_err() && sp.register(once(id(3)), Global).is_err(), "only the type in force");
        sp.register(once(id(3)), KeyspaceLevel).unwrap();
        assert_eq!(sp.advance([(id(3), 60)]).moved, 1);
        assert_eq!(effective(&sp, 3), 60);
    }

    #[test]
    fn a_load_ends_what_an_unknown_type_keeps_and_nothing_else() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        sp.advance_global(50);
        let keeps = |keyspace, why: &[KeepReason]| why.iter().for_each(|&why| sp.keep(id(keyspace), why));
        keeps(1, &[KeepReason::UnknownType]);
        assert_eq!(sp.load(id(1), Global), Ok(Loaded::Registered { late: false }));
        assert_eq!(effective(&sp, 1), 50);
        for (keyspace, why) in
            [(2, &[KeepReason::Paused, KeepReason::UnknownType][..]), (3, &[KeepReason::UnknownType, KeepReason::Paused])]
        {
            keeps(keyspace, why);
            assert_eq!(sp.load(id(keyspace), Global), Ok(Loaded::StaysKept(KeepReason::Paused, Global)));
            assert!(sp.register(once(id(keyspace)), KeyspaceLevel).is_err(), "the loaded type is in force");
            assert_eq!(sp.load(id(keyspace), Global), Ok(Loaded::StaysKept(KeepReason::Paused, Global)));
            assert_eq!(effective(&sp, keyspace), 0);
            sp.register(once(id(keyspace)), Global).unwrap();
            assert_eq!(effective(&sp, keyspace), 50);
        }
    }

    #[test]
    fn the_first_own_safe_point_of_whom_nothing_is_collected_by_it_is_told() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        sp.register(once(id(1)), Global).unwrap();
        sp.register(once(id(2)), KeyspaceLevel).unwrap();
        let told = |ts| {
            let advanced = sp.advance([1, 2, 3, 4].map(|keyspace| (id(keyspace), ts)));
            (advanced.global, advanced.unregistered)
        };
        assert_eq!(told(5), (Unused { n: 1, first: Some(id(1)) }, Unused { n: 2, first: Some(id(3)) }));
        assert_eq!(told(6), Default::default(), "once");
    }

    #[test]
    fn a_removed_keyspace_keeps_everything_until_it_is_named_again() {
        let sp = SafePoints::new(UnknownKeyspace::Global);
        sp.register(once(id(1)), KeyspaceLevel).unwrap();
        sp.register(once(id(2)), Global).unwrap();
        sp.advance_global(50);
        sp.advance([(id(1), 80)]);
        (1..=3).for_each(|keyspace| sp.keep(id(keyspace), KeepReason::Paused));
        sp.keep(id(1), KeepReason::Paused);
        assert_eq!([1, 2, 3].map(|keyspace| effective(&sp, keyspace)), [0, 0, 0]);
        assert_eq!(sp.advance([(id(1), 90)]), Advanced { refused: 1, ..Advanced::default() });
        assert!(sp.register(once(id(1)), Global).is_err(), "the same type only");
        sp.register(once(id(1)), KeyspaceLevel).unwrap();
        sp.register(once(id(2)), Global).unwrap();
        sp.register(once(id(3)), KeyspaceLevel).unwrap();
        assert_eq!([1, 2, 3].map(|keyspace| effective(&sp, keyspace)), [0, 50, 0]);
        assert_eq!(sp.advance([(id(1), 60)]).moved, 1, "an own safe point starts at 0 again");
    }

    #[test]
    fn any_effective_follows_removals() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        sp.register(once(id(1)), KeyspaceLevel).unwrap();
        sp.advance([(id(1), 5), (id(1), 6)]);
        assert!(sp.any_effective());
        sp.keep(id(1), KeepReason::Paused);
        assert!(!sp.any_effective());
        sp.register(once(id(1)), KeyspaceLevel).unwrap();
        assert!(!sp.any_effective());
        sp.advance([(id(1), 5)]);
        assert!(sp.any_effective());
    }

    #[test]
    fn a_type_that_comes_after_the_global_safe_point_judged_is_told() {
        let sp = SafePoints::new(UnknownKeyspace::Global);
        assert_eq!(sp.register(once(id(1)), KeyspaceLevel), Ok(0), "nothing was judged yet");
        sp.advance_global(5);
        assert_eq!(effective(&sp, 2), 5);
        assert_eq!(sp.register([id(1), id(2)].into_iter(), KeyspaceLevel), Ok(1));
        assert_eq!(effective(&sp, 2), 0);
        sp.keep(id(3), KeepReason::Paused);
        assert_eq!(sp.register(once(id(3)), KeyspaceLevel), Ok(1), "it was judged before it was paused");
    }

    #[test]
    fn memory_stays_within_bounds() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        sp.register((100_000..110_000).map(id), KeyspaceLevel).unwrap();
        assert!(sp.bytes() <= 1 << 20, "10,000 neighbours take {} bytes", sp.bytes());
        sp.register((0..=KeyspaceId::MAX).map(id), KeyspaceLevel).unwrap();
        assert!(sp.bytes() <= 160 << 20, "all keyspaces take {} bytes", sp.bytes());
        assert!(sp.bytes() >= PAGES * SLOTS * 9, "the figure counts the pages");
    }

    #[test]
    fn readers_never_see_a_safe_point_go_back() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        sp.register((0..64).map(id), KeyspaceLevel).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut seen = [0; 64];
                    while !done.load(SeqCst) {
                        for (keyspace, seen) in (0..).zip(&mut seen) {
                            let now = effective(&sp, keyspace);
                            assert!(now >= *seen);
                            *seen = now;
                        }
                    }
                });
            }
            let writers = [1u64, 2].map(|step| {
                let sp = &sp;
                scope.spawn(move || {
                    for ts in (1..20_000).step_by(step as usize) {
                        sp.advance((0..64).map(|keyspace| (id(keyspace), ts)));
                    }
                })
            });
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            done.store(true, SeqCst);
        });
        assert_eq!(effective(&sp, 63), 19_999);
    }

    #[test]
    fn readers_go_on_while_a_writer_stands_still() {
        let sp = SafePoints::new(UnknownKeyspace::Keep);
        sp.register((0..10).map(id), KeyspaceLevel).unwrap();
        let (halfway, is_halfway) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let sp = &sp;
            scope.spawn(move || {
                sp.advance((0..10).map(|keyspace| {
                    if keyspace == 5 {
                        halfway.send(()).unwrap();
                        may_go_on.recv().unwrap();
                    }
                    (id(keyspace), 77)
                }));
            });
            is_halfway.recv().unwrap();
            assert_eq!((effective(sp, 4), effective(sp, 5)), (77, 0));
            assert!(sp.any_effective() && sp.effective(id(4096)).unknown);
            go_on.send(()).unwrap();
        });
        assert_eq!(effective(&sp, 9), 77);
    }
}
