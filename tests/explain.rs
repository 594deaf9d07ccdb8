//! Why is nothing collected? The answers on a real RocksDB, by properties and by samples, at each
//! step of a keyspace's life.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use support::gc::Gc;
use support::store::{EVERY_WAY, RAW, Store, TXN, Via};
use tempfile::tempdir;

const ROWS: u64 = 50;
const LIVE: &[u8] = b"some value\0";

/// The only answer of a keyspace's rows.
fn explain(gc: &Gc, keyspace: u32) -> (c::rgc_explained_t, String) {
    let (answers, text) = gc.explain_keyspace(keyspace).unwrap();
    let [answer] = answers[..] else { panic!("{} answers: {text}", answers.len()) };
    assert_eq!((answer.mode, answer.keyspace), (c::RGC_MODE_RAW as i32, keyspace));
    (answer, text)
}

/// Three versions a row, at 10, 20 and 30, in the last level.
fn filled<'g>(gc: &'g Gc, via: Via, path: &std::path::Path) -> Store<'g> {
    let store = Store::attached(path, gc, via, RAW);
    for row in 0..ROWS {
        for ts in [10, 20, 30] {
            store.put(0, &gc.raw_key(1, &row.to_be_bytes(), ts), LIVE);
        }
    }
    store.compact(0);
    store
}

#[test]
fn the_life_of_a_keyspace() {
    for via in EVERY_WAY {
        let gc = Gc::new("", 1000);
        let dir = tempdir().unwrap();
        let _store = filled(&gc, via, dir.path());
        let (answer, text) = explain(&gc, 1);
        assert_eq!(answer.why, c::RGC_WHY_NOT_REGISTERED as i32, "{via:?} {text}");
        assert_eq!((answer.rows, answer.versions, answer.oldest_ts), (ROWS, 3 * ROWS, 10), "{via:?} {text}");
        assert_eq!(answer.sampled_versions, if via == Via::C { 3 * ROWS } else { 0 }, "{text}");
        assert!(text.contains("rgc_set_keyspace_gc_type"), "{text}");

        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        assert!(gc.advance_global(1000));
        let (answer, text) = explain(&gc, 1);
        assert_eq!(answer.why, c::RGC_WHY_NO_OWN_SAFE_POINT as i32, "{text}");
        assert!(text.contains("rgc_advance_keyspace_safe_point"), "{text}");

        gc.advance(1, 5).unwrap();
        let (answer, text) = explain(&gc, 1);
        assert_eq!((answer.why, answer.held_versions, answer.due_versions), (c::RGC_WHY_OWN_SAFE_POINT as i32, 2 * ROWS, 0), "{text}");
        assert!(text.contains("below all its versions (the oldest is 10)"), "{text}");

        gc.advance(1, 100).unwrap();
        let (answer, text) = explain(&gc, 1);
        assert_eq!((answer.why, answer.held_versions), (c::RGC_WHY_ONLY_IN_LAST_LEVEL as i32, 0), "{text}");
        assert_eq!((answer.due_versions, answer.last_level_versions), (2 * ROWS, 2 * ROWS), "{text}");
        assert!(answer.due_bytes > 0 && answer.due_bytes < answer.bytes && text.contains("rgc_collect"), "{text}");

        gc.collect(0).unwrap();
        let (answer, text) = explain(&gc, 1);
        assert_eq!((answer.why, answer.versions), (c::RGC_WHY_NOTHING_STALE as i32, ROWS), "{text}");
        let (answer, text) = explain(&gc, 7);
        assert_eq!((answer.why, answer.versions, answer.files), (c::RGC_WHY_NOT_REGISTERED as i32, 0, 0), "{text}");
    }
}

/// Values of transactions in the default column family are no garbage of their own.
#[test]
fn values_of_records_and_damaged_values() {
    let gc = Gc::new("", 1000);
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::Adaptor, TXN);
    let key = |ts| gc.key(c::RGC_MODE_TXN, 1, b"row", ts);
    for ts in [10u8, 20] {
        store.put(0, &key(u64::from(ts) - 5), b"a long value");
        store.put(1, &key(u64::from(ts)), &[b'P', ts - 5]);
    }
    store.put(0, &gc.raw_key(2, b"row", 10), b"no value of RawKV\xff");
    (0..2).for_each(|family| store.compact(family));
    for keyspace in [1, 2] {
        gc.name(keyspace, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        gc.advance(keyspace, 100).unwrap();
    }
    let (answers, text) = gc.explain_keyspace(1).unwrap();
    let why: Vec<_> = answers.iter().map(|answer| (answer.mode as u32, answer.why as u32, answer.due_versions)).collect();
    assert_eq!(
        why,
        [
            (c::RGC_MODE_RAW, c::RGC_WHY_NO_VERSIONS, 0),
            (c::RGC_MODE_TXN, c::RGC_WHY_VALUES_OF_RECORDS, 0),
            (c::RGC_MODE_TXN, c::RGC_WHY_ONLY_IN_LAST_LEVEL, 1)
        ],
        "{text}"
    );
    let (answers, text) = gc.explain_keyspace(2).unwrap();
    assert_eq!((answers[0].why as u32, answers[0].unparsed), (c::RGC_WHY_DOES_NOT_PARSE, 1), "{text}");
}
