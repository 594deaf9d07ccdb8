//! The keyspace metadata of a placement driver: states, names and GC types.

use crate::callback::lock;
use crate::layout::KeyspaceId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard};

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
    pub(super) fn leads_to(self, next: Self) -> bool {
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
pub struct Keyspaces(Mutex<Loaded>);

/// The states and names of keyspaces, and the keyspaces of each name. A name may be used again when
/// its keyspace is given up, so several keyspaces can have had one.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    by_id: BTreeMap<KeyspaceId, (KeyspaceState, Box<str>)>,
    by_name: BTreeMap<Box<str>, BTreeSet<KeyspaceId>>,
}

impl Loaded {
    pub(super) fn state(&self, keyspace: KeyspaceId) -> Option<KeyspaceState> {
        self.by_id.get(&keyspace).map(|(state, _)| *state)
    }

    pub(super) fn insert(&mut self, keyspace: KeyspaceId, state: KeyspaceState, name: &str) {
        if let Some((_, before)) = self.by_id.insert(keyspace, (state, name.into()))
            && let Some(others) = self.by_name.get_mut(&before)
        {
            others.remove(&keyspace);
            if others.is_empty() {
                self.by_name.remove(&before);
            }
        }
        self.by_name.entry(name.into()).or_default().insert(keyspace);
    }

    /// The keyspaces that have or had this name, and whether each is in use.
    pub(super) fn with_name(&self, name: &str) -> impl DoubleEndedIterator<Item = (KeyspaceId, bool)> {
        let in_use = |keyspace: &KeyspaceId| self.state(*keyspace).is_some_and(KeyspaceState::is_in_use);
        self.by_name.get(name).into_iter().flatten().map(move |keyspace| (*keyspace, in_use(keyspace)))
    }
}

impl Keyspaces {
    /// The state that was loaded last.
    pub fn state(&self, keyspace: KeyspaceId) -> Option<KeyspaceState> {
        lock(&self.0).state(keyspace)
    }

    /// The state and name that were loaded last.
    pub fn state_and_name(&self, keyspace: KeyspaceId) -> Option<(KeyspaceState, Box<str>)> {
        lock(&self.0).by_id.get(&keyspace).cloned()
    }

    /// All states and names, locked.
    pub(super) fn lock(&self) -> MutexGuard<'_, Loaded> {
        lock(&self.0)
    }

    /// The first keyspace with this id or a higher one.
    pub fn first_from(&self, keyspace: KeyspaceId) -> Option<KeyspaceId> {
        lock(&self.0).by_id.range(keyspace..).next().map(|(id, _)| *id)
    }
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
}
