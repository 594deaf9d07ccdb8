//! A fleet for tests of the follower: a real etcd, a library and a host that only remember.
#![allow(dead_code)] // Each test file uses a part.

use super::remembering::{Known, Remembering, RememberingHost};
use super::support::{self, CLUSTER, Etcd};
use etcd_client::{AlarmAction, AlarmOptions, AlarmType};
use rocks_gc_fleet::etcd::{Client, Keys, Put, Settings, Txn};
use rocks_gc_fleet::follower::Follower;
use rocks_gc_fleet::follower::local::Schema;
use rocks_gc_fleet::follower::registration::Identity;
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::layout::keyspace_meta::{Identity as MetaIdentity, KeyspaceMeta, State};
use rocks_gc_fleet::layout::own_key::OwnKey;
use rocks_gc_fleet::layout::own_value::{Node, OwnValue, Role, SchemaId, Truncation, ValidSchema};
use rocks_gc_fleet::layout::pd_key::PdKey;
use rocks_gc_fleet::layout::pd_value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub const LIMIT: Duration = Duration::from_secs(60);
/// Above 2^53, and odd: a double cannot hold it.
pub const LARGE: u64 = 456_139_133_457_530_881;

pub struct Fleet {
    pub runtime: Runtime,
    pub etcd: Etcd,
    pub client: Client,
    pub known: Remembering,
    pub host: RememberingHost,
    /// Of followers.
    pub settings: Settings,
    pub lease: Duration,
}

impl Fleet {
    pub fn start(members: usize) -> Self {
        let runtime = Runtime::new().unwrap();
        let etcd = runtime.block_on(Etcd::start(members));
        // The tests write by the last member; a follower reads by the first one.
        let client = runtime.block_on(etcd.wait(&support::settings(vec![etcd.endpoint(members - 1)])));
        Self::of(runtime, etcd, client)
    }

    /// Followers with a lease of 5 s, without a user.
    pub fn of(runtime: Runtime, etcd: Etcd, client: Client) -> Self {
        let settings = support::settings(vec![etcd.endpoint(0)]);
        let (known, host, lease) = (Remembering::default(), RememberingHost::default(), Duration::from_secs(5));
        Self { runtime, etcd, client, known, host, settings, lease }
    }

    pub fn load_as(&self, node: &str, holds_transactions: bool) -> Result<Follower<Remembering, RememberingHost>, String> {
        self.load(node, Role::Primary, holds_transactions)
    }

    pub fn load(&self, node: &str, role: Role, holds_transactions: bool) -> Result<Follower<Remembering, RememberingHost>, String> {
        let identity = Identity { name: node.into(), role, holds_transactions, versions: BTreeMap::new(), lease: self.lease };
        Follower::load(&self.settings, identity, self.known.clone(), self.host.clone(), || (), LIMIT).map_err(|error| error.to_string())
    }

    pub fn follow(&self, holds_transactions: bool) -> Follower<Remembering, RememberingHost> {
        let follower = self.load_as("n1", holds_transactions).unwrap();
        follower.follow(LIMIT).unwrap();
        follower
    }

    /// Where a member is stopped, the others elect a leader first.
    pub fn commit(&self, txn: &Txn) {
        let begin = Instant::now();
        while let Err(error) = self.runtime.block_on(self.client.commit(txn)).map(|committed| assert!(committed)) {
            assert!(begin.elapsed() < LIMIT, "{error}");
        }
    }

    pub fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        self.commit(&Txn { puts: vec![Put::new(key.into(), value)], ..Txn::default() });
    }

    pub fn put_own(&self, key: &OwnKey, value: &impl OwnValue) {
        self.put(&key.build(CLUSTER).unwrap(), value.build().unwrap());
    }

    /// A schema, as `rocks-gc schema create` writes it.
    pub fn put_schema(&self, id: u64, truncated: Option<Truncation>) {
        let (valid, name) = schema_keys(id);
        let value = ValidSchema { name: format!("s{id}"), truncated };
        let puts = vec![Put::new(valid, value.build().unwrap()), Put::new(name, SchemaId { id }.build().unwrap())];
        self.commit(&Txn { puts, ..Txn::default() });
    }

    pub fn delete_schema(&self, id: u64) {
        let (valid, name) = schema_keys(id);
        self.commit(&Txn { deletes: vec![Keys::One(valid), Keys::One(name)], ..Txn::default() });
    }

    pub fn delete(&self, key: &str) {
        self.commit(&Txn { deletes: vec![Keys::One(key.into())], ..Txn::default() });
    }

    pub fn get(&self, key: &str) -> Option<(Vec<u8>, i64)> {
        let listing = self.runtime.block_on(self.client.list(&[Keys::One(key.into())])).unwrap();
        listing.entries.into_iter().next().map(|entry| (entry.value, entry.lease))
    }

    pub fn get_own<V: OwnValue>(&self, key: &OwnKey) -> Option<V> {
        self.get(&key.build(CLUSTER).unwrap()).map(|(value, _)| V::parse(&value).unwrap())
    }

    pub fn put_gc(&self, scope: Scope, safe_point: u64) {
        let value = match scope {
            Scope::Global => pd_value::hex(safe_point).into_bytes(),
            Scope::Keyspace(id) => pd_value::safe_point(id, safe_point).unwrap(),
        };
        self.put(&PdKey::GcSafePoint(scope).build(CLUSTER), value);
    }

    pub fn put_txn(&self, scope: Scope, safe_point: u64) {
        self.put(&PdKey::TxnSafePoint(scope).build(CLUSTER), safe_point.to_string());
    }

    pub fn eventually(&self, what: &str, holds: impl Fn(&Known) -> bool) {
        eventually(what, || holds(&self.known.get()));
    }

    /// etcd refuses writes from now on, as if it were full, or takes them again. Reads, deletes and
    /// renewals go on.
    pub fn set_full(&self, is_full: bool) {
        self.runtime.block_on(async {
            let mut raw = self.etcd.raw().await;
            let mut of = AlarmOptions::new();
            of.with_member(raw.status().await.unwrap().header().unwrap().member_id());
            let action = if is_full { AlarmAction::Activate } else { AlarmAction::Deactivate };
            raw.alarm(action, AlarmType::Nospace, Some(of)).await.unwrap();
        });
    }

    pub fn epoch(&self, node: &str) -> Option<u64> {
        self.get_own::<Node>(&OwnKey::Node(node.into())).map(|node| node.epoch)
    }
}

pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn id(id: u32) -> KeyspaceId {
    KeyspaceId::new(id).unwrap()
}

pub fn keyspace(number: u32) -> Scope {
    Scope::Keyspace(id(number))
}

/// The keys of a valid schema and of its name.
pub fn schema_keys(schema: u64) -> (String, String) {
    let name = OwnKey::SchemaName(id(1), format!("s{schema}"));
    (OwnKey::SchemaValid(id(1), schema).build(CLUSTER).unwrap(), name.build(CLUSTER).unwrap())
}

pub fn schema(number: u32) -> Schema {
    Schema { keyspace: id(1), id: number }
}

pub fn meta(id: u32, state: State, management: &str) -> Vec<u8> {
    use prost::Message;
    let config = [("gc_management_type".to_owned(), management.to_owned())].into_iter().collect();
    let identity = Some(MetaIdentity::Id(id));
    KeyspaceMeta { identity, name: format!("k{id}"), state: state as i32, created_at: 1, state_changed_at: 1, config }.encode_to_vec()
}

pub fn meta_key(number: u32) -> String {
    PdKey::KeyspaceMeta(id(number)).build(CLUSTER)
}
