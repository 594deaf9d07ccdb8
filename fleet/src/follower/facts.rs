//! What a change in etcd says to a node.

use crate::error::{Error, Result};
use crate::etcd::{Change, Keys};
use crate::layout::id::{KeyspaceId, Scope};
use crate::layout::keyspace_meta::KeyspaceMeta;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Fenced, Node, Order, OwnValue, Range, SchemaId, Truncation, ValidSchema};
use crate::layout::pd_key::PdKey;
use crate::layout::pd_value::{parse_decimal, parse_hex, parse_safe_point};

/// What a change says. `None`: the key is not there, or not any more.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A keyspace's metadata.
    Keyspace(KeyspaceId, Option<KeyspaceMeta>),
    /// G of a scope.
    Gc(Scope, Option<u64>),
    /// T of a scope.
    Txn(Scope, Option<u64>),
    /// The epoch that is registered under this node's name.
    Registered(Option<u64>),
    /// The registration of this node that was fenced.
    Fenced(Option<Fenced>),
    /// The highest schema id ever vended in a keyspace.
    SchemaHighest(KeyspaceId, Option<u32>),
    /// A valid schema, with its last truncation.
    SchemaValid(KeyspaceId, u32, Option<Option<Truncation>>),
    /// The id of a schema's name.
    SchemaName(KeyspaceId, String, Option<u32>),
    /// To drop or truncate a schema, and the revision that wrote it.
    Order(KeyspaceId, u32, Option<(Order, i64)>),
    /// To destroy a range, by job and element, and the revision that wrote it.
    Todo(String, String, Option<(Range, i64)>),
    /// A range that others have destroyed.
    Done(String, String, Option<(Range, i64)>),
}

/// A change that says nothing to rely on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The keyspace, if the value is its metadata. Then everything of it is kept.
    pub keyspace: Option<KeyspaceId>,
    /// The scope, if the value is its T. Then no lock is let in.
    pub txn: Option<Scope>,
    /// Key and value.
    pub error: Error,
}

/// What a node watches.
pub fn keys(cluster: u64, node: &str, holds_transactions: bool) -> Result<Vec<Keys>> {
    let pd = |rest: &str| Keys::Prefix(format!("/pd/{cluster}/{rest}"));
    let own = |rest: &str| Keys::Prefix(format!("/rocks-gc/{cluster}/{rest}"));
    let mut keys = vec![
        pd("keyspaces/meta/"),
        Keys::One(PdKey::GcSafePoint(Scope::Global).build(cluster)),
        pd("keyspaces/gc_safe_point/"),
        Keys::One(OwnKey::Node(node.to_owned()).build(cluster)?),
        Keys::One(OwnKey::Fenced(node.to_owned()).build(cluster)?),
        own("schemas/"),
        own("ranges/"),
    ];
    if holds_transactions {
        keys.push(Keys::One(PdKey::TxnSafePoint(Scope::Global).build(cluster)));
        keys.push(Keys::Prefix("/keyspaces/tidb/".to_owned()));
    }
    Ok(keys)
}

/// Reads a change. `None`: it is about something else.
pub fn read(cluster: u64, node: &str, change: &Change) -> Result<Option<Fact>, Unreadable> {
    let value = change.value.as_deref();
    let of_key = |error| Unreadable { keyspace: None, txn: None, error };
    match PdKey::parse(cluster, &change.key).map_err(of_key)? {
        Some(PdKey::KeyspaceMeta(id)) => {
            let meta = value.map(KeyspaceMeta::parse).transpose();
            let unreadable = |error| Unreadable { keyspace: Some(id), ..named(change, error) };
            return Ok(Some(Fact::Keyspace(id, meta.map_err(unreadable)?)));
        }
        Some(key) => {
            let txn = if let PdKey::TxnSafePoint(scope) = key { Some(scope) } else { None };
            return pd(key, value).map_err(|error| Unreadable { txn, ..named(change, error) });
        }
        None => {}
    }
    match OwnKey::parse(cluster, &change.key).map_err(of_key)? {
        Some(key) => own(key, node, change).map_err(|error| named(change, error)),
        None => Ok(None),
    }
}

fn named(change: &Change, Error(why): Error) -> Unreadable {
    Unreadable { keyspace: None, txn: None, error: Error(format!("key {:?}: {why}", String::from_utf8_lossy(&change.key))) }
}

fn pd(key: PdKey, value: Option<&[u8]>) -> Result<Option<Fact>> {
    Ok(match key {
        PdKey::GcSafePoint(Scope::Global) => Some(Fact::Gc(Scope::Global, value.map(parse_hex).transpose()?)),
        PdKey::GcSafePoint(scope) => Some(Fact::Gc(scope, value.map(parse_safe_point).transpose()?)),
        PdKey::TxnSafePoint(scope) => Some(Fact::Txn(scope, value.map(parse_decimal).transpose()?)),
        _ => None,
    })
}

fn own(key: OwnKey, node: &str, change: &Change) -> Result<Option<Fact>> {
    let value = change.value.as_deref();
    let range = || value.map(|value| Ok((Range::parse(value)?, change.mod_revision))).transpose();
    Ok(match key {
        OwnKey::Node(name) if name == node => {
            Some(Fact::Registered(value.map(Node::parse).transpose()?.map(|registration| registration.epoch)))
        }
        OwnKey::Fenced(name) if name == node => Some(Fact::Fenced(value.map(Fenced::parse).transpose()?)),
        OwnKey::SchemaHighest(keyspace) => {
            let highest = value.map(SchemaId::parse).transpose()?;
            Some(Fact::SchemaHighest(keyspace, highest.map(|highest| schema(highest.id)).transpose()?))
        }
        OwnKey::SchemaValid(keyspace, id) => Some(Fact::SchemaValid(keyspace, schema(id)?, value.map(truncation))),
        OwnKey::SchemaName(keyspace, name) => {
            let named = value.map(SchemaId::parse).transpose()?;
            Some(Fact::SchemaName(keyspace, name, named.map(|named| schema(named.id)).transpose()?))
        }
        OwnKey::SchemaOrder(keyspace, id) => {
            let order = value.map(|value| Ok((Order::parse(value)?, change.mod_revision))).transpose()?;
            Some(Fact::Order(keyspace, schema(id)?, order))
        }
        OwnKey::RangeTodo(job, element) => Some(Fact::Todo(job, element, range()?)),
        OwnKey::RangeDone(job, element) => Some(Fact::Done(job, element, range()?)),
        _ => None,
    })
}

/// The key says that the schema is valid. A value that cannot be read must not take that back.
fn truncation(value: &[u8]) -> Option<Truncation> {
    let read = ValidSchema::parse(value).inspect_err(|error| tracing::error!("a valid schema: {error}"));
    read.ok()?.truncated
}

/// Keys begin with 4 bytes of schema id.
fn schema(id: u64) -> Result<u32> {
    u32::try_from(id).map_err(|_| Error(format!("schema id {id} is above {}", u32::MAX)))
}
