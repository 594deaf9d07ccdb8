//! The C++ adaptor: its headers in every dialect, and its parts one by one against made-up events.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{compile, library, rocksdb_dialect, rocksdb_include_flags, rocksdb_link_flags, root, run, stand_in};
use tempfile::{TempDir, tempdir};

fn source(name: &str) -> PathBuf {
    root().join("c_tests/adaptor").join(name)
}

fn host(directory: &TempDir, flags: &[&str]) -> PathBuf {
    let program = directory.path().join("host");
    let mut arguments: Vec<OsString> = [rocksdb_dialect(), "-O1", "-o"].map(OsString::from).into();
    arguments.push(program.clone().into());
    arguments.extend(flags.iter().map(OsString::from));
    arguments.extend(["main.cc", "library.cc", "install.cc", "protocol.cc", "files.cc"].map(|name| source(name).into()));
    arguments.extend(rocksdb_include_flags().into_iter().chain(rocksdb_link_flags()).map(OsString::from));
    arguments.extend(["-ldl", "-lpthread"].map(OsString::from));
    compile("g++", arguments);
    program
}

fn run_host(directory: &TempDir, program: &Path) {
    let mut command = Command::new(program);
    command.arg(library());
    command.arg(stand_in(directory, "other_abi.so", &["-DABI=2"])).arg(stand_in(directory, "lacking.so", &["-DABI=1", "-DLACKING"]));
    assert_eq!(String::from_utf8(run(&mut command).stdout).unwrap(), "adaptor: ok\n");
}

#[test]
fn each_part_does_what_it_says() {
    let directory = tempdir().unwrap();
    run_host(&directory, &host(&directory, &[]));
}

#[test]
fn each_part_under_sanitizers() {
    let directory = tempdir().unwrap();
    // RocksDB's own library has no instrumented vtables to compare with.
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize=vptr", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
    run_host(&directory, &host(&directory, &flags));
}

/// The headers compile alone, in any order and twice; with and without exceptions and RTTI; in the
/// dialects that RocksDB's own headers support.
#[test]
fn the_headers_compile_alone_and_without_exceptions_or_rtti() {
    const LIBRARY: &str = "rocks_gc_library.h";
    const ROCKSDB: &str = "rocks_gc_rocksdb.h";
    const WAL: &str = "rocks_gc_rocksdb_wal.h";
    let orders: [&[&str]; 6] = [
        &[LIBRARY],
        &[ROCKSDB],
        &[WAL],
        &[ROCKSDB, ROCKSDB, "rocksdb/c.h"],
        &["rocksdb/c.h", "rocks_gc_rocksdb_c.h", ROCKSDB],
        &[WAL, ROCKSDB, WAL],
    ];
    let directory = tempdir().unwrap();
    for (number, order) in orders.into_iter().enumerate() {
        let includes: String = order.iter().map(|header| format!("#include <{header}>\n")).collect();
        let install =
            "\nrocksdb::Status F(rocks_gc::Context& c, rocksdb::Options* o) { return rocks_gc::Install(c, RGC_KIND_RAW, o, o); }\n";
        let filter = "\nuint64_t F(rocks_gc::Context& c) { return rocks_gc::WalFilter(c, {\"default\"}).changed(); }\n";
        let uses = match order.last() {
            Some(&LIBRARY) => "\nbool F() { return rocks_gc::Library::Load(\"x\").ok(); }\n",
            Some(&WAL) => filter,
            _ => install,
        };
        let file = directory.path().join(format!("{number}.cc"));
        std::fs::write(&file, format!("{includes}{uses}")).unwrap();
        let features = if order == [ROCKSDB] || order == [WAL] { &[&[][..], &["-fno-rtti", "-fno-exceptions"]][..] } else { &[&[][..]] };
        let dialects =
            if rocksdb_dialect() == "-std=c++20" && order != [LIBRARY] { &["-std=c++20"][..] } else { &["-std=c++17", "-std=c++20"] };
        for dialect in dialects {
            for features in features {
                let flags = ["-Wshadow", "-fsyntax-only", dialect].into_iter().chain(features.iter().copied());
                compile("g++", flags.map(str::to_owned).chain(system_include_flags()).chain([file.display().to_string()]));
            }
        }
    }
}

/// RocksDB's headers are not ours to warn about.
fn system_include_flags() -> Vec<String> {
    rocksdb_include_flags().iter().map(|flag| flag.replacen("-I", "-isystem", 1)).collect()
}

#[test]
fn versions_are_told_apart_in_one_place() {
    let header = std::fs::read_to_string(root().join("include/rocks_gc_rocksdb.h")).unwrap();
    let (head, rest) = header.split_once("- end of the conditionals").unwrap();
    let conditionals = |text: &str| text.lines().filter(|line| line.starts_with("#if ") || line.starts_with("#elif ")).count();
    assert!((1..=10).contains(&conditionals(head)), "{} conditionals", conditionals(head));
    assert_eq!(conditionals(rest), 0, "a conditional behind the place for them");
    assert!(!rest.contains("ROCKSDB_MAJOR"));
}
