//! Our values: JSON. Readers skip fields that they do not know, so that a newer writer may add some.

use super::pd_value::{from_json, to_json};
use crate::error::Result;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};

/// A value of ours: 64-bit numbers are exact.
pub trait OwnValue: Serialize + DeserializeOwned {
    /// The stored bytes.
    fn build(&self) -> Result<Vec<u8>> {
        to_json(self)
    }

    /// Reads the stored bytes.
    fn parse(value: &[u8]) -> Result<Self> {
        from_json(value)
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It serves, and is waited for.
    Primary,
    /// It replicates from a primary, and is not waited for.
    Standby,
}

/// Of `nodes/{node}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub role: Role,
    /// The version of each library, by its name.
    pub versions: BTreeMap<String, String>,
    /// Unix seconds.
    pub since: u64,
    /// Of this registration; never used twice for a node.
    pub epoch: u64,
    /// Whether it has locks to resolve. A worker waits only for such nodes.
    #[serde(default = "yes")]
    pub holds_transactions: bool,
}

impl Node {
    /// Whether a worker waits for its answers before it moves G.
    pub fn is_waited_for(&self) -> bool {
        self.role == Role::Primary && self.holds_transactions
    }
}

/// A writer that does not say it is waited for.
fn yes() -> bool {
    true
}

/// Of `resolved/{node}/{scope}`: no lock at or below T is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// T.
    pub txn_safe_point: u64,
    /// The registration that answers.
    pub epoch: u64,
}

/// Of `applied/{node}/{scope}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The G that its filters use.
    pub gc_safe_point: u64,
}

/// Of `fenced/{node}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fenced {
    /// The registration that is fenced.
    pub epoch: u64,
    /// For people.
    pub why: String,
}

/// Of `lingering/{node}`: a fenced process that is cut off from etcd, and may still serve. The key
/// goes when the process has certainly stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lingering {
    /// The lease of the registration that was fenced. Time counts when it is revoked.
    pub lease: i64,
    /// How long the process may believe in its lease after that.
    pub seconds: u64,
}

/// Of `worker/leader`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// Who leads.
    pub worker: String,
    /// Unix seconds.
    pub since: u64,
}

/// Of `clocks/workers/{worker}` and `clocks/nodes/{node}`: what a process last read from its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Unix milliseconds.
    pub unix_ms: u64,
}

/// Of `schemas/{keyspace}/highest`, `names/{name}` and `seen/{node}`: a schema id.
///
/// A node writes the highest id that it has ever seen, and never a lower one. A control plane vends
/// above all of them: etcd may have been restored from a backup that is older than these ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaId {
    /// The id.
    pub id: u64,
}

/// Of `schemas/{keyspace}/valid/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidSchema {
    /// The schema's name.
    pub name: String,
    /// Its last truncation: a node that was away finds it here when its order is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncation>,
}

/// What is older is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncation {
    /// Of the truncation.
    pub timestamp: u64,
    /// The primary's; a standby waits until it has replicated up to it.
    pub sequence: u64,
}

/// What to do with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Drop the id permanently.
    Drop,
    /// Delete what is older, and keep the id.
    Truncate {
        /// Of the truncation.
        timestamp: u64,
        /// The primary's; a standby waits until it has replicated up to it.
        sequence: u64,
    },
}

/// Of `schemas/{keyspace}/orders/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What to do.
    pub action: Action,
    /// Every node that must answer, with its epoch.
    pub nodes: BTreeMap<String, u64>,
}

/// How far a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// No request sees the data any more.
    Removed,
    /// No file holds the data any more.
    Swept,
}

/// Of an order's or a range's `answers/{node}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// How far the node is.
    pub progress: Progress,
    /// The registration that answers.
    pub epoch: u64,
}

/// Of `ranges/todo/{job}/{element}` and `ranges/done/...`. `end` is not in the range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first key.
    #[serde(with = "hex_bytes")]
    pub start: Vec<u8>,
    /// The key after the last one.
    #[serde(with = "hex_bytes")]
    pub end: Vec<u8>,
    /// No reader reads the range at or above it.
    pub timestamp: u64,
    /// When it is done: the nodes that have swept it. Another node that comes back sweeps it, too, and
    /// adds itself.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub swept_by: BTreeSet<String>,
}

impl OwnValue for Node {}
impl OwnValue for Resolved {}
impl OwnValue for Applied {}
impl OwnValue for Fenced {}
impl OwnValue for Lingering {}
impl OwnValue for Leader {}
impl OwnValue for Clock {}
impl OwnValue for SchemaId {}
impl OwnValue for ValidSchema {}
impl OwnValue for Order {}
impl OwnValue for Answer {}
impl OwnValue for Range {}

mod hex_bytes {
    use super::super::stored_range::{hex, parse_hex};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not pairs of hexadecimal digits")))
    }
}
