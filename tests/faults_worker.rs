//! Faults that a review found in the worker, at moments that only a store in memory can hold. Each
//! test failed before its fault was mended.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::layout::{KeyMode, KeyspaceId};
use rocks_gc::safe_point::GcType;
use rocks_gc::shared::{FilterKind, HandedOverRows, Shared, register_keyspaces};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;
use support::memory::{Memory, shared};
use support::wait_for;

const DRAINED: Duration = Duration::from_secs(60);
const SAFE_POINT: u64 = 100;

fn prepared(options: &str) -> Arc<Shared> {
    let shared = shared(options);
    let keyspace = KeyspaceId::new(1).unwrap();
    register_keyspaces(&shared, &[keyspace], GcType::KeyspaceLevel).unwrap();
    shared.safe_points.advance([(keyspace, SAFE_POINT)]);
    shared
}

fn key(shared: &Shared, mode: KeyMode, ts: u64) -> Vec<u8> {
    shared.layout.encode(Some(mode), KeyspaceId::new(1), b"row", ts).unwrap()
}

/// A run hands the row over.
fn hand_over(shared: &Shared, kind: FilterKind, mode: KeyMode) {
    let key = key(shared, mode, 1);
    let mut rows = HandedOverRows::new(kind);
    assert!(shared.worker_queue.add(&mut rows, None, &key[..key.len() - 8]));
    assert_eq!(shared.worker_queue.give(rows), 0);
}

#[test]
fn a_commit_at_the_safe_point_stays_though_the_worker_has_read_the_row() {
    // By one range tombstone, and by point tombstones.
    for options in ["delete_range_min_keys=3", "delete_range_min_keys=0"] {
        let (shared, memory) = (prepared(options), Memory::default());
        let store = memory.attach(&shared, true);
        let key = |ts| key(&shared, KeyMode::Txn, ts);
        for ts in 10..20u8 {
            memory.put(1, &key(u64::from(ts)), &[b'P', ts - 1, b'v', 1, b'x']);
        }
        memory.put(1, &key(30), &[b'D', 29]);
        memory.0.stalls.store(true, SeqCst);
        hand_over(&shared, FilterKind::Write, KeyMode::Txn);
        wait_for("the worker's write", || memory.0.is_refused.load(SeqCst));
        memory.put(1, &key(SAFE_POINT), &[b'P', 99, b'v', 1, b'x']);
        memory.0.stalls.store(false, SeqCst);
        assert_eq!(shared.worker_queue.drain(DRAINED), 0);
        assert_eq!(memory.keys(1), [key(SAFE_POINT)], "{options}");
        store.stop();
    }
}

#[test]
fn a_long_row_holds_nobody_up() {
    const VERSIONS: u64 = 40_000;
    let (shared, memory) = (prepared(""), Memory::default());
    shared.safe_points.advance([(KeyspaceId::new(1).unwrap(), 2 * VERSIONS)]);
    let store = memory.attach(&shared, false);
    for ts in 1..VERSIONS {
        memory.put(0, &key(&shared, KeyMode::Raw, ts), b"v\0");
    }
    memory.put(0, &key(&shared, KeyMode::Raw, VERSIONS), b"\x02");
    memory.0.is_slow.store(true, SeqCst);
    hand_over(&shared, FilterKind::Default, KeyMode::Raw);
    wait_for("the worker's look at the row", || memory.0.shown.load(SeqCst) > 10);
    shared.set_enabled(false);
    let shown = memory.0.shown.load(SeqCst);
    assert!(shown < VERSIONS as usize, "it waited for {shown} versions");
    memory.0.is_slow.store(false, SeqCst);
    shared.set_enabled(true);
    assert_eq!(shared.worker_queue.drain(DRAINED), 0);
    assert!(memory.keys(0).is_empty(), "the row was put back, and goes later");
    store.stop();
}

/// An attach asks every other attached store whether its ledger is the same one. A host that closed
/// that DB meanwhile crashed.
#[test]
fn a_detach_waits_for_an_attach_that_looks_at_its_store() {
    let (first, second) = (Memory::default(), Memory::default());
    let attached = first.attach(&shared(""), false);
    first.0.holds_gets.store(true, SeqCst);
    let detached = AtomicBool::new(false);
    thread::scope(|scope| {
        let attach = scope.spawn(|| second.attach(&shared(""), false));
        while !first.0.is_getting.load(SeqCst) {
            thread::yield_now();
        }
        scope.spawn(|| {
            attached.stop();
            drop(attached);
            detached.store(true, SeqCst);
        });
        thread::sleep(Duration::from_millis(300));
        let too_early = detached.load(SeqCst);
        first.0.holds_gets.store(false, SeqCst);
        attach.join().unwrap().stop();
        assert!(!too_early, "the store was detached while a call of it ran");
    });
    assert!(detached.load(SeqCst));
}
