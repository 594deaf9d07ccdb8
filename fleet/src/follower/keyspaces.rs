//! Keyspaces: metadata into the library. A keyspace whose metadata are gone, or cannot be read, is
//! paused: the library keeps everything of it.

use super::directory::Directory;
use super::local::{GcType, Keyspace, Local};
use crate::error::Error;
use crate::layout::gc_management::GcManagement;
use crate::layout::id::KeyspaceId;
use crate::layout::keyspace_meta::{KeyspaceMeta, State};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The keyspaces that were loaded.
#[derive(Debug, Default)]
pub struct Keyspaces {
    states: HashMap<KeyspaceId, State>,
    paused: HashSet<KeyspaceId>,
    directory: Arc<Directory>,
}

impl Keyspaces {
    /// Whose safe point collects which keyspace, for host threads.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.clone()
    }

    /// Loads metadata. Returns whether the keyspace was paused until now: then its safe point must
    /// be given to the library again.
    pub fn load(&mut self, local: &impl Local, id: KeyspaceId, meta: &KeyspaceMeta) -> Result<bool, Error> {
        let state = State::try_from(meta.state).map_err(|_| Error(format!("keyspace {id}: {} is not a state", meta.state)));
        let state = state.inspect_err(|_| self.pause(local, id))?;
        let management = meta.gc_management();
        let keyspace = |state| Keyspace { id, name: meta.name.clone(), state, gc_management: word(&management) };
        let gc_type = match management {
            GcManagement::Keyspace => Some(GcType::KeyspaceLevel),
            GcManagement::Global => Some(GcType::Global),
            GcManagement::Unknown(_) => None,
        };
        // Not collected, until the library has taken all of it.
        self.directory.put(id, None);
        for step in steps(self.states.get(&id).copied(), state) {
            local.load_keyspace(&keyspace(step))?;
            self.states.insert(id, step);
        }
        let was_paused = self.paused.contains(&id);
        if let Some(gc_type) = gc_type.filter(|_| was_paused) {
            local.register(id, gc_type)?;
            self.paused.remove(&id);
        }
        self.directory.put(id, gc_type);
        Ok(was_paused && gc_type.is_some())
    }

    /// Keeps everything of a keyspace, until its metadata are there again.
    pub fn pause(&mut self, local: &impl Local, id: KeyspaceId) {
        self.paused.insert(id);
        self.directory.put(id, None);
        if let Err(error) = local.pause(id) {
            tracing::error!("keyspace {id} could not be paused: {error}");
        }
    }

    /// The number of keyspaces, and how many of them are paused.
    pub fn counts(&self) -> (usize, usize) {
        (self.states.len(), self.paused.len())
    }
}

fn word(management: &GcManagement) -> String {
    match management {
        GcManagement::Keyspace => "keyspace_level".to_owned(),
        GcManagement::Global => "unified".to_owned(),
        GcManagement::Unknown(word) => word.clone(),
    }
}

/// The states to load, one after the other. A node that was away has missed some, and the library
/// takes only moves that PD makes.
fn steps(known: Option<State>, next: State) -> Vec<State> {
    let all = [State::Enabled, State::Disabled, State::Archived, State::Tombstone];
    match known {
        Some(known) if !known.may_become(next) && (known as i32) < next as i32 => {
            all.into_iter().filter(|state| (known as i32) < *state as i32 && *state as i32 <= next as i32).collect()
        }
        _ => vec![next],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Archived, Disabled, Enabled, Tombstone};

    #[test]
    fn missed_states_are_made_up_for() {
        assert_eq!(steps(None, Tombstone), [Tombstone]);
        assert_eq!(steps(Some(Enabled), Enabled), [Enabled]);
        assert_eq!(steps(Some(Disabled), Enabled), [Enabled]);
        assert_eq!(steps(Some(Enabled), Tombstone), [Disabled, Archived, Tombstone]);
        assert_eq!(steps(Some(Disabled), Tombstone), [Archived, Tombstone]);
        // PD never does that: the library refuses it.
        assert_eq!(steps(Some(Tombstone), Enabled), [Enabled]);
    }
}
