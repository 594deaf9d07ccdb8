//! Orders about schemas. The worker deletes an order when it is carried out: every node that had to answer
//! has answered, is fenced, or began anew, and lingers no more; and every live primary has swept.

use super::ranges::{have_swept, of_leader};
use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Keys, Lease, Txn};
use crate::layout::id::KeyspaceId;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Answer, Order, OwnValue};
use crate::translate::Reading;
use crate::translate::read::named;
use std::collections::BTreeMap;

/// An order, and who has answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The keyspace and the schema's id.
    pub schema: (KeyspaceId, u64),
    /// The order.
    pub order: Order,
    /// The revision that wrote it.
    pub mod_revision: i64,
    /// Answers, by node.
    pub answers: BTreeMap<String, Answer>,
}

impl Standing {
    /// All orders, and errors about those that cannot be read. An answer that cannot be read is
    /// none.
    pub async fn list(client: &Client) -> Result<(Vec<Self>, Vec<Error>)> {
        Self::list_of(client, &[Keys::Prefix(format!("/rocks-gc/{}/schemas/", client.cluster()))]).await
    }

    /// One order, if it is there. An answer that cannot be read is an error here.
    pub async fn find(client: &Client, keyspace: KeyspaceId, id: u64) -> Result<Option<Self>> {
        let key = OwnKey::SchemaOrder(keyspace, id).build(client.cluster())?;
        let answers = Keys::Prefix(format!("{key}/answers/"));
        let (found, errors) = Self::list_of(client, &[Keys::One(key), answers]).await?;
        errors.into_iter().next().map_or_else(|| Ok(found.into_iter().next()), Err)
    }

    async fn list_of(client: &Client, keys: &[Keys]) -> Result<(Vec<Self>, Vec<Error>)> {
        let mut orders: BTreeMap<(KeyspaceId, u64), Self> = BTreeMap::new();
        let mut errors = Vec::new();
        for entry in client.list(keys).await?.entries {
            // `orders/5` comes before `orders/5/answers/n`: a prefix sorts first.
            let mut read = || match OwnKey::parse(client.cluster(), &entry.key)? {
                Some(OwnKey::SchemaOrder(keyspace, id)) => {
                    let (schema, order) = ((keyspace, id), Order::parse(&entry.value)?);
                    orders.insert(schema, Self { schema, order, mod_revision: entry.mod_revision, answers: BTreeMap::new() });
                    Ok(())
                }
                Some(OwnKey::SchemaAnswer(keyspace, id, node)) => {
                    let answer = Answer::parse(&entry.value)?;
                    if let Some(order) = orders.get_mut(&(keyspace, id)) {
                        order.answers.insert(node, answer);
                    }
                    Ok(())
                }
                _ => Ok(()),
            };
            if let Err(error) = read() {
                errors.push(named(&entry, error));
            }
        }
        Ok((orders.into_values().collect(), errors))
    }

    /// The nodes of the order that may still serve the schema.
    pub fn waits_for(&self, reading: &Reading) -> Vec<String> {
        let nodes = self.order.nodes.iter();
        nodes.filter(|(name, epoch)| self.may_serve(name, **epoch, reading)).map(|(name, _)| name.clone()).collect()
    }

    fn may_serve(&self, name: &str, epoch: u64, reading: &Reading) -> bool {
        let has_answered = self.answers.get(name).is_some_and(|answer| answer.epoch == epoch);
        let began_anew = reading.nodes.get(name).is_some_and(|registered| registered.node.epoch != epoch);
        reading.lingering.contains_key(name) || !(has_answered || began_anew || self.is_fenced(name, epoch, reading))
    }

    /// The nodes of the order that began anew, and have not answered since. Each reads the list of
    /// schemas when it has registered, and until then may serve by an older one.
    pub fn begin_anew<'a>(&'a self, reading: &'a Reading) -> impl Iterator<Item = &'a String> {
        let present = |name: &str| reading.nodes.get(name).map(|registered| registered.node.epoch);
        let begins = move |name: &str, epoch: u64| {
            let answered = self.answers.get(name).map(|answer| answer.epoch);
            present(name).is_some_and(|present| present != epoch && answered != Some(present))
        };
        self.order.nodes.iter().filter(move |(name, epoch)| begins(name, **epoch)).map(|(name, _)| name)
    }

    /// Was the node of the order fenced? A fence that was written after the order is about this
    /// registration, or about a later one of the node: then this one had ended before.
    pub fn is_fenced(&self, name: &str, epoch: u64, reading: &Reading) -> bool {
        let fence = reading.fenced.get(name);
        fence.is_some_and(|fence| fence.value.epoch == epoch || fence.mod_revision > self.mod_revision)
    }
}

/// Deletes the orders that are carried out. Returns how many went.
pub async fn finish(client: &Client, lease: &Lease, reading: &Reading) -> Result<usize> {
    let mut gone = 0;
    // A registration that cannot be read may be one of a node that has not swept.
    if !reading.unreadable_everywhere.is_empty() {
        return Ok(gone);
    }
    let (standing, errors) = Standing::list(client).await?;
    errors.iter().for_each(|error| tracing::error!("{error}"));
    for standing in standing {
        if !standing.waits_for(reading).is_empty() || !have_swept(reading, &standing.answers) {
            continue;
        }
        let (keyspace, id) = standing.schema;
        let key = OwnKey::SchemaOrder(keyspace, id).build(client.cluster())?;
        let mut compares = of_leader(client, lease, reading)?;
        compares.push(Compare::ModRevision(key.clone(), standing.mod_revision));
        let deletes = vec![Keys::Prefix(format!("{key}/answers/")), Keys::One(key)];
        gone += usize::from(client.commit(&Txn { compares, puts: Vec::new(), deletes }).await?);
    }
    Ok(gone)
}
