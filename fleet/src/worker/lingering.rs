//! Fenced processes that may still serve.
//!
//! Process n is cut off from etcd, and is fenced: its lease is revoked before its time. By its own
//! clock the lease lives on, at most for its time to live after n sent the last renewal, so at most
//! for that time after the revocation. `lingering/{node}` says so until this time is over. Orders
//! about schemas wait for it, also if another process fenced n, and also those that are written later:
//!
//! | second | n, cut off | etcd | A fences n, and dies | B waits for the order |
//! |---|---|---|---|---|
//! | 0 | sends a renewal of 10 s | | | |
//! | 5 | serves | `lingering/n`: 10 s; no registration | revokes the lease | |
//! | 6 | serves | | | sees `lingering/n`; counts 10 s |
//! | 10 | its lease ends by its clock: it stops | | | |
//! | 16 | | `lingering/n` goes | | acknowledges |
//!
//! Every observer revokes the lease itself first (the one who fenced may have died before), counts
//! by its own monotonic clock from this moment, and begins anew when it was restarted. So nothing
//! depends on clocks that are set alike.
//!
//! A lease that etcd ended by itself needs no such key: n counts from the *sending* of its last
//! renewal, and etcd from its later arrival, so n stopped first (the trace is in `etcd/lease.rs`).

use crate::error::Result;
use crate::etcd::{Client, Compare, Keys, Txn};
use crate::layout::own_key::OwnKey;
use crate::translate::Reading;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Since when this observer has counted, by the node's name and the revision of its key.
#[derive(Debug, Default)]
pub struct Countdowns {
    begun: BTreeMap<(String, i64), Instant>,
}

impl Countdowns {
    /// Begins to count for what is new in the reading, and deletes the keys whose time is over. To be
    /// called again and again.
    pub async fn turn(&mut self, client: &Client, reading: &Reading) -> Result<()> {
        let is_there = |(name, revision): &(String, i64)| reading.lingering.get(name).is_some_and(|it| it.mod_revision == *revision);
        self.begun.retain(|it, _| is_there(it));
        for (name, written) in &reading.lingering {
            let of = (name.clone(), written.mod_revision);
            match self.begun.get(&of) {
                None => {
                    client.revoke(written.value.lease).await?;
                    self.begun.insert(of, Instant::now());
                }
                Some(begun) if begun.elapsed() >= Duration::from_secs(written.value.seconds) => {
                    let key = OwnKey::Lingering(name.clone()).build(client.cluster())?;
                    let compares = vec![Compare::ModRevision(key.clone(), written.mod_revision)];
                    client.commit(&Txn { compares, puts: Vec::new(), deletes: vec![Keys::One(key)] }).await?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
