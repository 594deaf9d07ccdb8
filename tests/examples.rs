//! The examples compile without a warning and do what they say; the README quotes the quick start word for word.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{compile, library, rocksdb_include_flags, rocksdb_link_flags, root, run};
use tempfile::tempdir;

/// The sources of an example that begin with its name.
fn sources(example: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    let mut sources: Vec<_> = files.filter(|file| name(file).starts_with(example) && name(file).ends_with(".c")).collect();
    sources.sort();
    assert!(!sources.is_empty(), "examples/{example}*.c is missing");
    sources
}

/// Compiles an example against RocksDB into `program`.
fn compile_example(example: &str, program: &Path, link_flags: Vec<String>) {
    let mut arguments = vec!["-std=c11".into(), "-o".into(), program.display().to_string()];
    arguments.extend(rocksdb_include_flags());
    arguments.extend(sources(example).iter().map(|source| source.display().to_string()));
    arguments.extend(link_flags);
    arguments.extend(rocksdb_link_flags());
    compile("cc", arguments);
}

#[test]
fn the_readme_quotes_the_quick_start() {
    let quick_start = fs::read_to_string(root().join("examples/quickstart.c")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let quoted = readme.split("```c\n").skip(1).filter_map(|rest| rest.split_once("```\n")).any(|(block, _)| block == quick_start);
    assert!(quoted, "README.md has no ```c block equal to examples/quickstart.c");
}

/// The README's own command, with the library and the program elsewhere.
#[test]
fn the_quick_start_leaves_one_version() {
    let dir = tempdir().unwrap();
    for name in ["librocks_gc.so", "librocks_gc.so.1"] {
        symlink(fs::canonicalize(library()).unwrap(), dir.path().join(name)).unwrap();
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let command = readme.lines().find(|line| line.starts_with("cc examples/quickstart.c")).expect("README.md says how to build it");
    let here = dir.path().display();
    let flags = [rocksdb_include_flags(), rocksdb_link_flags(), vec!["-Wall -Wextra -Wpedantic -Werror".into()]].concat().join(" ");
    let elsewhere = format!("{flags} -o {here}/quickstart && cd {here} && ./quickstart");
    let command = command.replace("target/release", &here.to_string()).replace("-o quickstart && ./quickstart", &elsewhere);
    let output = run(Command::new("sh").arg("-c").arg(command).current_dir(root()));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1 of 3 versions left\n");
}

#[test]
fn the_demo_ends_well_and_leaves_nothing_behind() {
    let dir = tempdir().unwrap();
    let program = dir.path().join("demo");
    let databases = dir.path().join("databases");
    fs::create_dir(&databases).unwrap();
    compile_example("demo", &program, vec!["-ldl".into()]);
    let output = run(Command::new(&program).arg(library()).arg("20").env("TMPDIR", &databases));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().last(), Some("demo: ok"), "{text}");
    assert!(!text.contains('\r'), "progress is for terminals only: {text:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(fs::read_dir(&databases).unwrap().count(), 0, "a database is left behind");
}
