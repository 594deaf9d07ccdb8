//! A listing of etcd becomes a snapshot for `protocol`.
//!
//! A value that cannot be read is never an absent value: an absent barrier lets T pass. So each
//! such value stops what it may be about, and nothing else:
//!
//! | what cannot be read | stops |
//! |---|---|
//! | T, G, a barrier, a start timestamp of a scope; a node's answer about it | this scope |
//! | a keyspace's meta | this keyspace's scope |
//! | a key of a keyspace with a bad part: its id may be any | the scopes of all keyspaces |
//! | a global barrier, the revision, a registration, the leader, another key with a bad part | every scope |
//!
//! Our own keys are built by code that checks their parts. One with a bad part comes from a writer
//! that this version does not know, so it stops everything.

use super::{Names, number};
use crate::error::{Error, Result};
use crate::etcd::{Client, Entry, Keys, Listing};
use crate::layout::gc_management::GcManagement;
use crate::layout::id::{KeyspaceId, Scope};
use crate::layout::keyspace_meta::KeyspaceMeta;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Clock, Fenced, Leader, Lingering, Node, OwnValue, Resolved};
use crate::layout::pd_key::PdKey;
use crate::layout::pd_value::{self, Expiry};
use crate::protocol::barrier::NEVER;
use crate::protocol::etcd::{Key, Snapshot, Value};
use std::collections::BTreeMap;

/// A node's registration, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// What it says.
    pub node: Node,
    /// Its lease.
    pub lease: i64,
    /// The revision that wrote it.
    pub mod_revision: i64,
}

/// A value, and the revision that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// The revision that wrote it.
    pub mod_revision: i64,
}

/// What etcd holds at one revision.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The cluster's id in keys.
    pub cluster: u64,
    /// Of the listing.
    pub revision: i64,
    /// For the steps of `protocol`.
    pub snapshot: Snapshot,
    /// The names behind the snapshot's numbers.
    pub names: Names,
    /// Metas of keyspaces that can be read.
    pub keyspaces: BTreeMap<KeyspaceId, KeyspaceMeta>,
    /// Registrations, by the nodes' names.
    pub nodes: BTreeMap<String, Registration>,
    /// Fences, by the nodes' names.
    pub fenced: BTreeMap<String, Written<Fenced>>,
    /// Fenced processes that may still serve, by the nodes' names.
    pub lingering: BTreeMap<String, Written<Lingering>>,
    /// The worker that leads, and its lease.
    pub leader: Option<(Leader, i64)>,
    /// Clocks of live processes, in Unix milliseconds, by `worker NAME` and `node NAME`.
    pub clocks: BTreeMap<String, u64>,
    /// Values that cannot be read, by scope.
    pub unreadable: BTreeMap<Scope, Vec<Error>>,
    /// What cannot be read and may be about any keyspace that has safe points of its own.
    pub unreadable_keyspaces: Vec<Error>,
    /// What cannot be read and may be about any scope.
    pub unreadable_everywhere: Vec<Error>,
}

/// What a value may be about, if it cannot be read.
enum About {
    Scope(Scope),
    Keyspaces,
    Everything,
}

impl Reading {
    /// The keys of which a reading is made.
    pub fn keys(cluster: u64) -> Result<Vec<Keys>> {
        let pd = format!("/pd/{cluster}");
        let own = format!("/rocks-gc/{cluster}");
        let prefixes = [
            format!("{pd}/gc/"),
            format!("{pd}/keyspaces/meta/"),
            format!("{pd}/keyspaces/gc_safe_point/"),
            format!("{pd}/keyspaces/service_safe_point/"),
            "/tidb/server/minstartts/".into(),
            "/keyspaces/tidb/".into(),
            format!("{own}/resolved/"),
            format!("{own}/clocks/"),
        ];
        let ones = [PdKey::Leader.build(cluster), PdKey::TxnSafePoint(Scope::Global).build(cluster), OwnKey::WorkerLeader.build(cluster)?];
        let all = ones.into_iter().map(Keys::One).chain(prefixes.into_iter().map(Keys::Prefix));
        Ok(all.chain(Self::keys_of_nodes(cluster)).collect())
    }

    /// The keys that tell who is registered, and who is fenced.
    fn keys_of_nodes(cluster: u64) -> [Keys; 3] {
        ["nodes", "fenced", "lingering"].map(|part| Keys::Prefix(format!("/rocks-gc/{cluster}/{part}/")))
    }

    /// Lists etcd, and reads all of it.
    pub async fn take(client: &Client) -> Result<Self> {
        let listing = client.list(&Self::keys(client.cluster())?).await?;
        Ok(Self::of(client.cluster(), &listing))
    }

    /// Lists who is registered and who is fenced, and nothing else. Refuses what cannot be read.
    pub async fn take_nodes(client: &Client) -> Result<Self> {
        let listing = client.list(&Self::keys_of_nodes(client.cluster())).await?;
        let reading = Self::of(client.cluster(), &listing);
        reading.check(Scope::Global).map(|()| reading)
    }

    /// Reads a listing. Keys that are not of the lists of `layout` are skipped.
    pub fn of(cluster: u64, listing: &Listing) -> Self {
        let mut reading = Self { cluster, revision: listing.revision, ..Self::default() };
        for entry in &listing.entries {
            if let Err((about, error)) = reading.add(entry) {
                match about {
                    About::Scope(scope) => reading.unreadable.entry(scope).or_default().push(error),
                    About::Keyspaces => reading.unreadable_keyspaces.push(error),
                    About::Everything => reading.unreadable_everywhere.push(error),
                }
            }
        }
        reading
    }

    /// The scopes that have safe points of their own. PD's rule: the state of a keyspace does not
    /// matter.
    pub fn scopes(&self) -> Vec<Scope> {
        let own = self.keyspaces.iter().filter(|(_, meta)| meta.gc_management() == GcManagement::Keyspace);
        std::iter::once(Scope::Global).chain(own.map(|(id, _)| Scope::Keyspace(*id))).collect()
    }

    /// Refuses a scope about which something cannot be read.
    pub fn check(&self, scope: Scope) -> Result<()> {
        let of_keyspaces = self.unreadable_keyspaces.iter().filter(|_| scope != Scope::Global);
        let of_scope = self.unreadable.get(&scope).into_iter().flatten();
        let mut errors = self.unreadable_everywhere.iter().chain(of_keyspaces).chain(of_scope);
        errors.next().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// All that cannot be read.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        self.unreadable_everywhere.iter().chain(&self.unreadable_keyspaces).chain(self.unreadable.values().flatten())
    }

    fn add(&mut self, entry: &Entry) -> Result<(), (About, Error)> {
        if let Some(key) = PdKey::parse(self.cluster, &entry.key).map_err(|error| (self.about_bad(&entry.key), error))? {
            let about = about(&key);
            return self.add_pd(key, &entry.value).map_err(|error| (about, named(entry, error)));
        }
        if let Some(key) = OwnKey::parse(self.cluster, &entry.key).map_err(|error| (About::Everything, error))? {
            let about = if let OwnKey::Resolved(_, scope) = &key { About::Scope(*scope) } else { About::Everything };
            return self.add_own(key, entry).map_err(|error| (about, named(entry, error)));
        }
        Ok(())
    }

    /// What a key of PD with a bad part may be about: its prefix tells. A barrier of a keyspace whose
    /// id cannot be read holds up every keyspace.
    fn about_bad(&self, key: &[u8]) -> About {
        let pd = |rest: &str| format!("/pd/{}/{rest}", self.cluster);
        let of_keyspaces = ["keyspaces/meta/", "keyspaces/gc_safe_point/", "keyspaces/service_safe_point/"].map(pd);
        if of_keyspaces.iter().any(|prefix| key.starts_with(prefix.as_bytes())) || key.starts_with(b"/keyspaces/tidb/") {
            About::Keyspaces
        } else if key.starts_with(pd("gc/safe_point/service/").as_bytes()) || key.starts_with(b"/tidb/") {
            About::Scope(Scope::Global)
        } else {
            About::Everything
        }
    }

    fn add_pd(&mut self, key: PdKey, value: &[u8]) -> Result<()> {
        let number_of = |value: Result<u64>| value.map(Value::Number);
        let (key, value) = match key {
            PdKey::KeyspaceMeta(id) => {
                self.keyspaces.insert(id, KeyspaceMeta::parse(value)?);
                return Ok(());
            }
            PdKey::KeyspaceName(_) | PdKey::KeyspaceAllocator => return Ok(()),
            PdKey::Leader => (Key::PdLeader, Value::Number(0)),
            PdKey::StateRevision => (Key::Revision, number_of(pd_value::parse_decimal(value))?),
            PdKey::GcSafePoint(Scope::Global) => (Key::Gc(number(Scope::Global)), number_of(pd_value::parse_hex(value))?),
            PdKey::GcSafePoint(scope) => (Key::Gc(number(scope)), number_of(pd_value::parse_safe_point(value))?),
            PdKey::TxnSafePoint(scope) => (Key::Txn(number(scope)), number_of(pd_value::parse_decimal(value))?),
            PdKey::MinStart(scope, name) => {
                (Key::MinStart(number(scope), self.names.number(&name)), number_of(pd_value::parse_decimal(value))?)
            }
            PdKey::Barrier(scope, name) => {
                (Key::Barrier(Some(number(scope)), self.names.number(&name)), barrier(pd_value::parse_barrier(value)?))
            }
            PdKey::GlobalBarrier(name) => (Key::Barrier(None, self.names.number(&name)), barrier(pd_value::parse_global_barrier(value)?)),
        };
        self.snapshot.write(key, Some(value));
        Ok(())
    }

    fn add_own(&mut self, key: OwnKey, entry: &Entry) -> Result<()> {
        let (key, value) = match key {
            OwnKey::Node(name) => {
                let node = Node::parse(&entry.value)?;
                let (key, value) = (Key::Node(self.names.number(&name)), Value::Epoch(node.epoch));
                let is_waited_for = node.is_waited_for();
                self.nodes.insert(name, Registration { node, lease: entry.lease, mod_revision: entry.mod_revision });
                if !is_waited_for {
                    return Ok(());
                }
                (key, value)
            }
            OwnKey::Resolved(name, scope) => {
                let Resolved { txn_safe_point, epoch } = Resolved::parse(&entry.value)?;
                (Key::Resolved(self.names.number(&name), number(scope)), Value::Answer(txn_safe_point, epoch))
            }
            OwnKey::Fenced(name) => {
                let value = Fenced::parse(&entry.value)?;
                let fenced = (Key::Fenced(self.names.number(&name)), Value::Epoch(value.epoch));
                self.fenced.insert(name, Written { value, mod_revision: entry.mod_revision });
                fenced
            }
            OwnKey::Lingering(name) => {
                let value = Lingering::parse(&entry.value)?;
                self.lingering.insert(name, Written { value, mod_revision: entry.mod_revision });
                return Ok(());
            }
            OwnKey::WorkerLeader => {
                self.leader = Some((Leader::parse(&entry.value)?, entry.lease));
                (Key::Leader, Value::Epoch(entry.lease.unsigned_abs()))
            }
            OwnKey::WorkerClock(name) => {
                self.clocks.insert(format!("worker {name}"), Clock::parse(&entry.value)?.unix_ms);
                return Ok(());
            }
            OwnKey::NodeClock(name) => {
                self.clocks.insert(format!("node {name}"), Clock::parse(&entry.value)?.unix_ms);
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.snapshot.write(key, Some(value));
        Ok(())
    }
}

fn about(key: &PdKey) -> About {
    match key {
        PdKey::KeyspaceMeta(id) => About::Scope(Scope::Keyspace(*id)),
        PdKey::GcSafePoint(scope) | PdKey::TxnSafePoint(scope) | PdKey::MinStart(scope, _) | PdKey::Barrier(scope, _) => {
            About::Scope(*scope)
        }
        _ => About::Everything,
    }
}

fn barrier(stored: pd_value::Barrier) -> Value {
    Value::Barrier(stored.timestamp, if let Expiry::At(second) = stored.expiry { second } else { NEVER })
}

/// The error, with the key; the values' parsers name the value.
pub fn named(entry: &Entry, Error(why): Error) -> Error {
    Error(format!(
        "the value of key {:?} cannot be read: {why}; correct it, or delete it if it is not needed",
        String::from_utf8_lossy(&entry.key)
    ))
}
