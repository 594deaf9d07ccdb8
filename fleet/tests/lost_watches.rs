//! A follower whose watch ends under it: it lists everything anew, and keeps nothing stale.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

#[path = "remembering/fleet.rs"]
mod fleet;
mod remembering;
mod support;

use fleet::{Fleet, eventually};
use rocks_gc_fleet::etcd::{Client, Keys, Settings};
use rocks_gc_fleet::layout::id::KeyspaceId;
use rocks_gc_fleet::layout::pd_value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use support::c_follower::{CFollower, meta};
use support::worker::delete;
use support::{Etcd, put};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const NODE: &str = "/rocks-gc/7/nodes/n1";
const T: &str = "/keyspaces/tidb/1/tidb/store/gcworker/saved_safe_point";

fn meta_key(id: u8) -> String {
    format!("/pd/7/keyspaces/meta/0000000{id}")
}

async fn put_gc(client: &Client, id: u8, ts: u64) {
    let value = pd_value::safe_point(KeyspaceId::new(id.into()).unwrap(), ts).unwrap();
    put(client, &format!("/pd/7/keyspaces/gc_safe_point/0000000{id}"), value).await;
}

/// Keyspaces 1 and 2, each with G = 10; T of keyspace 1 is 20.
async fn filled() -> (Etcd, Client) {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    for id in [1, 2] {
        put(&client, &meta_key(id), meta(id)).await;
        put_gc(&client, id, 10).await;
    }
    put(&client, T, "20").await;
    (etcd, client)
}

/// What happens while the follower is stopped: G and T of keyspace 1 move, keyspace 2 vanishes, and
/// more changes than etcd keeps for a watch that does not read. Then all of it is compacted.
async fn much_happens(etcd: &Etcd, client: &Client) {
    let patient = Settings { call_timeout: Duration::from_secs(60), ..etcd.settings() };
    let flood = Client::connect(&patient).await.unwrap();
    let begin = Instant::now();
    let in_time = || assert!(begin.elapsed() < Duration::from_secs(120));
    // A watch counts as slow at its begin too.
    while has_slow_watcher(etcd) {
        in_time();
        sleep(Duration::from_millis(50)).await;
    }
    while !has_slow_watcher(etcd) {
        in_time();
        let mut writes = JoinSet::new();
        for writer in 0..40 {
            let flood = flood.clone();
            writes.spawn(async move {
                for _ in 0..20 {
                    put(&flood, &format!("/rocks-gc/7/schemas/flood/{writer}"), vec![b'x'; 4000]).await;
                }
            });
        }
        writes.join_all().await;
    }
    put(client, T, "40").await;
    put_gc(client, 1, 30).await;
    delete(client, &meta_key(2)).await;
    let revision = client.list(&[Keys::One("x".into())]).await.unwrap().revision;
    etcd.raw().await.compact(revision, None).await.unwrap();
}

/// Is there a watch that does not take its changes?
fn has_slow_watcher(etcd: &Etcd) -> bool {
    let mut stream = TcpStream::connect(etcd.endpoint(0).trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let gauge = answer.lines().find_map(|line| line.strip_prefix("etcd_debugging_mvcc_slow_watcher_total "));
    gauge.unwrap() != "0"
}

fn knows_all(follower: &mut CFollower) {
    follower.until("point 1", |point| point == "30");
    follower.until("status", |status| status.contains("\"paused_keyspaces\":1") && status.contains("\"is_connected\":true"));
    // Nothing of a keyspace without metadata is collected.
    assert_eq!((follower.ask("point 2"), follower.ask("locks 2 1000")), ("0".into(), "0".into()));
    follower.until("locks 1 41", |locks| locks == "1");
    assert_eq!(follower.ask("locks 1 40"), "0");
}

fn epoch(status: &str) -> &str {
    status.split("\"epoch\":").nth(1).unwrap().split(',').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_goes_on_within_its_lease_lists_anew() {
    let (etcd, client) = filled().await;
    let host = CFollower::compile(&etcd.folder());
    let (mut follower, first) = CFollower::start(&host, &etcd, &[("lease_seconds", "600")]);
    assert_eq!(first, "follows");
    follower.until("point 1", |point| point == "10");
    let before = follower.until("status", |status| status.contains("\"is_connected\":true"));
    follower.stop();
    much_happens(&etcd, &client).await;
    follower.go_on();
    follower.until("status", |status| !status.contains("\"last_error\":null"));
    knows_all(&mut follower);
    assert_eq!(epoch(&follower.ask("status")), epoch(&before), "the registration stood");
    assert!(follower.log().contains("lists everything anew"), "{}", follower.log());
}

#[test]
fn a_watch_that_etcd_cancels_by_a_compaction_while_the_library_is_busy() {
    let mut fleet = Fleet::start(1);
    fleet.lease = Duration::from_secs(600);
    fleet.settings.call_timeout = Duration::from_secs(60);
    for id in [1, 2] {
        fleet.put(&meta_key(id), meta(id));
    }
    let follower = fleet.follow(false);
    let epoch = fleet.epoch("n1");
    eventually("it watches", || follower.status().is_connected);
    // The follower waits for the library, and does not read what etcd sends.
    fleet.known.change(|_| {
        fleet.put_gc(fleet::keyspace(1), 10);
        fleet.runtime.block_on(much_happens(&fleet.etcd, &fleet.client));
    });
    fleet.eventually("it knows G", |known| known.own.get(&fleet::id(1)) == Some(&30));
    fleet.eventually("what vanished is paused", |known| known.paused.contains(&fleet::id(2)));
    eventually("its watch ended", || follower.status().last_error.is_some());
    eventually("it watches again", || follower.status().is_connected);
    let why = follower.status().last_error.unwrap();
    assert!(why.contains("etcd has compacted the changes before revision"), "{why}");
    assert_eq!(fleet.epoch("n1"), epoch, "the registration stood");
    fleet.put_gc(fleet::keyspace(1), 31);
    fleet.eventually("it follows", |known| known.own.get(&fleet::id(1)) == Some(&31));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_goes_on_after_its_lease_serves_only_when_it_has_listed_anew() {
    let (etcd, client) = filled().await;
    let host = CFollower::compile(&etcd.folder());
    let (mut follower, first) = CFollower::start(&host, &etcd, &[("lease_seconds", "2")]);
    assert_eq!(first, "follows");
    follower.until("point 1", |point| point == "10");
    let before = follower.until("status", |status| status.contains("\"is_connected\":true"));
    assert_eq!(follower.ask("locks 1 30"), "1");
    follower.stop();
    let begin = Instant::now();
    while !client.list(&[Keys::One(NODE.into())]).await.unwrap().entries.is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(50)).await;
    }
    much_happens(&etcd, &client).await;
    follower.go_on();
    // From its first moment on: T is 40 now, and no worker has waited for this node.
    loop {
        assert_eq!(follower.ask("locks 1 30"), "0", "{}", follower.log());
        if follower.ask("locks 1 41") == "1" {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(120), "{}", follower.log());
    }
    knows_all(&mut follower);
    assert_ne!(epoch(&follower.ask("status")), epoch(&before));
}
