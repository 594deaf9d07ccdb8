//! Memory that ends: inside a host's callbacks nothing aborts, and the library keeps what it cannot
//! remember. Rows that wait for the worker use no more memory than allowed, however many there are.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "an allocator that counts, and fails where it is told to")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use rocks_gc::engine::{Op, Write};
use rocks_gc::ffi::c;
use rocks_gc::filter::level::{LiveFile, is_bottommost};
use rocks_gc::layout::write_batch::WriteBatch;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use support::gc::{Gc, Run};
use support::store::{RAW, Store, Via};
use tempfile::tempdir;

const NOW: u64 = 1000;
const KEEP: bool = false;
const REMOVE: bool = true;

struct Limited;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// What this thread gets no more of at once; MAX = whatever there is.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST.get() {
            return null_mut();
        }
        HIGHEST.fetch_max(BYTES.fetch_add(layout.size(), SeqCst) + layout.size(), SeqCst);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), SeqCst);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static LIMITED: Limited = Limited;

/// One test after the other: what one counts nobody else allocates.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs something on this thread without memory for more than so many bytes at once.
fn with_at_most<R>(bytes: usize, body: impl FnOnce() -> R) -> R {
    LARGEST.set(bytes);
    let result = body();
    LARGEST.set(usize::MAX);
    result
}

fn gc_at_100(options: &str) -> Gc {
    let gc = Gc::new(options, NOW);
    gc.name_all(&[1], c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    gc.advance(1, 100).unwrap();
    gc
}

/// Two versions of a row: how the older one is judged.
fn judge(run: &Run, newer: &[u8], older: &[u8]) -> bool {
    run.callback(newer, b"v\0");
    run.callback(older, b"v\0")
}

/// The last key does not fit: the run keeps everything from there on.
#[test]
fn a_key_that_cannot_be_remembered_is_kept() {
    let _alone = alone();
    let gc = gc_at_100("");
    let key = |user_key: &[u8], ts| gc.raw_key(1, user_key, ts);
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    let (short, long) = ([key(b"a", 70), key(b"a", 60)], [key(&[b'b'; 5000], 70), key(&[b'b'; 5000], 60)]);
    let behind = [key(b"c", 70), key(b"c", 60)];
    assert_eq!(judge(&run, &short[0], &short[1]), REMOVE);
    with_at_most(1000, || {
        assert_eq!(judge(&run, &long[0], &long[1]), KEEP);
        assert_eq!(judge(&run, &behind[0], &behind[1]), KEEP, "what came before it is not known");
    });
    with_at_most(0, || drop(run));
    assert_eq!(gc.stats().runs_closed, 1);
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    assert_eq!(judge(&run, &long[0], &long[1]), REMOVE, "with memory it goes");
}

/// Where a skip's bytes do not fit the version goes by a remove.
#[test]
fn a_skip_without_memory_is_a_remove() {
    let _alone = alone();
    let gc = gc_at_100("remove_mode=skip");
    let run = gc.run(c::RGC_KIND_RAW, 1).unwrap();
    let [newer, older, oldest] = [70, 60, 50].map(|ts| gc.raw_key(1, b"row", ts));
    assert_eq!(run.decide_or_skip(c::RGC_VALUE, &newer, b"v\0").0, c::RGC_KEEP);
    let (verdict, until) = with_at_most(0, || run.decide_or_skip(c::RGC_VALUE, &older, b"v\0"));
    assert_eq!((verdict, until.len()), (c::RGC_REMOVE, 0));
    assert_eq!(run.decide_or_skip(c::RGC_VALUE, &oldest, b"v\0").0, c::RGC_REMOVE_AND_SKIP_UNTIL);
}

/// Destroyed ranges near: nothing is allocated for the rows that they do not touch.
#[test]
fn rows_beside_a_destroyed_range_need_no_memory() {
    let _alone = alone();
    let gc = gc_at_100("");
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    gc.destroy_range(&gc.raw_key(1, b"m", u64::MAX), &gc.raw_key(1, b"n", u64::MAX), 0).unwrap();
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    run.callback(&gc.raw_key(1, &[b'a'; 200], 70), b"v\0");
    let keys: Vec<_> = [b"b", b"l", b"m", b"o"].iter().flat_map(|row| [70, 60].map(|ts| gc.raw_key(1, &row[..], ts))).collect();
    let mut verdicts = [false; 8];
    with_at_most(0, || keys.iter().zip(&mut verdicts).for_each(|(key, verdict)| *verdict = run.callback(key, b"v\0")));
    assert_eq!(verdicts, [KEEP, REMOVE, KEEP, REMOVE, REMOVE, REMOVE, KEEP, REMOVE]);
    drop(run);
    gc.detach();
    drop(store);
}

/// A row that waits for the worker is left for a later run, and counted.
#[test]
fn dead_rows_without_memory_are_left_for_later_runs() {
    let _alone = alone();
    let gc = gc_at_100("");
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    let keys: Vec<_> = (0..100u8).map(|row| gc.raw_key(1, &[row; 3000], 70)).collect();
    keys.iter().for_each(|key| store.put(0, key, b"\x02"));
    let run = gc.run(c::RGC_KIND_RAW, -1).unwrap();
    // So that the last key has its memory.
    run.callback(&gc.raw_key(0, &[0; 3001], 70), b"v\0");
    with_at_most(0, || {
        keys.iter().for_each(|key| assert_eq!(run.callback(key, b"\x02"), KEEP));
        drop(run);
    });
    let stats = gc.stats();
    assert_eq!((stats.rows_deferred, stats.rows_queued, gc.pending()), (100, 0, 0));
    store.compact(0);
    assert_eq!(gc.drain(60_000), Ok(0));
    store.compact(0);
    assert_eq!((store.keys(0).len(), gc.stats().rows_done), (0, 100), "later runs hand them over");
    gc.detach();
}

/// 60,000 rows of 3 KB are 180 MB; they wait in 64 MiB, and in the end all are gone.
#[test]
fn long_dead_rows_wait_within_their_bound_and_all_are_finished() {
    const ROWS: u32 = 60_000;
    const BOUND: usize = 64 << 20;
    /// What the library may need besides.
    const OTHER: usize = 4 << 20;
    let _alone = alone();
    let gc = gc_at_100("");
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    let mut user_key = [7; 3000];
    for row in 0..ROWS {
        user_key[..4].copy_from_slice(&row.to_be_bytes());
        let put = Op::Put(gc.raw_key(1, &user_key, 70), b"\x02".to_vec());
        store.write_all(&[Write { family: 0, op: put }]);
    }
    store.flush(0);
    let before = BYTES.load(SeqCst);
    HIGHEST.store(before, SeqCst);
    for round in 0.. {
        assert!(round < 20, "{} rows are left", store.keys(0).len());
        store.compact(0);
        assert_eq!(gc.drain(600_000), Ok(0));
        if gc.stats().rows_done >= u64::from(ROWS) {
            break;
        }
    }
    let highest = HIGHEST.load(SeqCst) - before;
    assert!(highest <= BOUND + OTHER, "waiting rows took {highest} bytes");
    assert!(highest >= BOUND / 2, "the bound was never near: {highest}");
    assert!(gc.stats().rows_deferred > 0, "more came than may wait");
    store.compact(0);
    assert_eq!(store.keys(0).len(), 0);
    gc.detach();
}

/// Recovery: a batch that cannot be taken apart, or put together anew, passes as it is.
#[test]
fn a_batch_of_the_wal_without_memory_passes_as_it_is() {
    const PUT: &[u8] = b"\x01\x01k\x01v";
    const RECORDS: u32 = 100;
    let _alone = alone();
    let batch = [&[0; 8][..], &RECORDS.to_le_bytes(), &PUT.repeat(RECORDS as usize)].concat();
    assert!(with_at_most(0, || WriteBatch::parse(&batch).is_none()));
    let parsed = WriteBatch::parse(&batch).unwrap();
    assert!(with_at_most(0, || parsed.keep(|_| true, b"own").is_none()));
    assert_eq!(parsed.keep(|_| true, b"own"), Some(batch.clone()));
}

/// A listener looks at the files of a compaction without memory.
#[test]
fn whether_a_compaction_is_bottommost_is_found_without_memory() {
    let _alone = alone();
    let file = |name: &str, level| LiveFile { name: name.into(), level, smallest: b"a".into(), largest: b"b".into() };
    let files = [file("/1.sst", 0), file("/2.sst", 5), file("/3.sst", 6)];
    let mut inputs: [&[u8]; 2] = [b"/db/2.sst", b"/db/1.sst"];
    assert_eq!(with_at_most(0, || is_bottommost(&mut inputs, 5, &files)), Some(false));
    assert_eq!(with_at_most(0, || is_bottommost(&mut inputs, 5, &files[..2])), Some(true));
}
