//! Vending and naming schemas, and truncations that stay with them, on a real etcd.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use rocks_gc_fleet::control::orders::{drop_schema, truncate_schema};
use rocks_gc_fleet::control::schemas;
use rocks_gc_fleet::etcd::{Keys, Watch};
use std::time::Duration;
use support::control::{fleet, keys};
use support::{Etcd, put};

const SHORT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn schema_ids_go_up_and_names_are_used_once() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    let create = async |name: &str| schemas::create(&client, "own", name).await.map_err(|error| error.to_string());
    let tasks: Vec<_> = (0..6)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { schemas::create(&client, "own", &format!("s{i}")).await.unwrap() })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6]);
    assert!(create("s1").await.unwrap_err().starts_with("schema name \"s1\" is in use"));
    assert!(create("a/b").await.is_err());
    let id = schemas::list(&client, "own").await.unwrap().valid.iter().find(|(_, name)| *name == "s3").map(|(id, _)| *id).unwrap();
    assert_eq!(drop_schema(&client, "own", "s3", SHORT).await.unwrap().id, id, "no node serves it");
    assert_eq!(create("s3").await, Ok(7), "the name is free, the id is new");
    let listed = schemas::list(&client, "own").await.unwrap();
    assert_eq!((listed.highest, listed.dropped()), (7, vec![id..=id]));
    assert!(drop_schema(&client, "own", "none", SHORT).await.unwrap_err().to_string().contains("no schema of the name \"none\""));
    put(&client, "/rocks-gc/7/schemas/1/highest", r#"{"id":6}"#).await;
    assert!(create("again").await.unwrap_err().contains("schema id 7 is in use"));
    put(&client, "/rocks-gc/7/schemas/1/highest", format!(r#"{{"id":{}}}"#, u32::MAX)).await;
    assert!(create("last").await.unwrap_err().contains("no schema id is left"));
    put(&client, "/rocks-gc/7/schemas/1/highest", "7").await;
    assert!(create("bad").await.unwrap_err().contains("/rocks-gc/7/schemas/1/highest"));
    assert_eq!(schemas::create(&client, "plain", "s1").await.unwrap(), 1, "ids are those of the keyspace");
}

/// The last parts of the keys that were written, in the order in which the watch brings them.
async fn brought(watch: &mut Watch, count: usize) -> Vec<String> {
    let mut brought = Vec::new();
    while brought.len() < count {
        let batch = tokio::time::timeout(Duration::from_secs(5), watch.next()).await.unwrap().unwrap();
        let keys = batch.changes.into_iter().map(|change| String::from_utf8(change.key).unwrap());
        brought.extend(keys.map(|key| key.strip_prefix("/rocks-gc/7/schemas/1/").unwrap().to_owned()));
    }
    brought
}

#[tokio::test]
async fn no_watch_brings_the_highest_id_before_its_schema() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    let schemas_of = [Keys::Prefix("/rocks-gc/7/schemas/".into())];
    let revision = client.list(&schemas_of).await.unwrap().revision + 1;
    let mut at_once = client.watch(&schemas_of, revision).await.unwrap();
    assert_eq!(schemas::create(&client, "own", "a").await.unwrap(), 1);
    let order = ["valid/1", "names/a", "highest"];
    assert_eq!(brought(&mut at_once, 3).await, order);
    let mut later = client.watch(&schemas_of, revision).await.unwrap();
    assert_eq!(brought(&mut later, 3).await, order, "a watch that catches up");
}

#[tokio::test]
async fn an_id_that_a_node_has_seen_is_not_vended_after_etcd_was_restored() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    assert_eq!(schemas::create(&client, "own", "a").await.unwrap(), 1);
    put(&client, "/rocks-gc/7/schemas/1/seen/n1", r#"{"id":9}"#).await;
    put(&client, "/rocks-gc/7/schemas/1/seen/n2", r#"{"id":7}"#).await;
    assert_eq!(schemas::create(&client, "own", "b").await.unwrap(), 10);
    assert_eq!(schemas::create(&client, "own", "c").await.unwrap(), 11, "what nodes have seen is below");
    assert_eq!(schemas::create(&client, "plain", "a").await.unwrap(), 1, "another keyspace");
    assert_eq!(schemas::list(&client, "own").await.unwrap().highest, 11);
    put(&client, "/rocks-gc/7/schemas/1/seen/n1", "x").await;
    let error = schemas::create(&client, "own", "d").await.unwrap_err().to_string();
    assert!(error.contains("/rocks-gc/7/schemas/1/seen/n1"), "{error}");
    put(&client, "/rocks-gc/7/schemas/1/seen/n1", format!(r#"{{"id":{}}}"#, u32::MAX)).await;
    assert!(schemas::create(&client, "own", "d").await.unwrap_err().to_string().contains("no schema id is left"));
}

#[tokio::test]
async fn the_highest_truncation_stays_with_its_schema_and_goes_with_it() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    assert_eq!(schemas::create(&client, "own", "s").await.unwrap(), 1);
    let valid = "/rocks-gc/7/schemas/1/valid/1";
    for (timestamp, sequence, stays) in [(50, 5, (50, 5)), (40, 6, (50, 5)), (50, 7, (50, 7)), (60, 4, (60, 4))] {
        truncate_schema(&client, "own", "s", timestamp, sequence, SHORT).await.unwrap();
        let entries = client.list(&[Keys::One(valid.into())]).await.unwrap().entries;
        let expected = format!(r#"{{"name":"s","truncated":{{"timestamp":{},"sequence":{}}}}}"#, stays.0, stays.1);
        assert_eq!(entries.first().map(|entry| String::from_utf8_lossy(&entry.value).into_owned()), Some(expected));
        support::worker::delete(&client, "/rocks-gc/7/schemas/1/orders/1").await;
    }
    assert_eq!(schemas::list(&client, "own").await.unwrap().valid.len(), 1);
    drop_schema(&client, "own", "s", SHORT).await.unwrap();
    assert_eq!(keys(&client, "/rocks-gc/7/schemas/1/valid/").await, [""; 0]);
}
