//! The client against a real etcd that runs.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use rocks_gc_fleet::etcd::{Batch, Client, Compare, Ended, Keys, Put, Txn};
use std::time::Duration;
use support::{Etcd, put};
use tokio::time::timeout;

fn prefix(text: &str) -> Keys {
    Keys::Prefix(text.into())
}

fn one(text: &str) -> Keys {
    Keys::One(text.into())
}

async fn put_many(client: &Client, which: std::ops::Range<usize>, value: &str) {
    let keys: Vec<String> = which.map(|i| format!("/many/{i:05}")).collect();
    for keys in keys.chunks(128) {
        let puts = keys.iter().map(|key| Put::new(key.clone(), value)).collect();
        assert!(client.commit(&Txn { puts, ..Txn::default() }).await.unwrap());
    }
}

#[tokio::test]
async fn five_thousand_keys_are_listed_at_one_revision_while_others_write_and_compact() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put_many(&client, 0..5000, "a").await;
    put(&client, "/other", "b").await;
    let (writer, mut raw) = (client.clone(), etcd.raw().await);
    let disturbing = tokio::spawn(async move {
        for block in (0..39).rev().cycle() {
            put_many(&writer, block * 128..(block + 1) * 128, "c").await;
            if block % 8 > 0 {
                continue;
            }
            let revision = writer.list(&[one("/other")]).await.unwrap().revision;
            raw.compact(revision, None).await.unwrap();
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    });
    for _ in 0..40 {
        let listing = client.list(&[prefix("/many/"), one("/other"), one("/none")]).await.unwrap();
        assert_eq!(listing.entries.len(), 5001);
        assert!(listing.entries.iter().all(|entry| entry.mod_revision <= listing.revision && entry.create_revision > 0));
        let keys: Vec<_> = listing.entries.iter().map(|entry| entry.key.clone()).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "none twice");
        // A transaction writes 128 keys: at one revision all of them have the same one.
        let first = |from: usize| listing.entries.get(from).unwrap().mod_revision;
        for (at, entry) in listing.entries.iter().take(4992).enumerate() {
            assert_eq!(entry.mod_revision, first(at / 128 * 128), "{at}");
        }
    }
    disturbing.abort();
}

#[tokio::test]
async fn a_watch_tells_puts_and_deletions_of_all_its_keys_from_the_revision_on() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/a/1", "old").await;
    let revision = client.list(&[prefix("/a/")]).await.unwrap().revision;
    put(&client, "/a/2", "before the watch").await;
    let mut watch = client.watch(&[prefix("/a/"), one("/b")], revision + 1).await.unwrap();
    put(&client, "/bb", "not watched").await;
    put(&client, "/b", "x").await;
    let deletes = vec![prefix("/a/")];
    assert!(client.commit(&Txn { deletes, ..Txn::default() }).await.unwrap());
    let mut told = Vec::new();
    while told.len() < 4 {
        let Batch { changes, revision } = timeout(Duration::from_secs(5), watch.next()).await.unwrap().unwrap();
        assert_eq!(changes.iter().map(|change| change.mod_revision).max(), Some(revision));
        told.extend(changes.into_iter().map(|change| (change.mod_revision, String::from_utf8(change.key).unwrap(), change.value)));
    }
    told.sort();
    let told: Vec<_> = told.iter().map(|(_, key, value)| (key.as_str(), value.as_deref())).collect();
    assert_eq!(told, [("/a/2", Some(&b"before the watch"[..])), ("/b", Some(b"x")), ("/a/1", None), ("/a/2", None)]);
    let silent = timeout(Duration::from_secs(6), watch.next()).await;
    assert!(silent.is_err(), "a watch without changes stays: {silent:?}");
}

#[tokio::test]
async fn a_watch_from_a_compacted_revision_says_so() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put_many(&client, 0..300, "a").await;
    let revision = client.list(&[prefix("/many/")]).await.unwrap().revision;
    etcd.raw().await.compact(revision, None).await.unwrap();
    let mut watch = client.watch(&[prefix("/many/")], 2).await.unwrap();
    assert_eq!(watch.next().await, Err(Ended::Compacted(revision)));
}

#[tokio::test]
async fn compares_refuse_or_let_pass() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/a/1", "x").await;
    put(&client, "/a/1", "y").await;
    let listing = client.list(&[prefix("/a/")]).await.unwrap();
    let entry = listing.entries.first().unwrap();
    let commit = async |compares: &[Compare]| {
        let txn = Txn { compares: compares.to_vec(), puts: vec![Put::new("/z".into(), "z")], ..Txn::default() };
        client.commit(&txn).await.unwrap()
    };
    let key = || "/a/1".to_owned();
    assert!(commit(&[Compare::Value(key(), b"y".to_vec()), Compare::Absent("/a/2".into())]).await);
    assert!(!commit(&[Compare::Value(key(), b"x".to_vec())]).await);
    assert!(!commit(&[Compare::Value("/a/2".into(), Vec::new())]).await, "absent is not empty");
    assert!(!commit(&[Compare::Absent(key())]).await);
    assert!(commit(&[Compare::ModRevision(key(), entry.mod_revision), Compare::CreateRevision(key(), entry.create_revision)]).await);
    assert!(!commit(&[Compare::ModRevision(key(), entry.create_revision)]).await);
    assert!(!commit(&[Compare::CreateRevision(key(), entry.mod_revision)]).await);
    let unchanged = [Compare::NotWrittenSince(prefix("/a/"), listing.revision)];
    assert!(commit(&unchanged).await);
    assert!(commit(&[Compare::NotWrittenSince(prefix("/none/"), 1)]).await);
    put(&client, "/a/2", "new").await;
    assert!(!commit(&unchanged).await, "a new key");
    let too_many = Txn { puts: (0..129).map(|i| Put::new(format!("/{i}"), "")).collect(), ..Txn::default() };
    assert_eq!(client.commit(&too_many).await.unwrap_err().to_string(), "a transaction has 129 operations; etcd takes 128");
}

#[tokio::test]
async fn a_lease_is_renewed_and_lost_when_it_is_revoked() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let lease = client.lease(Duration::from_secs(2)).await.unwrap();
    let puts = vec![Put { lease: Some(lease.id()), ..Put::new("/leased".into(), "x") }];
    assert!(client.commit(&Txn { puts, ..Txn::default() }).await.unwrap());
    assert!(timeout(Duration::from_secs(5), lease.lost()).await.is_err(), "it is renewed");
    let entries = client.list(&[one("/leased")]).await.unwrap().entries;
    assert_eq!(entries.first().map(|entry| entry.lease), Some(lease.id()));
    assert!(lease.is_alive());
    client.revoke(lease.id()).await.unwrap();
    timeout(Duration::from_secs(2), lease.lost()).await.unwrap();
    assert!(!lease.is_alive());
    assert_eq!(client.list(&[one("/leased")]).await.unwrap().entries, []);
    lease.revoke().await.unwrap();
}

#[tokio::test]
async fn the_time_to_live_of_a_lease_is_known_in_its_last_second() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let lease = etcd.raw().await.lease_grant(3, None).await.unwrap().id();
    tokio::time::sleep(Duration::from_millis(2300)).await;
    assert_eq!(client.time_to_live(lease).await.unwrap(), Some(Duration::from_secs(3)), "its holder may still renew it");
    client.revoke(lease).await.unwrap();
    assert_eq!(client.time_to_live(lease).await.unwrap(), None);
}

#[test]
fn settings_are_checked_without_a_connection() {
    let good = support::settings(vec!["http://203.0.113.1:1".into()]);
    assert_eq!(good.check(), Ok(()));
    for endpoints in [vec![], vec!["203.0.113.1:1".to_owned()], vec!["https://203.0.113.1:1".to_owned()]] {
        assert!(support::settings(endpoints.clone()).check().is_err(), "{endpoints:?}");
    }
}
