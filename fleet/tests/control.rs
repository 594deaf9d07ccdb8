//! Barriers, ranges, clusters and status on a real etcd.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use rocks_gc_fleet::control::barriers::{self, Barrier, Of};
use rocks_gc_fleet::control::{ranges, status::status};
use rocks_gc_fleet::etcd::{Client, Settings};
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::layout::own_value::Range;
use rocks_gc_fleet::translate::cluster;
use support::control::{fleet, keys, register};
use support::{Etcd, put};

const NOW: u64 = 1_700_000_000;

#[tokio::test]
async fn barriers_are_set_in_their_scope_and_refused_below_t() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    let zero = barriers::set(&client, &Of::Global, "zero", 0, None, NOW).await.unwrap();
    assert_eq!((zero.timestamp, zero.until), (0, None), "T is 0");
    barriers::delete(&client, &Of::Global, "zero").await.unwrap();
    put(&client, "/tidb/store/gcworker/saved_safe_point", "20").await;
    put(&client, "/keyspaces/tidb/1/tidb/store/gcworker/saved_safe_point", "30").await;
    let own = || Of::Keyspace("own".into());
    let set = async |of: Of, name: &str, timestamp: u64, ttl: Option<u64>| {
        barriers::set(&client, &of, name, timestamp, ttl, NOW).await.map_err(|error| error.to_string())
    };
    let keyspace = Some(Scope::Keyspace(KeyspaceId::new(1).unwrap()));
    let barrier = |scope, name: &str, timestamp, until| Barrier { scope, name: name.into(), timestamp, until };
    assert_eq!(set(own(), "b", 30, Some(10)).await, Ok(barrier(keyspace, "b", 30, Some(NOW + 10))));
    assert_eq!(set(Of::Keyspace("plain".into()), "p", 20, None).await, Ok(barrier(Some(Scope::Global), "p", 20, None)), "redirected");
    assert_eq!(set(Of::All, "gc_worker", 30, None).await, Ok(barrier(None, "gc_worker", 30, None)));
    assert_eq!(set(Of::Global, "future", u64::MAX, Some(1)).await, Ok(barrier(Some(Scope::Global), "future", u64::MAX, Some(NOW + 1))));
    for (of, name, timestamp, ttl, says) in [
        (own(), "b", 29, Some(10), "barrier 29 is behind the transaction safe point 30"),
        (Of::All, "b", 29, None, "barrier 29 is behind the transaction safe point 30"),
        (Of::Global, "zero", 0, None, "barrier 0 is behind the transaction safe point 20"),
        (Of::Global, "b", 20, Some(0), "a barrier's time to live must be above 0"),
        (Of::Global, "gc_worker", 20, None, "barrier name \"gc_worker\" is reserved"),
        (Of::Global, "", 20, None, "a barrier's name is empty"),
        (Of::Keyspace("none".into()), "b", 20, None, "no keyspace has the name \"none\""),
    ] {
        assert_eq!(set(of, name, timestamp, ttl).await, Err(says.into()));
    }
    assert_eq!(barriers::list(&client).await.unwrap().0.len(), 4);
    put(&client, "/rocks-gc/7/clocks/nodes/n", format!(r#"{{"unix_ms":{}}}"#, (NOW + 3600) * 1000)).await;
    assert_eq!(set(own(), "b", 31, Some(10)).await.unwrap().until, Some(NOW + 3610), "a clock that is ahead counts");
    for of in [own(), own(), Of::Global] {
        barriers::delete(&client, &of, "b").await.unwrap();
    }
    put(&client, "/keyspaces/tidb/1/tidb/store/gcworker/saved_safe_point", "x").await;
    assert!(set(own(), "c", 99, None).await.unwrap_err().contains("/keyspaces/tidb/1/"));
    assert!(set(Of::All, "c", 99, None).await.unwrap_err().contains("/keyspaces/tidb/1/"));
    assert!(set(Of::Global, "c", 99, None).await.is_ok(), "another scope");
    put(&client, "/keyspaces/tidb/1/tidb/store/gcworker/saved_safe_point", "30").await;
    put(&client, "/pd/7/keyspaces/gc_safe_point/1", "x").await;
    for of in [own(), Of::All] {
        assert!(set(of, "c", 98, None).await.unwrap_err().contains("/pd/7/keyspaces/gc_safe_point/1"), "it may be of any keyspace");
    }
    assert!(set(Of::Global, "c", 98, None).await.is_ok(), "it is of a keyspace");
    put(&client, "/pd/7/leader", "a PD").await;
    assert!(set(Of::Global, "d", 99, None).await.unwrap_err().contains("ask PD to do it"));
}

#[tokio::test]
async fn ranges_are_within_one_keyspace_that_exists_and_have_new_names() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    let add = async |element: &str, start: &[u8], end: &[u8]| {
        let range = Range { start: start.into(), end: end.into(), timestamp: 5, swept_by: std::collections::BTreeSet::new() };
        ranges::add(&client, "job", element, &range).await.map_err(|error| error.to_string())
    };
    assert_eq!(add("1", b"zx\0\0\x01a", b"zx\0\0\x01b").await, Ok(()));
    assert_eq!(add("2", b"zt1", b"zt2").await, Ok(()));
    for (element, start, end, says) in [
        ("1", &b"zt1"[..], &b"zt2"[..], "range job/1 is there already: it is to do"),
        ("3", b"zt2", b"zt1", "empty or inverted"),
        ("3", b"zx\0\0\x01", b"zx\0\0\x03", "not within one keyspace"),
        ("3", b"zx\0\0\x09a", b"zx\0\0\x09b", "keyspace 9, which does not exist"),
        ("a/b", b"zt1", b"zt2", "a name that its key cannot carry"),
    ] {
        let error = add(element, start, end).await.unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    put(&client, "/rocks-gc/7/ranges/todo/job/5/answers/n", r#"{"progress":"swept","epoch":5}"#).await;
    assert_eq!(add("5", b"zt3", b"zt4").await, Ok(()));
    assert_eq!(keys(&client, "/rocks-gc/7/ranges/todo/job/5").await, [""], "an old answer is none to a new range");
    put(&client, "/rocks-gc/7/ranges/done/job/4", r#"{"start":"61","end":"62","timestamp":5}"#).await;
    assert!(add("4", b"zt1", b"zt2").await.unwrap_err().contains("it is done"));
    assert_eq!(ranges::Todo::list(&client).await.unwrap().0.len(), 3);
    assert_eq!(ranges::list_done(&client).await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_cluster_s_id_is_refused() {
    let etcd = Etcd::start(1).await;
    let of = async |cluster: u64| {
        let client = Client::connect(&Settings { cluster, ..etcd.settings() }).await.unwrap();
        cluster::check(&client).await.map_err(|error| error.to_string())
    };
    assert_eq!(of(8).await, Ok(()), "a new fleet");
    let client = etcd.client().await;
    put(&client, "/pd/cluster_id", "x").await;
    put(&client, "/pd/not a number/x", "x").await;
    assert_eq!(of(8).await, Ok(()));
    put(&client, "/pd/7/alloc_id", "x").await;
    put(&client, "/pd/70/alloc_id", "x").await;
    put(&client, "/rocks-gc/9/nodes/n", "x").await;
    for cluster in [7, 70, 9] {
        assert_eq!(of(cluster).await, Ok(()));
    }
    assert_eq!(of(8).await, Err("etcd holds nothing of cluster 8, but of cluster 7, 9, 70; correct the cluster's id".into()));
}

#[tokio::test]
async fn status_names_what_holds_each_scope_up_and_who_is_behind() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    let _lease = register(&client, "n", "primary", 5).await;
    put(&client, "/tidb/store/gcworker/saved_safe_point", "9007199254740993").await;
    put(&client, "/rocks-gc/7/resolved/n/global", r#"{"txn_safe_point":9007199254740992,"epoch":5}"#).await;
    put(&client, "/rocks-gc/7/applied/n/global", r#"{"gc_safe_point":3}"#).await;
    put(&client, "/rocks-gc/7/fenced/old", r#"{"epoch":1,"why":"x"}"#).await;
    put(&client, "/rocks-gc/7/worker/leader", r#"{"worker":"w","since":1}"#).await;
    put(&client, "/rocks-gc/7/schemas/1/orders/3", r#"{"action":"drop","nodes":{"n":5,"old":1}}"#).await;
    put(&client, "/rocks-gc/7/ranges/todo/j/1", "bad").await;
    put(&client, "/rocks-gc/7/clocks/nodes/n", format!(r#"{{"unix_ms":{}}}"#, (NOW + 100) * 1000)).await;
    barriers::set(&client, &Of::Keyspace("own".into()), "svc", 5, None, NOW).await.unwrap();
    let status = status(&client, NOW * 1000, 600_000).await.unwrap();
    let json = serde_json::to_string_pretty(&status).unwrap();
    let part = |pointer: &str| serde_json::from_str::<serde_json::Value>(&json).unwrap().pointer(pointer).cloned().unwrap().to_string();
    for (pointer, expected) in [
        ("/leader", r#""w""#),
        ("/scopes/0/scope", r#""global""#),
        ("/scopes/0/txn_safe_point", "9007199254740993"),
        ("/scopes/0/held_by", r#"["node n"]"#),
        ("/scopes/1/name", r#""own""#),
        ("/scopes/1/held_by", r#"["barrier svc"]"#),
        ("/nodes/0/behind", r#"[{"applied":3,"resolved":9007199254740992,"scope":"global"}]"#),
        ("/fenced", r#"["old"]"#),
        ("/orders/0/waits_for", r#"["n"]"#),
        ("/clocks", r#"{"node n":100}"#),
    ] {
        assert_eq!(part(pointer), expected, "{pointer}");
    }
    assert!(part("/unreadable").contains("/rocks-gc/7/ranges/todo/j/1"));
}
