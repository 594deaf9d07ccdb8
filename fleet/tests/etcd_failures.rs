//! The client against an etcd that is away, stopped, full, or does not let it in.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use etcd_client::{AlarmAction, AlarmType, Permission};
use rocks_gc_fleet::etcd::{Client, Ended, Keys, Put, Secret, Settings, Tls, Txn};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use support::access::{Certificates, PASSWORD, add_user};
use support::{Etcd, free_port, put, settings};
use tokio::time::timeout;

fn a() -> Keys {
    Keys::Prefix("/a/".into())
}

async fn refused(settings: &Settings) -> String {
    match timeout(Duration::from_secs(20), Client::connect(settings)).await.unwrap() {
        Ok(_) => "it is not refused".into(),
        Err(error) => error.to_string(),
    }
}

fn says(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} lacks one of {parts:?}");
    assert!(!text.contains('\n') && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn endpoints_that_no_etcd_serves() {
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    says(&refused(&settings(vec![nowhere.clone()])).await, &[&nowhere, "cannot connect", "no process listens there"]);
    says(&refused(&settings(vec!["http://no-such-host.invalid:1".into()])).await, &["no-such-host", "the host name is unknown"]);
    for bad in ["127.0.0.1:2379", "ftp://127.0.0.1:1", ""] {
        says(&refused(&settings(vec![bad.into()])).await, &["is not a URL such as http://127.0.0.1:2379"]);
    }
    says(&refused(&settings(vec!["https://127.0.0.1:1".into()])).await, &["begins with https", "CA"]);
    says(&refused(&settings(vec![])).await, &["no endpoint of etcd is given"]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let impatient = Settings { call_timeout: Duration::from_millis(300), ..settings(vec![endpoint.clone()]) };
    says(&refused(&impatient).await, &[&endpoint, "no answer within 300 ms"]);
    std::thread::spawn(move || {
        for stream in silent.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            // The client closes: else it may see a broken pipe before it sees the answer.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    says(&refused(&settings(vec![endpoint.clone()])).await, &[&endpoint, "does not speak etcd's protocol"]);
}

#[tokio::test]
async fn an_endpoint_of_another_etcd_is_refused_when_it_is_reached() {
    let (mut one, other) = (Etcd::start(1).await, Etcd::start_with(1, &["--initial-cluster-token", "other"]).await);
    let client = Client::connect(&settings(vec![one.endpoint(0), other.endpoint(0)])).await.unwrap();
    one.kill(0);
    let error = loop {
        let error = client.list(&[a()]).await.unwrap_err().to_string();
        if error.contains(&other.endpoint(0)) {
            break error;
        }
    };
    says(&error, &["belongs to another etcd cluster"]);
    assert!(client.commit(&Txn { puts: vec![Put::new("/a/1".into(), "x")], ..Txn::default() }).await.is_err());
    assert_eq!(other.client().await.list(&[a()]).await.unwrap().entries, []);
}

#[tokio::test]
async fn a_member_that_dies_is_left_for_another() {
    let mut etcd = Etcd::start(3).await;
    let client = etcd.client().await;
    put(&client, "/a/1", "x").await;
    let revision = client.list(&[a()]).await.unwrap().revision;
    let mut watch = client.watch(&[a()], revision + 1).await.unwrap();
    let lease = client.lease(Duration::from_secs(5)).await.unwrap();
    etcd.kill(0);
    let ended = timeout(Duration::from_secs(5), watch.next()).await.unwrap().unwrap_err();
    assert!(matches!(&ended, Ended::Disconnected(error) if error.to_string().contains(&etcd.endpoint(0))), "{ended}");
    assert_eq!(client.list(&[a()]).await.unwrap().entries.len(), 1);
    put(&client, "/a/2", "y").await;
    assert!(timeout(Duration::from_secs(8), lease.lost()).await.is_err(), "another member renews the lease");
    let mut watch = client.watch(&[a()], revision + 1).await.unwrap();
    assert_eq!(watch.next().await.unwrap().changes.len(), 1);
}

#[tokio::test]
async fn a_stopped_member_is_noticed_and_the_lease_counts_as_lost_in_time() {
    let etcd = Etcd::start(1).await;
    let patient = Settings { call_timeout: Duration::from_secs(60), ..etcd.settings() };
    let client = Client::connect(&patient).await.unwrap();
    let mut watch = client.watch(&[a()], 1).await.unwrap();
    let lease = client.lease(Duration::from_secs(3)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    etcd.stop(0);
    let stopped = Instant::now();
    let (lost, ended) = tokio::join!(timeout(Duration::from_secs(4), lease.lost()), watch.next());
    let ended = ended.unwrap_err();
    assert!(lost.is_ok());
    says(&ended.to_string(), &["the watch lost its connection", "watch /a/", "no answer within 4000 ms"]);
    assert!(stopped.elapsed() < Duration::from_secs(7), "{:?}", stopped.elapsed());
    assert!(!lease.is_alive());
    etcd.go_on(0);
    let client = etcd.client().await;
    assert!(client.list(&[a()]).await.is_ok());
}

#[tokio::test]
async fn a_call_to_a_stopped_member_goes_to_the_next_endpoint() {
    let etcd = Etcd::start(3).await;
    let client = Client::connect(&Settings { call_timeout: Duration::from_secs(1), ..etcd.settings() }).await.unwrap();
    put(&client, "/a/1", "x").await;
    etcd.stop(0);
    let answer = timeout(Duration::from_secs(10), async {
        loop {
            // While the others elect a leader, they answer with errors.
            if let Ok(listing) = client.list(&[a()]).await {
                break listing;
            }
        }
    });
    assert_eq!(answer.await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn a_lease_outlives_a_stopped_member_even_with_patient_calls() {
    let etcd = Etcd::start(3).await;
    let client = Client::connect(&Settings { call_timeout: Duration::from_secs(60), ..etcd.settings() }).await.unwrap();
    let lease = client.lease(Duration::from_secs(9)).await.unwrap();
    etcd.stop(0);
    assert!(timeout(Duration::from_secs(12), lease.lost()).await.is_err());
}

#[tokio::test]
async fn a_full_etcd_says_what_to_do() {
    let etcd = Etcd::start_with(1, &["--quota-backend-bytes", "3000000"]).await;
    let client = etcd.client().await;
    let large = vec![0; 1_000_000];
    let error = loop {
        let txn = Txn { puts: vec![Put::new("/a/large".into(), large.clone())], ..Txn::default() };
        if let Err(error) = client.commit(&txn).await {
            break error.to_string();
        }
    };
    says(&error, &["cannot write /a/large", "etcd is full (NOSPACE)", "defragment"]);
    assert!(client.list(&[a()]).await.is_ok(), "reads go on");
    let alarms = etcd.raw().await.alarm(AlarmAction::Get, AlarmType::None, None).await.unwrap();
    assert_eq!(alarms.alarms().len(), 1);
}

#[tokio::test]
async fn users_without_password_or_permission_are_told_apart() {
    let etcd = Etcd::start(1).await;
    let mut raw = etcd.raw().await;
    add_user(&mut raw, "root", []).await;
    add_user(&mut raw, "reader", [Permission::read("/a/").with_prefix()]).await;
    raw.auth_enable().await.unwrap();
    let as_user = |name: &str, password: &str| Settings { user: Some((name.into(), Secret::new(password.into()))), ..etcd.settings() };

    let anonymous = Client::connect(&etcd.settings()).await.unwrap();
    says(&anonymous.list(&[a()]).await.unwrap_err().to_string(), &["cannot list /a/", "give a name and a password file"]);
    says(&refused(&as_user("root", "secret2")).await, &["cannot connect", "check the user's name and the password file"]);
    let reader = Client::connect(&as_user("reader", PASSWORD)).await.unwrap();
    assert_eq!(reader.list(&[a()]).await.unwrap().entries, []);
    says(&reader.list(&[Keys::One("/b".into())]).await.unwrap_err().to_string(), &["cannot list /b", "permission denied", "grant"]);
    let write = Txn { puts: vec![Put::new("/a/1".into(), "x")], ..Txn::default() };
    says(&reader.commit(&write).await.unwrap_err().to_string(), &["cannot write /a/1", "permission denied"]);
    let mut watch = reader.watch(&[Keys::Prefix("/b/".into())], 1).await.unwrap();
    let ended = timeout(Duration::from_secs(5), watch.next()).await.unwrap().unwrap_err();
    assert!(matches!(ended, Ended::Cancelled(_)));
    says(&ended.to_string(), &["cannot watch /b/", "permission denied"]);
    let root = Client::connect(&as_user("root", PASSWORD)).await.unwrap();
    assert!(root.commit(&write).await.unwrap());
    assert!(!format!("{:?}", as_user("root", PASSWORD)).contains("secret"));
    let no_users = Etcd::start(1).await;
    let settings = Settings { user: as_user("root", PASSWORD).user, ..no_users.settings() };
    says(&refused(&settings).await, &["leave the user out"]);
}

#[tokio::test]
async fn tls_with_the_right_certificates_only() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let tls = ours.write(folder.path(), "etcd.example");
    let foreign = theirs.write(folder.path(), "foreign.example");
    let path = |path: &Option<std::path::PathBuf>| path.clone().unwrap().display().to_string();
    let (cert, key, ca) = (path(&tls.cert), path(&tls.key), tls.ca.display().to_string());
    let arguments = ["--cert-file", &cert, "--key-file", &key, "--client-cert-auth", "--trusted-ca-file", &ca];
    let etcd = Etcd::spawn(1, "https", &arguments);
    let with = |tls: Tls| Settings { tls: Some(tls), ..etcd.settings() };
    let right = Tls { domain: Some("etcd.example".into()), ..tls };

    let client = etcd.wait(&with(right.clone())).await;
    put(&client, "/a/1", "x").await;
    says(&refused(&with(Tls { domain: None, ..right.clone() })).await, &["the CA file or the server name does not fit"]);
    says(&refused(&with(Tls { ca: foreign.ca.clone(), ..right.clone() })).await, &["the CA file or the server name does not fit"]);
    let without = Tls { cert: None, key: None, ..right.clone() };
    says(&refused(&with(without.clone())).await, &["client certificate"]);
    let stranger = Tls { cert: foreign.cert, key: foreign.key, ..right.clone() };
    says(&refused(&with(stranger)).await, &["client certificate"]);
    says(&refused(&with(Tls { key: None, ..right.clone() })).await, &["must be given together"]);
    says(&refused(&with(Tls { ca: "/none.pem".into(), ..right.clone() })).await, &["the CA file /none.pem cannot be read"]);
    let plain = etcd.endpoint(0).replace("https", "http");
    says(&refused(&settings(vec![plain.clone()])).await, &[&plain, "may speak TLS"]);
    let no_tls = Etcd::start(1).await;
    let https = no_tls.endpoint(0).replace("http", "https");
    says(&refused(&Settings { tls: Some(without), ..settings(vec![https]) }).await, &["not speak TLS"]);
}

#[test]
fn a_password_file_without_a_password_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    for (content, is_good) in [(&b"secret\n"[..], true), (b"", false), (b"\nsecret", false), (b"\xff", false)] {
        std::fs::write(&path, content).unwrap();
        let read = Secret::from_file(&path);
        assert_eq!(read.is_ok(), is_good, "{content:?}");
        assert!(!format!("{read:?}").contains("secret"));
    }
    assert!(Secret::from_file(Path::new("/none")).unwrap_err().to_string().contains("/none cannot be read"));
}
