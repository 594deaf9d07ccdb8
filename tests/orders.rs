//! Orders about schemas at the worst moments: from the host and the worker at once, in stalls, with
//! errors, on another store.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::engine::Engine;
use rocks_gc::layout::{KeyMode, KeyspaceId};
use rocks_gc::shared::{FilterKind, SchemaState, Shared};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;
use support::memory::{Memory, shared};
use support::wait_for;

fn keyspace(id: u32) -> Option<KeyspaceId> {
    KeyspaceId::new(id)
}

fn key(shared: &Shared, mode: KeyMode, schema: u32, rest: &[u8], ts: u64) -> Vec<u8> {
    shared.layout.encode(Some(mode), keyspace(1), &[&schema.to_be_bytes(), rest].concat(), ts).unwrap()
}

fn state(shared: &Shared, schema: u32) -> SchemaState {
    shared.schemas.of(keyspace(1)).map_or(SchemaState::Unknown, |schemas| schemas.state(schema))
}

const DRAINED: Duration = Duration::from_secs(60);

#[test]
fn what_is_pending_is_what_is_open() {
    const THREADS: u32 = 4;
    for round in 0..400 {
        let (shared, memory) = (shared("schema_id=prefix"), Memory::default());
        let store = memory.attach(&shared, false);
        let barrier = Barrier::new(THREADS as usize);
        thread::scope(|scope| {
            for schema in 0..THREADS {
                let (store, barrier) = (&store, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    (1..3).for_each(|up_to| store.truncate_schema(keyspace(1), schema, up_to).unwrap());
                });
            }
        });
        assert_eq!(shared.worker_queue.drain(DRAINED), 0, "round {round}");
        wait_for("the end of all", || (0..THREADS).all(|schema| state(&shared, schema) == SchemaState::Valid));
        assert_eq!(shared.worker_queue.pending(), 0, "round {round}");
        store.stop();
    }
}

/// A host's order waits in a stall. The worker, which has rows to finish, must not wait for it,
/// because another thread waits for the rows.
#[test]
fn an_order_in_a_stall_holds_nobody_else_up() {
    let (shared, memory) = (shared("schema_id=prefix"), Memory::default());
    let store = memory.attach(&shared, false);
    memory.put(0, &key(&shared, KeyMode::Raw, 7, b"row", 5), b"v\0");
    memory.0.holds_scans.store(true, SeqCst);
    store.truncate_schema(keyspace(1), 7, 10).unwrap();
    wait_for("a scan", || memory.0.is_scanning.load(SeqCst));
    memory.0.stalls.store(true, SeqCst);
    thread::scope(|scope| {
        scope.spawn(|| store.truncate_schema(keyspace(1), 8, 10).unwrap());
        wait_for("a stalled write", || memory.0.is_stalled.load(SeqCst));
        memory.0.holds_scans.store(false, SeqCst);
        let (removed, is_removed) = mpsc::channel();
        let shared = &shared;
        scope.spawn(move || {
            shared.pause_keyspace(KeyspaceId::new(2).unwrap());
            removed.send(()).unwrap();
        });
        let in_time = is_removed.recv_timeout(Duration::from_secs(10));
        memory.0.stalls.store(false, SeqCst);
        assert!(in_time.is_ok(), "it waited for the end of the stall");
    });
    assert_eq!(shared.worker_queue.drain(DRAINED), 0);
    store.stop();
}

/// What looks like a timestamp there is the end of a key.
#[test]
fn keys_without_timestamps_are_not_truncated() {
    for seen_first in [true, false] {
        let shared = shared("schema_id=prefix;key_layout=plain;history=latest;plain_keys=prefix_free;data_prefix=z");
        let memory = Memory::default();
        let store = memory.attach(&shared, false);
        let key = [&b"z\0\0\0\x07user"[..], &[0xff; 7], b"\x01"].concat();
        memory.put(0, &key, b"value\0\0\0\0\0\0\0\0");
        if seen_first {
            shared.admit(FilterKind::TtlV1).unwrap();
            let error = store.truncate_schema(None, 7, 1 << 60).unwrap_err().to_string();
            assert!(error.starts_with("Not supported: keys of kind RGC_KIND_TTL_V1"), "{error}");
        } else {
            memory.0.holds_scans.store(true, SeqCst);
            shared.set_enabled(false);
            store.truncate_schema(None, 7, 1 << 60).unwrap();
            shared.admit(FilterKind::TtlV1).unwrap();
            shared.set_enabled(true);
            memory.0.holds_scans.store(false, SeqCst);
            thread::sleep(Duration::from_millis(300));
        }
        assert!(memory.keys(0).contains(&key));
        store.stop();
    }
}

#[test]
fn what_one_ledger_says_does_not_hold_for_another_store() {
    let (shared, memory) = (shared("schema_id=prefix"), Memory::default());
    let store = memory.attach(&shared, false);
    store.drop_schema(keyspace(1), 7).unwrap();
    store.truncate_schema(keyspace(1), 8, 9).unwrap();
    store.stop();
    assert_eq!(state(&shared, 7), SchemaState::Dropped, "without a store runs go on");
    let other = Memory::default().attach(&shared, false);
    assert_eq!([7, 8].map(|schema| state(&shared, schema)), [SchemaState::Unknown; 2]);
    other.stop();
    let store = memory.attach(&shared, false);
    assert_eq!(state(&shared, 7), SchemaState::Dropped);
    store.stop();
}

#[test]
fn a_row_that_does_not_parse_is_counted_once() {
    let (shared, memory) = (shared("schema_id=prefix"), Memory::default());
    let store = memory.attach(&shared, true);
    memory.put(1, &key(&shared, KeyMode::Txn, 7, b"row", 5), b"?");
    memory.0.holds_scans.store(true, SeqCst);
    store.truncate_schema(keyspace(1), 7, 10).unwrap();
    wait_for("a scan", || memory.0.is_scanning.load(SeqCst));
    memory.0.stalls.store(true, SeqCst);
    memory.0.holds_scans.store(false, SeqCst);
    thread::sleep(Duration::from_millis(300));
    memory.0.stalls.store(false, SeqCst);
    assert_eq!(shared.worker_queue.drain(DRAINED), 0);
    assert_eq!(shared.stats.sums().rows_left_unparsed.get(), 1);
    store.stop();
}

#[test]
fn an_order_that_cannot_be_carried_out_does_not_hold_up_others() {
    // More batches than there are turns, were each of them to wait for the broken one.
    const KEYS: u32 = 100_000;
    let (shared, memory) = (shared("schema_id=prefix"), Memory::default());
    let store = memory.attach(&shared, false);
    (0..KEYS).for_each(|row| memory.put(0, &key(&shared, KeyMode::Raw, 8, &row.to_be_bytes(), 5), b"v\0"));
    let broken = key(&shared, KeyMode::Raw, 9, b"", 0);
    *memory.0.broken.lock().unwrap() = Some(broken[..8].to_vec());
    store.drop_schema(keyspace(1), 9).unwrap();
    store.truncate_schema(keyspace(1), 8, 10).unwrap();
    wait_for("the end of the other one", || state(&shared, 8) == SchemaState::Valid);
    wait_for("the payment of its debt", || shared.worker_queue.pending() == 1);
    assert_eq!(state(&shared, 9), SchemaState::Dropped);
    assert_eq!(memory.keys(0).iter().filter(|key| !key.starts_with(b"\x01rocks_gc/")).count(), 0);
    *memory.0.broken.lock().unwrap() = None;
    assert_eq!(shared.worker_queue.drain(DRAINED), 0);
    store.stop();
}

fn records(memory: &Memory, family: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let keys = memory.keys(family).into_iter().filter(|key| key.starts_with(LEDGER));
    keys.map(|key| (key.clone(), memory.get(family, &key).unwrap().unwrap())).collect()
}

/// The kinds of the records in the ledger.
fn kinds(memory: &Memory) -> Vec<u8> {
    records(memory, 0).into_iter().map(|(key, _)| key[LEDGER.len()]).collect()
}

const LEDGER: &[u8] = b"\x01rocks_gc/";

#[test]
fn of_two_ledgers_in_one_store_every_drop_is_known() {
    let filled = |dropped: &[u32], truncated: &[u32]| {
        let (shared, memory) = (shared("schema_id=prefix"), Memory::default());
        let store = memory.attach(&shared, true);
        truncated.iter().for_each(|id| store.truncate_schema(keyspace(1), *id, 9).unwrap());
        dropped.iter().for_each(|id| store.drop_schema(keyspace(1), *id).unwrap());
        assert_eq!(shared.worker_queue.drain(DRAINED), 0);
        store.stop();
        memory
    };
    let (memory, other) = (filled(&[3, 70_000], &[]), filled(&[4, 5], &[3, 4, 8]));
    assert_eq!((kinds(&memory), kinds(&other)), (b"ii".to_vec(), b"iss".to_vec()), "a dropped schema has no record of its own");
    records(&other, 0).into_iter().for_each(|(key, value)| memory.put(1, &key, &value));
    for _ in 0..2 {
        let shared = shared("schema_id=prefix");
        let store = memory.attach(&shared, true);
        let known: Vec<_> = shared.schemas.of(keyspace(1)).unwrap().each().map(|(id, state, _)| (id, state)).collect();
        let dropped = [3, 4, 5, 70_000].map(|id| (id, SchemaState::Dropped));
        assert_eq!(known, [&dropped[..3], &[(8, SchemaState::Valid)], &dropped[3..]].concat());
        assert_eq!((kinds(&memory), records(&memory, 1).len()), (b"iis".to_vec(), 0));
        store.stop();
    }
}

/// A schema that is dropped again has a record of its own beside its id.
#[test]
fn a_second_drop_is_carried_out_after_a_restart() {
    let memory = Memory::default();
    for (is_swept, kinds_then) in [(true, &b"i"[..]), (false, b"is"), (true, b"i")] {
        let shared = shared("schema_id=prefix");
        let store = memory.attach(&shared, false);
        memory.put(0, &key(&shared, KeyMode::Raw, 7, b"row", 5), b"v\0");
        shared.set_enabled(is_swept);
        if kinds(&memory) != b"is" {
            store.drop_schema(keyspace(1), 7).unwrap();
        }
        if is_swept {
            assert_eq!(shared.worker_queue.drain(DRAINED), 0);
        }
        assert_eq!(state(&shared, 7), SchemaState::Dropped);
        assert!(store.truncate_schema(keyspace(1), 7, 9).is_err());
        let rows = memory.keys(0).iter().filter(|key| !key.starts_with(LEDGER)).count();
        assert_eq!((kinds(&memory), rows), (kinds_then.to_vec(), usize::from(!is_swept)));
        store.stop();
    }
}
