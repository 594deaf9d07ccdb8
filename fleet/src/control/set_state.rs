//! Changing a keyspace's state.

use super::ATTEMPTS;
use super::keyspaces::{Keyspace, find};
use crate::error::{Error, Result};
use crate::etcd::Client;
use crate::layout::keyspace_meta::{KeyspaceMeta, State};
use crate::translate::cluster::refused;

/// PD's names of the states.
pub const STATES: [(&str, State); 4] =
    [("ENABLED", State::Enabled), ("DISABLED", State::Disabled), ("ARCHIVED", State::Archived), ("TOMBSTONE", State::Tombstone)];

/// A state by its name, in any case.
pub fn parse_state(text: &str) -> Result<State> {
    let upper = text.to_uppercase();
    let known = STATES.iter().find(|(name, _)| *name == upper);
    known.map(|(_, state)| *state).ok_or_else(|| Error(format!("state {text:?} is none of ENABLED, DISABLED, ARCHIVED, TOMBSTONE")))
}

/// The name of a state.
pub fn state_name(state: State) -> &'static str {
    STATES.iter().find(|(_, known)| *known == state).map_or("UNKNOWN", |(name, _)| name)
}

/// Changes the state, if it may follow the present one. To stay changes nothing. `now` is in Unix
/// seconds.
pub async fn set_state(client: &Client, name: &str, state: State, now: i64) -> Result<Keyspace> {
    for _ in 0..ATTEMPTS {
        let keyspace = find(client, name).await?;
        keyspace.check_not_protected()?;
        let present = keyspace.state()?;
        if present == state {
            return Ok(keyspace);
        }
        if !present.may_become(state) {
            return Err(Error(format!("keyspace {name} is {}, and cannot become {}", state_name(present), state_name(state))));
        }
        let meta = KeyspaceMeta { state: state.into(), state_changed_at: now, ..keyspace.meta.clone() };
        if keyspace.replace(client, &meta).await? {
            return find(client, name).await;
        }
    }
    Err(refused(client, &format!("keyspace {name} was not changed")).await)
}
