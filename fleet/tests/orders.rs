//! Orders about schemas, and fences, on a real etcd.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use rocks_gc_fleet::control::fence::fence;
use rocks_gc_fleet::control::orders::{drop_schema, truncate_schema, wait};
use rocks_gc_fleet::control::schemas;
use rocks_gc_fleet::etcd::{Client, Keys, Put, Txn};
use rocks_gc_fleet::layout::id::KeyspaceId;
use std::time::Duration;
use support::control::{fleet, keys, register};
use support::{Etcd, put};
use tokio::time::{Instant, sleep};

const SHORT: Duration = Duration::from_millis(500);
/// The time to live of a lease in these tests.
const TTL: Duration = Duration::from_secs(2);
const ORDER: &str = "/rocks-gc/7/schemas/1/orders/1";

fn own() -> KeyspaceId {
    KeyspaceId::new(1).unwrap()
}

async fn until_there(client: &Client, prefix: &str) {
    while keys(client, prefix).await.is_empty() {
        sleep(Duration::from_millis(20)).await;
    }
}

async fn value(client: &Client, key: &str) -> String {
    let entries = client.list(&[Keys::One(key.into())]).await.unwrap().entries;
    String::from_utf8(entries.into_iter().next().unwrap().value).unwrap()
}

#[tokio::test]
async fn a_fenced_node_loses_its_registration_and_its_answers() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    let lease = register(&client, "n", "primary", 5).await;
    let puts =
        vec![Put { lease: Some(lease.id()), ..Put::new("/rocks-gc/7/resolved/n/global".into(), r#"{"txn_safe_point":1,"epoch":5}"#) }];
    assert!(client.commit(&Txn { puts, ..Txn::default() }).await.unwrap());
    assert!(fence(&client, "n", Some(4), "slow").await.is_err(), "another registration");
    assert_eq!(fence(&client, "n", None, "slow").await.unwrap(), (5, Duration::from_secs(2)));
    assert_eq!(keys(&client, "/rocks-gc/7/").await, ["fenced/n", "lingering/n"]);
    assert!(fence(&client, "n", None, "slow").await.unwrap_err().to_string().contains("no node is registered as \"n\""));
    tokio::time::timeout(Duration::from_secs(3), lease.lost()).await.unwrap();
}

#[tokio::test]
async fn a_drop_waits_for_the_primaries_that_served_and_fences_the_silent_ones() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    assert_eq!(schemas::create(&client, "own", "s").await.unwrap(), 1);
    assert_eq!(schemas::create(&client, "own", "t").await.unwrap(), 2);
    let _leases = [
        register(&client, "n1", "primary", 5).await,
        register(&client, "n2", "primary", 6).await,
        register(&client, "n3", "standby", 7).await,
    ];
    let dropping = {
        let client = client.clone();
        tokio::spawn(async move { drop_schema(&client, "own", "s", Duration::from_secs(30)).await })
    };
    let order = "/rocks-gc/7/schemas/1/orders/";
    while keys(&client, order).await.is_empty() {
        sleep(Duration::from_millis(20)).await;
    }
    let answer = async |id: u64, node: &str, epoch: u64| {
        put(&client, &format!("{order}{id}/answers/{node}"), format!(r#"{{"progress":"removed","epoch":{epoch}}}"#)).await;
    };
    answer(1, "n1", 5).await;
    answer(1, "n2", 5).await;
    sleep(SHORT).await;
    assert!(!dropping.is_finished(), "n2 has answered for an earlier registration");
    answer(1, "n2", 6).await;
    assert_eq!(dropping.await.unwrap().unwrap().fenced, [""; 0]);

    let begin = Instant::now();
    let (_, outcome) = tokio::join!(
        async {
            sleep(Duration::from_millis(200)).await;
            answer(2, "n1", 5).await
        },
        drop_schema(&client, "own", "t", SHORT)
    );
    assert_eq!(outcome.unwrap().fenced, ["n2"]);
    assert!(begin.elapsed() >= SHORT + Duration::from_secs(2), "n2 may serve until its lease ends by its own clock");
    assert_eq!(keys(&client, "/rocks-gc/7/nodes/").await, ["n1", "n3"]);
    assert_eq!(keys(&client, "/rocks-gc/7/fenced/").await, ["n2"]);
}

#[tokio::test]
async fn a_node_that_is_gone_when_the_deadline_comes_is_fenced_and_an_order_that_cannot_be_read_is_never_done() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    assert_eq!(schemas::create(&client, "own", "s").await.unwrap(), 1);
    let lease = register(&client, "n", "primary", 5).await;
    let (ended, outcome) = tokio::join!(
        async {
            sleep(Duration::from_millis(200)).await;
            lease.revoke().await
        },
        truncate_schema(&client, "own", "s", 9, 10, SHORT)
    );
    ended.unwrap();
    assert_eq!(outcome.unwrap().fenced, ["n"]);
    assert_eq!(keys(&client, "/rocks-gc/7/fenced/").await, ["n"]);
    assert_eq!(schemas::list(&client, "own").await.unwrap().valid.len(), 1, "a truncated schema stays");
    let error = drop_schema(&client, "own", "s", SHORT).await.unwrap_err().to_string();
    assert!(error.contains("nodes still carry out another order"), "{error}");
    let keyspace = KeyspaceId::new(1).unwrap();
    assert_eq!(wait(&client, keyspace, 1, SHORT).await.unwrap().fenced, [""; 0], "the fence counts");
    put(&client, "/rocks-gc/7/schemas/1/orders/1", "{}").await;
    assert!(wait(&client, keyspace, 1, SHORT).await.unwrap_err().to_string().contains("/rocks-gc/7/schemas/1/orders/1"));
}

#[tokio::test]
async fn a_waiter_waits_for_a_process_that_another_one_has_fenced() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    assert_eq!(schemas::create(&client, "own", "s").await.unwrap(), 1);
    let lease = register(&client, "n", "primary", 5).await;
    let first = {
        let client = client.clone();
        tokio::spawn(async move { drop_schema(&client, "own", "s", Duration::ZERO).await })
    };
    until_there(&client, "/rocks-gc/7/fenced/").await;
    let fenced_at = Instant::now();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled(), "it dies while it waits");
    // By its own clock the lease of n may live from here on.
    let (one, two) = tokio::join!(wait(&client, own(), 1, SHORT), wait(&client, own(), 1, Duration::ZERO));
    assert!(fenced_at.elapsed() >= TTL, "n may serve for {:?} more", TTL.saturating_sub(fenced_at.elapsed()));
    assert_eq!([one.unwrap().fenced, two.unwrap().fenced], [[""; 0]; 2], "neither of them has fenced n");
    assert_eq!(keys(&client, "/rocks-gc/7/lingering/").await, [""; 0]);
    drop(lease);
}

#[tokio::test]
async fn an_order_waits_for_a_process_that_was_fenced_just_before_it() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    for name in ["s", "t"] {
        schemas::create(&client, "own", name).await.unwrap();
    }
    let _lease = register(&client, "n", "primary", 5).await;
    assert_eq!(fence(&client, "n", None, "slow").await.unwrap(), (5, TTL));
    let fenced_at = Instant::now();
    drop_schema(&client, "own", "s", SHORT).await.unwrap();
    assert!(fenced_at.elapsed() >= TTL, "n may serve for {:?} more", TTL.saturating_sub(fenced_at.elapsed()));
    assert_eq!(value(&client, ORDER).await, r#"{"action":"drop","nodes":{"n":5}}"#);
    drop_schema(&client, "own", "t", SHORT).await.unwrap();
    assert_eq!(value(&client, "/rocks-gc/7/schemas/1/orders/2").await, r#"{"action":"drop","nodes":{}}"#, "an old fence holds nothing up");
}

#[tokio::test]
async fn an_answer_of_a_new_process_says_nothing_about_the_fenced_one_of_the_same_name() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    schemas::create(&client, "own", "s").await.unwrap();
    let _lease = register(&client, "n", "primary", 5).await;
    fence(&client, "n", None, "slow").await.unwrap();
    let fenced_at = Instant::now();
    let _anew = register(&client, "n", "primary", 6).await;
    let (_, outcome) = tokio::join!(
        async {
            until_there(&client, ORDER).await;
            put(&client, &format!("{ORDER}/answers/n"), r#"{"progress":"removed","epoch":6}"#).await;
        },
        drop_schema(&client, "own", "s", Duration::from_secs(30))
    );
    assert!(fenced_at.elapsed() >= TTL, "n may serve for {:?} more", TTL.saturating_sub(fenced_at.elapsed()));
    assert_eq!(outcome.unwrap().fenced, [""; 0]);
}

#[tokio::test]
async fn a_waiter_revokes_the_lease_if_the_one_that_fenced_has_not() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    let lease = client.lease(TTL).await.unwrap();
    put(&client, ORDER, r#"{"action":"drop","nodes":{"n":5}}"#).await;
    put(&client, "/rocks-gc/7/fenced/n", r#"{"epoch":5,"why":"slow"}"#).await;
    put(&client, "/rocks-gc/7/lingering/n", format!(r#"{{"lease":{},"seconds":2}}"#, lease.id())).await;
    wait(&client, own(), 1, SHORT).await.unwrap();
    assert!(!lease.is_alive(), "its process would renew it without end");
}

#[tokio::test]
async fn a_second_fence_keeps_the_longer_time() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    put(&client, "/rocks-gc/7/lingering/n", r#"{"lease":1,"seconds":60}"#).await;
    let lease = register(&client, "n", "primary", 6).await;
    assert_eq!(fence(&client, "n", Some(6), "slow").await.unwrap(), (6, Duration::from_secs(60)));
    assert_eq!(value(&client, "/rocks-gc/7/lingering/n").await, format!(r#"{{"lease":{},"seconds":60}}"#, lease.id()));
}

#[tokio::test]
async fn a_node_that_is_gone_is_fenced_by_its_name_for_all_orders_that_wait_for_it() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    put(&client, ORDER, r#"{"action":"drop","nodes":{"n":5,"m":8}}"#).await;
    put(&client, "/rocks-gc/7/schemas/1/orders/2", r#"{"action":"drop","nodes":{"n":6}}"#).await;
    assert_eq!(fence(&client, "n", None, "its disk is broken").await.unwrap(), (6, Duration::ZERO));
    let error = fence(&client, "n", None, "again").await.unwrap_err().to_string();
    assert_eq!(error, "no node is registered as \"n\", and no order waits for one");
    assert_eq!(wait(&client, own(), 2, SHORT).await.unwrap().fenced, [""; 0]);
    assert_eq!(wait(&client, own(), 1, SHORT).await.unwrap().fenced, ["m"], "n was fenced after the order, whatever its epoch");
    // A fence of another registration that was written before the order says nothing.
    put(&client, "/rocks-gc/7/schemas/1/orders/3", r#"{"action":"drop","nodes":{"n":7}}"#).await;
    assert_eq!(wait(&client, own(), 3, SHORT).await.unwrap().fenced, ["n"]);
}

#[tokio::test]
async fn an_answer_to_an_earlier_order_does_not_count() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    assert_eq!(schemas::create(&client, "own", "s").await.unwrap(), 1);
    let _lease = register(&client, "n", "primary", 5).await;
    put(&client, &format!("{ORDER}/answers/n"), r#"{"progress":"swept","epoch":5}"#).await;
    assert_eq!(drop_schema(&client, "own", "s", SHORT).await.unwrap().fenced, ["n"]);
    assert_eq!(keys(&client, ORDER).await, [""]);
}

#[tokio::test]
async fn a_process_that_began_anew_answers_too() {
    let etcd = Etcd::start(1).await;
    let client = fleet(&etcd).await;
    put(&client, ORDER, r#"{"action":"drop","nodes":{"n":5}}"#).await;
    put(&client, "/rocks-gc/7/nodes/n", r#"{"role":"primary","versions":{},"since":1,"epoch":6}"#).await;
    let waiting = {
        let client = client.clone();
        tokio::spawn(async move { wait(&client, own(), 1, Duration::from_secs(30)).await })
    };
    sleep(SHORT).await;
    assert!(!waiting.is_finished(), "it may not have read the list yet");
    put(&client, &format!("{ORDER}/answers/n"), r#"{"progress":"removed","epoch":6}"#).await;
    assert_eq!(waiting.await.unwrap().unwrap().fenced, [""; 0]);
    put(&client, &format!("{ORDER}/answers/n"), r#"{"progress":"removed","epoch":4}"#).await;
    assert_eq!(wait(&client, own(), 1, SHORT).await.unwrap().fenced, [""; 0], "it is not fenced for an order of its last epoch");
}
