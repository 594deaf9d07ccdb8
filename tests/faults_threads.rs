//! The library's own thread: no signal for the host reaches it, but a crash on it reaches the
//! host's handler.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;
use support::gc::Gc;
use support::store::{RAW, Store, Via};
use support::{compile, library, root, run};
use tempfile::tempdir;

/// ILL, ABRT, BUS, FPE, SEGV.
const OF_A_CRASH: [u32; 5] = [4, 6, 7, 8, 11];
/// Those that nobody can block, KILL and STOP, and the two that the C library keeps for itself.
const NEVER_BLOCKED: [u32; 4] = [9, 19, 32, 33];
const LAST_SIGNAL: u32 = 64;

/// The masks of this process's threads that are the library's.
fn masks() -> Vec<u64> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let ours = tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "rocks_gc"));
    let mask = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).expect("a mask");
        u64::from_str_radix(line.trim(), 16).expect("a number")
    };
    ours.filter_map(|task| fs::read_to_string(task.join("status")).ok()).map(mask).collect()
}

#[test]
fn only_the_signals_of_a_crash_are_open_on_the_library_s_thread() {
    let gc = Gc::new("", 1000);
    let dir = tempdir().unwrap();
    let store = Store::attached(dir.path(), &gc, Via::C, RAW);
    // A thread gives itself its name, some time after it was made.
    let named = (0..10_000).find_map(|_| {
        let masks = masks();
        if masks.is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        (!masks.is_empty()).then_some(masks)
    });
    let masks = named.expect("there is a worker");
    for mask in masks {
        for signal in (1..=LAST_SIGNAL).filter(|signal| !NEVER_BLOCKED.contains(signal)) {
            let is_blocked = mask >> (signal - 1) & 1 == 1;
            assert_eq!(is_blocked, !OF_A_CRASH.contains(&signal), "signal {signal} in {mask:016x}");
        }
    }
    assert_eq!(gc.drain(60_000), Ok(0));
    drop(store);
}

/// The host's handler runs for a crash on the worker's thread, in a function of the host's engine.
#[test]
fn a_crash_on_the_library_s_thread_reaches_the_host_s_handler() {
    let directory = tempdir().unwrap();
    let program = directory.path().join("host");
    let mut arguments: Vec<OsString> = ["-std=c11", "-O1", "-o"].map(OsString::from).into();
    arguments.push(program.clone().into());
    let sources = [
        "signals/host.c",
        "every_export/attached.c",
        "every_export/mem_compact.c",
        "every_export/mem_engine.c",
        "every_export/mem_store.c",
        "every_export/parts.c",
        "api.c",
        "check.c",
        "keys.c",
    ];
    arguments.extend(sources.iter().map(|name| root().join("c_tests").join(name).into()));
    arguments.extend(["-ldl", "-lpthread"].map(OsString::from));
    compile("gcc", arguments);
    let output = run(Command::new(program).arg(library()));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "the handler: rocks_gc\n");
}
