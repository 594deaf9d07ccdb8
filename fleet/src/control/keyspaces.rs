//! Listing and finding keyspaces.

use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Entry, Keys, Put, Txn};
use crate::layout::id::KeyspaceId;
use crate::layout::keyspace_meta::{KeyspaceMeta, State};
use crate::layout::pd_key::PdKey;
use crate::layout::pd_value;
use crate::translate::cluster::no_pd;
use crate::translate::read::named;
use prost::Message;

/// A keyspace, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyspace {
    /// Its id, of the key.
    pub id: KeyspaceId,
    /// The rest.
    pub meta: KeyspaceMeta,
    /// The revision that wrote the meta.
    pub mod_revision: i64,
}

impl Keyspace {
    /// Its state.
    pub fn state(&self) -> Result<State> {
        State::try_from(self.meta.state).map_err(|_| Error(format!("keyspace {}: state {} is unknown", self.meta.name, self.meta.state)))
    }

    /// Refuses PD's own keyspaces.
    pub(super) fn check_not_protected(&self) -> Result<()> {
        if self.id.get() == 0 || PROTECTED.contains(&self.meta.name.as_str()) {
            return Err(Error(format!("keyspace {} ({}) is protected", self.meta.name, self.id)));
        }
        Ok(())
    }

    /// Writes another meta, if no other writer has written since and no PD leads.
    pub(super) async fn replace(&self, client: &Client, meta: &KeyspaceMeta) -> Result<bool> {
        let key = PdKey::KeyspaceMeta(self.id).build(client.cluster());
        let compares = vec![no_pd(client), Compare::ModRevision(key.clone(), self.mod_revision)];
        client.commit(&Txn { compares, puts: vec![Put::new(key, meta.encode_to_vec())], deletes: Vec::new() }).await
    }
}

/// PD's keyspaces of its two builds: they are always there.
pub(super) const PROTECTED: [&str; 2] = ["DEFAULT", "SYSTEM"];

/// All keyspaces by id; one whose meta cannot be read is an error in its place.
pub async fn list(client: &Client) -> Result<Vec<Result<Keyspace>>> {
    let metas = format!("/pd/{}/keyspaces/meta/", client.cluster());
    let entries = client.list(&[Keys::Prefix(metas)]).await?.entries;
    Ok(entries.iter().map(|entry| read(client, entry)).collect())
}

/// The keyspace of a name.
pub async fn find(client: &Client, name: &str) -> Result<Keyspace> {
    let key = PdKey::KeyspaceName(name.to_owned()).build(client.cluster());
    let listing = client.list(&[Keys::One(key)]).await?;
    let entry = listing.entries.first().ok_or_else(|| Error(format!("no keyspace has the name {name:?}")))?;
    let id = pd_value::parse_decimal(&entry.value).map_err(|error| named(entry, error))?;
    let id = KeyspaceId::new(u32::try_from(id).unwrap_or(u32::MAX)).map_err(|error| named(entry, error))?;
    let meta = client.list(&[Keys::One(PdKey::KeyspaceMeta(id).build(client.cluster()))]).await?;
    let meta = meta.entries.first().ok_or_else(|| Error(format!("the name {name:?} has the id {id}, which has no meta; correct etcd")))?;
    let keyspace = read(client, meta)?;
    if keyspace.meta.name != name {
        return Err(Error(format!("the name {name:?} has the id {id}, whose meta has the name {:?}; correct etcd", keyspace.meta.name)));
    }
    Ok(keyspace)
}

fn read(client: &Client, entry: &Entry) -> Result<Keyspace> {
    match PdKey::parse(client.cluster(), &entry.key)? {
        Some(PdKey::KeyspaceMeta(id)) => {
            let meta = KeyspaceMeta::parse(&entry.value).map_err(|error| named(entry, error))?;
            Ok(Keyspace { id, meta, mod_revision: entry.mod_revision })
        }
        _ => Err(Error(format!("key {:?} is not the key of a keyspace's meta", String::from_utf8_lossy(&entry.key)))),
    }
}
