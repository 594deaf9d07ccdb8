//! Memory, counted by the allocator: decisions allocate none, and the safe points of all keyspaces
//! need no more than I8 says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use support::counting::Counting;
use support::gc::Gc;

#[global_allocator]
static COUNTING: Counting = Counting::new();

/// One test, so that nobody else allocates meanwhile.
#[test]
fn decisions_allocate_nothing_and_safe_points_little() {
    let before = COUNTING.bytes();
    let gc = Gc::new("data_prefix=z", 1000);
    let neighbours: Vec<u32> = (70_000..80_000).collect();
    gc.name_all(&neighbours, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let some = COUNTING.bytes() - before - neighbours.capacity() * size_of::<u32>();
    assert!(some <= 1 << 20, "10,000 neighbours take {some} bytes");
    assert!(some <= gc.stats().cache_bytes as usize + (16 << 10), "cache_bytes says {} of {some}", gc.stats().cache_bytes);

    gc.advance(70_000, 50).unwrap();
    let user_keys = ["a", "a-longer-user-key-of-28-bytes", "b"];
    let value = |ts: u64| if ts.is_multiple_of(3) { &b"\x02"[..] } else { b"\0\0\0\0\0\0\0\x09\x01" };
    let keys: Vec<_> =
        user_keys.iter().flat_map(|user_key| (0..60).rev().map(|ts| (gc.raw_key(70_000, user_key.as_bytes(), ts), ts))).collect();
    let foreign: Vec<_> = (0..3).map(|id| gc.raw_key(70_001 + id, b"other", 5)).collect();
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    // The longest key comes first, as the first of its row.
    let longest = gc.raw_key(69_999, &[b'k'; 100], 5);
    run.callback(&longest, b"\0");
    let before = COUNTING.allocations();
    let mut removed = 0;
    for (key, ts) in &keys {
        run.decide_by_key(key);
        removed += u64::from(run.callback(key, value(*ts)));
    }
    foreign.iter().for_each(|key| assert!(!run.callback(key, b"")));
    run.callback(b"zz", b"");
    let allocations = COUNTING.allocations() - before;
    assert_eq!((allocations, removed), (0, 3 * 50), "nothing is allocated, and something is decided");
    drop(run);

    let all: Vec<u32> = (0..=c::RGC_KEYSPACE_MAX).collect();
    let before = COUNTING.bytes() - some;
    gc.name_all(&all, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let every = COUNTING.bytes() - before;
    assert!(every <= 160 << 20, "all keyspaces take {every} bytes");
}
