//! What the tests share: where the library and RocksDB are, and how hosts are compiled and run.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "each test binary uses its part; a test may fail"
)]

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub mod adaptor;
pub mod counting;
pub mod gc;
pub mod log;
pub mod memory;
pub mod model;
pub mod rocksdb;
pub mod schemas;
pub mod store;

/// The root of the tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shared library under test: the one that `make` names, or else the one that cargo built
/// beside this test.
pub fn library() -> PathBuf {
    std::env::var_os("ROCKS_GC_TEST_LIBRARY").map_or_else(|| tests_folder().join("librocks_gc.so"), PathBuf::from)
}

/// Where cargo puts tests and what they need.
fn tests_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    test.parent().expect("a test lies in a folder").to_path_buf()
}

/// The folder with RocksDB's `include` and `lib`; none = the system's.
pub fn rocksdb_prefix() -> Option<PathBuf> {
    std::env::var_os("ROCKS_GC_TEST_ROCKSDB").filter(|prefix| !prefix.is_empty()).map(PathBuf::from)
}

/// RocksDB's shared library, as the loader takes it.
pub fn rocksdb_library() -> PathBuf {
    rocksdb_prefix().map_or("librocksdb.so".into(), |prefix| prefix.join("lib/librocksdb.so"))
}

/// The compiler flags for RocksDB's headers.
pub fn rocksdb_include_flags() -> Vec<String> {
    rocksdb_prefix().map(|prefix| format!("-I{}/include", prefix.display())).into_iter().collect()
}

/// The C++ that RocksDB's headers want.
pub fn rocksdb_dialect() -> &'static str {
    let version = rocksdb_prefix().unwrap_or("/usr".into()).join("include/rocksdb/version.h");
    let text = std::fs::read_to_string(&version).unwrap_or_else(|error| panic!("{}: {error}", version.display()));
    let number = |name: &str| -> u32 {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("#define {name} "))).expect("a version");
        line.trim().parse().expect("a number")
    };
    if number("ROCKSDB_MAJOR") * 1000 + number("ROCKSDB_MINOR") >= 10_007 { "-std=c++20" } else { "-std=c++17" }
}

/// The linker flags for RocksDB's shared library; behind the sources.
pub fn rocksdb_link_flags() -> Vec<String> {
    let mut flags = Vec::new();
    if let Some(prefix) = rocksdb_prefix() {
        let lib = prefix.join("lib");
        flags.extend([format!("-L{}", lib.display()), format!("-Wl,-rpath,{}", lib.display())]);
    }
    flags.push("-lrocksdb".into());
    flags
}

/// Compiles with warnings as errors and the project's headers; panics with the compiler's words.
pub fn compile<S: AsRef<OsStr>>(compiler: &str, arguments: impl IntoIterator<Item = S>) {
    let mut command = Command::new(compiler);
    command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]).arg("-I").arg(root().join("include")).args(arguments);
    run(&mut command);
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Waits until another thread has done something; fails after a minute.
pub fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} did not come");
        thread::sleep(Duration::from_micros(200));
    }
}

/// A library that is not quite librocks_gc, compiled with these flags.
pub fn stand_in(directory: &TempDir, name: &str, flags: &[&str]) -> PathBuf {
    let file = directory.path().join(name);
    let mut arguments: Vec<OsString> = ["-std=c11", "-shared", "-fPIC", "-o"].map(OsString::from).into();
    arguments.extend([file.clone().into(), root().join("c_tests/stand_in.c").into()]);
    arguments.extend(flags.iter().map(OsString::from));
    compile("gcc", arguments);
    file
}
