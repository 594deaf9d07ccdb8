//! Fencing: a node that does not answer is out. Its registration goes, and a process that comes
//! back finds the fence and stops to serve. Until a process that is cut off from etcd has certainly
//! stopped, `lingering/{node}` stays (`worker::lingering` has the trace).

use super::ATTEMPTS;
use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Put, Txn};
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Fenced, Lingering, OwnValue};
use crate::protocol::worker;
use crate::translate::cluster::refused;
use crate::translate::read::Registration;
use crate::translate::{Details, Reading};
use crate::worker::orders::Standing;
use std::time::Duration;

/// Fences the node's registration, only the one of this epoch if one is given, and returns its
/// epoch and how long the process may still believe that it is registered, if it is cut off from
/// etcd.
///
/// A node that is not registered is fenced if an epoch is given, or if an order about a schema
/// waits for one: the process may come back. Ranges wait for registered nodes only.
pub async fn fence(client: &Client, node: &str, only: Option<u64>, why: &str) -> Result<(u64, Duration)> {
    for _ in 0..ATTEMPTS {
        let reading = Reading::take_nodes(client).await?;
        let (is_fenced, epoch, left) = match reading.nodes.get(node) {
            Some(registered) => {
                let epoch = only.unwrap_or(registered.node.epoch);
                let (is_fenced, left) = fence_registered(client, reading.clone(), node, registered, epoch, why).await?;
                (is_fenced, epoch, left)
            }
            None => {
                let epoch = match only {
                    Some(epoch) => epoch,
                    None => epoch_of_order(client, &reading, node).await?,
                };
                (fence_ended(client, node, epoch, why).await?, epoch, left_of(&reading, node))
            }
        };
        if is_fenced {
            return Ok((epoch, left));
        }
    }
    Err(refused(client, &format!("node {node} was not fenced")).await)
}

async fn fence_registered(
    client: &Client,
    mut reading: Reading,
    node: &str,
    registered: &Registration,
    epoch: u64,
    why: &str,
) -> Result<(bool, Duration)> {
    let number = reading.names.number(node);
    let mut txn = reading.txn(&worker::fence(number, epoch), &Details { why: why.to_owned(), ..Details::default() })?;
    // An earlier process of the node may linger longer. Its lease would not be known any more.
    if let Some(earlier) = reading.lingering.get(node) {
        client.revoke(earlier.value.lease).await?;
    }
    // A lease that has ended by itself has ended by the process's clock too.
    let ttl = client.time_to_live(registered.lease).await?.unwrap_or(Duration::ZERO);
    let left = ttl.max(left_of(&reading, node));
    if !left.is_zero() {
        let lingering = Lingering { lease: registered.lease, seconds: left.as_secs() };
        txn.puts.push(Put::new(OwnKey::Lingering(node.to_owned()).build(client.cluster())?, lingering.build()?));
    }
    let is_fenced = client.commit(&txn).await?;
    if is_fenced {
        client.revoke(registered.lease).await?;
    }
    Ok((is_fenced, left))
}

/// Fences a registration that has ended already: its process may be cut off from etcd, and come
/// back. Its lease ended by itself, or `lingering/{node}` is there.
async fn fence_ended(client: &Client, node: &str, epoch: u64, why: &str) -> Result<bool> {
    let registration = OwnKey::Node(node.to_owned()).build(client.cluster())?;
    let fenced = OwnKey::Fenced(node.to_owned()).build(client.cluster())?;
    let value = Fenced { epoch, why: why.to_owned() }.build()?;
    client.commit(&Txn { compares: vec![Compare::Absent(registration)], puts: vec![Put::new(fenced, value)], deletes: Vec::new() }).await
}

/// How long an earlier process of the node may still serve.
fn left_of(reading: &Reading, node: &str) -> Duration {
    reading.lingering.get(node).map_or(Duration::ZERO, |lingering| Duration::from_secs(lingering.value.seconds))
}

/// An epoch of the node for which an order waits. A fence of one counts for all older orders.
async fn epoch_of_order(client: &Client, reading: &Reading, node: &str) -> Result<u64> {
    let (orders, _) = Standing::list(client).await?;
    let waiting = orders.iter().filter(|order| order.waits_for(reading).iter().any(|name| name == node));
    let newest = waiting.max_by_key(|order| order.mod_revision).and_then(|order| order.order.nodes.get(node));
    newest.copied().ok_or_else(|| Error(format!("no node is registered as {node:?}, and no order waits for one")))
}
