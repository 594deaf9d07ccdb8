//! A transaction of `protocol` becomes one of etcd.
//!
//! The term of a leader is the id of its lease, and etcd compares this. The registration of a node
//! is compared by the revision that wrote it. The revision of GC states is compared by its value,
//! as PD does. Ranges of registrations and of start timestamps are compared by the newest revision
//! that wrote a key: what was deleted since the read only made the step more careful than needed.

use super::{Reading, scope};
use crate::error::{Error, Result};
use crate::etcd::{self, Keys, Put};
use crate::layout::id::Scope;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Fenced, Leader, Node, OwnValue, Resolved};
use crate::layout::pd_key::PdKey;
use crate::layout::pd_value::{self, Expiry};
use crate::protocol::barrier::NEVER;
use crate::protocol::etcd::{Compare, Key, Txn, Value};

/// What etcd's values have and `protocol` does not know. Only what the transaction writes is
/// needed.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// The lease of what ends with its writer: the leader's key, a registration, an answer.
    pub lease: Option<i64>,
    /// The leader's value.
    pub leader: Option<Leader>,
    /// The registration's value.
    pub node: Option<Node>,
    /// Why a node is fenced.
    pub why: String,
}

impl Reading {
    /// The transaction for etcd.
    pub fn txn(&self, txn: &Txn, details: &Details) -> Result<etcd::Txn> {
        let mut built = etcd::Txn::default();
        for compare in &txn.compares {
            built.compares.push(self.compare(compare)?);
        }
        for (key, value) in &txn.writes {
            let path = self.path(*key)?;
            match value {
                Some(value) => built.puts.push(Put { lease: lease(*key, details), ..Put::new(path, self.value(*key, *value, details)?) }),
                None => built.deletes.push(Keys::One(path)),
            }
        }
        Ok(built)
    }

    /// The key as text.
    pub fn path(&self, key: Key) -> Result<String> {
        let name = |number| self.names.name(number).map(str::to_owned);
        let pd = match key {
            Key::Revision => PdKey::StateRevision,
            Key::PdLeader => PdKey::Leader,
            Key::Txn(of) => PdKey::TxnSafePoint(scope(of)?),
            Key::Gc(of) => PdKey::GcSafePoint(scope(of)?),
            Key::Barrier(None, barrier) => PdKey::GlobalBarrier(name(barrier)?),
            Key::Barrier(Some(of), barrier) => PdKey::Barrier(scope(of)?, name(barrier)?),
            Key::MinStart(of, instance) => PdKey::MinStart(scope(of)?, name(instance)?),
            Key::Leader => return OwnKey::WorkerLeader.build(self.cluster),
            Key::Node(node) => return OwnKey::Node(name(node)?).build(self.cluster),
            Key::Resolved(node, of) => return OwnKey::Resolved(name(node)?, scope(of)?).build(self.cluster),
            Key::Fenced(node) => return OwnKey::Fenced(name(node)?).build(self.cluster),
        };
        Ok(pd.build(self.cluster))
    }

    fn compare(&self, compare: &Compare) -> Result<etcd::Compare> {
        Ok(match compare {
            Compare::Is(key, None) => etcd::Compare::Absent(self.path(*key)?),
            Compare::Is(Key::Revision, Some(Value::Number(revision))) => {
                etcd::Compare::Value(self.path(Key::Revision)?, revision.to_string().into_bytes())
            }
            Compare::Is(Key::Leader, Some(Value::Epoch(term))) => {
                let lease = i64::try_from(*term).map_err(|_| Error(format!("{term} is not the id of a lease")))?;
                etcd::Compare::Lease(self.path(Key::Leader)?, lease)
            }
            Compare::Is(Key::Node(number), Some(Value::Epoch(epoch))) => {
                let name = self.names.name(*number)?;
                let registered = self.nodes.get(name).filter(|registered| registered.node.epoch == *epoch);
                let registered = registered.ok_or_else(|| Error(format!("node {name} is not registered with epoch {epoch}")))?;
                etcd::Compare::ModRevision(self.path(Key::Node(*number))?, registered.mod_revision)
            }
            Compare::Is(key, Some(value)) => return Err(Error(format!("{key:?} cannot be compared with {value:?}"))),
            Compare::NodesAre(_) => {
                etcd::Compare::NotWrittenSince(Keys::Prefix(format!("/rocks-gc/{}/nodes/", self.cluster)), self.revision)
            }
            Compare::MinStartsAre(of, _) => {
                let instances = PdKey::MinStart(scope(*of)?, String::new()).build(self.cluster);
                etcd::Compare::NotWrittenSince(Keys::Prefix(instances), self.revision)
            }
        })
    }

    fn value(&self, key: Key, value: Value, details: &Details) -> Result<Vec<u8>> {
        match (key, value) {
            (Key::Revision | Key::Txn(_) | Key::MinStart(..), Value::Number(number)) => Ok(number.to_string().into_bytes()),
            (Key::Gc(of), Value::Number(number)) => match scope(of)? {
                Scope::Global => Ok(pd_value::hex(number).into_bytes()),
                Scope::Keyspace(id) => pd_value::safe_point(id, number),
            },
            (Key::Barrier(of, number), Value::Barrier(timestamp, until)) => {
                let expiry = if until == NEVER { Expiry::Never } else { Expiry::At(until) };
                let (name, barrier) = (self.names.name(number)?, pd_value::Barrier { timestamp, expiry });
                match of.map(scope).transpose()? {
                    None => pd_value::global_barrier(name, &barrier),
                    Some(Scope::Global) => pd_value::barrier(name, None, &barrier),
                    Some(Scope::Keyspace(id)) => pd_value::barrier(name, Some(id), &barrier),
                }
            }
            (Key::Leader, Value::Epoch(_)) => given(details.leader.as_ref(), "leader")?.build(),
            (Key::Node(_), Value::Epoch(epoch)) => Node { epoch, ..given(details.node.as_ref(), "node")?.clone() }.build(),
            (Key::Resolved(..), Value::Answer(txn_safe_point, epoch)) => Resolved { txn_safe_point, epoch }.build(),
            (Key::Fenced(_), Value::Epoch(epoch)) => Fenced { epoch, why: details.why.clone() }.build(),
            (key, value) => Err(Error(format!("{key:?} cannot have the value {value:?}"))),
        }
    }
}

fn lease(key: Key, details: &Details) -> Option<i64> {
    details.lease.filter(|_| matches!(key, Key::Leader | Key::Node(_) | Key::Resolved(..)))
}

fn given<T>(detail: Option<T>, what: &str) -> Result<T> {
    detail.ok_or_else(|| Error(format!("the transaction writes a {what}, whose details are missing")))
}
