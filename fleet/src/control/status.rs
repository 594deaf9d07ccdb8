//! How far everything is, and what holds it up.

use crate::error::{Error, Result};
use crate::etcd::{Client, Keys};
use crate::layout::gc_management::GcManagement;
use crate::layout::id::Scope;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Applied, Node, OwnValue, Role};
use crate::protocol::etcd::{Key, Value};
use crate::protocol::worker::{advance_gc, advance_txn, target};
use crate::translate::read::named;
use crate::translate::{Reading, number};
use crate::worker::orders::Standing;
use crate::worker::ranges::Todo;
use crate::worker::round::{Held, held_by};
use serde::Serialize;
use std::collections::BTreeMap;

/// The state of a fleet.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The cluster's id in keys.
    pub cluster: u64,
    /// Of etcd, when it was read.
    pub revision: i64,
    /// A PD leads: no worker writes.
    pub pd_leads: bool,
    /// The name of the worker that leads.
    pub leader: Option<String>,
    /// Each scope.
    pub scopes: Vec<OfScope>,
    /// Each registered node.
    pub nodes: Vec<OfNode>,
    /// Nodes that are fenced, and not registered.
    pub fenced: Vec<String>,
    /// Orders about schemas that are not carried out.
    pub orders: Vec<OfOrder>,
    /// Ranges that wait for G, and ranges that nodes delete.
    pub ranges: OfRanges,
    /// Clocks of live processes that are 30 s or more away from this one's: seconds ahead.
    pub clocks: BTreeMap<String, i64>,
    /// What cannot be read, and holds up what it is about.
    pub unreadable: Vec<String>,
}

/// A scope.
#[derive(Debug, Serialize)]
pub struct OfScope {
    /// `global`, or the keyspace's id.
    pub scope: String,
    /// The keyspace's name.
    pub name: Option<String>,
    /// T: no reader begins below it.
    pub txn_safe_point: u64,
    /// Its age in seconds; `None`: there is none yet.
    pub txn_age: Option<u64>,
    /// G: what filters use.
    pub gc_safe_point: u64,
    /// Its age in seconds; `None`: there is none yet.
    pub gc_age: Option<u64>,
    /// What holds T or G up.
    pub held_by: Vec<String>,
}

/// A node.
#[derive(Debug, Serialize)]
pub struct OfNode {
    /// Its name.
    pub name: String,
    /// Primary or standby.
    pub role: Role,
    /// Of its registration.
    pub epoch: u64,
    /// Unix seconds.
    pub since: u64,
    /// The scopes in which it has not resolved up to T, or does not apply G.
    pub behind: Vec<Behind>,
}

/// Where a node is behind.
#[derive(Debug, Serialize)]
pub struct Behind {
    /// The scope.
    pub scope: String,
    /// Up to which T it has resolved; `None`: it has not answered.
    pub resolved: Option<u64>,
    /// What its filters use, where that is not G.
    pub applied: Option<u64>,
}

/// An order.
#[derive(Debug, Serialize)]
pub struct OfOrder {
    /// The keyspace's id.
    pub keyspace: u32,
    /// The schema's id.
    pub schema: u64,
    /// Nodes that may still serve the schema.
    pub waits_for: Vec<String>,
}

/// Ranges that are not done.
#[derive(Debug, Default, Serialize)]
pub struct OfRanges {
    /// G has not reached their timestamps.
    pub waiting: usize,
    /// Nodes delete them.
    pub due: usize,
}

/// Reads the state. `now_ms` and the life time, in milliseconds, tell which barriers hold T up.
pub async fn status(client: &Client, now_ms: u64, gc_life_time_ms: u64) -> Result<Status> {
    let reading = Reading::take(client).await?;
    let (orders, order_errors) = Standing::list(client).await?;
    let (todo, range_errors) = Todo::list(client).await?;
    let (applied, applied_errors) = applied(client).await?;
    let unreadable = reading.errors().chain(&order_errors).chain(&range_errors).chain(&applied_errors);
    let due = todo.iter().filter(|todo| todo.is_due(&reading)).count();
    let scopes = reading.scopes();
    Ok(Status {
        cluster: reading.cluster,
        revision: reading.revision,
        pd_leads: reading.snapshot.get(Key::PdLeader).is_some(),
        leader: reading.leader.as_ref().map(|(leader, _)| leader.worker.clone()),
        scopes: scopes.iter().map(|scope| of_scope(&reading, *scope, now_ms, gc_life_time_ms)).collect::<Result<_>>()?,
        nodes: reading.nodes.keys().map(|name| of_node(&reading, &scopes, &applied, name)).collect(),
        fenced: reading.fenced.keys().filter(|name| !reading.nodes.contains_key(*name)).cloned().collect(),
        orders: orders
            .iter()
            .map(|order| OfOrder { keyspace: order.schema.0.get(), schema: order.schema.1, waits_for: order.waits_for(&reading) })
            .collect(),
        ranges: OfRanges { waiting: todo.len() - due, due },
        clocks: clocks(&reading, now_ms),
        unreadable: unreadable.map(ToString::to_string).chain(unknown(&reading)).collect(),
    })
}

fn of_scope(reading: &Reading, scope: Scope, now_ms: u64, gc_life_time_ms: u64) -> Result<OfScope> {
    let (of, read) = (number(scope), &reading.snapshot);
    let [txn_safe_point, gc_safe_point] = [Key::Txn(of), Key::Gc(of)].map(|key| read.number(key));
    let mut held = match reading.check(scope) {
        Err(Error(why)) => vec![Held::Unreadable(why)],
        Ok(()) => {
            let txn = advance_txn(read, 0, of, target(now_ms, gc_life_time_ms), now_ms / 1000).blockers;
            let blockers = txn.into_iter().chain(advance_gc(read, 0, of).blockers);
            blockers.map(|key| held_by(reading, key)).collect::<Result<Vec<Held>>>()?
        }
    };
    held.sort();
    held.dedup();
    let age = |timestamp: u64| (timestamp > 0).then(|| now_ms.saturating_sub(timestamp >> 18) / 1000);
    let name = if let Scope::Keyspace(id) = scope { reading.keyspaces.get(&id).map(|meta| meta.name.clone()) } else { None };
    let held_by = held.iter().map(ToString::to_string).collect();
    let (txn_age, gc_age) = (age(txn_safe_point), age(gc_safe_point));
    Ok(OfScope { scope: scope.to_string(), name, txn_safe_point, txn_age, gc_safe_point, gc_age, held_by })
}

fn of_node(reading: &Reading, scopes: &[Scope], applied: &BTreeMap<(String, Scope), u64>, name: &str) -> OfNode {
    let registered = reading.nodes.get(name).map(|registered| &registered.node);
    let is_waited_for = registered.is_some_and(Node::is_waited_for);
    let (epoch, since) = registered.map_or((0, 0), |node| (node.epoch, node.since));
    let behind = scopes.iter().filter_map(|scope| {
        let of = number(*scope);
        let answer = reading.names.find(name).and_then(|node| reading.snapshot.get(Key::Resolved(node, of)));
        let resolved = if let Some(Value::Answer(resolved, by)) = answer { Some(resolved).filter(|_| by == epoch) } else { None };
        let applied = applied.get(&(name.to_owned(), *scope)).copied();
        // A node tells what its filters use only where that is not G.
        let is_behind = is_waited_for && resolved.unwrap_or(0) < reading.snapshot.number(Key::Txn(of))
            || applied.is_some_and(|applied| applied < reading.snapshot.number(Key::Gc(of)));
        is_behind.then(|| Behind { scope: scope.to_string(), resolved, applied })
    });
    OfNode { name: name.to_owned(), role: registered.map_or(Role::Primary, |node| node.role), epoch, since, behind: behind.collect() }
}

/// G of each node's filters, by node and scope.
async fn applied(client: &Client) -> Result<(BTreeMap<(String, Scope), u64>, Vec<Error>)> {
    let prefix = format!("/rocks-gc/{}/applied/", client.cluster());
    let (mut applied, mut errors) = (BTreeMap::new(), Vec::new());
    for entry in client.list(&[Keys::Prefix(prefix)]).await?.entries {
        match (OwnKey::parse(client.cluster(), &entry.key), Applied::parse(&entry.value)) {
            (Ok(Some(OwnKey::Applied(node, scope))), Ok(value)) => drop(applied.insert((node, scope), value.gc_safe_point)),
            (Err(error), _) | (_, Err(error)) => errors.push(named(&entry, error)),
            _ => {}
        }
    }
    Ok((applied, errors))
}

fn clocks(reading: &Reading, now_ms: u64) -> BTreeMap<String, i64> {
    let ahead = |unix_ms: u64| (unix_ms.cast_signed() - now_ms.cast_signed()) / 1000;
    reading.clocks.iter().map(|(name, unix_ms)| (name.clone(), ahead(*unix_ms))).filter(|(_, ahead)| ahead.abs() >= 30).collect()
}

/// Keyspaces of which nothing is collected, because their metadata do not say whose safe point counts.
fn unknown(reading: &Reading) -> impl Iterator<Item = String> {
    reading.keyspaces.iter().filter_map(|(id, meta)| match meta.gc_management() {
        GcManagement::Unknown(text) => Some(format!("keyspace {id} ({}) has the unknown gc_management_type {text:?}", meta.name)),
        _ => None,
    })
}
