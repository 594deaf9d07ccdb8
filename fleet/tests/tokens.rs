//! A follower and a worker whose tokens expire, or are forgotten by a member that restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "remembering/fleet.rs"]
mod fleet;
mod remembering;
mod support;

use etcd_client::ConnectOptions;
use fleet::*;
use rocks_gc_fleet::etcd::{Client, Secret, Settings};
use rocks_gc_fleet::layout::keyspace_meta::State;
use std::sync::atomic::Ordering;
use std::time::Duration;
use support::Etcd;
use support::access::{PASSWORD, add_user, of_a_node};
use support::worker::{AT_NOON, NOON, Running};
use tokio::runtime::Runtime;

fn user(etcd: &Etcd, name: &str) -> Settings {
    Settings { user: Some((name.into(), Secret::new(PASSWORD.into()))), ..etcd.settings() }
}

/// An etcd that asks for users. The follower is `node`; the test and the worker are `root`.
fn with_users(arguments: &[&str]) -> Fleet {
    let runtime = Runtime::new().unwrap();
    let (etcd, client) = runtime.block_on(async {
        let etcd = Etcd::start_with(1, &[&["--bcrypt-cost", "4"], arguments].concat()).await;
        let mut raw = etcd.raw().await;
        add_user(&mut raw, "root", []).await;
        add_user(&mut raw, "node", of_a_node(support::CLUSTER)).await;
        raw.auth_enable().await.unwrap();
        let client = Client::connect(&user(&etcd, "root")).await.unwrap();
        (etcd, client)
    });
    let settings = user(&etcd, "node");
    let fleet = Fleet { settings, ..Fleet::of(runtime, etcd, client) };
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet
}

/// A token that nothing renews, taken now, has expired: so have those that others took before.
fn until_a_token_expires(fleet: &Fleet) {
    fleet.runtime.block_on(async {
        let options = ConnectOptions::new().with_user("root", PASSWORD);
        let mut once = etcd_client::Client::connect([fleet.etcd.endpoint(0)], Some(options)).await.unwrap();
        for _ in 0..20 {
            // A simple token lives on when it is used, so it rests meanwhile.
            tokio::time::sleep(Duration::from_millis(2500)).await;
            match once.get("x", None).await {
                Ok(_) => {}
                Err(error) => return assert!(error.to_string().contains("invalid auth token"), "{error}"),
            }
        }
        panic!("the token does not expire");
    });
}

#[test]
fn a_follower_and_a_worker_outlive_their_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("jwt.key");
    std::fs::write(&key, "a key of some length, for signatures").unwrap();
    let signed = format!("jwt,priv-key={},sign-method=HS256,ttl=1s", key.display());
    for tokens in [&["--auth-token", &signed][..], &["--auth-token", "simple", "--auth-token-ttl", "1"]] {
        let mut fleet = with_users(tokens);
        fleet.lease = Duration::from_secs(10);
        let follower = fleet.follow(true);
        let epoch = fleet.epoch("n1");
        follower.hold(Some(id(1)), "backup", 50, Duration::from_secs(10), LIMIT).unwrap();
        let worker = fleet.runtime.block_on(async { Running::start(&fleet.client, "w", NOON) });
        for second in 1..=3 {
            until_a_token_expires(&fleet);
            assert!(follower.may_serve() && follower.is_held(Some(id(1)), "backup"), "{tokens:?}");
            worker.clock.0.store(NOON + second * 1000, Ordering::SeqCst);
            fleet.eventually("safe points move on", |known| known.global == AT_NOON + ((second * 1000) << 18));
        }
        let own = fleet.known.get().own;
        assert_eq!((own.get(&id(1)), fleet.epoch("n1"), fleet.host.lost()), (Some(&50), epoch, vec![]), "{tokens:?}");
        fleet.runtime.block_on(worker.stop());
    }
}

#[test]
fn a_member_that_restarts_forgets_tokens_and_no_hold_is_lost() {
    let mut fleet = with_users(&[]);
    fleet.lease = Duration::from_secs(60);
    let follower = fleet.follow(true);
    let epoch = fleet.epoch("n1");
    follower.hold(Some(id(1)), "backup", 50, Duration::from_secs(60), LIMIT).unwrap();
    let worker = fleet.runtime.block_on(async { Running::start(&fleet.client, "w", NOON) });
    fleet.eventually("the worker works", |known| known.global == AT_NOON);
    for second in 1..=2 {
        fleet.etcd.kill(0);
        fleet.etcd.run(0);
        fleet.runtime.block_on(fleet.etcd.wait(&user(&fleet.etcd, "root")));
        worker.clock.0.store(NOON + second * 1000, Ordering::SeqCst);
        fleet.eventually("safe points move on", |known| known.global == AT_NOON + ((second * 1000) << 18));
        assert!(follower.may_serve() && follower.is_held(Some(id(1)), "backup"));
    }
    assert_eq!((fleet.epoch("n1"), fleet.host.lost()), (epoch, vec![]));
    follower.hold(Some(id(1)), "another", 60, Duration::from_secs(60), LIMIT).unwrap();
    let own = fleet.known.get().own;
    assert_eq!(own.get(&id(1)), Some(&50));
    fleet.runtime.block_on(worker.stop());
}

#[test]
fn a_follower_whose_etcd_is_away_longer_than_its_lease_logs_in_as_a_new_epoch() {
    let mut fleet = with_users(&[]);
    let follower = fleet.follow(true);
    let epoch = fleet.epoch("n1");
    follower.hold(Some(id(1)), "backup", 50, Duration::from_secs(3), LIMIT).unwrap();
    fleet.etcd.kill(0);
    eventually("it serves no more", || !follower.may_serve() && !follower.may_lock(Some(id(1)), 1000));
    eventually("the hold is lost", || !follower.is_held(Some(id(1)), "backup"));
    eventually("the host is told", || fleet.host.lost() == [(keyspace(1), "backup".to_owned())]);
    fleet.etcd.run(0);
    fleet.runtime.block_on(fleet.etcd.wait(&user(&fleet.etcd, "root")));
    eventually("it serves again", || follower.may_serve());
    assert_ne!(fleet.epoch("n1"), epoch);
    fleet.put_txn(keyspace(1), 100);
    fleet.put_gc(keyspace(1), 90);
    fleet.eventually("it follows", |known| known.own.get(&id(1)) == Some(&90));
}
