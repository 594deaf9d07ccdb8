//! A node's registration: its key under a lease. The epoch is the lease's id, which etcd never
//! gives twice.

use super::answers::{Reply, Writes};
use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Keys, Lease, Put, Txn};
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Node, OwnValue, Role};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// etcd takes 128 operations in one transaction.
const ANSWERS_AT_ONCE: usize = 100;

/// Who registers.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The node's name; one process uses it at a time.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Whether the worker must wait for its answers.
    pub holds_transactions: bool,
    /// The version of each library, by its name.
    pub versions: BTreeMap<String, String>,
    /// How long the registration outlives the process.
    pub lease: Duration,
}

/// A registration that stands as long as its lease.
pub struct Registration {
    client: Client,
    key: String,
    value: Vec<u8>,
    lease: Lease,
}

impl Registration {
    /// Registers. `before` is this process's last epoch: its key may still be there.
    pub async fn new(client: &Client, identity: &Identity, before: Option<u64>) -> Result<Self> {
        let key = OwnKey::Node(identity.name.clone()).build(client.cluster())?;
        if let Some(epoch) = before {
            client.revoke(epoch.cast_signed()).await?;
        }
        let lease = client.lease(identity.lease).await?;
        let value = Node {
            role: identity.role,
            versions: identity.versions.clone(),
            since: now(),
            epoch: lease.id().cast_unsigned(),
            holds_transactions: identity.holds_transactions,
        };
        let value = value.build()?;
        let put = Put { key: key.clone(), value: value.clone(), lease: Some(lease.id()) };
        let txn = Txn { compares: vec![Compare::Absent(key.clone())], puts: vec![put], deletes: Vec::new() };
        match client.commit(&txn).await {
            Ok(true) => Ok(Self { client: client.clone(), key, value, lease }),
            Ok(false) => {
                lease.revoke().await?;
                Err(Error(format!(
                    "node {:?} is registered by another process, or its last registration has not ended yet; \
                     wait for at most {} s, or give this node another name",
                    identity.name,
                    identity.lease.as_secs()
                )))
            }
            Err(error) => {
                // It may have happened, so the lease must not stay.
                let _ = lease.revoke().await;
                Err(error)
            }
        }
    }

    /// The number of this registration.
    pub fn epoch(&self) -> u64 {
        self.lease.id().cast_unsigned()
    }

    /// Does it stand for certain, now?
    pub fn is_alive(&self) -> bool {
        self.lease.is_alive()
    }

    /// Waits until it counts as lost.
    pub async fn lost(&self) {
        self.lease.lost().await;
    }

    /// Writes keys that end with the registration, and deletes such keys. Returns `false` if the
    /// registration does not stand any more: then some may have been written.
    pub async fn write(&self, Writes { puts, deletes }: Writes) -> Result<bool> {
        let put = |(key, value)| Put { key, value, lease: Some(self.lease.id()) };
        let puts: Vec<Put> = puts.into_iter().map(put).collect();
        let puts: Vec<_> = puts.chunks(ANSWERS_AT_ONCE).map(|puts| (puts.to_vec(), Vec::new())).collect();
        let deletes: Vec<Keys> = deletes.into_iter().map(Keys::One).collect();
        let deletes = deletes.chunks(ANSWERS_AT_ONCE).map(|deletes| (Vec::new(), deletes.to_vec()));
        for (puts, deletes) in puts.into_iter().chain(deletes) {
            let txn = Txn { compares: vec![self.stands()], puts, deletes };
            if !self.client.commit(&txn).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes a reply. Returns `false` if the registration does not stand any more, or if what it
    /// replies to is gone or another one: then there is nothing to tell.
    pub async fn reply(&self, Reply { key, value, to, revision }: Reply) -> Result<bool> {
        let compares = vec![self.stands(), Compare::ModRevision(to, revision)];
        self.client.commit(&Txn { compares, puts: vec![Put::new(key, value)], deletes: Vec::new() }).await
    }

    /// Writes a key that stays. Returns `false` if the registration does not stand any more.
    pub async fn note(&self, (key, value): (String, Vec<u8>)) -> Result<bool> {
        self.client.commit(&Txn { compares: vec![self.stands()], puts: vec![Put::new(key, value)], deletes: Vec::new() }).await
    }

    fn stands(&self) -> Compare {
        Compare::Value(self.key.clone(), self.value.clone())
    }

    /// Ends the registration.
    pub async fn end(&self) -> Result<()> {
        self.client.revoke(self.lease.id()).await
    }
}

/// Unix seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
