//! The install shim in a C host. `tests/bindings.rs` has a Rust host with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{compile, library, rocksdb_dialect, rocksdb_include_flags, rocksdb_link_flags, rocksdb_prefix, root, run, stand_in};
use tempfile::{TempDir, tempdir};

fn in_folder(folder: &str, names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| root().join(folder).join(name)).collect()
}

/// Compiles and links with these flags in front of everything.
fn build(compiler: &str, flags: &[&str], sources: &[PathBuf], output: &Path, libraries: &[String]) {
    let mut arguments: Vec<OsString> = flags.iter().map(OsString::from).collect();
    arguments.extend(rocksdb_include_flags().iter().map(OsString::from));
    arguments.extend(sources.iter().map(OsString::from));
    arguments.extend([OsString::from("-o"), output.into()]);
    arguments.extend(libraries.iter().map(OsString::from));
    compile(compiler, arguments);
}

/// The C host with the shim, which is C++ and has flags of its own; `both` are flags for both
/// compilers.
fn host(directory: &TempDir, shim: &[&str], both: &[&str]) -> PathBuf {
    let object = directory.path().join("rocks_gc_install.o");
    let flags = [both, shim, &[rocksdb_dialect(), "-fno-rtti", "-O1", "-c"]].concat();
    build("g++", &flags, &in_folder("shim", &["rocks_gc_install.cc"]), &object, &[]);
    let mut sources = in_folder("c_tests/shim", &["host.c", "families.c", "refused.c"]);
    sources.extend(in_folder("c_tests", &["api.c", "check.c", "keys.c", "db.c"]));
    sources.push(object);
    let program = directory.path().join("host");
    let include = format!("-I{}", root().join("c_tests").display());
    let libraries = [rocksdb_link_flags(), ["-ldl", "-lstdc++"].map(String::from).into()].concat();
    build("gcc", &[both, &["-std=c11", "-O1", &include]].concat(), &sources, &program, &libraries);
    program
}

/// A host that was compiled with these flags collects, and is refused what it should be.
fn does_all(shim: &[&str], both: &[&str]) {
    let directory = tempdir().unwrap();
    let program = host(&directory, shim, both);
    let databases = directory.path().join("db");
    fs::create_dir(&databases).unwrap();
    let other_abi = stand_in(&directory, "other_abi.so", &["-DABI=99"]);
    let incomplete = stand_in(&directory, "incomplete.so", &["-DABI=1", "-Drgc_metrics=rgc_no_metrics"]);
    let mut command = Command::new(program);
    command.arg(library()).arg(databases).arg(other_abi).arg(incomplete).env("ASAN_OPTIONS", "detect_leaks=1");
    run(&mut command);
}

#[test]
fn a_c_host_collects_by_skips_and_is_told_what_is_wrong() {
    does_all(&[], &[]);
}

#[test]
fn a_host_without_exceptions() {
    does_all(&["-fno-exceptions"], &[]);
}

#[test]
fn a_host_under_sanitizers() {
    // Classes of RocksDB's, which knows no type information, are no concern of the sanitizer's.
    does_all(&[], &["-fsanitize=address,undefined", "-fno-sanitize=vptr", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]);
}

/// RocksDB's own include folder, and the same one of the next minor version.
fn headers_of_the_next_version(directory: &TempDir) -> (PathBuf, String) {
    let include = directory.path().join("include");
    fs::create_dir(&include).unwrap();
    let headers = rocksdb_prefix().unwrap_or("/usr".into()).join("include/rocksdb");
    run(Command::new("cp").arg("-r").args([&headers, &include]));
    let file = include.join("rocksdb/version.h");
    let text = fs::read_to_string(&file).unwrap();
    let number = |name: &str| -> u32 {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("#define ROCKSDB_{name} "))).expect("a version");
        line.trim().parse().expect("a number")
    };
    let (major, minor, patch) = (number("MAJOR"), number("MINOR"), number("PATCH"));
    let next = text.replace(&format!("#define ROCKSDB_MINOR {minor}\n"), &format!("#define ROCKSDB_MINOR {}\n", minor + 1));
    assert_ne!(next, text);
    fs::remove_file(&file).unwrap();
    fs::write(&file, next).unwrap();
    (include, format!("RocksDB {major}.{}.{patch}, the library is {major}.{minor}.{patch}", minor + 1))
}

#[test]
fn headers_of_another_rocksdb_are_refused() {
    let directory = tempdir().unwrap();
    let (include, versions) = headers_of_the_next_version(&directory);
    let program = host(&directory, &[&format!("-I{}", include.display())], &[]);
    run(Command::new(program).arg(library()).arg(versions));
}
