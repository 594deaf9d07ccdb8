//! Changing a keyspace's settings.

use super::ATTEMPTS;
use super::keyspaces::{Keyspace, find};
use super::set_state::state_name;
use crate::error::{Error, Result};
use crate::etcd::Client;
use crate::layout::gc_management::GcManagement;
use crate::layout::keyspace_meta::{KeyspaceMeta, State};
use crate::translate::cluster::refused;
use std::collections::HashMap;

/// Refuses a config that no reader understands.
pub(super) fn check_config(config: &HashMap<String, String>) -> Result<()> {
    match GcManagement::of(config) {
        GcManagement::Unknown(text) => Err(Error(format!("gc_management_type {text:?} is neither keyspace_level nor unified"))),
        _ => Ok(()),
    }
}

/// Sets settings; `None` deletes one. Only in the states ENABLED and DISABLED.
///
/// Who decides about the safe point never changes: after a change to the global safe point,
/// barriers of the keyspace would hold nothing any more. PD lets this pass.
pub async fn set_config(client: &Client, name: &str, changes: &HashMap<String, Option<String>>) -> Result<Keyspace> {
    for _ in 0..ATTEMPTS {
        let keyspace = find(client, name).await?;
        let state = keyspace.state()?;
        if !matches!(state, State::Enabled | State::Disabled) {
            return Err(Error(format!("keyspace {name} is {}: its settings cannot change any more", state_name(state))));
        }
        let mut config = keyspace.meta.config.clone();
        for (key, value) in changes {
            match value {
                Some(value) => config.insert(key.clone(), value.clone()),
                None => config.remove(key),
            };
        }
        if GcManagement::of(&config) != keyspace.meta.gc_management() {
            return Err(Error(format!("keyspace {name}: who decides about its safe point (gc_management_type) cannot change")));
        }
        if config == keyspace.meta.config {
            return Ok(keyspace);
        }
        if keyspace.replace(client, &KeyspaceMeta { config, ..keyspace.meta.clone() }).await? {
            return find(client, name).await;
        }
    }
    Err(refused(client, &format!("keyspace {name} was not changed")).await)
}
