//! One suite for both engines: the bound functions of RocksDB's C API, and the C++ adaptor's behind
//! `rgc_engine_t`. `c_tests/engine` tests what only the C++ one has (properties, stalls,
//! TransactionDBs).

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::engine::{Direction, Engine, Op, Write, WriteOptions};
use rocks_gc::ffi::c;
use std::fs;
use std::ops::ControlFlow;
use std::process::Command;
use support::gc::Gc;
use support::store::{Family, Store, Via};
use support::{compile, rocksdb_dialect, rocksdb_include_flags, rocksdb_link_flags, root, run};
use tempfile::tempdir;

const FAMILIES: &[Family] = &[("default", c::RGC_CF_DEFAULT, None), ("second", c::RGC_CF_OTHER, None)];
const ALL: (&[u8], &[u8]) = (b"", b"\xff\xff\xff\xff");

/// Runs a suite on a fresh DB, once by each engine.
fn by_every_engine(suite: impl Fn(&dyn Engine)) {
    for cpp in [false, true] {
        let gc = Gc::new("", 1000);
        let dir = tempdir().unwrap();
        let store = Store::open(dir.path(), &gc, Via::C, FAMILIES);
        if cpp { suite(&store.cpp_engine()) } else { suite(store.engine()) }
    }
}

fn put(family: usize, key: &[u8], value: &[u8]) -> Write {
    Write { family, op: Op::Put(key.into(), value.into()) }
}

fn delete(family: usize, key: &[u8]) -> Write {
    Write { family, op: Op::Delete(key.into()) }
}

fn keys(engine: &dyn Engine, family: usize, range: (&[u8], &[u8]), direction: Direction) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    engine
        .scan(family, range, direction, &mut |key, value| {
            assert!(value.starts_with(b"v"));
            found.push(key.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

fn forwards(engine: &dyn Engine, range: (&[u8], &[u8])) -> Vec<Vec<u8>> {
    keys(engine, 0, range, Direction::Forwards)
}

#[test]
fn reads_and_writes() {
    by_every_engine(|engine| {
        assert_eq!(engine.get(0, b"a").unwrap(), None);
        engine.write(&[put(0, b"a", b"v"), put(1, b"a", b"v2"), put(0, b"b\0", b""), put(0, b"", b"v")], WriteOptions::default()).unwrap();
        assert_eq!(engine.get(0, b"a").unwrap().as_deref(), Some(&b"v"[..]));
        assert_eq!(engine.get(1, b"a").unwrap().as_deref(), Some(&b"v2"[..]));
        assert_eq!(engine.get(0, b"b\0").unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(engine.get(0, b"").unwrap().as_deref(), Some(&b"v"[..]));
        // In order, so the last one counts.
        engine
            .write(
                &[put(0, b"a", b"v"), delete(0, b"a"), put(0, b"c", b"v"), delete(1, b"a")],
                WriteOptions { sync: true, no_slowdown: true },
            )
            .unwrap();
        assert_eq!((engine.get(0, b"a").unwrap(), engine.get(1, b"a").unwrap()), (None, None));
        engine.write(&[Write { family: 0, op: Op::DeleteRange(b"".to_vec(), b"c".to_vec()) }], WriteOptions::default()).unwrap();
        assert_eq!(forwards(engine, ALL), [b"c"]);
        assert!(!engine.write_stalled());
    });
}

#[test]
fn scans_are_half_open_in_both_directions() {
    by_every_engine(|engine| {
        let all: [&[u8]; 6] = [b"", b"a", b"a\0", b"b", b"b\xff", b"c"];
        engine.write(&all.map(|key| put(0, key, b"v")), WriteOptions::default()).unwrap();
        for start in [&b""[..], b"a", b"aa", b"b", b"d"] {
            for end in [&b"a"[..], b"a\0", b"b\xff", b"b\xff\0", b"z"] {
                let mut expected: Vec<_> = all.iter().filter(|key| start <= **key && **key < end).map(|key| key.to_vec()).collect();
                assert_eq!(keys(engine, 0, (start, end), Direction::Forwards), expected, "{start:?} {end:?}");
                expected.reverse();
                assert_eq!(keys(engine, 0, (start, end), Direction::Backwards), expected, "{start:?} {end:?}");
            }
        }
        assert_eq!(keys(engine, 1, ALL, Direction::Backwards).len(), 0);
        // As of its beginning, though the store changes; and it may end early.
        let mut seen = 0;
        engine
            .scan(0, ALL, Direction::Forwards, &mut |key, _| {
                seen += 1;
                engine.write(&[delete(0, key), put(0, &[key, b"new"].concat(), b"v")], WriteOptions::default()).unwrap();
                if seen < 4 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .unwrap();
        assert_eq!(seen, 4);
    });
}

#[test]
fn files_are_shown_dropped_and_compacted() {
    by_every_engine(|engine| {
        let fill =
            |range: std::ops::Range<u8>| (range).for_each(|byte| engine.write(&[put(0, &[byte], b"v")], WriteOptions::default()).unwrap());
        fill(10..20);
        assert_eq!(engine.files(0, None).unwrap(), []);
        engine.try_flush(0, &mut 0).unwrap();
        let files = engine.files(0, None).unwrap();
        assert_eq!((files.len(), files[0].level, files[0].entries, files[0].deletions), (1, 0, 10, 0));
        assert_eq!((&files[0].smallest[..], &files[0].largest[..]), (&[10][..], &[19][..]));
        assert!(files[0].bytes > 0 && engine.files(1, None).unwrap().is_empty());
        // At level 0 nothing is dropped.
        engine.delete_files(0, (&[0], &[99])).unwrap();
        assert_eq!(forwards(engine, ALL).len(), 10);
        engine.compact(0, (&[0], &[99]), true).unwrap();
        assert!(engine.files(0, None).unwrap()[0].level > 0);
        // One that ends at the end stays, and so does one that begins before the start.
        engine.delete_files(0, (&[10], &[19])).unwrap();
        engine.delete_files(0, (&[11], &[99])).unwrap();
        assert_eq!(forwards(engine, ALL).len(), 10);
        engine.delete_files(0, (&[10], &[19, 0])).unwrap();
        assert_eq!((forwards(engine, ALL).len(), engine.files(0, None).unwrap().len()), (0, 0));
    });
}

#[test]
fn tombstones_go_with_what_they_hide() {
    by_every_engine(|engine| {
        for byte in 0..10u8 {
            engine.write(&[put(0, &[byte], b"v")], WriteOptions::default()).unwrap();
        }
        engine.compact(0, (&[0], &[99]), true).unwrap();
        engine.write(&[delete(0, &[5]), Write { family: 0, op: Op::DeleteRange(vec![7], vec![9]) }], WriteOptions::default()).unwrap();
        engine.try_flush(0, &mut 0).unwrap();
        assert!(engine.files(0, None).unwrap().iter().any(|file| file.deletions > 0));
        engine.compact(0, (&[0], &[99]), false).unwrap();
        let files = engine.files(0, None).unwrap();
        assert_eq!((files.len(), files[0].entries, files[0].deletions), (1, 7, 0), "{files:?}");
        // By force, what lies in the last level is written once more.
        engine.compact(0, (&[0], &[99]), false).unwrap();
        assert_eq!(engine.files(0, None).unwrap(), files);
    });
}

#[test]
fn the_cpp_engine_by_itself() {
    let dir = tempdir().unwrap();
    let (object, program, databases) = (dir.path().join("stand_in.o"), dir.path().join("engine"), dir.path().join("db"));
    fs::create_dir(&databases).unwrap();
    let path = |path: &std::path::Path| path.display().to_string();
    compile("gcc", ["-std=c11", "-c", "-o", &path(&object), &path(&root().join("c_tests/engine/stand_in.c"))]);
    let sources = fs::read_dir(root().join("c_tests/engine")).unwrap().map(|entry| entry.unwrap().path());
    let sources = sources.filter(|path| path.extension().is_some_and(|extension| extension == "cc"));
    let mut arguments = [rocksdb_dialect(), "-fno-rtti", "-O1", "-rdynamic", "-o", &path(&program)].map(str::to_owned).to_vec();
    arguments.extend(rocksdb_include_flags());
    arguments.extend(sources.chain([root().join("shim/rocks_gc_install.cc"), object]).map(|file| path(&file)));
    arguments.extend(rocksdb_link_flags());
    arguments.extend(["-ldl", "-lpthread"].map(str::to_owned));
    compile("g++", arguments);
    let output = run(Command::new(program).arg(databases));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("engine: ok\n"));
}
