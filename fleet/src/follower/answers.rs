//! What a node tells etcd: how far orders and ranges are, where its filters are behind, its clock.

use super::knowledge::Knowledge;
use super::local::{Local, Schema};
use super::locks::Locks;
use super::ranges::Swept;
use super::schemas::Answered;
use crate::error::Result;
use crate::layout::id::Scope;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Answer, Applied, Clock, OwnValue, Range, Resolved, SchemaId};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Who answers, under which registration.
#[derive(Clone, Debug)]
pub struct Author {
    /// The cluster's id in keys.
    pub cluster: u64,
    /// The node's name.
    pub node: String,
    /// The registration.
    pub epoch: u64,
}

/// A key that is written only if what it answers is still as it was. It outlives the registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// What it answers.
    pub to: String,
    /// The revision that wrote what it answers.
    pub revision: i64,
}

/// Keys that end with the registration, to be written and deleted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Keys and values.
    pub puts: Vec<(String, Vec<u8>)>,
    /// Keys that go.
    pub deletes: Vec<String>,
}

/// What is new, to be told to etcd.
#[derive(Debug)]
pub struct News {
    /// About schemas.
    pub schemas: Vec<Answered>,
    /// About ranges.
    pub ranges: Vec<Swept>,
    /// The highest schema ids that this node has seen.
    pub seen: Vec<Schema>,
    behind: BTreeMap<Scope, u64>,
    tells_time: bool,
}

/// What etcd was told.
#[derive(Debug)]
pub struct Answers {
    /// What filters use, where they are behind G.
    behind: BTreeMap<Scope, u64>,
    told_time: Option<Instant>,
    /// How often the clock is told: well within the registration's lease.
    every: Duration,
}

impl Answers {
    /// Nothing was told yet. The clock is told twice in the time of a lease.
    pub fn new(lease: Duration) -> Self {
        Self { behind: BTreeMap::new(), told_time: None, every: lease / 2 }
    }

    /// A new registration tells everything anew.
    pub fn begin(&mut self) {
        self.behind.clear();
        self.told_time = None;
    }

    /// Carries out orders, and finds what is new. `replicated` is the sequence number up to which this
    /// node has all data.
    pub fn news(&self, knowledge: &mut Knowledge, local: &impl Local, locks: Option<&Locks>, replicated: u64) -> News {
        News {
            schemas: knowledge.schemas.carry_out(local, replicated),
            ranges: knowledge.ranges.carry_out(local),
            seen: knowledge.schemas.unseen(),
            behind: locks.map(|locks| knowledge.behind(locks)).unwrap_or_default(),
            tells_time: self.told_time.is_none_or(|at| at.elapsed() >= self.every),
        }
    }

    /// The news that end with the registration.
    pub fn writes(&self, news: &News, author: &Author) -> Result<Writes> {
        let mut writes = Writes::default();
        let applied = |scope: Scope| OwnKey::Applied(author.node.clone(), scope).build(author.cluster);
        for (scope, gc_safe_point) in &news.behind {
            if self.behind.get(scope) != Some(gc_safe_point) {
                writes.puts.push((applied(*scope)?, Applied { gc_safe_point: *gc_safe_point }.build()?));
            }
        }
        for scope in self.behind.keys().filter(|scope| !news.behind.contains_key(scope)) {
            writes.deletes.push(applied(*scope)?);
        }
        if news.tells_time {
            writes.puts.push((OwnKey::NodeClock(author.node.clone()).build(author.cluster)?, Clock { unix_ms: unix_ms() }.build()?));
        }
        Ok(writes)
    }

    /// etcd has what [`Answers::writes`] gave.
    pub fn told(&mut self, news: News) {
        self.behind = news.behind;
        if news.tells_time {
            self.told_time = Some(Instant::now());
        }
    }
}

/// The reply to an order about a schema.
pub fn to_order(answered: &Answered, author: &Author) -> Result<Reply> {
    let Answered { schema, progress, revision } = answered;
    let (keyspace, id) = (schema.keyspace, u64::from(schema.id));
    Ok(Reply {
        key: OwnKey::SchemaAnswer(keyspace, id, author.node.clone()).build(author.cluster)?,
        value: Answer { progress: *progress, epoch: author.epoch }.build()?,
        to: OwnKey::SchemaOrder(keyspace, id).build(author.cluster)?,
        revision: *revision,
    })
}

/// The reply about a range: an answer, or this node's name in the range that is done.
pub fn to_range(swept: &Swept, author: &Author) -> Result<Reply> {
    let Swept { name: (job, element), progress, revision, late } = swept;
    let (job, element, revision) = (job.clone(), element.clone(), *revision);
    match late {
        None => Ok(Reply {
            key: OwnKey::RangeAnswer(job.clone(), element.clone(), author.node.clone()).build(author.cluster)?,
            value: Answer { progress: *progress, epoch: author.epoch }.build()?,
            to: OwnKey::RangeTodo(job, element).build(author.cluster)?,
            revision,
        }),
        Some(range) => {
            let key = OwnKey::RangeDone(job, element).build(author.cluster)?;
            let mut swept_by = range.swept_by.clone();
            swept_by.insert(author.node.clone());
            Ok(Reply { value: Range { swept_by, ..range.clone() }.build()?, to: key.clone(), key, revision })
        }
    }
}

/// The highest schema id of a keyspace that this node has seen.
pub fn seen(author: &Author, Schema { keyspace, id }: Schema) -> Result<(String, Vec<u8>)> {
    let key = OwnKey::SchemaSeen(keyspace, author.node.clone()).build(author.cluster)?;
    Ok((key, SchemaId { id: u64::from(id) }.build()?))
}

/// No lock at or below T is left in the scope.
pub fn resolved(author: &Author, scope: Scope, txn_safe_point: u64) -> Result<(String, Vec<u8>)> {
    let key = OwnKey::Resolved(author.node.clone(), scope).build(author.cluster)?;
    Ok((key, Resolved { txn_safe_point, epoch: author.epoch }.build()?))
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
