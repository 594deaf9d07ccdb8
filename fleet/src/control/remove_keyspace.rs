//! Removing a keyspace: its name and its meta. Nodes then keep all of its keys.

use super::ATTEMPTS;
use super::keyspaces::find;
use super::set_state::state_name;
use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Keys, Txn};
use crate::layout::keyspace_meta::State;
use crate::layout::pd_key::PdKey;
use crate::translate::cluster::{no_pd, refused};

/// Removes a keyspace that is ARCHIVED or TOMBSTONE. Its id is never given again.
pub async fn remove(client: &Client, name: &str) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let keyspace = find(client, name).await?;
        keyspace.check_not_protected()?;
        let state = keyspace.state()?;
        if !matches!(state, State::Archived | State::Tombstone) {
            return Err(Error(format!("keyspace {name} is {}; only an ARCHIVED or TOMBSTONE one can be removed", state_name(state))));
        }
        let [name_key, meta_key] =
            [PdKey::KeyspaceName(name.to_owned()), PdKey::KeyspaceMeta(keyspace.id)].map(|key| key.build(client.cluster()));
        let compares = vec![
            no_pd(client),
            Compare::ModRevision(meta_key.clone(), keyspace.mod_revision),
            Compare::Value(name_key.clone(), keyspace.id.to_string().into_bytes()),
        ];
        let deletes = vec![Keys::One(name_key), Keys::One(meta_key)];
        if client.commit(&Txn { compares, puts: Vec::new(), deletes }).await? {
            return Ok(());
        }
    }
    Err(refused(client, &format!("keyspace {name} was not removed")).await)
}
