//! Schemas: ids are vended upwards and never used twice. One transaction vends, names and
//! validates.
//!
//! A node counts every id up to the highest that is not valid as dropped, so `highest` must not be
//! seen before `valid`. etcd sends the changes of a revision in the order of the transaction's
//! operations, not in the order of keys, and may split them into several messages in this order. So
//! `highest` is put last.

use super::ATTEMPTS;
use super::keyspaces::find;
use super::set_state::state_name;
use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Entry, Keys, Put, Txn};
use crate::layout::id::KeyspaceId;
use crate::layout::keyspace_meta::State;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{OwnValue, SchemaId, Truncation, ValidSchema};
use crate::layout::pd_key::PdKey;
use crate::translate::cluster::{no_pd, refused};
use crate::translate::read::named;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Keys have four bytes for a schema's id.
const HIGHEST: u64 = u32::MAX as u64;

/// The schemas of a keyspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schemas {
    /// The highest id ever vended; 0: none.
    pub highest: u64,
    /// Names of the ids that are in use.
    pub valid: BTreeMap<u64, String>,
}

impl Schemas {
    /// The ids that were vended and are not in use any more.
    pub fn dropped(&self) -> Vec<RangeInclusive<u64>> {
        let mut next = 1;
        let mut dropped = Vec::new();
        for id in self.valid.keys().copied().chain([self.highest + 1]) {
            if next < id {
                dropped.push(next..=id - 1);
            }
            next = id + 1;
        }
        dropped
    }
}

/// Creates a schema, and returns its id.
pub async fn create(client: &Client, keyspace: &str, name: &str) -> Result<u64> {
    for _ in 0..ATTEMPTS {
        let keyspace = find(client, keyspace).await?;
        if keyspace.state()? != State::Enabled {
            return Err(Error(format!(
                "keyspace {} is {}; a schema needs an ENABLED one",
                keyspace.meta.name,
                state_name(keyspace.state()?)
            )));
        }
        let key = |key: OwnKey| key.build(client.cluster());
        let name_key = key(OwnKey::SchemaName(keyspace.id, name.into()))?;
        let highest_key = key(OwnKey::SchemaHighest(keyspace.id))?;
        let seen_keys = Keys::Prefix(format!("/rocks-gc/{}/schemas/{}/seen/", client.cluster(), keyspace.id));
        let listing = client.list(&[Keys::One(name_key.clone()), Keys::One(highest_key.clone()), seen_keys.clone()]).await?;
        let (read, revision) = (listing.entries, listing.revision);
        let id_at = |key: &str| read.iter().find(|entry| entry.key == key.as_bytes()).map(|entry| Ok((id_in(entry)?, entry.mod_revision)));
        if let Some((id, _)) = id_at(&name_key).transpose()? {
            return Err(Error(format!("schema name {name:?} is in use: it has the id {id}")));
        }
        let (highest, compare) = match id_at(&highest_key).transpose()? {
            None => (0, Compare::Absent(highest_key.clone())),
            Some((id, mod_revision)) => (id, Compare::ModRevision(highest_key.clone(), mod_revision)),
        };
        let seen = read.iter().filter(|entry| entry.key.starts_with(seen_keys.text().as_bytes())).map(id_in);
        let last = seen.chain([Ok(highest)]).try_fold(0, |last, id| Ok::<_, Error>(id?.max(last)))?;
        if last >= HIGHEST {
            return Err(Error(format!("keyspace {}: no schema id is left: {last} was the last", keyspace.meta.name)));
        }
        let id = last + 1;
        let valid_key = key(OwnKey::SchemaValid(keyspace.id, id))?;
        let of_keyspace = Compare::ModRevision(PdKey::KeyspaceMeta(keyspace.id).build(client.cluster()), keyspace.mod_revision);
        let none_seen_since = Compare::NotWrittenSince(seen_keys, revision);
        let absent = [Compare::Absent(name_key.clone()), Compare::Absent(valid_key.clone())];
        let puts = vec![
            Put::new(valid_key.clone(), ValidSchema { name: name.into(), truncated: None }.build()?),
            Put::new(name_key, SchemaId { id }.build()?),
            Put::new(highest_key.clone(), SchemaId { id }.build()?),
        ];
        let compares = [vec![no_pd(client), of_keyspace, compare, none_seen_since], absent.to_vec()].concat();
        if client.commit(&Txn { compares, puts, deletes: Vec::new() }).await? {
            return Ok(id);
        }
        check_highest(client, &highest_key, highest, id, &valid_key).await?;
    }
    Err(refused(client, &format!("schema {name:?} was not created")).await)
}

/// The schemas of a keyspace.
pub async fn list(client: &Client, keyspace: &str) -> Result<Schemas> {
    let keyspace = find(client, keyspace).await?;
    let prefix = format!("/rocks-gc/{}/schemas/{}/", client.cluster(), keyspace.id);
    let mut schemas = Schemas::default();
    for entry in client.list(&[Keys::Prefix(prefix)]).await?.entries {
        schemas.add(client, &entry).map_err(|error| named(&entry, error))?;
    }
    Ok(schemas)
}

impl Schemas {
    fn add(&mut self, client: &Client, entry: &Entry) -> Result<()> {
        match OwnKey::parse(client.cluster(), &entry.key)? {
            Some(OwnKey::SchemaHighest(_)) => self.highest = SchemaId::parse(&entry.value)?.id,
            Some(OwnKey::SchemaValid(_, id)) => drop(self.valid.insert(id, ValidSchema::parse(&entry.value)?.name)),
            _ => {}
        }
        Ok(())
    }
}

/// A highest id that went back would give an id twice.
async fn check_highest(client: &Client, highest_key: &str, highest: u64, id: u64, valid_key: &str) -> Result<()> {
    let read = client.list(&[Keys::One(highest_key.into()), Keys::One(valid_key.into())]).await?.entries;
    let is = |entry: &Entry, key: &str| entry.key == key.as_bytes();
    let is_valid = read.iter().any(|entry| is(entry, valid_key));
    let still = read.iter().find(|entry| is(entry, highest_key)).map_or(Ok(0), id_in)?;
    if is_valid && still == highest {
        return Err(Error(format!("schema id {id} is in use, but the highest id is {highest}; correct {highest_key}")));
    }
    Ok(())
}

fn id_in(entry: &Entry) -> Result<u64> {
    Ok(SchemaId::parse(&entry.value).map_err(|error| named(entry, error))?.id)
}

/// The id of a name, and the revision that wrote it.
pub(super) async fn id_of(client: &Client, keyspace: KeyspaceId, name: &str) -> Result<(u64, i64)> {
    let key = OwnKey::SchemaName(keyspace, name.into()).build(client.cluster())?;
    let listing = client.list(&[Keys::One(key)]).await?;
    let entry = listing.entries.first().ok_or_else(|| Error(format!("keyspace {keyspace} has no schema of the name {name:?}")))?;
    Ok((id_in(entry)?, entry.mod_revision))
}

/// Notes a truncation with the schema, for nodes that are away: what to compare, and what to put.
/// The highest timestamp stays.
pub(super) async fn truncated(client: &Client, keyspace: KeyspaceId, id: u64, truncation: Truncation) -> Result<(Compare, Put)> {
    let key = OwnKey::SchemaValid(keyspace, id).build(client.cluster())?;
    let listing = client.list(&[Keys::One(key.clone())]).await?;
    let entry = listing.entries.first().ok_or_else(|| Error(format!("schema {id} has a name, but no key {key}; correct etcd")))?;
    let mut schema = ValidSchema::parse(&entry.value).map_err(|error| named(entry, error))?;
    schema.truncated = schema.truncated.into_iter().chain([truncation]).max_by_key(|it| (it.timestamp, it.sequence));
    Ok((Compare::ModRevision(key.clone(), entry.mod_revision), Put::new(key, schema.build()?)))
}
