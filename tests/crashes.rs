//! Crashes (I6): a host on a real RocksDB is killed, or loses power, in the middle of destroys and
//! of the worker's passes. It restarts, attaches, and finds everything that must exist and nothing
//! that must not (`c_tests/crash`).

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};
use support::{compile, library, rocksdb_dialect, rocksdb_include_flags, rocksdb_link_flags, root, run};
use tempfile::{Builder, TempDir};

/// Kills of each engine, and losses of power.
const TIMES: u64 = 150;
/// Between the first and the last write of a destroy, of its debt, or of the worker's pass.
const INSIDE: [&str; 8] = ["record", "files", "keys", "compact", "resumed", "worker", "due", "debt"];

/// In memory where that is possible: RocksDB syncs a lot.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    Builder::new().prefix("rocks_gc_crashes").tempdir_in(parent).unwrap()
}

/// The host, compiled once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, program) = PROGRAM.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("crashes");
        let mut arguments: Vec<OsString> = [rocksdb_dialect(), "-O1", "-o"].map(OsString::from).into();
        arguments.push(program.clone().into());
        let sources = ["main", "kills", "power", "host", "work", "journal", "candidates", "model", "open", "store", "synced_fs"];
        arguments.extend(sources.map(|name| root().join("c_tests/crash").join(name).with_extension("cc").into()));
        arguments.extend(rocksdb_include_flags().into_iter().chain(rocksdb_link_flags()).map(OsString::from));
        arguments.extend(["-ldl", "-lpthread"].map(OsString::from));
        compile("g++", arguments);
        (directory, program)
    });
    program
}

/// Runs the host; how often it crashed where.
fn crashes(way: &str, engine: &str) -> BTreeMap<String, u64> {
    let directory = folder();
    let seed = std::env::var("ROCKS_GC_TEST_SEED").map_or_else(
        |_| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 1_000_000,
        |seed| seed.parse().expect("a number"),
    );
    println!("{way} {engine}: ROCKS_GC_TEST_SEED={seed}");
    let mut command = Command::new(program());
    command.args([way, engine]).arg(library()).arg(directory.path()).arg(seed.to_string()).arg(TIMES.to_string());
    let table = String::from_utf8(run(&mut command).stdout).unwrap();
    println!("{table}");
    table.lines().map(|line| line.split_once(' ').unwrap()).map(|(place, times)| (place.to_owned(), times.parse().unwrap())).collect()
}

/// The places that a host must be killed in, and how often.
const MET: [(&str, u64); 11] = [
    ("opening", 3),
    ("verifying", 3),
    ("working", 3),
    ("record", 3),
    ("files", 3),
    ("keys", 3),
    ("compact", 3),
    ("resumed", 3),
    ("worker", 3),
    ("debt", 3),
    ("due", 1),
];
/// The most rounds of kills. Some places are so short that one round may miss them.
const ROUNDS: usize = 5;

fn is_killed_anywhere(engine: &str) {
    let mut places = crashes("kill", engine);
    for _ in 1..ROUNDS {
        if MET.iter().all(|(place, times)| places[*place] >= *times) {
            break;
        }
        crashes("kill", engine).into_iter().for_each(|(place, times)| *places.entry(place).or_default() += times);
    }
    assert!(places.values().sum::<u64>() >= TIMES, "{places:?}");
    assert!(INSIDE.map(|place| places[place]).iter().sum::<u64>() >= TIMES / 2, "{places:?}");
    for (place, times) in MET {
        assert!(places[place] >= times, "{place}: {places:?}");
    }
}

fn loses_power_anywhere(engine: &str) {
    let places = crashes("power", engine);
    assert!(places.values().sum::<u64>() >= TIMES, "{places:?}");
    for place in ["record", "keys", "compact", "resumed", "worker", "debt"] {
        assert!(places[place] >= 1, "{place}: {places:?}");
    }
}

#[test]
fn a_host_on_the_c_api_is_killed_anywhere() {
    is_killed_anywhere("c");
}

#[test]
fn a_host_with_the_adaptor_is_killed_anywhere() {
    is_killed_anywhere("adaptor");
}

#[test]
fn a_host_on_the_c_api_loses_power_anywhere() {
    loses_power_anywhere("c");
}

#[test]
fn a_host_with_the_adaptor_loses_power_anywhere() {
    loses_power_anywhere("adaptor");
}
