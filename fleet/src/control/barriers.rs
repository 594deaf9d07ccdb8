//! Setting, listing and deleting barriers: nothing at or above one is collected while it lives.

use super::ATTEMPTS;
use super::keyspaces::find;
use crate::error::{Error, Result};
use crate::etcd::{Client, Txn};
use crate::layout::gc_management::GcManagement;
use crate::layout::id::Scope;
use crate::layout::name::check_barrier_name;
use crate::protocol::barrier::{self, NEVER};
use crate::protocol::etcd::{Key, Value};
use crate::translate::cluster::refused;
use crate::translate::{Details, Reading, number, scope};

/// Whom a barrier holds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// All keyspaces without a safe point of their own.
    Global,
    /// Every scope.
    All,
    /// A keyspace by its name; one without a safe point of its own means [`Of::Global`], as in PD.
    Keyspace(String),
}

/// A barrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// Its scope; `None`: every scope.
    pub scope: Option<Scope>,
    /// Its name.
    pub name: String,
    /// Nothing at or above it is collected.
    pub timestamp: u64,
    /// The last Unix second in which it is alive; `None`: it does not end by itself.
    pub until: Option<u64>,
}

/// Sets a barrier, and returns it as it is in etcd. `ttl` is in seconds; `None`: it does not end by
/// itself. `now` is in Unix seconds; if the clock of a live process is ahead of it, that one
/// counts, so that the barrier does not end early.
pub async fn set(client: &Client, of: &Of, name: &str, timestamp: u64, ttl: Option<u64>, now: u64) -> Result<Barrier> {
    check_barrier_name(name)?;
    let ttl = ttl.map_or(i64::MAX, |ttl| i64::try_from(ttl).unwrap_or(i64::MAX));
    for _ in 0..ATTEMPTS {
        let mut reading = Reading::take(client).await?;
        let scope = scope_of(client, of).await?;
        check(&reading, scope)?;
        let now = reading.clocks.values().map(|unix_ms| unix_ms / 1000).fold(now, u64::max);
        let number_of = reading.names.number(name);
        let txn = barrier::set(&reading.snapshot, scope.map(number), number_of, timestamp, ttl, now)?;
        let set = reading.txn(&txn, &Details::default())?;
        if client.commit(&set).await? {
            reading.snapshot.commit(&txn);
            return list_of(&reading)?
                .into_iter()
                .find(|it| it.name == name && it.scope == scope)
                .ok_or_else(|| Error("no barrier".into()));
        }
    }
    Err(refused(client, &format!("barrier {name:?} was not set")).await)
}

/// Deletes a barrier; one that is not there too.
pub async fn delete(client: &Client, of: &Of, name: &str) -> Result<()> {
    check_barrier_name(name)?;
    for _ in 0..ATTEMPTS {
        let mut reading = Reading::take(client).await?;
        let scope = scope_of(client, of).await?;
        let number_of = reading.names.number(name);
        let txn: Txn = reading.txn(&barrier::delete(&reading.snapshot, scope.map(number), number_of)?, &Details::default())?;
        if client.commit(&txn).await? {
            return Ok(());
        }
    }
    Err(refused(client, &format!("barrier {name:?} was not deleted")).await)
}

/// All barriers, and errors about those that cannot be read.
pub async fn list(client: &Client) -> Result<(Vec<Barrier>, Vec<Error>)> {
    let reading = Reading::take(client).await?;
    Ok((list_of(&reading)?, reading.errors().cloned().collect()))
}

fn list_of(reading: &Reading) -> Result<Vec<Barrier>> {
    let barriers = reading.snapshot.all_barriers().into_iter().map(|(key, value)| {
        let (Key::Barrier(of, name), Value::Barrier(timestamp, until)) = (key, value) else {
            return Err(Error(format!("{key:?} is no barrier")));
        };
        let until = (until != NEVER).then_some(until);
        Ok(Barrier { scope: of.map(scope).transpose()?, name: reading.names.name(name)?.to_owned(), timestamp, until })
    });
    barriers.collect()
}

async fn scope_of(client: &Client, of: &Of) -> Result<Option<Scope>> {
    match of {
        Of::Global => Ok(Some(Scope::Global)),
        Of::All => Ok(None),
        Of::Keyspace(name) => {
            let keyspace = find(client, name).await?;
            match keyspace.meta.gc_management() {
                GcManagement::Keyspace => Ok(Some(Scope::Keyspace(keyspace.id))),
                GcManagement::Global => Ok(Some(Scope::Global)),
                GcManagement::Unknown(text) => {
                    Err(Error(format!("keyspace {name} has the unknown gc_management_type {text:?}; correct it")))
                }
            }
        }
    }
}

/// A T that cannot be read may be above the barrier.
fn check(reading: &Reading, scope: Option<Scope>) -> Result<()> {
    match scope {
        Some(scope) => reading.check(scope),
        None => reading.errors().next().map_or(Ok(()), |error| Err(error.clone())),
    }
}
