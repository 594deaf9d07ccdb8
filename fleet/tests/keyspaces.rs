//! Keyspaces on a real etcd, as PD has them.
#![allow(clippy::unwrap_used)] // Helpers of tests are not in `#[test]` functions.

mod support;

use rocks_gc_fleet::control::create_keyspace::Creator;
use rocks_gc_fleet::control::keyspaces::{self, Keyspace};
use rocks_gc_fleet::control::set_state::{STATES, parse_state, set_state};
use rocks_gc_fleet::control::{remove_keyspace::remove, set_config::set_config};
use rocks_gc_fleet::etcd::{Client, Keys};
use rocks_gc_fleet::layout::keyspace_meta::{KeyspaceMeta, State};
use std::collections::{BTreeSet, HashMap};
use support::{Etcd, put};

async fn create(client: &Client, name: &str) -> Result<Keyspace, String> {
    Creator::default().create(client, name, HashMap::new(), 5).await.map_err(|error| error.to_string())
}

fn config(key: &str, value: &str) -> HashMap<String, String> {
    HashMap::from([(key.into(), value.into())])
}

async fn value(client: &Client, key: &str) -> Option<Vec<u8>> {
    client.list(&[Keys::One(key.into())]).await.unwrap().entries.pop().map(|entry| entry.value)
}

#[tokio::test]
async fn a_keyspace_is_disabled_first_then_enabled_and_has_pds_bytes() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let mut watch = client.watch(&[Keys::Prefix("/pd/7/keyspaces/meta/".into())], 1).await.unwrap();
    let mut creator = Creator::default();
    let created = creator.create(&client, "ks1", config("gc_management_type", "keyspace_level"), 1_700_000_000).await.unwrap();
    assert_eq!((created.id.get(), created.state().unwrap()), (1, State::Enabled));
    let mut states = Vec::new();
    while states.len() < 2 {
        let changes = watch.next().await.unwrap().changes;
        states.extend(changes.iter().map(|change| KeyspaceMeta::parse(change.value.as_ref().unwrap()).unwrap().state));
    }
    assert_eq!(states, [1, 0]);
    let bytes = value(&client, "/pd/7/keyspaces/meta/00000001").await.unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // Of formats that PD wrote.
    let expected = "080112036b73312080e2cfaa062880e2cfaa063a240a1267635f6d616e6167656d656e745f74797065120e6b657973706163655f6c6576656c";
    assert_eq!(hex, expected);
    assert_eq!(value(&client, "/pd/7/keyspaces/id/ks1").await.unwrap(), b"1");
    assert_eq!(value(&client, "/pd/7/keyspaces/alloc_id").await.unwrap(), 100_u64.to_be_bytes());
    assert_eq!(creator.create(&client, "ks2", HashMap::new(), 5).await.unwrap().id.get(), 2);
    assert_eq!(create(&client, "ks3").await.unwrap().id.get(), 101, "another process takes another window");
}

#[tokio::test]
async fn no_id_and_no_name_is_given_twice_whoever_creates() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/keyspaces/alloc_id", 300_u64.to_be_bytes()).await;
    // An id that the allocator does not know of.
    put(&client, "/pd/7/keyspaces/meta/00000301", b"\x08\xad\x02\x12\x03old".to_vec()).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut creator = Creator::default();
                let mut ids = Vec::new();
                for i in 0..5 {
                    ids.push(creator.create(&client, &format!("k{task}-{i}"), HashMap::new(), 5).await.unwrap().id);
                }
                (ids, creator.create(&client, "same", HashMap::new(), 5).await)
            })
        })
        .collect();
    let (mut ids, mut named) = (Vec::new(), Vec::new());
    for task in tasks {
        let (its, same) = task.await.unwrap();
        ids.extend(its);
        match same {
            Ok(keyspace) => named.push(keyspace.id),
            Err(error) => assert!(error.to_string().starts_with("keyspace name \"same\" is in use: it has the id "), "{error}"),
        }
    }
    assert_eq!(named.len(), 1);
    let distinct: BTreeSet<u32> = ids.iter().chain(&named).map(|id| id.get()).collect();
    assert_eq!(distinct.len(), 41);
    assert!(distinct.iter().all(|id| *id > 301), "{distinct:?}");
}

#[tokio::test]
async fn at_the_end_of_the_id_space_no_id_comes_twice() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    put(&client, "/pd/7/keyspaces/alloc_id", 16_777_213_u64.to_be_bytes()).await;
    let mut creator = Creator::default();
    for (name, id) in [("a", 16_777_214), ("b", 16_777_215)] {
        assert_eq!(creator.create(&client, name, HashMap::new(), 5).await.unwrap().id.get(), id);
    }
    let error = creator.create(&client, "c", HashMap::new(), 5).await.unwrap_err();
    assert_eq!(error.to_string(), "no keyspace id is left: 16777215 was the last");
    for (bad, says) in [(&b"\0\0\0\x64"[..], "is not 8 bytes"), (&0x100_0000_u64.to_be_bytes(), "above 16777215")] {
        put(&client, "/pd/7/keyspaces/alloc_id", bad).await;
        let error = create(&client, "d").await.unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[tokio::test]
async fn states_follow_pds_table_and_to_stay_changes_nothing() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let mut creator = Creator::default();
    for (from, _) in STATES {
        for (to, _) in STATES {
            let name = format!("{from}-{to}");
            creator.create(&client, &name, HashMap::new(), 5).await.unwrap();
            let path: &[&str] = match from {
                "ENABLED" => &[],
                "DISABLED" => &["disabled"],
                "ARCHIVED" => &["Disabled", "archived"],
                _ => &["DISABLED", "ARCHIVED", "TOMBSTONE"],
            };
            for state in path {
                set_state(&client, &name, parse_state(state).unwrap(), 6).await.unwrap();
            }
            let before = keyspaces::find(&client, &name).await.unwrap();
            let changed = set_state(&client, &name, parse_state(to).unwrap(), 7).await;
            let is_allowed = from == to
                || [("ENABLED", "DISABLED"), ("DISABLED", "ENABLED"), ("DISABLED", "ARCHIVED"), ("ARCHIVED", "TOMBSTONE")]
                    .contains(&(from, to));
            match changed {
                Ok(after) if from == to => assert_eq!(after, before, "{name}"),
                Ok(after) => assert!(is_allowed && after.meta.state_changed_at == 7 && after.meta.created_at == 5, "{name}"),
                Err(error) => {
                    assert!(!is_allowed, "{name}: {error}");
                    assert_eq!(error.to_string(), format!("keyspace {name} is {from}, and cannot become {to}"));
                }
            }
        }
    }
    assert!(parse_state("GONE").is_err());
    put(&client, "/pd/7/keyspaces/id/DEFAULT", "0").await;
    put(&client, "/pd/7/keyspaces/meta/00000000", b"\x08\x00\x12\x07DEFAULT".to_vec()).await;
    let error = set_state(&client, "DEFAULT", State::Disabled, 7).await.unwrap_err();
    assert_eq!(error.to_string(), "keyspace DEFAULT (0) is protected");
    put(&client, "/pd/7/keyspaces/id/zero", "0").await;
    put(&client, "/pd/7/keyspaces/meta/00000000", b"\x08\x00\x12\x04zero".to_vec()).await;
    assert!(set_state(&client, "zero", State::Disabled, 7).await.is_err(), "the id is protected too");
}

#[tokio::test]
async fn settings_change_while_in_use_and_never_whose_safe_point_counts() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let mut creator = Creator::default();
    creator.create(&client, "own", config("gc_management_type", "keyspace_level"), 5).await.unwrap();
    creator.create(&client, "plain", HashMap::new(), 5).await.unwrap();
    let unknown = creator.create(&client, "typo", config("gc_management_type", "keyspace_leve"), 5).await.unwrap_err();
    assert!(unknown.to_string().contains("neither keyspace_level nor unified"), "{unknown}");
    let set = async |name: &str, key: &str, to: Option<&str>| {
        set_config(&client, name, &HashMap::from([(key.to_owned(), to.map(str::to_owned))])).await.map(|keyspace| keyspace.meta.config)
    };
    assert_eq!(set("plain", "a", Some("1")).await.unwrap(), config("a", "1"));
    assert_eq!(set("plain", "a", None).await.unwrap(), HashMap::new());
    for (name, to) in [("own", Some("unified")), ("own", None), ("plain", Some("keyspace_level")), ("plain", Some("typo"))] {
        let error = set(name, "gc_management_type", to).await.unwrap_err().to_string();
        assert!(error.contains("cannot change"), "{name} {to:?}: {error}");
    }
    assert!(set("plain", "safe_point_version", Some("v2")).await.is_err(), "an old word for a safe point of its own");
    set("own", "gc_management_type", Some("keyspace_level_gc")).await.unwrap();
    for state in ["DISABLED", "ARCHIVED"] {
        set_state(&client, "plain", parse_state(state).unwrap(), 6).await.unwrap();
    }
    let error = set("plain", "a", Some("1")).await.unwrap_err().to_string();
    assert_eq!(error, "keyspace plain is ARCHIVED: its settings cannot change any more");
}

#[tokio::test]
async fn only_archived_keyspaces_are_removed_and_their_ids_stay_used() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let mut creator = Creator::default();
    creator.create(&client, "a", HashMap::new(), 5).await.unwrap();
    let why = async || remove(&client, "a").await.map_err(|error| error.to_string());
    assert_eq!(why().await.unwrap_err(), "keyspace a is ENABLED; only an ARCHIVED or TOMBSTONE one can be removed");
    for state in [State::Disabled, State::Archived] {
        set_state(&client, "a", state, 6).await.unwrap();
    }
    why().await.unwrap();
    assert_eq!(
        client.list(&[Keys::Prefix("/pd/7/keyspaces/meta/".into()), Keys::Prefix("/pd/7/keyspaces/id/".into())]).await.unwrap().entries,
        []
    );
    assert_eq!(why().await.unwrap_err(), "no keyspace has the name \"a\"");
    assert_eq!(creator.create(&client, "a", HashMap::new(), 5).await.unwrap().id.get(), 2);
}

#[tokio::test]
async fn bad_names_and_bad_values_are_named() {
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    for name in ["", "DEFAULT", "SYSTEM", "keyspace/", "many many spaces", "123456789012345678901"] {
        assert!(create(&client, name).await.is_err(), "{name}");
    }
    assert_eq!(client.list(&[Keys::Prefix("/pd/".into())]).await.unwrap().entries, [], "no id was taken");
    put(&client, "/pd/7/keyspaces/id/twice", "5").await;
    put(&client, "/pd/7/keyspaces/meta/00000005", b"\x08\x05\x12\x05other".to_vec()).await;
    let find = async |name: &str| keyspaces::find(&client, name).await.unwrap_err().to_string();
    assert!(find("twice").await.contains("the id 5, whose meta has the name \"other\""));
    put(&client, "/pd/7/keyspaces/id/lost", "6").await;
    assert!(find("lost").await.contains("the id 6, which has no meta"));
    put(&client, "/pd/7/keyspaces/id/bad", "0x7").await;
    assert!(find("bad").await.contains("/pd/7/keyspaces/id/bad"));
    put(&client, "/pd/7/keyspaces/meta/00000008", b"\xff".to_vec()).await;
    let listed = keyspaces::list(&client).await.unwrap();
    assert_eq!(listed.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
    put(&client, "/pd/7/leader", "a PD").await;
    assert!(create(&client, "ks").await.unwrap_err().contains("ask PD to do it"));
}
