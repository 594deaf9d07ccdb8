//! Our keys, under `/rocks-gc/{cluster}`. Ids are not padded.
//!
//! No other key lies under `nodes/`: a worker compares that no node has registered since it read.
//! Answers under `nodes/` would make this compare fail each time that a node answers.

use super::id::{KeyspaceId, Scope, decimal};
use super::name::check_own_name;
use crate::error::{Error, Result};

/// A key of ours. Names are checked when a key is parsed, and by [`OwnKey::build`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnKey {
    /// A node's registration, under its lease.
    Node(String),
    /// Up to which T the node has no lock left, under its lease.
    Resolved(String, Scope),
    /// The G that the node's filters use, under its lease.
    Applied(String, Scope),
    /// A node that was fenced.
    Fenced(String),
    /// A fenced process that may still serve.
    Lingering(String),
    /// The worker that leads, under its lease.
    WorkerLeader,
    /// A worker's clock, under its lease.
    WorkerClock(String),
    /// A node's clock, under its lease.
    NodeClock(String),
    /// The highest schema id ever vended in the keyspace.
    SchemaHighest(KeyspaceId),
    /// A schema id in use.
    SchemaValid(KeyspaceId, u64),
    /// The highest id of the keyspace that the node has ever seen; without a lease.
    SchemaSeen(KeyspaceId, String),
    /// The id of a schema's name.
    SchemaName(KeyspaceId, String),
    /// The drop or truncation of a schema.
    SchemaOrder(KeyspaceId, u64),
    /// A node's answer to it.
    SchemaAnswer(KeyspaceId, u64, String),
    /// A range to delete, by job and element.
    RangeTodo(String, String),
    /// A node's answer to it.
    RangeAnswer(String, String, String),
    /// A range that is deleted everywhere.
    RangeDone(String, String),
}

impl OwnKey {
    /// The key as text; refuses names that no reader would accept.
    pub fn build(&self, cluster: u64) -> Result<String> {
        let path = match self {
            Self::Node(node) => format!("nodes/{node}"),
            Self::Resolved(node, scope) => format!("resolved/{node}/{scope}"),
            Self::Applied(node, scope) => format!("applied/{node}/{scope}"),
            Self::Fenced(node) => format!("fenced/{node}"),
            Self::Lingering(node) => format!("lingering/{node}"),
            Self::WorkerLeader => "worker/leader".into(),
            Self::WorkerClock(worker) => format!("clocks/workers/{worker}"),
            Self::NodeClock(node) => format!("clocks/nodes/{node}"),
            Self::SchemaHighest(keyspace) => format!("schemas/{keyspace}/highest"),
            Self::SchemaValid(keyspace, id) => format!("schemas/{keyspace}/valid/{id}"),
            Self::SchemaSeen(keyspace, node) => format!("schemas/{keyspace}/seen/{node}"),
            Self::SchemaName(keyspace, name) => format!("schemas/{keyspace}/names/{name}"),
            Self::SchemaOrder(keyspace, id) => format!("schemas/{keyspace}/orders/{id}"),
            Self::SchemaAnswer(keyspace, id, node) => format!("schemas/{keyspace}/orders/{id}/answers/{node}"),
            Self::RangeTodo(job, element) => format!("ranges/todo/{job}/{element}"),
            Self::RangeAnswer(job, element, node) => format!("ranges/todo/{job}/{element}/answers/{node}"),
            Self::RangeDone(job, element) => format!("ranges/done/{job}/{element}"),
        };
        match Self::parse_path(&path)? {
            Some(parsed) if parsed == *self => Ok(format!("/rocks-gc/{cluster}/{path}")),
            _ => Err(Error(format!("{self:?} has a name that its key cannot carry"))),
        }
    }

    /// `None` is a key that is not of this list. An error is a key of this list with a bad part.
    pub fn parse(cluster: u64, key: &[u8]) -> Result<Option<Self>> {
        let prefix = format!("/rocks-gc/{cluster}/");
        let Some(text) = std::str::from_utf8(key).ok() else { return Ok(None) };
        let Some(path) = text.strip_prefix(&prefix) else { return Ok(None) };
        Self::parse_path(path).map_err(|Error(why)| Error(format!("key {text:?}: {why}")))
    }

    fn parse_path(path: &str) -> Result<Option<Self>> {
        let parts: Vec<&str> = path.split('/').collect();
        Ok(Some(match parts.as_slice() {
            ["nodes", node] => Self::Node(name(node)?),
            ["resolved", node, scope] => Self::Resolved(name(node)?, Scope::parse(scope)?),
            ["applied", node, scope] => Self::Applied(name(node)?, Scope::parse(scope)?),
            ["fenced", node] => Self::Fenced(name(node)?),
            ["lingering", node] => Self::Lingering(name(node)?),
            ["worker", "leader"] => Self::WorkerLeader,
            ["clocks", "workers", worker] => Self::WorkerClock(name(worker)?),
            ["clocks", "nodes", node] => Self::NodeClock(name(node)?),
            ["schemas", keyspace, "highest"] => Self::SchemaHighest(KeyspaceId::parse(keyspace)?),
            ["schemas", keyspace, "valid", id] => Self::SchemaValid(KeyspaceId::parse(keyspace)?, schema(id)?),
            ["schemas", keyspace, "seen", node] => Self::SchemaSeen(KeyspaceId::parse(keyspace)?, name(node)?),
            ["schemas", keyspace, "names", it] => Self::SchemaName(KeyspaceId::parse(keyspace)?, name(it)?),
            ["schemas", keyspace, "orders", id] => Self::SchemaOrder(KeyspaceId::parse(keyspace)?, schema(id)?),
            ["schemas", keyspace, "orders", id, "answers", node] => {
                Self::SchemaAnswer(KeyspaceId::parse(keyspace)?, schema(id)?, name(node)?)
            }
            ["ranges", "todo", job, element] => Self::RangeTodo(name(job)?, name(element)?),
            ["ranges", "todo", job, element, "answers", node] => Self::RangeAnswer(name(job)?, name(element)?, name(node)?),
            ["ranges", "done", job, element] => Self::RangeDone(name(job)?, name(element)?),
            _ => return Ok(None),
        }))
    }
}

fn name(text: &str) -> Result<String> {
    check_own_name(text)?;
    Ok(text.to_owned())
}

fn schema(text: &str) -> Result<u64> {
    if text.len() > 1 && text.starts_with('0') {
        return Err(Error(format!("schema id {text:?} has leading zeros")));
    }
    decimal(text).map_err(|error| Error(format!("schema id: {error}")))
}
