//! The C, C++ and Python hosts in `c_tests`: compiled, run, and watched by sanitizers and valgrind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{compile, library, rocksdb_include_flags, rocksdb_link_flags, rocksdb_prefix, root, run};
use tempfile::{TempDir, tempdir};

/// What every C host is compiled from beside its own file.
const COMMON: [&str; 3] = ["api.c", "check.c", "keys.c"];
/// Random keys where every instruction is watched.
const FEW_ROUNDS: &str = "2000";

fn source(name: &str) -> PathBuf {
    root().join("c_tests").join(name)
}

/// Compiles a C host and returns the program; `flags` come before the sources, `libraries` behind
/// them.
fn host(directory: &TempDir, sources: impl IntoIterator<Item = PathBuf>, flags: &[&str], libraries: &[String]) -> PathBuf {
    let program = directory.path().join("host");
    let mut arguments: Vec<OsString> = ["-std=c11", "-O1", "-o"].map(OsString::from).into();
    arguments.push(program.clone().into());
    arguments.extend(flags.iter().map(OsString::from));
    arguments.extend(rocksdb_include_flags().into_iter().map(OsString::from));
    arguments.extend(sources.into_iter().chain(COMMON.map(source)).map(OsString::from));
    arguments.extend(libraries.iter().map(OsString::from));
    compile("gcc", arguments);
    program
}

fn every_export(directory: &TempDir, flags: &[&str]) -> PathBuf {
    let parts = fs::read_dir(source("every_export")).expect("the parts are there").map(|entry| entry.expect("it is readable").path());
    let parts = parts.filter(|path| path.extension() == Some(OsStr::new("c")));
    let libraries = [vec!["-lpthread".into()], sanitizer_runtime()].concat();
    host(directory, parts.chain([source("every_export.c")]), flags, &libraries)
}

/// The flags of a host when the library itself is compiled with a sanitizer, whose runtime the
/// variable names (`make test`).
fn sanitizer_runtime() -> Vec<String> {
    match std::env::var("ROCKS_GC_TEST_SANITIZER_RUNTIME") {
        Ok(archive) => {
            format!("-Wl,--whole-archive {archive} -Wl,--no-whole-archive -rdynamic -ldl -lm -lrt").split(' ').map(str::to_owned).collect()
        }
        Err(_) => Vec::new(),
    }
}

fn output_of(command: &mut Command) -> String {
    String::from_utf8(run(command).stdout).expect("it speaks UTF-8")
}

/// RocksDB's library as a file.
fn rocksdb_file() -> PathBuf {
    let file = match rocksdb_prefix() {
        Some(prefix) => prefix.join("lib/librocksdb.so"),
        None => output_of(Command::new("gcc").arg("-print-file-name=librocksdb.so")).trim().into(),
    };
    file.canonicalize().expect("RocksDB is installed")
}

/// Its name among those that are loaded.
fn soname(file: &Path) -> String {
    let dynamic = output_of(Command::new("readelf").args(["-d", "-W"]).arg(file));
    let soname = dynamic.lines().find(|line| line.contains("(SONAME)")).and_then(|line| Some(line.split_once('[')?.1.split_once(']')?.0));
    soname.unwrap_or_else(|| panic!("{} has no SONAME:\n{dynamic}", file.display())).to_owned()
}

/// A folder for databases, in the same place as the program.
fn databases(directory: &TempDir) -> PathBuf {
    let databases = directory.path().join("db");
    fs::create_dir(&databases).expect("the folder is new");
    databases
}

#[test]
fn every_function_does_what_the_header_says() {
    let directory = tempdir().unwrap();
    run(Command::new(every_export(&directory, &[])).arg(library()));
}

#[test]
fn every_function_under_sanitizers() {
    let directory = tempdir().unwrap();
    let program = every_export(&directory, &["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]);
    let symbols = output_of(Command::new("nm").arg(&program));
    assert!(symbols.contains("__asan_init") && symbols.contains("__ubsan_handle"), "the program was compiled without sanitizers");
    run(Command::new(program).arg(library()).env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1"));
}

#[test]
fn every_function_under_valgrind() {
    let directory = tempdir().unwrap();
    let program = every_export(&directory, &[]);
    let mut suppressions = OsString::from("--suppressions=");
    suppressions.push(source("valgrind.supp"));
    run(Command::new("valgrind")
        .args(["--quiet", "--fair-sched=try", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"])
        .args(["--num-callers=40".into(), suppressions, program.into(), library().into()])
        .env("ROCKS_GC_TEST_ROUNDS", FEW_ROUNDS));
}

#[test]
fn a_host_collects_a_database_in_every_way() {
    let directory = tempdir().unwrap();
    let program = host(&directory, ["collect.c", "db.c"].map(source), &[], &rocksdb_link_flags());
    run(Command::new(program).arg(library()).arg(databases(&directory)).arg(soname(&rocksdb_file())));
}

/// Its functions have stand-ins in the executable, which are no second RocksDB.
#[test]
fn a_host_that_is_not_position_independent_collects_too() {
    let directory = tempdir().unwrap();
    let flags = ["-no-pie", "-fno-pie"];
    let program = host(&directory, ["collect.c", "db.c"].map(source), &flags, &rocksdb_link_flags());
    run(Command::new(program).arg(library()).arg(databases(&directory)).arg(soname(&rocksdb_file())));
}

#[test]
fn one_rocksdb_is_found_and_of_two_none_is_guessed() {
    let directory = tempdir().unwrap();
    let program = host(&directory, [source("copies.c")], &[], &[]);
    let object = |name: &str, of: &str, flag: &str| {
        let file = directory.path().join(name);
        let flags = ["-std=c11", "-shared", "-fPIC", flag, "-o"].map(OsString::from);
        compile("gcc", flags.into_iter().chain([file.clone().into(), source(of).into()]));
        file
    };
    let incomplete = object("incomplete.so", "twin.c", "-DINCOMPLETE");
    let same_names = ["SAME_NAMES", "NODE"].map(|what| object(&format!("{what}.so"), "same_names.c", &format!("-D{what}")));
    let mut others = vec![object("twin.so", "twin.c", "-DCOMPLETE")];
    if rocksdb_prefix().is_some() {
        // Debian's cannot be loaded twice: its gflags end the process.
        let copy = directory.path().join("copy.so");
        fs::copy(rocksdb_file(), &copy).unwrap();
        others.push(copy);
    }
    for other in others {
        run(Command::new(&program).arg(library()).arg(rocksdb_file()).arg(other).arg(&incomplete).args(&same_names));
    }
}

#[test]
fn rocksdb_in_the_executable_is_found_if_it_is_exported() {
    let archive = match rocksdb_prefix() {
        Some(prefix) => vec![prefix.join("lib/librocksdb.a").display().to_string()],
        None => ["-l:librocksdb.a", "-lgflags", "-lsnappy", "-lz", "-lbz2", "-llz4", "-lzstd"].map(String::from).into(),
    };
    let libraries: Vec<String> = archive.into_iter().chain(["-lstdc++", "-lpthread", "-ldl", "-lm"].map(String::from)).collect();
    for (flags, expected) in [(&[][..], "hidden"), (&["-rdynamic"][..], "found")] {
        let directory = tempdir().unwrap();
        let program = host(&directory, ["in_executable.c", "db.c"].map(source), flags, &libraries);
        run(Command::new(program).arg(library()).arg(directory.path().join("db")).arg(expected));
    }
}

#[test]
fn a_cpp_host_is_linked_with_the_library() {
    let directory = tempdir().unwrap();
    let program = directory.path().join("plain");
    // Linked by its file, looked up by its SONAME.
    symlink(fs::canonicalize(library()).unwrap(), directory.path().join("librocks_gc.so.1")).unwrap();
    let mut arguments: Vec<OsString> = ["-std=c++17", "-O1", "-o"].map(OsString::from).into();
    arguments.extend([program.clone().into(), source("plain.cc").into(), library().into()]);
    arguments.push(format!("-Wl,-rpath,{}", directory.path().display()).into());
    arguments.extend(rocksdb_include_flags().into_iter().chain(rocksdb_link_flags()).map(OsString::from));
    compile("g++", arguments);
    let output = output_of(Command::new(program).arg(directory.path().join("db")));
    assert_eq!(output, "plain: ok\n");
}

#[test]
fn a_python_host_collects_through_ctypes() {
    let directory = tempdir().unwrap();
    let mut command = Command::new("python3");
    command.arg(source("host.py")).arg(library()).arg(rocksdb_file()).arg(directory.path().join("db"));
    let guide = fs::read_to_string(root().join("docs/src/guide-other.md")).unwrap();
    assert!(guide.contains("python3 c_tests/host.py target/release/librocks_gc.so librocksdb.so quickstart.db\n"));
    let output = output_of(&mut command);
    assert!(output.ends_with(": ok\n"), "{output}");
}

/// The names in the dynamic symbol table.
fn dynamic_symbols(flag: &str) -> Vec<String> {
    let symbols = output_of(Command::new("nm").args(["-D", "-j", flag]).arg(library()));
    symbols.lines().map(|name| name.split('@').next().unwrap_or(name).to_owned()).collect()
}

#[test]
fn the_library_exports_its_own_names_only() {
    let defined = dynamic_symbols("--defined-only");
    assert!(!defined.is_empty());
    let foreign: Vec<_> = defined.iter().filter(|name| !name.starts_with("rgc_")).collect();
    assert!(foreign.is_empty(), "exported, though not of the library: {foreign:?}");
    let rocksdb: Vec<_> = dynamic_symbols("--undefined-only").into_iter().filter(|name| name.contains("rocksdb")).collect();
    assert!(rocksdb.is_empty(), "the library must link no RocksDB: {rocksdb:?}");
}

#[test]
fn the_library_has_its_soname_and_is_never_unloaded() {
    assert_eq!(soname(&library()), "librocks_gc.so.1");
    let dynamic = output_of(Command::new("readelf").args(["-d", "-W"]).arg(library()));
    let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)")).unwrap_or_default();
    assert!(flags.contains("NODELETE"), "{dynamic}");
    let needed: Vec<_> = dynamic.lines().filter(|line| line.contains("(NEEDED)")).collect();
    let known = ["[libc.so.6]", "[libgcc_s.so.1]", "[libm.so.6]", "[ld-linux-"];
    assert!(needed.iter().all(|line| known.iter().any(|name| line.contains(name))), "needs more than the C library: {needed:#?}");
}
