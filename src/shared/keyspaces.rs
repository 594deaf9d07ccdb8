//! The keyspace metadata of a placement driver: states, names and GC types.

use super::Shared;
use crate::callback::lock;
use crate::error::Error;
use crate::layout::KeyspaceId;
use crate::layout::keyspace_meta::KeyspaceMeta;
use crate::log::{Level, log};
use crate::safe_point::{GcType, KeepReason, Loaded, TypeConflict};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

/// The state of a keyspace in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyspaceState {
    /// The keyspace is in use.
    Enabled,
    /// The keyspace is not in use at the moment.
    Disabled,
    /// The keyspace is given up.
    Archived,
    /// The keyspace is deleted.
    Tombstone,
}

impl KeyspaceState {
    const ALL: [Self; 4] = [Self::Enabled, Self::Disabled, Self::Archived, Self::Tombstone];

    /// The state with this number, in PD and in the C contract.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The number of a state.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// Whether that state may follow this one.
    fn leads_to(self, next: Self) -> bool {
        match self {
            Self::Enabled => matches!(next, Self::Enabled | Self::Disabled),
            Self::Disabled => next != Self::Tombstone,
            Self::Archived => matches!(next, Self::Archived | Self::Tombstone),
            Self::Tombstone => next == Self::Tombstone,
        }
    }

    /// Whether the keyspace may be in use, so that it must not be destroyed by mistake.
    pub fn is_in_use(self) -> bool {
        matches!(self, Self::Enabled | Self::Disabled)
    }
}

impl fmt::Display for KeyspaceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Archived => "ARCHIVED",
            Self::Tombstone => "TOMBSTONE",
        })
    }
}

/// The state and name of each keyspace.
#[derive(Debug, Default)]
pub struct Keyspaces(Mutex<BTreeMap<KeyspaceId, (KeyspaceState, Box<str>)>>);

impl Keyspaces {
    /// The state that was loaded last.
    pub fn state(&self, keyspace: KeyspaceId) -> Option<KeyspaceState> {
        lock(&self.0).get(&keyspace).map(|(state, _)| *state)
    }

    /// The state and name that were loaded last.
    pub fn state_and_name(&self, keyspace: KeyspaceId) -> Option<(KeyspaceState, Box<str>)> {
        lock(&self.0).get(&keyspace).cloned()
    }

    /// The first keyspace with this id or a higher one.
    pub fn first_from(&self, keyspace: KeyspaceId) -> Option<KeyspaceId> {
        lock(&self.0).range(keyspace..).next().map(|(id, _)| *id)
    }
}

impl Shared {
    /// Loads a keyspace's metadata, and registers its type.
    pub fn load_keyspace(&self, meta: &KeyspaceMeta) -> Result<(), Error> {
        let KeyspaceMeta { id, .. } = *meta;
        let keyspace = KeyspaceId::new(id)
            .ok_or_else(|| Error::invalid(format!("keyspace {id} is out of range; ids are 0 to {}", KeyspaceId::MAX)))?;
        let is_destroyed = self.dropped().has_keyspace(keyspace);
        // The type comes first, so that an unknown type keeps the keyspace, even if another
        // field is wrong too.
        let gc_type = self.gc_type(keyspace, meta.gc_management_type.as_deref())?;
        if !is_destroyed {
            self.check_recorded(&[keyspace], gc_type).map_err(|(_, what)| Error::invalid(what))?;
            let refused = self.safe_points.refuse_other_type(keyspace, gc_type);
            refused.map_err(|conflict| Error::invalid(self.refuse_type(conflict, gc_type)))?;
        }
        let state = KeyspaceState::from_number(meta.state)
            .ok_or_else(|| Error::invalid(format!("state {} of keyspace {id} is unknown; give 0 to 3", meta.state)))?;
        if !is_name(&meta.name) {
            return Err(Error::invalid(format!(
                "name {:?} of keyspace {id} is not valid; use 1 to 20 of the characters -, _, A to Z, a to z, 0 to 9",
                meta.name
            )));
        }
        let mut loaded = lock(&self.keyspaces.0);
        if let Some((before, _)) = loaded.get(&keyspace)
            && !before.leads_to(state)
        {
            return Err(Error::invalid(format!("keyspace {id} is {before} and cannot become {state}; load its state from PD")));
        }
        if is_destroyed && state.is_in_use() {
            return Err(Error::invalid(format!(
                "keyspace {id} is destroyed, and cannot be loaded as {state} while its record exists; use another id"
            )));
        }
        let named = if is_destroyed { Ok(Loaded::Named { late: false }) } else { self.safe_points.load(keyspace, gc_type) };
        let named = named.map_err(|conflict| Error::invalid(self.refuse_type(conflict, gc_type)))?;
        loaded.insert(keyspace, (state, meta.name.as_str().into()));
        drop(loaded);
        match named {
            Loaded::Named { late } => {
                self.recorded_types.registered();
                self.tell_late(late.into());
            }
            Loaded::StaysKept(why, gc_type) => tell_kept(keyspace, why, gc_type),
        }
        Ok(())
    }

    /// The type that PD's and TiKV's texts mean. With any other text all keys of the keyspace are
    /// kept.
    fn gc_type(&self, keyspace: KeyspaceId, text: Option<&str>) -> Result<GcType, Error> {
        match text {
            None | Some("unified" | "global_gc") => Ok(GcType::Global),
            Some("keyspace_level" | "keyspace_level_gc") => Ok(GcType::KeyspaceLevel),
            Some(other) => {
                self.safe_points.keep(keyspace, KeepReason::UnknownType);
                self.tell_runs();
                Err(Error::invalid(format!(
                    "gc_management_type {other:?} of keyspace {keyspace} is unknown, so all its keys are kept; use keyspace_level, \
                     keyspace_level_gc, unified or global_gc"
                )))
            }
        }
    }

    /// Registers the type of all these keyspaces, or of none. An error has the place of the
    /// keyspace that caused it.
    pub fn name_keyspaces(&self, keyspaces: &[KeyspaceId], gc_type: GcType) -> Result<(), (usize, String)> {
        let dropped = self.dropped();
        if let Some((index, keyspace)) = keyspaces.iter().enumerate().find(|(_, keyspace)| dropped.has_keyspace(**keyspace)) {
            return Err((index, format!("keyspace {keyspace} is destroyed, and cannot be registered while its record exists")));
        }
        self.check_recorded(keyspaces, gc_type)?;
        match self.safe_points.name(keyspaces.iter().copied(), gc_type) {
            Ok(late) => {
                self.recorded_types.registered();
                self.tell_late(late);
                Ok(())
            }
            Err(conflict) => Err((conflict.index, self.refuse_type(conflict, gc_type))),
        }
    }

    /// Refuses a type if the attached store's ledger has recorded the other one, in this process or
    /// an earlier one.
    fn check_recorded(&self, keyspaces: &[KeyspaceId], gc_type: GcType) -> Result<(), (usize, String)> {
        let Some((place, keyspace, recorded)) = self.recorded_types.conflict(keyspaces, gc_type) else { return Ok(()) };
        self.keep_for_conflict(&[keyspace]);
        self.stats.shared().gc_types_refused.add(1);
        Err((
            place,
            format!(
                "keyspace {keyspace} is recorded in the ledger as {recorded} and cannot become {gc_type}: the first type is in force; all its keys \
                 are kept until rgc_set_keyspace_gc_type registers it as {recorded}"
            ),
        ))
    }

    /// Keeps all keys of keyspaces for which both types were registered, here and in the ledger.
    pub fn keep_for_conflict(&self, keyspaces: &[KeyspaceId]) {
        keyspaces.iter().for_each(|keyspace| self.safe_points.keep(*keyspace, KeepReason::Conflict));
        self.tell_runs();
    }

    /// Reports that both types were registered. Filters keep all keys of the keyspace from their
    /// next row.
    fn refuse_type(&self, conflict: TypeConflict, gc_type: GcType) -> String {
        self.tell_runs();
        self.stats.shared().gc_types_refused.add(conflict.n as u64);
        let TypeConflict { n, keyspace, standing, .. } = conflict;
        let others = if n > 1 { format!("; so are {} more", n - 1) } else { String::new() };
        format!(
            "keyspace {keyspace} is {standing} and cannot become {gc_type}: the first type is in force; all its keys are kept until \
             rgc_set_keyspace_gc_type registers it as {standing}{others}"
        )
    }

    /// The caller holds no lock, because the host's logger may ask for keyspaces.
    fn tell_late(&self, late: usize) {
        if late > 0 {
            self.stats.shared().gc_types_refused.add(late as u64);
            log(Level::Warn, || {
                format!(
                    "{late} keyspaces were registered as keyspace level after unknown_keyspace=global may have judged them by the global safe point; register them first"
                )
            });
        }
    }
}

/// Logs that metadata were loaded, but the keyspace remains paused until the host ends that.
fn tell_kept(keyspace: KeyspaceId, why: KeepReason, gc_type: GcType) {
    log(Level::Info, || {
        let reason = if why == KeepReason::Paused { "rgc_pause_keyspace paused it" } else { "both GC types were registered for it" };
        format!(
            "keyspace {keyspace} is loaded and remains paused, so all its keys are kept: {reason}; rgc_set_keyspace_gc_type with {gc_type} \
             ends that"
        )
    });
}

fn is_name(name: &str) -> bool {
    (1..=20).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::KeyspaceState::{Archived, Disabled, Enabled, Tombstone};
    use super::*;

    #[test]
    fn states_lead_to_each_other_as_in_pd() {
        let moves: Vec<_> = KeyspaceState::ALL
            .iter()
            .flat_map(|from| KeyspaceState::ALL.iter().filter(|to| from.leads_to(**to)).map(move |to| (*from, *to)))
            .collect();
        let expected = [
            [(Enabled, Enabled), (Enabled, Disabled)].as_slice(),
            &[(Disabled, Enabled), (Disabled, Disabled), (Disabled, Archived)],
            &[(Archived, Archived), (Archived, Tombstone), (Tombstone, Tombstone)],
        ];
        assert_eq!(moves, expected.concat());
        assert_eq!(KeyspaceState::from_number(3).map(KeyspaceState::number), Some(3));
        assert_eq!([-1, 4, i32::MAX].map(KeyspaceState::from_number), [None; 3]);
    }

    #[test]
    fn an_unknown_type_keeps_everything_whatever_else_is_wrong() {
        let shared = Shared::new(&crate::options::Options::default()).unwrap();
        let id = KeyspaceId::new(1).unwrap();
        for (state, name) in [(0, "a-name-of-23-characters"), (7, "name"), (0, "name")] {
            shared.name_keyspaces(&[id], GcType::Global).unwrap();
            shared.safe_points.advance_global(50);
            assert_eq!(shared.safe_points.effective(id).safe_point, 50);
            let meta = KeyspaceMeta { id: 1, state, name: name.into(), gc_management_type: Some("keyspace_level_v2".into()) };
            shared.load_keyspace(&meta).unwrap_err();
            assert_eq!(shared.safe_points.effective(id).safe_point, 0);
        }
    }

    #[test]
    fn names_are_those_of_pd() {
        for name in ["keyspaceName1", "keyspace_name_1", "10", "18446744073709551615", "scope1", "-----", "789z-_"] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["789z-_)", "", "keyspace/", "keyspace:1", "many many spaces", "keyspace?limit=1", "keyspace%1", "123456789012345678901"]
        {
            assert!(!is_name(name), "{name}");
        }
    }
}
