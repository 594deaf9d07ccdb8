//! Barriers for readers of this node.
//!
//! A barrier of a hold does not end by a clock, which may be wrong on this node or on the worker's.
//! Its key lies under a lease: etcd measures the time, and deletes the key when this node does not renew it.
//!
//! A hold stands only while it is in the list, and its lease lives for certain. Calls take turns, and
//! a hold that is to be replaced leaves the list first. So whatever becomes of a write to etcd, no
//! hold seems to stand without its barrier:
//!
//! | one thread | another thread | list | etcd |
//! |---|---|---|---|
//! | holds "n": lease 1 | | 1 | under 1 |
//! | | holds "n": takes 1 off the list | | under 1 |
//! | | writes under lease 2; the answer is lost | | under 2, or 1 |
//! | | gives up both leases: an error | | nothing |
//!
//! A fence ends all holds: a node that may not serve has no readers, and must hold up no other.

use super::host::Host;
use crate::error::{Error, Result};
use crate::etcd::{Client, Keys, Lease};
use crate::layout::id::Scope;
use crate::layout::pd_key::PdKey;
use crate::protocol::barrier;
use crate::protocol::etcd::Key;
use crate::translate::{Details, Reading, number};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_blocking};

/// A transaction that another writer overtakes is made anew, at most so often.
const ATTEMPTS: usize = 20;

/// A scope, and a name in it.
type Named = (Scope, String);

/// The holds of this node.
#[derive(Default)]
pub struct Holds {
    list: Arc<List>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct List(Mutex<Listed>);

#[derive(Default)]
struct Listed {
    holds: HashMap<Named, Hold>,
    /// No hold begins any more.
    has_ended: bool,
}

struct Hold {
    lease: Arc<Lease>,
    /// Tells the host when the lease is lost.
    watch: JoinHandle<()>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl List {
    fn get(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, named: Named, hold: Hold) -> Result<()> {
        let mut list = self.get();
        if list.has_ended {
            return Err(Error("this node is fenced, or closes, and holds nothing any more".to_owned()));
        }
        list.holds.insert(named, hold);
        Ok(())
    }

    /// Takes this hold off, unless another one is in its place.
    fn remove(&self, named: &Named, lease: i64) -> Option<Hold> {
        let holds = &mut self.get().holds;
        if holds.get(named)?.lease.id() == lease { holds.remove(named) } else { None }
    }
}

impl Holds {
    /// Sets a barrier, and renews it until it is released. If the call fails, or is given up, there
    /// is no hold.
    pub async fn hold(&self, client: &Client, host: &Arc<impl Host>, named: Named, ts: u64, ttl: Duration) -> Result<()> {
        let _turn = self.turn.lock().await;
        let before = self.list.get().holds.remove(&named);
        let lease = Arc::new(client.lease(ttl).await?);
        let id = lease.id();
        let set = set(client, &named, ts, id).await.and_then(|()| {
            let watch = tokio::spawn(tell_when_lost(self.list.clone(), lease.clone(), host.clone(), named.clone()));
            self.list.insert(named, Hold { lease, watch })
        });
        if set.is_err() {
            // It may have been written.
            let _ = client.revoke(id).await;
        }
        if let Some(before) = before {
            // The key, if it is there, is under the new lease now.
            let _ = client.revoke(before.lease.id()).await;
        }
        set
    }

    /// Does a hold stand for certain, now?
    pub fn stands(&self, named: &Named) -> bool {
        self.list.get().holds.get(named).is_some_and(|hold| hold.lease.is_alive())
    }

    /// Ends a hold, and deletes its barrier.
    pub async fn release(&self, client: &Client, named: &Named) -> Result<()> {
        let _turn = self.turn.lock().await;
        let hold = self.list.get().holds.remove(named);
        match hold {
            Some(hold) => client.revoke(hold.lease.id()).await,
            None => Ok(()),
        }
    }

    /// Ends all, and lets no other begin: at once on this node, then in etcd. A hold that is being set
    /// finds no place in the list, and fails.
    pub async fn end(&self, client: &Client) {
        let holds = {
            let mut list = self.list.get();
            list.has_ended = true;
            std::mem::take(&mut list.holds)
        };
        for hold in holds.values() {
            let _ = client.revoke(hold.lease.id()).await;
        }
    }
}

async fn tell_when_lost(list: Arc<List>, lease: Arc<Lease>, host: Arc<impl Host>, named: Named) {
    lease.lost().await;
    tracing::error!("hold {:?} of scope {} could not be renewed in time", named.1, named.0);
    let told = spawn_blocking({
        let (scope, name) = named.clone();
        move || host.hold_lost(scope, &name)
    });
    let _ = told.await;
    // Last: dropping the hold ends this task.
    drop(list.remove(&named, lease.id()));
}

/// Sets the barrier under the lease.
async fn set(client: &Client, (scope, name): &Named, ts: u64, lease: i64) -> Result<()> {
    let cluster = client.cluster();
    let of_scope = [PdKey::Leader, PdKey::StateRevision, PdKey::TxnSafePoint(*scope)];
    let keys: Vec<Keys> = of_scope.iter().map(|key| Keys::One(key.build(cluster))).collect();
    let key = PdKey::Barrier(*scope, name.clone()).build(cluster);
    for _ in 0..ATTEMPTS {
        let mut reading = Reading::of(cluster, &client.list(&keys).await?);
        reading.check(*scope)?;
        if reading.snapshot.get(Key::PdLeader).is_some() {
            return Err(Error("a PD leads this cluster, and only PD writes barriers; set it there".to_owned()));
        }
        let numbered = reading.names.number(name);
        let set = barrier::set(&reading.snapshot, Some(number(*scope)), numbered, ts, i64::MAX, 0)?;
        let mut txn = reading.txn(&set, &Details::default())?;
        txn.puts.iter_mut().filter(|put| put.key == key).for_each(|put| put.lease = Some(lease));
        if client.commit(&txn).await? {
            return Ok(());
        }
    }
    Err(Error(format!("barrier {name:?}: {ATTEMPTS} attempts were overtaken by other writers; try again")))
}
