//! A worker whose etcd is full: it moves nothing, says why, and goes on when there is room again.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use etcd_client::{AlarmAction, AlarmOptions, AlarmType};
use rocks_gc_fleet::etcd::{Client, Keys, Put, Txn};
use rocks_gc_fleet::layout::id::Scope;
use std::fs::{File, read_to_string};
use std::path::PathBuf;
use std::time::Duration;
use support::worker::{KEYSPACE_LEVEL, delete, keyspace, points, until};
use support::worker_process::{Worker, leader, rocks_gc, until_leader};
use support::{Etcd, put};
use tokio::time::{Instant, sleep};

const FULL: &str = "etcd is full (NOSPACE): compact and defragment it, then disarm the alarm";

/// Writes until etcd takes no more.
async fn fill(client: &Client) {
    loop {
        let puts = vec![Put::new("/large".into(), vec![0; 500_000])];
        if client.commit(&Txn { puts, ..Txn::default() }).await.is_err() {
            return;
        }
    }
}

/// What an operator does.
async fn make_room(etcd: &Etcd, client: &Client) {
    let revision = client.list(&[Keys::One("x".into())]).await.unwrap().revision;
    let mut raw = etcd.raw().await;
    raw.compact(revision, None).await.unwrap();
    raw.defragment().await.unwrap();
    let alarms = raw.alarm(AlarmAction::Get, AlarmType::None, None).await.unwrap();
    for alarm in alarms.alarms() {
        let mut of = AlarmOptions::new();
        of.with_member(alarm.member_id());
        raw.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(of)).await.unwrap();
    }
}

struct Log(PathBuf);

impl Log {
    fn lines(&self, says: &str) -> usize {
        read_to_string(&self.0).unwrap().lines().filter(|line| line.contains(says)).count()
    }

    /// Waits for more lines that say this.
    async fn until_more(&self, says: &str, more: usize) {
        let (begin, before) = (Instant::now(), self.lines(says));
        while self.lines(says) < before + more {
            assert!(begin.elapsed() < Duration::from_secs(60), "{says}: {}", read_to_string(&self.0).unwrap());
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn a_worker_on_a_full_etcd_moves_nothing_says_so_and_goes_on_when_there_is_room() {
    let etcd = Etcd::start_with(1, &["--quota-backend-bytes", "8000000"]).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/keyspaces/meta/00000001", KEYSPACE_LEVEL).await;
    put(
        &client,
        "/pd/7/keyspaces/service_safe_point/00000001/b",
        r#"{"service_id":"b","expired_at":9223372036854775807,"safe_point":100}"#,
    )
    .await;
    let start = |name: &str| {
        let log = Log(etcd.folder().join(format!("{name}.log")));
        (Worker::start_with_log(&etcd, name, &["--gc-life-time", "0s"], File::create(&log.0).unwrap()), log)
    };
    let (one, log) = start("one");
    until_leader(&client, Some("one")).await;
    until(&client, keyspace(1), (100, 100)).await;

    fill(&client).await;
    log.until_more(FULL, 2).await;
    let before = points(&client, Scope::Global).await;
    assert!(before.0 > 0 && before.1 <= before.0, "{before:?}");
    log.until_more(FULL, 5).await;
    assert_eq!(points(&client, Scope::Global).await, before, "nothing moves");
    assert_eq!(leader(&client).await.as_deref(), Some("one"), "its lease is renewed");
    let status = rocks_gc(&etcd, &["status"]).output().unwrap();
    assert!(status.status.success() && String::from_utf8_lossy(&status.stdout).contains("worker one leads"), "{status:?}");
    make_room(&etcd, &client).await;
    let begin = Instant::now();
    while points(&client, Scope::Global).await.1 <= before.0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not go on: {}", read_to_string(&log.0).unwrap());
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(points(&client, keyspace(1)).await, (100, 100), "the barrier stands");

    // Full again: the one that leads dies, and no other one can begin.
    fill(&client).await;
    log.until_more(FULL, 1).await;
    let (_two, log) = start("two");
    log.until_more(FULL, 1).await;
    drop(one);
    until_leader(&client, None).await;
    let before = points(&client, Scope::Global).await;
    log.until_more("cannot ask for a lease", 1).await;
    assert_eq!(points(&client, Scope::Global).await, before, "nothing moves");
    delete(&client, "/large").await;
    make_room(&etcd, &client).await;
    until_leader(&client, Some("two")).await;
    let begin = Instant::now();
    while points(&client, Scope::Global).await.1 <= before.0 {
        assert!(begin.elapsed() < Duration::from_secs(60), "it does not go on: {}", read_to_string(&log.0).unwrap());
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(points(&client, keyspace(1)).await, (100, 100), "the barrier stands");
}
