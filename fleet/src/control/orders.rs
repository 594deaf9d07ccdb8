//! Dropping and truncating schemas: the order, then the answers of all nodes that served when it
//! was written. When all have answered, no node serves the dropped schema any more.
//!
//! Who served when the order was written? Registered nodes, and processes that were fenced before
//! and linger: both are in the order. A node whose registration had ended by itself is not: it
//! refuses to serve while its lease does not stand by its own monotonic clock, which ends the lease
//! before etcd does.
//!
//! | second | node n, cut off | etcd | this process |
//! |---|---|---|---|
//! | 0.0 | sends a renewal of 10 s | | |
//! | 0.4 | | it arrives: the lease lives until 10.4 | |
//! | 10.0 | counts the lease as lost: it stops to serve | | |
//! | 10.4 | | the lease ends; the registration goes | |
//! | 10.5 | | | writes an order without n |
//!
//! A node that does not answer in time is fenced, and lingers for a while (`worker::lingering`). The
//! acknowledgement waits for this too, also if another process fenced the node.

use super::ATTEMPTS;
use super::fence::fence;
use super::keyspaces::find;
use super::schemas::{id_of, truncated};
use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Keys, Put, Txn};
use crate::layout::id::KeyspaceId;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Action, Order, OwnValue, Role, Truncation};
use crate::translate::Reading;
use crate::translate::cluster::{no_pd, refused};
use crate::worker::lingering::Countdowns;
use crate::worker::orders::Standing;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(200);

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The schema.
    pub id: u64,
    /// Nodes that did not answer in time, and that this call has fenced.
    pub fenced: Vec<String>,
}

/// Drops a schema: its name and its id at once, then on all nodes. The name may be used again at
/// once.
pub async fn drop_schema(client: &Client, keyspace: &str, name: &str, deadline: Duration) -> Result<Outcome> {
    order(client, keyspace, name, Action::Drop, deadline).await
}

/// Truncates a schema on all nodes: deletes what is at or below the timestamp. A standby waits
/// until it has replicated up to the primary's sequence number.
pub async fn truncate_schema(
    client: &Client,
    keyspace: &str,
    name: &str,
    timestamp: u64,
    sequence: u64,
    deadline: Duration,
) -> Result<Outcome> {
    order(client, keyspace, name, Action::Truncate { timestamp, sequence }, deadline).await
}

async fn order(client: &Client, keyspace: &str, name: &str, action: Action, deadline: Duration) -> Result<Outcome> {
    for _ in 0..ATTEMPTS {
        let keyspace = find(client, keyspace).await?.id;
        let (id, mod_revision) = id_of(client, keyspace, name).await?;
        let reading = Reading::take_nodes(client).await?;
        let key = |key: OwnKey| key.build(client.cluster());
        let (order_key, name_key) = (key(OwnKey::SchemaOrder(keyspace, id))?, key(OwnKey::SchemaName(keyspace, name.into()))?);
        if !client.list(&[Keys::One(order_key.clone())]).await?.entries.is_empty() {
            return Err(Error(format!("schema {name} ({id}): nodes still carry out another order; try again when it is done")));
        }
        let mut compares = vec![
            no_pd(client),
            Compare::ModRevision(name_key.clone(), mod_revision),
            Compare::Absent(order_key.clone()),
            Compare::NotWrittenSince(Keys::Prefix(format!("/rocks-gc/{}/nodes/", client.cluster())), reading.revision),
        ];
        // An answer to an earlier order about the schema must not count for this one.
        let mut deletes = vec![Keys::Prefix(format!("{order_key}/answers/"))];
        let mut puts = vec![Put::new(order_key, Order { action, nodes: may_serve(&reading) }.build()?)];
        match action {
            Action::Drop => deletes.extend([Keys::One(name_key), Keys::One(key(OwnKey::SchemaValid(keyspace, id))?)]),
            Action::Truncate { timestamp, sequence } => {
                let (compare, put) = truncated(client, keyspace, id, Truncation { timestamp, sequence }).await?;
                compares.push(compare);
                puts.push(put);
            }
        }
        if client.commit(&Txn { compares, puts, deletes }).await? {
            return wait(client, keyspace, id, deadline).await;
        }
    }
    Err(refused(client, &format!("schema {name}: no order was written")).await)
}

/// Every primary that is registered, and every node that lingers, with its epoch. A node that was
/// fenced between the reading and the order is in the reading.
fn may_serve(reading: &Reading) -> BTreeMap<String, u64> {
    let lingering = reading.lingering.keys().filter_map(|name| Some((name.clone(), reading.fenced.get(name)?.value.epoch)));
    let primaries = reading.nodes.iter().filter(|(_, registered)| registered.node.role == Role::Primary);
    lingering.chain(primaries.map(|(name, registered)| (name.clone(), registered.node.epoch))).collect()
}

/// Waits until no node of the order may serve the schema any more. At the deadline the nodes that
/// have not answered are fenced. May be called again for an order whose writer ended, and by
/// several processes at once.
pub async fn wait(client: &Client, keyspace: KeyspaceId, id: u64, deadline: Duration) -> Result<Outcome> {
    let end = Instant::now() + deadline;
    let (mut fenced, mut countdowns) = (BTreeSet::new(), Countdowns::default());
    // The worker deletes an order that is carried out.
    while let Some(standing) = Standing::find(client, keyspace, id).await? {
        let reading = Reading::take_nodes(client).await?;
        let waits = standing.waits_for(&reading);
        let is_late = Instant::now() >= end;
        if waits.is_empty() && (is_late || standing.begin_anew(&reading).next().is_none()) {
            break;
        }
        countdowns.turn(client, &reading).await?;
        if is_late {
            for (node, epoch) in to_fence(&standing, waits, &reading) {
                fence(client, &node, Some(epoch), &format!("it did not answer the order about schema {id} in time")).await?;
                fenced.insert(node);
            }
        }
        sleep(POLL).await;
    }
    Ok(Outcome { id, fenced: fenced.into_iter().collect() })
}

/// Those of the nodes that neither are fenced nor began anew, with their epochs.
fn to_fence(standing: &Standing, mut waits: Vec<String>, reading: &Reading) -> Vec<(String, u64)> {
    let of = |node: &str| standing.order.nodes.get(node).copied().unwrap_or(0);
    waits.retain(|node| {
        let began_anew = reading.nodes.get(node).is_some_and(|registered| registered.node.epoch != of(node));
        !began_anew && !standing.is_fenced(node, of(node), reading)
    });
    waits.into_iter().map(|node| (node.clone(), of(&node))).collect()
}
