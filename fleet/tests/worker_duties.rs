//! Ranges and orders that the worker ends, on a real etcd.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use rocks_gc_fleet::etcd::{Client, Keys, Put, Txn};
use rocks_gc_fleet::translate::Reading;
use rocks_gc_fleet::worker::orders;
use std::time::Duration;
use support::worker::{KEYSPACE_LEVEL, NOON, Running, delete, keyspace, until};
use support::{Etcd, put};
use tokio::time::{Instant, sleep};

async fn until_gone(client: &Client, prefix: &str) {
    for _ in 0..500 {
        if client.list(&[Keys::Prefix(prefix.into())]).await.unwrap().entries.is_empty() {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.list(&[Keys::Prefix(prefix.into())]).await.unwrap().entries, []);
}

/// Keyspace 42 in mode x: `z`, `x`, 3 bytes.
const RANGE: &str = r#"{"start":"7a7800002a00000000fb","end":"7a7800002b00000000fb","timestamp":90}"#;

#[tokio::test]
async fn a_range_is_done_when_it_is_due_and_every_live_primary_has_swept_it() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/keyspaces/meta/00000042", KEYSPACE_LEVEL).await;
    let todo = "/rocks-gc/7/ranges/todo/job/1";
    put(&client, todo, RANGE).await;
    put(&client, "/pd/7/keyspaces/service_safe_point/00000042/svc", r#"{"service_id":"svc","expired_at":0,"safe_point":89}"#).await;
    let worker = Running::start(&client, "w", NOON);
    until(&client, keyspace(42), (89, 89)).await;
    let is_todo = async || !client.list(&[Keys::One(todo.into())]).await.unwrap().entries.is_empty();
    for (node, role) in [("n1", "primary"), ("n2", "primary"), ("n3", "standby")] {
        put(&client, &format!("/rocks-gc/7/nodes/{node}"), format!(r#"{{"role":"{role}","versions":{{}},"since":1,"epoch":5}}"#)).await;
        put(&client, &format!("/rocks-gc/7/resolved/{node}/42"), r#"{"txn_safe_point":90,"epoch":5}"#).await;
    }
    let answer = async |node: &str, progress: &str, epoch: u64| {
        put(&client, &format!("{todo}/answers/{node}"), format!(r#"{{"progress":"{progress}","epoch":{epoch}}}"#)).await;
        sleep(Duration::from_millis(400)).await;
    };
    answer("n1", "swept", 5).await;
    answer("n2", "swept", 5).await;
    assert!(is_todo().await, "G is 89, not 90");
    answer("n2", "swept", 4).await;
    put(&client, "/pd/7/keyspaces/service_safe_point/00000042/svc", r#"{"service_id":"svc","expired_at":0,"safe_point":90}"#).await;
    put(&client, "/pd/7/gc/gc_state_revision", "77").await;
    until(&client, keyspace(42), (90, 90)).await;
    sleep(Duration::from_millis(400)).await;
    assert!(is_todo().await, "n2 has answered for an earlier registration");
    answer("n2", "removed", 5).await;
    assert!(is_todo().await, "n2 has not swept");
    answer("n2", "swept", 5).await;
    until_gone(&client, todo).await;
    let left = client.list(&[Keys::Prefix("/rocks-gc/7/ranges/".into())]).await.unwrap().entries;
    assert_eq!(left.iter().map(|entry| String::from_utf8_lossy(&entry.key)).collect::<Vec<_>>(), ["/rocks-gc/7/ranges/done/job/1"]);
    let value = left.first().map(|entry| String::from_utf8_lossy(&entry.value)).unwrap();
    assert!(value.ends_with(r#""swept_by":["n1","n2"]}"#), "a standby's sweep is not counted: {value}");
    worker.stop().await;
}

#[tokio::test]
async fn an_order_goes_when_all_have_swept_and_nobody_may_still_serve() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let order = "/rocks-gc/7/schemas/42/orders/3";
    for (node, epoch) in [("n1", 5), ("n2", 9)] {
        put(&client, &format!("/rocks-gc/7/nodes/{node}"), format!(r#"{{"role":"primary","versions":{{}},"since":1,"epoch":{epoch}}}"#))
            .await;
    }
    // n2 began anew after the order; n3 is gone, and may be cut off from etcd.
    put(&client, order, r#"{"action":"drop","nodes":{"n1":5,"n2":6,"n3":7}}"#).await;
    let worker = Running::start(&client, "w", NOON);
    worker.until_metric("rocks_gc_worker_leads 1").await;
    let stays = async |order: &str| {
        sleep(Duration::from_millis(400)).await;
        client.list(&[Keys::Prefix(order.into())]).await.unwrap().entries.len()
    };
    let answer = async |order: &str, node: &str, progress: &str, epoch: u64| {
        put(&client, &format!("{order}/answers/{node}"), format!(r#"{{"progress":"{progress}","epoch":{epoch}}}"#)).await;
    };
    let unswept = "/rocks-gc/7/schemas/42/orders/4";
    put(&client, unswept, r#"{"action":"drop","nodes":{"n1":5,"n2":6}}"#).await;
    answer(unswept, "n1", "removed", 5).await;
    answer(unswept, "n2", "swept", 9).await;
    answer(order, "n1", "swept", 5).await;
    answer(order, "n2", "swept", 9).await;
    assert_eq!(stays(order).await, 3, "n3 is not fenced");
    let lingering = "/rocks-gc/7/lingering/n3";
    let begin = Instant::now();
    put(&client, lingering, r#"{"lease":1,"seconds":1}"#).await;
    put(&client, "/rocks-gc/7/fenced/n3", r#"{"epoch":7,"why":"x"}"#).await;
    until_gone(&client, order).await;
    assert!(begin.elapsed() >= Duration::from_secs(1), "n3 may still serve");
    until_gone(&client, lingering).await;
    assert_eq!(stays(unswept).await, 3, "n1 has not swept");
    answer(unswept, "n1", "swept", 5).await;
    until_gone(&client, unswept).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_registration_that_cannot_be_read_keeps_orders_and_another_scope_s_bad_key_does_not() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let order = "/rocks-gc/7/schemas/42/orders/3";
    put(&client, "/rocks-gc/7/nodes/n1", r#"{"role":"primary","versions":{},"since":1,"epoch":5}"#).await;
    put(&client, "/rocks-gc/7/nodes/n2", "x").await;
    put(&client, "/pd/7/keyspaces/service_safe_point/42/svc", "x").await;
    put(&client, order, r#"{"action":"drop","nodes":{"n1":5}}"#).await;
    put(&client, &format!("{order}/answers/n1"), r#"{"progress":"swept","epoch":5}"#).await;
    let lease = client.lease(Duration::from_secs(60)).await.unwrap();
    let puts = vec![Put { lease: Some(lease.id()), ..Put::new("/rocks-gc/7/worker/leader".into(), r#"{"worker":"w","since":1}"#) }];
    assert!(client.commit(&Txn { puts, ..Txn::default() }).await.unwrap());
    let finish = async || orders::finish(&client, &lease, &Reading::take(&client).await.unwrap()).await.unwrap();
    assert_eq!(finish().await, 0, "n2 may not have swept");
    delete(&client, "/rocks-gc/7/nodes/n2").await;
    assert_eq!(finish().await, 1);
}
