//! A lease that a task renews, and the moment at which it must count as lost.
//!
//! etcd counts the time to live from the moment at which a renewal arrives. This side counts from
//! the moment at which it *sent* the last renewal that was answered: that is earlier. So the lease
//! counts as lost here before other processes see its keys go:
//!
//! | second | this process | etcd |
//! |---|---|---|
//! | 0.0 | sends a renewal of 3 s | |
//! | 0.4 | | it arrives: the lease lives until 3.4 |
//! | 0.8 | hears the answer: the lease lives until 3.0 | |
//! | 3.0 | counts it as lost | it still lives |
//!
//! The monotonic clock may stand still while a machine sleeps. So a transaction that depends on a
//! lease compares the key that lies under it, whatever [`Lease::is_alive`] says.

use super::client::Client;
use crate::error::Result;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// A lease. Dropping it stops the renewals; etcd then ends it after its time to live.
pub struct Lease {
    client: Client,
    id: i64,
    until: watch::Receiver<Instant>,
    task: JoinHandle<()>,
}

impl Client {
    /// Asks for a lease of at least this time to live, in whole seconds (etcd may give more), and
    /// renews it three times in this time.
    pub async fn lease(&self, ttl: Duration) -> Result<Lease> {
        let asked = Instant::now();
        let ttl = i64::try_from(ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0)).unwrap_or(i64::MAX);
        let grant = |mut client: etcd_client::Client| async move { client.lease_grant(ttl, None).await };
        let granted = self.repeat("ask for a lease", grant).await.map_err(|(_, error)| error)?;
        let ttl = Duration::from_secs(granted.ttl().unsigned_abs());
        let (sender, until) = watch::channel(asked + ttl);
        let task = tokio::spawn(renew(self.clone(), granted.id(), ttl, sender));
        Ok(Lease { client: self.clone(), id: granted.id(), until, task })
    }
}

impl Lease {
    /// Its id, for puts. Never given twice by one etcd cluster.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Does it live for certain, now?
    pub fn is_alive(&self) -> bool {
        Instant::now() < *self.until.borrow()
    }

    /// Waits until the lease counts as lost.
    pub async fn lost(&self) {
        let mut until = self.until.clone();
        loop {
            let end = *until.borrow_and_update();
            // The task moves the end. When it has ended, the end stays.
            match timeout_at(end, until.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return sleep_until(end).await,
                Err(_) => return,
            }
        }
    }

    /// Ends it now: its keys go.
    pub async fn revoke(self) -> Result<()> {
        self.task.abort();
        self.client.revoke(self.id).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    /// Ends a lease, also another process's; one that is gone already too.
    pub async fn revoke(&self, lease: i64) -> Result<()> {
        let revoke = |mut client: etcd_client::Client| async move { client.lease_revoke(lease).await };
        match self.repeat(&format!("revoke lease {lease:x}"), revoke).await {
            Err((failure, error)) if !failure.is_lease_gone() => Err(error),
            _ => Ok(()),
        }
    }
}

impl Client {
    /// The time to live of a lease from renewal to renewal; `None`: the lease is gone.
    pub async fn time_to_live(&self, lease: i64) -> Result<Option<Duration>> {
        let ask = |mut client: etcd_client::Client| async move { client.lease_time_to_live(lease, None).await };
        let answer = self.repeat(&format!("ask for lease {lease:x}"), ask).await.map_err(|(_, error)| error)?;
        // What is left of a lease in its last second is 0, and the holder may still renew it.
        Ok((answer.granted_ttl() > 0).then(|| Duration::from_secs(answer.granted_ttl().unsigned_abs())))
    }
}

/// Renews until the lease is gone, or too old to be renewed.
async fn renew(client: Client, id: i64, ttl: Duration, until: watch::Sender<Instant>) {
    let pause = ttl / 3;
    // A dead member must leave time for another one.
    let client = client.impatient(pause / 2);
    let mut next = pause;
    loop {
        sleep(next).await;
        if Instant::now() >= *until.borrow() {
            return;
        }
        let sent = Instant::now();
        let keep = |mut client: etcd_client::Client| async move { client.lease_keep_alive(id).await.map(|_| ()) };
        // An attempt that was sent to another member after a failure was sent later: `sent` is
        // earlier.
        match client.repeat("renew a lease", keep).await {
            Ok(()) => {
                until.send_replace(sent + ttl);
                next = pause;
            }
            Err((failure, error)) => {
                tracing::warn!("lease {id:x}: {error}");
                if failure.is_lease_gone() {
                    until.send_replace(sent);
                    return;
                }
                next = pause / 5;
            }
        }
    }
}
