//! Creating keyspaces, in PD's order: name and meta as DISABLED, then ENABLED. So watchers see
//! DISABLED first.

use super::ATTEMPTS;
use super::keyspaces::{Keyspace, PROTECTED};
use super::set_config::check_config;
use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Keys, Put, Txn};
use crate::layout::allocator::Allocator;
use crate::layout::id::KeyspaceId;
use crate::layout::keyspace_meta::{Identity, KeyspaceMeta, State};
use crate::layout::name::check_keyspace_name;
use crate::layout::pd_key::PdKey;
use crate::layout::pd_value::parse_allocator;
use crate::translate::cluster::{no_pd, refused};
use crate::translate::read::named;
use prost::Message;
use std::collections::HashMap;

/// Creates keyspaces. It takes ids in windows of 100 from etcd, so one that lives long writes less,
/// and one that ends loses the rest of its window.
#[derive(Debug, Default)]
pub struct Creator {
    window: Option<Allocator>,
}

impl Creator {
    /// Creates a keyspace. `now` is in Unix seconds.
    pub async fn create(&mut self, client: &Client, name: &str, config: HashMap<String, String>, now: i64) -> Result<Keyspace> {
        check_keyspace_name(name)?;
        if PROTECTED.contains(&name) {
            return Err(Error(format!("keyspace name {name:?} is protected")));
        }
        check_config(&config)?;
        for _ in 0..ATTEMPTS {
            let id = self.vend(client).await?;
            let identity = Some(Identity::Id(id.get()));
            let (state, config) = (State::Disabled.into(), config.clone());
            let meta = KeyspaceMeta { identity, name: name.into(), state, created_at: now, state_changed_at: now, config };
            if save(client, id, &meta).await? {
                return enable(client, id, meta).await;
            }
            check_name_is_free(client, name).await?;
            // The id has a meta that the allocator does not know of: it is never given again.
        }
        Err(refused(client, &format!("keyspace {name:?} was not created")).await)
    }

    async fn vend(&mut self, client: &Client) -> Result<KeyspaceId> {
        for _ in 0..ATTEMPTS {
            if let Some(id) = self.window.as_mut().and_then(Allocator::vend) {
                return KeyspaceId::new(id);
            }
            self.window = next_window(client).await?;
        }
        Err(refused(client, "no id for a keyspace").await)
    }
}

/// Stores the next window. `None`: another writer came first.
async fn next_window(client: &Client) -> Result<Option<Allocator>> {
    let key = PdKey::KeyspaceAllocator.build(client.cluster());
    let listing = client.list(&[Keys::One(key.clone())]).await?;
    let (stored, compare) = match listing.entries.first() {
        None => (0, Compare::Absent(key.clone())),
        Some(entry) => {
            (parse_allocator(&entry.value).map_err(|error| named(entry, error))?, Compare::ModRevision(key.clone(), entry.mod_revision))
        }
    };
    let mut window = Allocator::restart(stored)?;
    let puts = vec![Put::new(key, window.next_window()?.to_be_bytes())];
    if !client.commit(&Txn { compares: vec![no_pd(client), compare], puts, deletes: Vec::new() }).await? {
        return Ok(None);
    }
    window.stored_window()?;
    Ok(Some(window))
}

async fn save(client: &Client, id: KeyspaceId, meta: &KeyspaceMeta) -> Result<bool> {
    let [name_key, meta_key] = [PdKey::KeyspaceName(meta.name.clone()), PdKey::KeyspaceMeta(id)].map(|key| key.build(client.cluster()));
    let compares = vec![no_pd(client), Compare::Absent(name_key.clone()), Compare::Absent(meta_key.clone())];
    let puts = vec![Put::new(name_key, id.to_string()), Put::new(meta_key, meta.encode_to_vec())];
    client.commit(&Txn { compares, puts, deletes: Vec::new() }).await
}

async fn check_name_is_free(client: &Client, name: &str) -> Result<()> {
    let key = PdKey::KeyspaceName(name.to_owned()).build(client.cluster());
    match client.list(&[Keys::One(key)]).await?.entries.first() {
        Some(entry) => Err(Error(format!("keyspace name {name:?} is in use: it has the id {}", String::from_utf8_lossy(&entry.value)))),
        None => Ok(()),
    }
}

/// A failure here takes name and meta away again; if that fails too, the error says what is left.
async fn enable(client: &Client, id: KeyspaceId, meta: KeyspaceMeta) -> Result<Keyspace> {
    let enabled = KeyspaceMeta { state: State::Enabled.into(), ..meta.clone() };
    let [name_key, meta_key] = [PdKey::KeyspaceName(meta.name.clone()), PdKey::KeyspaceMeta(id)].map(|key| key.build(client.cluster()));
    let saved = Compare::Value(meta_key.clone(), meta.encode_to_vec());
    let puts = vec![Put::new(meta_key.clone(), enabled.encode_to_vec())];
    let txn = Txn { compares: vec![no_pd(client), saved.clone()], puts, deletes: Vec::new() };
    let why = match client.commit(&txn).await {
        Ok(true) => return super::keyspaces::find(client, &meta.name).await,
        Ok(false) => refused(client, &format!("keyspace {:?} was not enabled", meta.name)).await,
        Err(error) => error,
    };
    let deletes = vec![Keys::One(name_key), Keys::One(meta_key)];
    let is_gone = client.commit(&Txn { compares: vec![no_pd(client), saved], puts: Vec::new(), deletes }).await == Ok(true);
    Err(if is_gone { why } else { Error(format!("{why}; keyspace {:?} ({id}) may be left DISABLED: look at it", meta.name)) })
}
