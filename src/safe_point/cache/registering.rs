//! Registering the types of keyspaces, and keeping all keys of keyspaces.

use super::super::barriers::{Barriers, Scope};
use super::super::gc_type::GcType;
use super::super::outcome::{Loaded, RegisterError, TypeConflict, UnknownKeyspace};
use super::super::page::{KeepReason, Registration};
use super::SafePoints;
use crate::callback::lock;
use crate::layout::KeyspaceId;
use std::sync::atomic::Ordering::Release;

impl SafePoints {
    /// The safe point of keyspaces that were never registered.
    pub fn unknown(&self) -> UnknownKeyspace {
        self.unknown
    }

    /// Registers the type of all these keyspaces, or of none, and ends every reason to keep them.
    /// A keyspace with barriers of its own cannot become global: they do not hold back the global
    /// safe point.
    /// Returns the number of keyspaces that became keyspace level after [`UnknownKeyspace::Global`]
    /// may have judged them.
    pub fn register(&self, keyspaces: impl Iterator<Item = KeyspaceId> + Clone, gc_type: GcType) -> Result<usize, RegisterError> {
        let barriers = lock(&self.writer);
        self.keep_those_of_other_type(keyspaces.clone(), gc_type)?;
        check_barriers(&barriers, keyspaces.clone(), gc_type)?;
        Ok(keyspaces.filter(|&keyspace| self.register_one(keyspace, gc_type)).count())
    }

    /// Registers the type from a keyspace's metadata. A pause and a conflict remain in force.
    pub fn load(&self, keyspace: KeyspaceId, gc_type: GcType) -> Result<Loaded, RegisterError> {
        let barriers = lock(&self.writer);
        self.keep_those_of_other_type(std::iter::once(keyspace), gc_type)?;
        check_barriers(&barriers, std::iter::once(keyspace), gc_type)?;
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
        if gc_type == GcType::Global {
            self.set_asked(page, slot, 0);
        }
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
        self.set_asked(page, slot, 0);
    }
}

fn check_barriers(barriers: &Barriers, keyspaces: impl Iterator<Item = KeyspaceId>, gc_type: GcType) -> Result<(), RegisterError> {
    if gc_type != GcType::Global || !barriers.any_of_keyspaces() {
        return Ok(());
    }
    let found = keyspaces.enumerate().find_map(|(index, keyspace)| Some((index, barriers.first(Scope::Keyspace(keyspace))?)));
    found.map_or(Ok(()), |(index, barrier)| Err(RegisterError::Barrier { index, barrier }))
}
