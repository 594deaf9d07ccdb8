//! The command `rocks-gc` as a process.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use rocks_gc_fleet::etcd::Keys;
use rocks_gc_fleet::layout::id::Scope;
use rocks_gc_fleet::protocol::etcd::Key;
use rocks_gc_fleet::translate::{Reading, number};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::Duration;
use support::worker_process::{Worker, leader, rocks_gc, until_leader};
use support::{Etcd, free_port, put, signal};
use tokio::time::{Instant, sleep};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it prints; it must succeed.
fn said(etcd: &Etcd, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = rocks_gc(etcd, arguments).output().unwrap();
    assert!(status.success(), "{arguments:?}: {}", text(&stderr));
    text(&stdout)
}

/// Its error: one line, and exit code 1.
fn error(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stderr = text(&stderr);
    assert_eq!((status.code(), stdout.len()), (Some(1), 0), "{stderr}");
    assert!(stderr.starts_with("rocks-gc: ") && stderr.ends_with('\n') && stderr.lines().count() == 1, "{stderr}");
    stderr
}

#[tokio::test]
async fn an_operator_s_day() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    assert!(
        said(&etcd, &["keyspace", "create", "a", "b", "--config", "gc_management_type=keyspace_level"])
            .starts_with("1 a ENABLED safe point: own")
    );
    assert_eq!(said(&etcd, &["schema", "create", "a", "s"]), "1\n");
    assert_eq!(said(&etcd, &["schema", "create", "a", "t"]), "2\n");
    assert_eq!(said(&etcd, &["schema", "drop", "a", "s"]), "schema 1 is dropped; fenced: -\n");
    assert_eq!(said(&etcd, &["schema", "dropped", "a"]), "1\n");
    assert!(said(&etcd, &["schema", "list", "a"]).contains("2"));
    assert!(
        said(&etcd, &["barrier", "set", "backup", "--keyspace", "a", "--timestamp", "456139133457530881", "--ttl", "1h"])
            .contains("456139133457530881")
    );
    assert!(said(&etcd, &["barrier", "set", "every", "--all", "--timestamp", "456139133457530882", "--ttl", "never"]).contains("all"));
    put(&client, "/rocks-gc/7/schemas/1/orders/9", r#"{"action":"drop","nodes":{"gone":5}}"#).await;
    assert!(said(&etcd, &["fence", "gone", "--why", "x"]).starts_with("node gone is fenced (epoch 5)"));
    said(&etcd, &["schema", "wait", "a", "9", "--deadline", "30s"]);
    put(&client, "/rocks-gc/7/ranges/done/old/1", r#"{"start":"61","end":"62","timestamp":5,"swept_by":["n7","n8"]}"#).await;
    assert!(said(&etcd, &["range", "list"]).contains("n7, n8"));
    said(&etcd, &["range", "add", "job", "1", "--start", "7a7800000161", "--end", "7a7800000162", "--timestamp", "5"]);
    assert!(said(&etcd, &["range", "list"]).contains("7a7800000161"));
    let worker = Worker::start(&etcd, "w", &[]);
    until_leader(&client, Some("w")).await;
    let begin = Instant::now();
    let json = loop {
        let json: serde_json::Value = serde_json::from_str(&said(&etcd, &["status", "--json"])).unwrap();
        if json["scopes"][1]["gc_safe_point"].as_u64() == Some(456_139_133_457_530_881) {
            break json;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{json:#}");
    };
    assert_eq!(json["scopes"][1]["held_by"].to_string(), r#"["barrier backup"]"#);
    assert_eq!(json["scopes"][2]["held_by"].to_string(), r#"["global barrier every"]"#);
    let table = said(&etcd, &["status"]);
    assert!(table.contains("worker w leads") && table.contains("barrier backup") && table.contains("1 are due"), "{table}");
    assert!(said(&etcd, &["barrier", "list"]).contains("backup"));
    said(&etcd, &["barrier", "delete", "backup", "--keyspace", "a"]);
    assert!(said(&etcd, &["keyspace", "set-state", "b", "disabled"]).contains("DISABLED"));
    said(&etcd, &["keyspace", "set-state", "b", "archived"]);
    said(&etcd, &["keyspace", "remove", "b"]);
    assert!(said(&etcd, &["keyspace", "show", "a"]).contains("gc_management_type=keyspace_level"));
    assert!(!said(&etcd, &["keyspace", "list"]).contains("ARCHIVED"));
    drop(worker);
}

#[tokio::test]
async fn errors_are_one_line() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/alloc_id", "x").await;
    for (arguments, says) in [
        (&["keyspace", "show", "none"][..], "no keyspace has the name"),
        (&["fence", "none", "--why", "x"], "no node is registered"),
        (&["barrier", "set", "b", "--timestamp", "0", "--ttl", "0s"], "time to live must be above 0"),
        (&["range", "add", "j", "1", "--start", "62", "--end", "61", "--timestamp", "1"], "inverted"),
        (&["worker", "--name", "a/b"], "is not 1 to 64 letters"),
        (&["worker", "--name", "a", "--metrics", "203.0.113.1:1"], "choose another address"),
        (&["status", "--cert", "/none"], "need --cacert"),
        (&["status", "--user", "u", "--password-file", "/none"], "the password file /none cannot be read"),
    ] {
        let error = error(&mut rocks_gc(&etcd, arguments));
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_rocks-gc"));
    assert!(error(command.arg("status").env("ROCKS_GC_ENDPOINTS", nowhere)).contains("no process listens there"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_rocks-gc"));
    let other = error(command.args(["status", "--cluster", "8", "--endpoints", &etcd.endpoint(0)]));
    assert!(other.contains("etcd holds nothing of cluster 8, but of cluster 7"), "{other}");
    let usage = rocks_gc(&etcd, &["status", "--password", "secret"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2), "a password is no argument");
    let usage = rocks_gc(&etcd, &["status", "--password-file", "/none"]).output().unwrap();
    assert!(usage.status.code() == Some(2) && text(&usage.stderr).contains("--user"), "a password without a user");
}

#[tokio::test]
async fn a_stopped_leader_that_goes_on_writes_nothing() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let one = Worker::start(&etcd, "one", &["--gc-life-time", "0s"]);
    until_leader(&client, Some("one")).await;
    let two = Worker::start(&etcd, "two", &["--gc-life-time", "1h"]);
    sleep(Duration::from_millis(300)).await;
    signal(one.0.id(), "STOP");
    until_leader(&client, Some("two")).await;
    let points = async || {
        let read = Reading::take(&client).await.unwrap();
        let of = number(Scope::Global);
        (read.snapshot.number(Key::Txn(of)), read.snapshot.number(Key::Gc(of)))
    };
    let before = points().await;
    assert!(before.0 > 0 && before.0 == before.1, "{before:?}");
    signal(one.0.id(), "CONT");
    sleep(Duration::from_secs(3)).await;
    // Two would move T to an hour ago: it stays. One would move it to now.
    assert_eq!(points().await, before);
    assert_eq!(leader(&client).await.as_deref(), Some("two"));
    signal(two.0.id(), "TERM");
    until_leader(&client, Some("one")).await;
}

#[tokio::test]
async fn metrics_are_served_and_a_terminated_worker_gives_up_its_lease() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let address = format!("127.0.0.1:{}", free_port());
    let mut worker = Worker::start(&etcd, "w", &["--metrics", &address]);
    until_leader(&client, Some("w")).await;
    let begin = Instant::now();
    let answer = loop {
        let mut answer = String::new();
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_string(&mut answer).unwrap();
        if answer.contains("rocks_gc_worker_leads 1") && answer.contains(r#"gc_safe_point_age_seconds{scope="global"} 60"#) {
            break answer;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{answer}");
        sleep(Duration::from_millis(50)).await;
    };
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("application/openmetrics-text") && answer.trim_end().ends_with("# EOF"),
        "{answer}"
    );
    signal(worker.0.id(), "TERM");
    assert!(worker.0.wait().unwrap().success());
    assert_eq!(client.list(&[Keys::Prefix("/rocks-gc/7/".into())]).await.unwrap().entries, []);
}
