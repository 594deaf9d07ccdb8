//! A host cannot overlook a refusal: a function that can refuse returns a result, a compiler warns
//! where a host ignores it, and a host that checks it never closes a DB that the worker still uses.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use support::gc::Gc;
use support::store::{EVERY_WAY, RAW, Store};
use support::{compile, library, rocksdb_dialect, rocksdb_include_flags, rocksdb_link_flags, root, run};
use tempfile::{TempDir, tempdir};

const NOW: u64 = 1000;

#[test]
fn detach_beside_a_living_filter_is_refused_and_the_store_goes_on() {
    for via in EVERY_WAY {
        let gc = Gc::new("", NOW);
        gc.name_all(&[1], c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        gc.advance(1, 100).unwrap();
        let dir = tempdir().unwrap();
        let store = Store::attached(dir.path(), &gc, via, RAW);
        let filter = gc.run(c::RGC_KIND_RAW, -1).unwrap();
        filter.callback(&gc.raw_key(1, b"row", 70), b"v\0");
        assert!(!gc.try_detach(), "{via:?}: this thread's compaction is on");
        store.put(0, &gc.raw_key(1, b"dead", 70), b"\x02");
        store.compact(0);
        std::thread::scope(|scope| assert_eq!(scope.spawn(|| gc.drain(60_000)).join().unwrap(), Ok(0), "{via:?}: the worker goes on"));
        store.compact(0);
        assert!(store.keys(0).is_empty(), "{via:?}");
        drop(filter);
        assert!(gc.try_detach(), "{via:?}: no filter is left");
    }
}

fn host(directory: &TempDir, source: &str) -> PathBuf {
    let program = directory.path().join("host");
    let mut arguments: Vec<OsString> = [rocksdb_dialect(), "-O1", "-o"].map(OsString::from).into();
    arguments.extend([program.clone().into(), root().join("c_tests/refusals").join(source).into()]);
    arguments.extend(rocksdb_include_flags().into_iter().chain(rocksdb_link_flags()).map(OsString::from));
    arguments.extend(["-ldl", "-lpthread"].map(OsString::from));
    compile("g++", arguments);
    program
}

#[test]
fn a_host_that_looks_at_the_answer_keeps_its_db_and_detaches_elsewhere() {
    let directory = tempdir().unwrap();
    let output = run(Command::new(host(&directory, "host.cc")).arg(library()).arg(directory.path().join("db")));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "refusals: ok\n");
}

/// Other write policies than WRITE_COMMITTED, and a second DB with the rgc_t of an attached one.
#[test]
fn stores_that_would_lose_data_are_refused_by_the_adaptor() {
    let directory = tempdir().unwrap();
    let output = run(Command::new(host(&directory, "stores.cc")).arg(library()).arg(directory.path()));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "stores: ok\n");
}

/// The worker would go on in a closed DB; the host is stopped before, and told why.
#[test]
fn an_attachment_that_is_let_go_beside_a_living_filter_says_why_and_stops_the_host() {
    const SIGABRT: i32 = 6;
    let directory = tempdir().unwrap();
    let output = Command::new(host(&directory, "host.cc")).arg(library()).arg(directory.path().join("db")).arg("let_go").output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(SIGABRT), "{}: {why}", output.status);
    assert!(why.contains("rocks_gc::Attachment: rgc_detach was refused"), "{why}");
}

/// Compiles one statement of a host's, with warnings as errors.
fn compiles(dialect: &str, statement: &str) -> Output {
    let directory = tempdir().unwrap();
    let (compiler, extension) = if dialect.contains("++") { ("g++", "cc") } else { ("gcc", "c") };
    let file = directory.path().join(format!("host.{extension}"));
    let header = if extension == "c" { "rocks_gc.h" } else { "rocks_gc_rocksdb_store.h" };
    let source = format!("#include <{header}>\nint main(void) {{\n  rgc_t* gc = NULL;\n  {statement};\n  return gc != NULL;\n}}\n");
    std::fs::write(&file, source).unwrap();
    let mut command = Command::new(compiler);
    command.args([dialect, "-Wall", "-Wextra", "-Werror", "-c", "-o", "/dev/null", "-I"]).arg(root().join("include"));
    command.args(rocksdb_include_flags()).arg(file).output().unwrap()
}

#[test]
fn a_compiler_warns_where_a_host_drops_an_answer() {
    let calls =
        ["rgc_detach(gc)", "rgc_destroy(gc)", "rgc_set_enabled(gc, 0)", "rgc_set_clock(gc, NULL, NULL)", "rgc_set_logger(NULL, NULL, 0)"];
    for dialect in ["-std=c99", rocksdb_dialect()] {
        for call in calls {
            let dropped = compiles(dialect, call);
            let words = String::from_utf8_lossy(&dropped.stderr);
            assert!(!dropped.status.success() && words.contains("unused-result"), "{dialect}: {call}: {words}");
            let looked_at = compiles(dialect, &format!("if ({call} == 0) return 1"));
            assert!(looked_at.status.success(), "{dialect}: {call}: {}", String::from_utf8_lossy(&looked_at.stderr));
        }
    }
    let of_cpp = [
        "rocks_gc::Attach(rocks_gc::Library(), gc, nullptr, {})",
        "rocks_gc::Install(rocks_gc::Library(), gc, 1, nullptr, nullptr)",
        "rocks_gc::Library().SetLogger(nullptr, 0)",
        "rocks_gc::Context().SetClock(nullptr)",
        "rocks_gc::Attachment().Detach()",
        "rocks_gc::Library()->rgc_detach(gc)",
    ];
    for call in of_cpp {
        let dropped = compiles(rocksdb_dialect(), call);
        let words = String::from_utf8_lossy(&dropped.stderr);
        assert!(!dropped.status.success() && words.contains("unused-result"), "{call}: {words}");
    }
}

#[test]
fn a_host_may_want_no_warnings() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("host.c");
    let source = "#define RGC_MUST_CHECK\n#include <rocks_gc.h>\nint main(void) {\n  rgc_detach(NULL);\n  return 0;\n}\n";
    std::fs::write(&file, source).unwrap();
    compile("gcc", ["-std=c99", "-c", "-o", "/dev/null", &file.display().to_string()]);
}
