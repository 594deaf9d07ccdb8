//! The worker on a real etcd.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use rocks_gc_fleet::etcd::{Keys, Put, Txn};
use rocks_gc_fleet::layout::id::Scope;
use rocks_gc_fleet::translate::Reading;
use rocks_gc_fleet::worker::Metrics;
use rocks_gc_fleet::worker::clock::Now;
use rocks_gc_fleet::worker::round::{Held, Round};
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::worker::{AT_NOON, KEYSPACE_LEVEL, LIFE_MS, NOON, Running, delete, keyspace, points, until};
use support::{Etcd, put};
use tokio::time::sleep;

#[tokio::test]
async fn t_and_g_follow_the_clock_barriers_and_nodes_scope_by_scope() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/keyspaces/meta/00000042", KEYSPACE_LEVEL).await;
    put(&client, "/rocks-gc/7/nodes/n", r#"{"role":"primary","versions":{},"since":1,"epoch":5}"#).await;
    put(&client, "/pd/7/keyspaces/service_safe_point/00000042/svc", r#"{"service_id":"svc","expired_at":0,"safe_point":100}"#).await;
    put(&client, "/pd/7/gc/safe_point/service/old", r#"{"service_id":"old","expired_at":5,"safe_point":1}"#).await;
    let worker = Running::start(&client, "w", NOON);
    until(&client, Scope::Global, (AT_NOON, 0)).await;
    until(&client, keyspace(42), (100, 0)).await;
    assert_eq!(client.list(&[Keys::Prefix("/pd/7/gc/safe_point/service/".into())]).await.unwrap().entries, [], "it has expired");
    worker.until_metric(r#"rocks_gc_worker_blocked{scope="42",blocker="barrier svc"} 1"#).await;
    worker.until_metric(r#"rocks_gc_worker_blocked{scope="42",blocker="node n"} 1"#).await;
    worker.until_metric(r#"rocks_gc_worker_txn_safe_point_age_seconds{scope="global"} 600"#).await;
    put(&client, "/rocks-gc/7/resolved/n/global", format!(r#"{{"txn_safe_point":{AT_NOON},"epoch":5}}"#)).await;
    put(&client, "/rocks-gc/7/resolved/n/42", r#"{"txn_safe_point":70,"epoch":5}"#).await;
    until(&client, Scope::Global, (AT_NOON, AT_NOON)).await;
    until(&client, keyspace(42), (100, 70)).await;
    worker.clock.0.store(NOON - 5000, Ordering::SeqCst);
    worker.until_metric("rocks_gc_worker_leads 1").await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(points(&client, Scope::Global).await, (AT_NOON, AT_NOON), "a clock that went back moves nothing");
    delete(&client, "/pd/7/keyspaces/service_safe_point/00000042/svc").await;
    delete(&client, "/rocks-gc/7/nodes/n").await;
    let later = AT_NOON - (5000 << 18);
    until(&client, keyspace(42), (later, later)).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_value_that_cannot_be_read_holds_up_its_scope_only() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/keyspaces/meta/00000042", KEYSPACE_LEVEL).await;
    put(&client, "/pd/7/keyspaces/service_safe_point/00000042/svc", "not JSON").await;
    let worker = Running::start(&client, "w", NOON);
    until(&client, Scope::Global, (AT_NOON, AT_NOON)).await;
    worker.until_metric("rocks_gc_worker_unreadable_scopes 1").await;
    assert_eq!(points(&client, keyspace(42)).await, (0, 0));
    put(&client, "/pd/7/gc/global_gc_barriers/g", "{}").await;
    worker.until_metric("rocks_gc_worker_unreadable_scopes 2").await;
    worker.clock.0.store(NOON + 500, Ordering::SeqCst);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(points(&client, Scope::Global).await, (AT_NOON, AT_NOON));
    worker.stop().await;
}

#[tokio::test]
async fn beside_a_pd_it_writes_nothing() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/leader", "a PD").await;
    let worker = Running::start(&client, "w", NOON);
    worker.until_metric("rocks_gc_worker_gives_way_to_pd 1").await;
    sleep(Duration::from_millis(500)).await;
    let keys: Vec<Vec<u8>> = client.list(&[Keys::Prefix("/".into())]).await.unwrap().entries.into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, [b"/pd/7/leader".to_vec(), b"/rocks-gc/7/clocks/workers/w".to_vec()]);
    delete(&client, "/pd/7/leader").await;
    until(&client, Scope::Global, (AT_NOON, AT_NOON)).await;
    put(&client, "/pd/7/leader", "a PD").await;
    worker.until_metric("rocks_gc_worker_gives_way_to_pd 1").await;
    worker.clock.0.store(NOON + 900, Ordering::SeqCst);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(points(&client, Scope::Global).await, (AT_NOON, AT_NOON));
    worker.stop().await;
}

#[tokio::test]
async fn a_clock_an_hour_ahead_is_held_by_another_process() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let clock = |unix_ms: u64| format!(r#"{{"unix_ms":{unix_ms}}}"#);
    put(&client, "/rocks-gc/7/clocks/nodes/n", clock(NOON)).await;
    let ends = NOON / 1000 + 60;
    put(&client, "/pd/7/gc/global_gc_barriers/b", format!(r#"{{"barrier_id":"b","barrier_ts":{AT_NOON},"expiration_time":{ends}}}"#)).await;
    let ahead = Running::start(&client, "ahead", NOON + 3_600_000);
    until(&client, Scope::Global, (AT_NOON, AT_NOON)).await;
    ahead.until_metric(r#"rocks_gc_worker_blocked{scope="global",blocker="clock of node n"} 1"#).await;
    put(&client, "/rocks-gc/7/clocks/nodes/n", clock(NOON + 60_000)).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(points(&client, Scope::Global).await, (AT_NOON, AT_NOON), "the barrier is alive in its last second");
    put(&client, "/rocks-gc/7/clocks/nodes/n", clock(NOON + 61_000)).await;
    let later = AT_NOON + (61_000 << 18);
    until(&client, Scope::Global, (later, later)).await;
    delete(&client, "/rocks-gc/7/clocks/nodes/n").await;
    sleep(Duration::from_millis(1000)).await;
    let (t, _) = points(&client, Scope::Global).await;
    assert!(t > later && t < later + (60_000 << 18), "alone, it goes on by its monotonic clock: {} ms", (t - later) >> 18);
    ahead.stop().await;
}

#[tokio::test]
async fn when_a_leader_goes_another_leads() {
    let etcd = Etcd::start(3).await;
    let client = etcd.client().await;
    let [one, two] = [Running::start(&client, "one", NOON), Running::start(&client, "two", NOON + 1000)];
    until(&client, Scope::Global, (AT_NOON, AT_NOON)).await;
    let one_leads = one.metric("rocks_gc_worker_leads 1");
    let (leader, other) = if one_leads { (one, two) } else { (two, one) };
    assert!(other.metric("rocks_gc_worker_leads 0"));
    leader.stop().await;
    other.until_metric("rocks_gc_worker_leads 1").await;
    other.stop().await;
    assert_eq!(client.list(&[Keys::Prefix("/rocks-gc/7/".into())]).await.unwrap().entries, [], "their leases are revoked");
}

#[tokio::test]
async fn a_leader_that_slept_writes_nothing() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let lease = client.lease(Duration::from_secs(60)).await.unwrap();
    let lead = |id| Txn {
        puts: vec![Put { lease: Some(id), ..Put::new("/rocks-gc/7/worker/leader".into(), r#"{"worker":"w","since":1}"#) }],
        ..Txn::default()
    };
    assert!(client.commit(&lead(lease.id())).await.unwrap());
    let asleep = Reading::take(&client).await.unwrap();
    let metrics = Metrics::new();
    let mut round = Round { client: &client, lease: &lease, reading: asleep.clone(), metrics: &metrics };
    let now = |unix_ms| Now { unix_ms, held_by: None };
    round.run(&now(NOON), LIFE_MS).await.unwrap();
    assert_eq!(points(&client, Scope::Global).await, (AT_NOON, AT_NOON));
    // It sleeps here. Its lease ends, and another worker leads; this side does not know.
    let other = client.lease(Duration::from_secs(60)).await.unwrap();
    assert!(client.commit(&lead(other.id())).await.unwrap());
    let before = client.list(&[Keys::Prefix("/".into())]).await.unwrap();
    for reading in [round.reading, asleep] {
        let mut round = Round { client: &client, lease: &lease, reading, metrics: &metrics };
        let error = round.run(&now(NOON + 5000), LIFE_MS).await.unwrap_err();
        assert_eq!(error.to_string(), "another worker leads now");
    }
    assert_eq!(client.list(&[Keys::Prefix("/".into())]).await.unwrap().revision, before.revision, "nothing was written");
}

#[tokio::test]
async fn what_comes_between_read_and_write_is_not_passed() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let lease = client.lease(Duration::from_secs(60)).await.unwrap();
    let puts = vec![Put { lease: Some(lease.id()), ..Put::new("/rocks-gc/7/worker/leader".into(), r#"{"worker":"w","since":1}"#) }];
    assert!(client.commit(&Txn { puts, ..Txn::default() }).await.unwrap());
    let metrics = Metrics::new();
    let round = async |reading: Reading| {
        let mut round = Round { client: &client, lease: &lease, reading, metrics: &metrics };
        let report = round.run(&Now { unix_ms: NOON, held_by: None }, LIFE_MS).await.unwrap();
        let global = report.scopes.get(&Scope::Global).unwrap().clone();
        assert_eq!(points(&client, Scope::Global).await, (global.txn_safe_point, global.gc_safe_point));
        (global.txn_safe_point, global.gc_safe_point, global.held)
    };
    let read = async || Reading::take(&client).await.unwrap();
    let barrier = "/pd/7/gc/safe_point/service/b";
    for (revision, timestamp) in [("1", 9), ("7", 10)] {
        // A barrier, by PD's rules: once without a revision, once with one.
        delete(&client, barrier).await;
        let reading = read().await;
        put(&client, barrier, format!(r#"{{"service_id":"b","expired_at":0,"safe_point":{timestamp}}}"#)).await;
        put(&client, "/pd/7/gc/gc_state_revision", revision).await;
        assert_eq!(round(reading).await, (timestamp, timestamp, vec![Held::Barrier("b".into())]));
    }
    // A start timestamp, which is written without the revision.
    delete(&client, barrier).await;
    let reading = read().await;
    put(&client, "/tidb/server/minstartts/i", "20").await;
    assert_eq!(round(reading).await, (20, 20, vec![Held::Instance("i".into())]));
    // A node, which has resolved nothing.
    delete(&client, "/tidb/server/minstartts/i").await;
    let reading = read().await;
    put(&client, "/rocks-gc/7/nodes/n", r#"{"role":"primary","versions":{},"since":1,"epoch":5}"#).await;
    assert_eq!(round(reading).await, (AT_NOON, 20, vec![Held::Node("n".into())]));
    // A PD.
    let reading = read().await;
    delete(&client, "/rocks-gc/7/nodes/n").await;
    put(&client, "/pd/7/leader", "a PD").await;
    let mut late = Round { client: &client, lease: &lease, reading, metrics: &metrics };
    let error = late.run(&Now { unix_ms: NOON + 1000, held_by: None }, LIFE_MS).await.unwrap_err();
    assert_eq!(error.to_string(), "a PD leads now; only PD writes safe points");
    assert_eq!(points(&client, Scope::Global).await, (AT_NOON, 20));
}

#[tokio::test]
async fn a_safe_point_that_goes_back_in_etcd_is_told_and_goes_up_again() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let worker = Running::start(&client, "w", NOON);
    until(&client, Scope::Global, (AT_NOON, AT_NOON)).await;
    worker.until_metric("rocks_gc_worker_rounds_total 2").await;
    put(&client, "/pd/7/gc/safe_point", "5").await;
    worker.until_metric("rocks_gc_worker_safe_points_went_back_total 1").await;
    until(&client, Scope::Global, (AT_NOON, AT_NOON)).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_scope_in_which_others_write_all_the_time_holds_up_no_other() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    for id in 1..=40 {
        put(&client, &format!("/pd/7/keyspaces/meta/{id:08}"), KEYSPACE_LEVEL).await;
    }
    let busy = {
        let client = client.clone();
        tokio::spawn(async move {
            for start in 0.. {
                put(&client, "/keyspaces/tidb/7/tidb/server/minstartts/i", (u64::MAX - start).to_string()).await;
            }
        })
    };
    let worker = Running::start(&client, "w", NOON);
    for id in (1..=40).filter(|id| *id != 7) {
        until(&client, keyspace(id), (AT_NOON, AT_NOON)).await;
    }
    assert!(!worker.metric("rocks_gc_worker_refused_transactions_total 0"));
    busy.abort();
    until(&client, keyspace(7), (AT_NOON, AT_NOON)).await;
    worker.stop().await;
}
