//! Between bytes of etcd and `protocol`: what cannot be read stops what it is about.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

use rocks_gc_fleet::etcd::{Compare, Entry, Keys, Listing, Put};
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::protocol::barrier::{self, NEVER};
use rocks_gc_fleet::protocol::etcd::{Key, Txn, Value};
use rocks_gc_fleet::protocol::worker::{advance_gc, advance_txn, campaign, fence};
use rocks_gc_fleet::translate::{Details, Reading, number};

const KEYSPACE_LEVEL: &[u8] = b"\x3a\x24\x0a\x12gc_management_type\x12\x0ekeyspace_level";

fn reading(entries: &[(&str, &[u8])]) -> Reading {
    let entry = |(revision, (key, value)): (i64, &(&str, &[u8]))| Entry {
        key: key.as_bytes().to_vec(),
        value: value.to_vec(),
        lease: if key.contains("leader") || key.contains("nodes") { 0x55 } else { 0 },
        create_revision: revision,
        mod_revision: revision,
    };
    Reading::of(7, &Listing { revision: 100, entries: (10..).zip(entries).map(entry).collect() })
}

fn keyspace(id: u32) -> Scope {
    Scope::Keyspace(KeyspaceId::new(id).unwrap())
}

fn why(reading: &Reading, scope: Scope) -> String {
    reading.check(scope).unwrap_err().to_string()
}

#[test]
fn keys_and_values_of_pd_become_numbers() {
    let read = reading(&[
        ("/pd/7/gc/safe_point", b"654882009e40000"),
        ("/pd/7/gc/gc_state_revision", b"9"),
        ("/pd/7/gc/safe_point/service/a", br#"{"service_id":"a","expired_at":0,"safe_point":456139133457530881}"#),
        ("/pd/7/gc/global_gc_barriers/a", br#"{"barrier_id":"a","barrier_ts":5,"expiration_time":6}"#),
        ("/pd/7/keyspaces/meta/00000042", KEYSPACE_LEVEL),
        ("/pd/7/keyspaces/gc_safe_point/00000042", br#"{"keyspace_id":1,"safe_point":9007199254740993}"#),
        ("/keyspaces/tidb/42/tidb/store/gcworker/saved_safe_point", b"9007199254740995"),
        ("/tidb/server/minstartts/i", b"8"),
        ("/pd/7/unknown", b"?"),
    ]);
    let [a, i] = ["a", "i"].map(|name| read.names.clone().number(name));
    let (global, own) = (number(Scope::Global), number(keyspace(42)));
    for (key, value) in [
        (Key::Gc(global), Value::Number(456_139_133_457_530_880)),
        (Key::Revision, Value::Number(9)),
        (Key::Barrier(Some(global), a), Value::Barrier(456_139_133_457_530_881, NEVER)),
        (Key::Barrier(None, a), Value::Barrier(5, 6)),
        (Key::Gc(own), Value::Number((1 << 53) + 1)),
        (Key::Txn(own), Value::Number((1 << 53) + 3)),
        (Key::MinStart(global, i), Value::Number(8)),
    ] {
        assert_eq!(read.snapshot.get(key), Some(value), "{key:?}");
    }
    assert_eq!(read.scopes(), [Scope::Global, keyspace(42)]);
    assert_eq!(read.check(Scope::Global), Ok(()));
}

#[test]
fn a_bad_value_stops_its_scope_only_and_is_named() {
    for (key, value) in [
        ("/pd/7/keyspaces/service_safe_point/00000042/b", &b"{}"[..]),
        ("/pd/7/keyspaces/gc_safe_point/00000042", b"7"),
        ("/keyspaces/tidb/42/tidb/store/gcworker/saved_safe_point", b"-1"),
        ("/keyspaces/tidb/42/tidb/server/minstartts/i", b"0x1"),
        ("/rocks-gc/7/resolved/n/42", br#"{"txn_safe_point":1}"#),
        ("/pd/7/keyspaces/meta/00000042", b"\xff"),
    ] {
        let read = reading(&[(key, value)]);
        assert_eq!(read.check(Scope::Global), Ok(()), "{key}");
        assert_eq!(read.check(keyspace(41)), Ok(()), "{key}");
        assert!(why(&read, keyspace(42)).contains(key), "{key}");
    }
    let read = reading(&[("/pd/7/gc/safe_point", b"xyz")]);
    assert!(why(&read, Scope::Global).contains("\"xyz\" is not a hexadecimal number"));
    assert_eq!(read.check(keyspace(42)), Ok(()));
}

#[test]
fn a_bad_value_about_everything_and_a_bad_key_of_ours_stop_every_scope() {
    for (key, value) in [
        ("/pd/7/gc/global_gc_barriers/b", &b"{}"[..]),
        ("/pd/7/gc/gc_state_revision", b"x"),
        ("/rocks-gc/7/nodes/n", b"{}"),
        ("/rocks-gc/7/worker/leader", b"x"),
        ("/rocks-gc/7/fenced/n", b"x"),
        ("/rocks-gc/7/lingering/n", b"x"),
        ("/rocks-gc/7/resolved/n/042", br#"{"txn_safe_point":1,"epoch":5}"#),
        ("/pd/7/gc/global_gc_barriers/", b"{}"),
    ] {
        let read = reading(&[(key, value)]);
        assert!(why(&read, Scope::Global).contains(key), "{key}");
        assert!(why(&read, keyspace(42)).contains(key), "{key}");
    }
}

#[test]
fn a_key_with_a_bad_keyspace_stops_all_keyspaces_and_not_the_global_scope() {
    let safe_point = br#"{"keyspace_id":42,"safe_point":1}"#;
    for (key, value) in [
        ("/pd/7/keyspaces/service_safe_point/42/b", &br#"{"service_id":"b","expired_at":0,"safe_point":1}"#[..]),
        ("/pd/7/keyspaces/service_safe_point/00000042", b"{}"),
        ("/pd/7/keyspaces/gc_safe_point/0042", safe_point),
        ("/keyspaces/tidb/00000042/tidb/store/gcworker/saved_safe_point", b"1"),
        ("/keyspaces/tidb/42/tidb/server/minstartts/", b"1"),
        ("/pd/7/keyspaces/meta/16777216", KEYSPACE_LEVEL),
    ] {
        let read = reading(&[(key, value)]);
        assert_eq!(read.check(Scope::Global), Ok(()), "{key}");
        for id in [0, 41, 42] {
            assert!(why(&read, keyspace(id)).contains(key), "{key}");
        }
        assert!(read.errors().any(|error| error.to_string().contains(key)), "status names it");
    }
    for key in ["/pd/7/gc/safe_point/service/", "/tidb/server/minstartts/"] {
        let read = reading(&[(key, b"1")]);
        assert!(why(&read, Scope::Global).contains(key), "{key}");
        assert_eq!(read.check(keyspace(42)), Ok(()), "{key}");
    }
}

const NODE: &[u8] = br#"{"role":"primary","versions":{},"since":1,"epoch":5}"#;

#[test]
fn transactions_have_the_keys_values_and_compares_of_pd() {
    let read = reading(&[
        ("/pd/7/gc/gc_state_revision", b"9"),
        ("/pd/7/keyspaces/meta/00000042", KEYSPACE_LEVEL),
        ("/rocks-gc/7/nodes/n", NODE),
        ("/rocks-gc/7/resolved/n/42", br#"{"txn_safe_point":20,"epoch":5}"#),
        ("/rocks-gc/7/worker/leader", br#"{"worker":"w","since":1}"#),
        ("/keyspaces/tidb/42/tidb/store/gcworker/saved_safe_point", b"30"),
        ("/pd/7/keyspaces/service_safe_point/00000042/old", br#"{"service_id":"old","expired_at":4,"safe_point":1}"#),
    ]);
    let scope = number(keyspace(42));
    let base = |last: Compare| {
        vec![
            Compare::Value("/pd/7/gc/gc_state_revision".into(), b"9".to_vec()),
            Compare::Absent("/pd/7/leader".into()),
            Compare::Lease("/rocks-gc/7/worker/leader".into(), 0x55),
            last,
        ]
    };
    let revision = Put::new("/pd/7/gc/gc_state_revision".into(), "10");
    let built = read.txn(&advance_txn(&read.snapshot, 0x55, scope, 40, 5).txn.unwrap(), &Details::default()).unwrap();
    let instances = Keys::Prefix("/keyspaces/tidb/42/tidb/server/minstartts/".into());
    assert_eq!(built.compares, base(Compare::NotWrittenSince(instances, 100)));
    let t = Put::new("/keyspaces/tidb/42/tidb/store/gcworker/saved_safe_point".into(), "40");
    assert_eq!(built.puts, [revision.clone(), t]);
    assert_eq!(built.deletes, [Keys::One("/pd/7/keyspaces/service_safe_point/00000042/old".into())]);

    let built = read.txn(&advance_gc(&read.snapshot, 0x55, scope).txn.unwrap(), &Details::default()).unwrap();
    assert_eq!(built.compares, base(Compare::NotWrittenSince(Keys::Prefix("/rocks-gc/7/nodes/".into()), 100)));
    let g = Put::new("/pd/7/keyspaces/gc_safe_point/00000042".into(), r#"{"keyspace_id":42,"safe_point":20}"#);
    assert_eq!(built.puts, [revision, g]);
}

#[test]
fn barriers_fences_and_leaders_are_written_as_they_are_read() {
    let mut read = reading(&[("/rocks-gc/7/nodes/n", NODE)]);
    let name = read.names.number("svc");
    let puts = |txn: &Txn, details: &Details| read.txn(txn, details).unwrap().puts.pop().unwrap();
    for (scope, ttl, key, value) in [
        (Some(Scope::Global), 10, "/pd/7/gc/safe_point/service/svc", r#"{"service_id":"svc","expired_at":15,"safe_point":3}"#),
        (
            Some(keyspace(42)),
            i64::MAX,
            "/pd/7/keyspaces/service_safe_point/00000042/svc",
            r#"{"service_id":"svc","expired_at":9223372036854775807,"safe_point":3,"keyspace_id":42}"#,
        ),
        (None, i64::MAX, "/pd/7/gc/global_gc_barriers/svc", r#"{"barrier_id":"svc","barrier_ts":3,"expiration_time":0}"#),
    ] {
        let txn = barrier::set(&read.snapshot, scope.map(number), name, 3, ttl, 5).unwrap();
        assert_eq!(puts(&txn, &Details::default()), Put::new(key.into(), value));
    }
    let node = read.names.clone().number("n");
    let details = Details { why: "slow".into(), ..Details::default() };
    let built = read.txn(&fence(node, 5), &details).unwrap();
    assert_eq!(built.compares, [Compare::ModRevision("/rocks-gc/7/nodes/n".into(), 10)]);
    assert_eq!(built.puts, [Put::new("/rocks-gc/7/fenced/n".into(), r#"{"epoch":5,"why":"slow"}"#)]);
    assert!(read.txn(&fence(node, 6), &details).is_err(), "another registration");
    assert!(read.txn(&campaign(9), &Details::default()).is_err(), "details are missing");
}
