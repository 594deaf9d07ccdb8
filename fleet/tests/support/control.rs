//! A fleet with two keyspaces, and nodes that are only registered.

use super::Etcd;
use rocks_gc_fleet::control::create_keyspace::Creator;
use rocks_gc_fleet::etcd::{Client, Keys, Lease, Put, Txn};
use std::collections::HashMap;
use std::time::Duration;

/// A client, and the keyspaces `own` (1, with safe points of its own) and `plain` (2).
pub async fn fleet(etcd: &Etcd) -> Client {
    let client = etcd.client().await;
    let mut creator = Creator::default();
    let own = HashMap::from([("gc_management_type".into(), "keyspace_level".into())]);
    assert_eq!(creator.create(&client, "own", own, 5).await.unwrap().id.get(), 1);
    assert_eq!(creator.create(&client, "plain", HashMap::new(), 5).await.unwrap().id.get(), 2);
    client
}

/// The keys of a prefix, without it.
pub async fn keys(client: &Client, prefix: &str) -> Vec<String> {
    let entries = client.list(&[Keys::Prefix(prefix.into())]).await.unwrap().entries;
    entries.into_iter().map(|entry| String::from_utf8(entry.key).unwrap().split_off(prefix.len())).collect()
}

/// Registers a node under a lease of 2 s.
pub async fn register(client: &Client, node: &str, role: &str, epoch: u64) -> Lease {
    let lease = client.lease(Duration::from_secs(2)).await.unwrap();
    let value = format!(r#"{{"role":"{role}","versions":{{}},"since":1,"epoch":{epoch}}}"#);
    let puts = vec![Put { lease: Some(lease.id()), ..Put::new(format!("/rocks-gc/7/nodes/{node}"), value) }];
    assert!(client.commit(&Txn { puts, ..Txn::default() }).await.unwrap());
    lease
}
