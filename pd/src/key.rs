//! PD's keys.
//!
//! Three traps. Ids are padded under `/pd`, and not under `/keyspaces/tidb`. The transaction safe
//! point has no cluster id. And `/pd/{cluster}/gc/safe_point` is a prefix of the barriers' keys, so
//! a watch by this prefix brings barriers too: parse each key.

use crate::error::{Error, Result};
use crate::id::{KeyspaceId, Scope};

/// A key of PD, or of TiDB where PD reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PdKey {
    /// The PD that leads. While it exists, only PD writes these keys.
    Leader,
    /// Protobuf.
    KeyspaceMeta(KeyspaceId),
    /// The id of this keyspace name, in decimal.
    KeyspaceName(String),
    /// The end of the last window of ids, in 8 bytes.
    KeyspaceAllocator,
    /// Hex for the global scope, JSON for a keyspace.
    GcSafePoint(Scope),
    /// Decimal.
    TxnSafePoint(Scope),
    /// A barrier (service safe point) by its name. JSON.
    Barrier(Scope, String),
    /// A barrier of all scopes. JSON.
    GlobalBarrier(String),
    /// Counted up by every transaction that writes a GC state. Decimal.
    StateRevision,
    /// The minimal start timestamp of a TiDB instance. Decimal.
    MinStart(Scope, String),
}

const SAVED_SAFE_POINT: &str = "tidb/store/gcworker/saved_safe_point";
const MIN_START: &str = "tidb/server/minstartts/";

impl PdKey {
    /// The key as text.
    pub fn build(&self, cluster: u64) -> String {
        let pd = format!("/pd/{cluster}");
        match self {
            Self::Leader => format!("{pd}/leader"),
            Self::KeyspaceMeta(id) => format!("{pd}/keyspaces/meta/{}", id.padded()),
            Self::KeyspaceName(name) => format!("{pd}/keyspaces/id/{name}"),
            Self::KeyspaceAllocator => format!("{pd}/keyspaces/alloc_id"),
            Self::GcSafePoint(Scope::Global) => format!("{pd}/gc/safe_point"),
            Self::GcSafePoint(Scope::Keyspace(id)) => format!("{pd}/keyspaces/gc_safe_point/{}", id.padded()),
            Self::TxnSafePoint(scope) => format!("{}{SAVED_SAFE_POINT}", tidb(*scope)),
            Self::Barrier(Scope::Global, name) => format!("{pd}/gc/safe_point/service/{name}"),
            Self::Barrier(Scope::Keyspace(id), name) => {
                format!("{pd}/keyspaces/service_safe_point/{}/{name}", id.padded())
            }
            Self::GlobalBarrier(name) => format!("{pd}/gc/global_gc_barriers/{name}"),
            Self::StateRevision => format!("{pd}/gc/gc_state_revision"),
            Self::MinStart(scope, instance) => format!("{}{MIN_START}{instance}", tidb(*scope)),
        }
    }

    /// `None` is a key that is not of this list. An error is a key of this list with a bad part.
    pub fn parse(cluster: u64, key: &[u8]) -> Result<Option<Self>> {
        let Ok(text) = std::str::from_utf8(key) else { return Ok(None) };
        let parsed = match text.strip_prefix(&format!("/pd/{cluster}/")) {
            Some(rest) => Self::parse_pd(rest),
            None => Self::parse_tidb(text),
        };
        parsed.map_err(|Error(why)| Error(format!("key {text:?}: {why}")))
    }

    fn parse_pd(rest: &str) -> Result<Option<Self>> {
        let key = if let Some(id) = rest.strip_prefix("keyspaces/meta/") {
            Self::KeyspaceMeta(KeyspaceId::parse_padded(id)?)
        } else if let Some(name) = rest.strip_prefix("keyspaces/id/") {
            Self::KeyspaceName(named(name)?)
        } else if let Some(id) = rest.strip_prefix("keyspaces/gc_safe_point/") {
            Self::GcSafePoint(Scope::Keyspace(KeyspaceId::parse_padded(id)?))
        } else if let Some(name) = rest.strip_prefix("gc/safe_point/service/") {
            Self::Barrier(Scope::Global, named(name)?)
        } else if let Some(rest) = rest.strip_prefix("keyspaces/service_safe_point/") {
            let (id, name) = rest.split_once('/').ok_or_else(|| Error("the barrier has no name".into()))?;
            Self::Barrier(Scope::Keyspace(KeyspaceId::parse_padded(id)?), named(name)?)
        } else if let Some(name) = rest.strip_prefix("gc/global_gc_barriers/") {
            Self::GlobalBarrier(named(name)?)
        } else {
            match rest {
                "leader" => Self::Leader,
                "keyspaces/alloc_id" => Self::KeyspaceAllocator,
                "gc/safe_point" => Self::GcSafePoint(Scope::Global),
                "gc/gc_state_revision" => Self::StateRevision,
                _ => return Ok(None),
            }
        };
        Ok(Some(key))
    }

    fn parse_tidb(text: &str) -> Result<Option<Self>> {
        let (id, rest) = match text.strip_prefix("/keyspaces/tidb/") {
            Some(rest) => match rest.split_once('/') {
                Some((id, rest)) => (Some(id), rest),
                None => return Ok(None),
            },
            None => (None, text.strip_prefix('/').unwrap_or_default()),
        };
        let instance = rest.strip_prefix(MIN_START);
        if instance.is_none() && rest != SAVED_SAFE_POINT {
            return Ok(None);
        }
        let scope = id.map_or(Ok(Scope::Global), |id| KeyspaceId::parse(id).map(Scope::Keyspace))?;
        Ok(Some(match instance {
            Some(instance) => Self::MinStart(scope, named(instance)?),
            None => Self::TxnSafePoint(scope),
        }))
    }
}

/// The etcd namespace of TiDB in this scope.
fn tidb(scope: Scope) -> String {
    match scope {
        Scope::Global => "/".into(),
        Scope::Keyspace(id) => format!("/keyspaces/tidb/{id}/"),
    }
}

fn named(name: &str) -> Result<String> {
    if name.is_empty() { Err(Error("the name is empty".into())) } else { Ok(name.to_owned()) }
}
