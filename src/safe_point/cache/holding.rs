//! Setting barriers, and letting them go.

use super::super::barriers::{Barrier, Barriers, NEVER, Scope};
use super::super::gc_type::GcType;
use super::super::outcome::UnknownKeyspace;
use super::super::page::{Registration, SLOTS};
use super::SafePoints;
use crate::callback::lock;
use crate::layout::{KeyspaceId, Timestamp};
use once_cell::race::OnceBox;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{MutexGuard, TryLockError};

/// Why a barrier is not set. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetError {
    /// A safe point of its scope is above it already.
    Behind {
        /// Whose safe point.
        scope: Scope,
        /// The safe point.
        safe_point: Timestamp,
    },
    /// The keyspace follows the global safe point.
    FollowsGlobal {
        /// Whether the keyspace is registered as global. Otherwise it is not registered, and the
        /// option unknown_keyspace is global.
        is_registered: bool,
    },
}

/// A look at the clock. A barrier that is set after the look is not judged by it: the clock may
/// have gone back in between.
///
/// ```text
/// thread 1                            thread 2
/// looks at the clock: 300
///                                     the clock goes back to 100
///                                     sets a barrier for 10 seconds: it ends after 110
/// removes what ended before 300       would remove the barrier
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    sets: u64,
    now: u64,
}

impl SafePoints {
    /// The moment of this look at the clock; `None` if no barrier ends, so that no look is needed.
    pub fn moment(&self, clock: impl FnOnce() -> u64) -> Option<Moment> {
        if self.next_expiry.load(Acquire) == NEVER {
            return None;
        }
        let sets = self.sets.load(Acquire);
        Some(Moment { sets, now: clock() })
    }

    /// Removes the barriers that have ended, and moves the safe points that they held back. Returns
    /// these barriers. If another thread writes safe points and the caller must not wait, nothing
    /// happens.
    pub fn expire(&self, moment: Moment, may_wait: bool) -> Vec<Barrier> {
        if self.next_expiry.load(Acquire) >= moment.now {
            return Vec::new();
        }
        let barriers = if may_wait { Some(lock(&self.writer)) } else { self.try_lock() };
        let Some(mut barriers) = barriers.filter(|_| self.sets.load(Acquire) == moment.sets) else { return Vec::new() };
        let ended: Vec<Barrier> = std::iter::from_fn(|| barriers.remove_expired(moment.now)).collect();
        let scopes: BTreeSet<Scope> = ended.iter().map(|barrier| barrier.scope).collect();
        scopes.into_iter().for_each(|scope| self.let_go(&barriers, scope));
        self.next_expiry.store(barriers.next_expiry(), Release);
        ended
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Barriers>> {
        match self.writer.try_lock() {
            Ok(barriers) => Some(barriers),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Sets a barrier, or replaces the one of this name. No safe point passes it from now on.
    pub fn set_barrier(&self, barrier: Barrier) -> Result<(), SetError> {
        let mut barriers = lock(&self.writer);
        let scope = barrier.scope;
        self.check(scope, barrier.ts)?;
        barriers.put(barrier);
        self.sets.fetch_add(1, Release);
        self.next_expiry.store(barriers.next_expiry(), Release);
        self.let_go(&barriers, scope);
        Ok(())
    }

    /// Deletes a barrier. Returns whether it was there.
    pub fn delete_barrier(&self, scope: Scope, name: &str) -> bool {
        let mut barriers = lock(&self.writer);
        let was_there = barriers.remove(scope, name);
        if was_there {
            self.next_expiry.store(barriers.next_expiry(), Release);
            self.let_go(&barriers, scope);
        }
        was_there
    }

    /// Every barrier, in the order of scopes and names.
    pub fn barriers(&self) -> Vec<Barrier> {
        lock(&self.writer).all()
    }

    /// The number of barriers, and of safe points that they hold back.
    pub fn holding(&self) -> (usize, usize) {
        let global = usize::from(self.global_asked.load(Acquire) > 0);
        (lock(&self.writer).len(), self.held.load(Acquire) + global)
    }

    /// The barrier that holds a safe point back, and what the host asked for.
    pub fn holder(&self, scope: Scope) -> Option<(Barrier, Timestamp)> {
        let barriers = lock(&self.writer);
        let asked = match scope {
            Scope::Keyspace(keyspace) => self.known(keyspace).asked,
            Scope::Global | Scope::All => self.global_asked.load(Acquire),
        };
        if asked > 0 { Some((barriers.holder(scope)?, asked)) } else { None }
    }

    fn check(&self, scope: Scope, ts: Timestamp) -> Result<(), SetError> {
        let behind = |scope, safe_point| if ts < safe_point { Err(SetError::Behind { scope, safe_point }) } else { Ok(()) };
        match scope {
            Scope::Keyspace(keyspace) => {
                let known = self.known(keyspace);
                if known.registration.gc_type() == Some(GcType::Global) {
                    return Err(SetError::FollowsGlobal { is_registered: true });
                }
                if known.registration == Registration::Unknown && self.unknown == UnknownKeyspace::Global {
                    return Err(SetError::FollowsGlobal { is_registered: false });
                }
                behind(scope, known.own)
            }
            Scope::Global => behind(scope, self.global()),
            Scope::All => {
                behind(Scope::Global, self.global())?;
                // Only a barrier that may be behind costs a look at every keyspace.
                let ahead = if ts < self.highest_own.load(Acquire) { self.furthest_own() } else { None };
                ahead.map_or(Ok(()), |(keyspace, own)| behind(Scope::Keyspace(keyspace), own))
            }
        }
    }

    /// The highest own safe point that is in use, or will be when its keyspace is registered.
    fn furthest_own(&self) -> Option<(KeyspaceId, Timestamp)> {
        let pages = self.pages.iter().enumerate().filter_map(|(number, page)| Some((number, page.get()?)));
        let used = pages.flat_map(|(number, page)| {
            let used = (0..SLOTS).filter(|&slot| page.own(slot) > 0 && page.registration(slot).gc_type() != Some(GcType::Global));
            used.map(move |slot| (number * SLOTS + slot, page.own(slot)))
        });
        let (id, own) = used.max_by_key(|(_, own)| *own)?;
        Some((KeyspaceId::new(id as u32)?, own))
    }

    /// Moves the safe points of a scope as far as the barriers now let them.
    fn let_go(&self, barriers: &Barriers, scope: Scope) {
        let of_all = barriers.least(Scope::All);
        if matches!(scope, Scope::Global | Scope::All) {
            let asked = self.global_asked.load(Acquire);
            let allowed = asked.min(barriers.least(Scope::Global)).min(of_all);
            if allowed > self.global() {
                self.global.store(allowed, Release);
                self.global_asked.store(if allowed < asked { asked } else { 0 }, Release);
            }
        }
        match scope {
            Scope::Global => {}
            Scope::Keyspace(keyspace) => self.let_go_one(keyspace, barriers.least(scope).min(of_all)),
            Scope::All => self.let_go_all(barriers, of_all),
        }
    }

    /// The cost is that of the pages that hold a safe point back, and of the barriers of keyspaces.
    fn let_go_all(&self, barriers: &Barriers, of_all: Timestamp) {
        let mut with_own = barriers.of_keyspaces().peekable();
        for (number, page) in self.pages.iter().enumerate() {
            let Some(page) = page.get().filter(|page| page.held() > 0) else { continue };
            for slot in (0..SLOTS).filter(|&slot| page.asked(slot) > 0) {
                let Some(keyspace) = KeyspaceId::new((number * SLOTS + slot) as u32) else { continue };
                while with_own.next_if(|(other, _)| *other < keyspace).is_some() {}
                let of_own = with_own.peek().filter(|(other, _)| *other == keyspace).map_or(Timestamp::MAX, |(_, ts)| *ts);
                self.let_go_one(keyspace, of_own.min(of_all));
            }
        }
    }

    fn let_go_one(&self, keyspace: KeyspaceId, allowed: Timestamp) {
        let (page, slot) = super::place(keyspace);
        let Some(page) = self.pages.get(page).and_then(OnceBox::get) else { return };
        let asked = page.asked(slot);
        let next = asked.min(allowed);
        if next > page.own(slot) {
            self.raise_highest(next);
            page.set_own(slot, next);
            self.set_asked(page, slot, if next < asked { asked } else { 0 });
        }
    }
}
