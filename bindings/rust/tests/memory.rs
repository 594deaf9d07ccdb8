//! Memory does not grow. A process of its own: other tests would use memory beside it.

#[allow(dead_code, reason = "one test uses a part of it")]
#[path = "hosts/support.rs"]
mod support;

use rocks_gc::{Flags, Gc, Mode};
use std::fs;
use support::{compact, context, open, write};
use tempfile::tempdir;

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Bytes that memory grew by in the best of a few windows of `rounds`: the allocator grows by itself
/// at times, and a leak grows in each window.
fn grown(rounds: u64, round: impl Fn(u64)) -> usize {
    let window = |index: u64| {
        let before = resident();
        (index * rounds + 1..=(index + 1) * rounds).for_each(&round);
        resident().saturating_sub(before)
    };
    (0..4).map(window).min().unwrap()
}

#[test]
fn many_rounds_leave_no_memory_behind() {
    let gc = context();
    let calls = grown(400, |ts| {
        let key = gc.encode_key(Mode::Raw, 7, b"row", ts).unwrap();
        gc.decode_key(&key).unwrap();
        gc.advance_keyspace_safe_point(7, ts).unwrap();
        gc.keyspaces();
        gc.metrics();
        gc.destroy_range(b"a", b"b", Flags::NONE).unwrap_err();
        let block = vec![1; 10_000];
        gc.set_clock(move || block[0]).unwrap();
        Gc::builder(gc.library()).unwrap().create().unwrap();
    });
    assert!(calls < 800 << 10, "{calls} bytes in each 400 rounds of calls");

    let directory = tempdir().unwrap();
    let stores = grown(400, |ts| {
        let gc = context();
        let db = open(&gc, directory.path());
        write(&gc, &db, 7, 2, &[ts]);
        gc.advance_keyspace_safe_point(7, ts).unwrap();
        if ts % 100 == 0 {
            compact(&db);
        }
    });
    assert!(stores < 1600 << 10, "{stores} bytes in each 400 rounds of open, attach and close");
}
