//! A ledger for years: a million dropped schemas of one keyspace need few bytes on disk and in
//! memory, and one more drop costs no more than a page of ids.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use rocks_gc::engine::Engine;
use rocks_gc::layout::{KeyspaceId, Tenant};
use rocks_gc::reclaim::AttachedStore;
use rocks_gc::shared::{KeyDropState, SchemaState, Shared};
use std::time::{Duration, Instant};
use support::counting::Counting;
use support::memory::{Memory, shared};

#[global_allocator]
static COUNTING: Counting = Counting::new();

const PREFIX: &[u8] = b"\x01rocks_gc/";
const DROPPED: u32 = 1_000_000;
const MOST: usize = 10 << 20;

fn tenant() -> Tenant {
    KeyspaceId::new(7)
}

/// The record of an earlier version: the schema is dropped, and no key of it is left.
fn earlier_record(id: u32) -> (Vec<u8>, Vec<u8>) {
    let key = [PREFIX, b"s\0\0\0\x07", &id.to_be_bytes()].concat();
    let families = b"\0\0\0\x01\xff\xff\xff\xff\0\0\0\x07default";
    let mut value = [&[2, 3][..], &[0; 12], families, &(families.len() as u32).to_be_bytes()].concat();
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key);
    hasher.update(&value);
    value.extend_from_slice(&hasher.finalize().to_be_bytes());
    (key, value)
}

fn records(store: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
    let keys = store.keys(0).into_iter().filter(|key| key.starts_with(PREFIX));
    keys.map(|key| (key.clone(), store.get(0, &key).unwrap().unwrap())).collect()
}

fn size(records: &[(Vec<u8>, Vec<u8>)]) -> usize {
    records.iter().map(|(key, value)| key.len() + value.len()).sum()
}

fn is_done(shared: &Shared, id: u32) -> bool {
    let state = shared.schemas.of(tenant()).map(|schemas| schemas.drop_state(id));
    matches!(state, Some(KeyDropState::Invalid(Some(dropped))) if dropped.late.is_some())
}

fn drop_and_wait(shared: &Shared, attached: &AttachedStore, id: u32) {
    attached.drop_schema(tenant(), id).unwrap();
    assert_eq!(shared.worker_queue.drain(Duration::from_mins(1)), 0);
    assert!(is_done(shared, id));
}

/// One test, so that no other thread allocates meanwhile.
#[test]
fn a_million_dropped_schemas_need_little() {
    for (name, step) in [("each id", 1), ("every other id", 2)] {
        let store = Memory::default();
        (0..DROPPED).map(|i| earlier_record(i * step)).for_each(|(key, value)| store.put(0, &key, &value));
        let earlier = size(&records(&store));
        let began = Instant::now();
        {
            let shared = shared("schema_id=prefix");
            let attached = store.attach(&shared, false);
            println!("{name}: {earlier} bytes of earlier records are replaced in {:?}", began.elapsed());
            attached.stop();
        }
        let written = records(&store);
        let bytes = size(&written);
        assert!(written.iter().all(|(key, _)| key[PREFIX.len()] == b'i'), "an id is recorded once");
        assert!(bytes <= MOST, "{name}: {bytes} bytes on disk");
        drop(written);

        let shared = shared("schema_id=prefix");
        let (before, began) = (COUNTING.bytes(), Instant::now());
        let attached = store.attach(&shared, false);
        let memory = COUNTING.bytes() - before;
        println!("{name}: {bytes} bytes on disk, {memory} bytes of memory, attached in {:?}", began.elapsed());
        assert!(memory <= MOST, "{name}: {memory} bytes of memory");

        let schemas = shared.schemas.of(tenant()).unwrap();
        let began = Instant::now();
        assert!(schemas.each().map(|(id, state, _)| (id, state)).eq((0..DROPPED).map(|i| (i * step, SchemaState::Dropped))));
        println!("{name}: listed in {:?}", began.elapsed());
        let allocated = COUNTING.allocated();
        let found = (0..DROPPED * step).filter(|id| matches!(schemas.drop_state(*id), KeyDropState::Invalid(_))).count();
        assert_eq!((found, COUNTING.allocated() - allocated), (DROPPED as usize, 0), "a lookup allocates nothing");

        // Filters hold `schemas` meanwhile.
        let new = |i| if step == 1 { DROPPED + i } else { (DROPPED / 2 + i) * step + 1 };
        let (allocated, began) = (COUNTING.allocated(), Instant::now());
        (0..10).for_each(|i| drop_and_wait(&shared, &attached, new(i)));
        let allocated = (COUNTING.allocated() - allocated) / 10;
        println!("{name}: one more drop allocates {allocated} bytes and takes {:?}", began.elapsed() / 10);
        assert!(allocated <= 200 << 10, "{name}: one more drop allocates {allocated} bytes");
        assert!((0..10).all(|i| schemas.state(new(i)) == SchemaState::Unknown), "a copy does not change");
        let now = size(&records(&store));
        assert!(now <= bytes + 100, "{name}: {now} bytes on disk");

        // A schema that is dropped again is cleared again, and is recorded once.
        drop_and_wait(&shared, &attached, 2 * step);
        assert_eq!(size(&records(&store)), now);
        attached.stop();
    }
}
