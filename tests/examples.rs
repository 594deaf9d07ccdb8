//! The examples compile without a warning and do what they say; the README and the book quote the
//! quick starts word for word.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{compile, library, rocksdb_dialect, rocksdb_include_flags, rocksdb_link_flags, root, run};
use tempfile::tempdir;

/// The README and every page of the book.
fn documents() -> String {
    let pages = fs::read_dir(root().join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = pages.filter(|file| file.extension().is_some_and(|extension| extension == "md")).collect();
    files.sort();
    files.insert(0, root().join("README.md"));
    files.into_iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

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
fn the_documents_quote_the_quick_starts() {
    let pages = [("c", "examples/quickstart.c", "docs/src/guide-c.md"), ("cpp", "examples/quickstart.cc", "README.md")];
    for (language, file, page) in pages {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let quick_start = fs::read_to_string(root().join(file)).unwrap();
        let blocks = text.split(&format!("```{language}\n")).skip(1).filter_map(|rest| rest.split_once("```\n")).collect::<Vec<_>>();
        assert!(blocks.iter().any(|(block, _)| *block == quick_start), "{page} has no ```{language} block equal to {file}");
    }
}

/// The pieces of C that are no whole program, with what the text around them says is there.
#[test]
fn the_documents_other_code_compiles() {
    let dir = tempdir().unwrap();
    let text = documents();
    let blocks = text.split("```c\n").skip(1).filter_map(|rest| rest.split_once("```\n")).map(|(block, _)| block);
    let pieces: Vec<_> = blocks.filter(|block| !block.contains("int main")).collect();
    assert!(pieces.len() >= 7, "{pieces:?}");
    let known = [
        ("rgc_t* gc", "rgc_t* gc"),
        ("rocksdb_t* db", "rocksdb_t* db"),
        ("ledger_handle", "rocksdb_column_family_handle_t* ledger_handle"),
        ("err", "char* err"),
        ("ids", "const uint32_t* ids"),
        (" n,", "size_t n"),
        ("highest_id_ever", "uint32_t highest_id_ever"),
        ("now_ts", "uint64_t now_ts"),
        (" ts,", "uint64_t ts"),
        ("&host", "rgc_fleet_host_t host"),
    ];
    for (number, piece) in pieces.into_iter().enumerate() {
        let is_declared = |declaration: &str| piece.contains(&format!("{declaration} ="));
        let needs = |what: &str| what.contains('*') || piece.contains(what);
        let declared = known.iter().filter(|(what, declaration)| needs(what) && !is_declared(declaration));
        let parameters = declared.map(|(_, declaration)| *declaration).collect::<Vec<_>>().join(", ");
        let file = dir.path().join(format!("piece{number}.c"));
        let source = format!(
            "#include <rocks_gc_rocksdb_c.h>\n#include <rocks_gc_fleet.h>\n#include <stdlib.h>\nvoid piece({parameters});\nvoid piece({parameters}) {{\n{piece}\n(void)gc;\n}}\n"
        );
        fs::write(&file, source).unwrap();
        let mut arguments = vec!["-std=c11".into(), "-Wno-unused-parameter".into(), "-c".into(), "-o".into(), "/dev/null".into()];
        arguments.extend(rocksdb_include_flags());
        arguments.push(file.display().to_string());
        compile("cc", arguments);
    }
}

/// The documents' own command that begins so, with the library and the program elsewhere.
fn documented_command_leaves_one_version(beginning: &str, change: impl Fn(String) -> String) {
    let dir = tempdir().unwrap();
    for name in ["librocks_gc.so", "librocks_gc.so.1"] {
        symlink(fs::canonicalize(library()).unwrap(), dir.path().join(name)).unwrap();
    }
    let text = documents();
    let text = text.replace("\\\n  ", "");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(beginning));
    let command = lines.next().expect("a document says how to build it");
    assert_eq!(lines.next(), Some("./quickstart"), "and how to run it");
    let command = format!("{command} && ./quickstart");
    let here = dir.path().display();
    let flags = [rocksdb_include_flags(), rocksdb_link_flags(), vec!["-Wall -Wextra -Wpedantic -Werror".into()]].concat().join(" ");
    let elsewhere = format!("{flags} -o {here}/quickstart && cd {here} && ./quickstart");
    let command = command.replace("target/release", &here.to_string()).replace("-o quickstart && ./quickstart", &elsewhere);
    let output = run(Command::new("sh").arg("-c").arg(change(command)).current_dir(root()));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1 of 3 versions left\n");
}

#[test]
fn the_quick_start_leaves_one_version() {
    documented_command_leaves_one_version("cc examples/quickstart.c", |command| command);
}

#[test]
fn the_cpp_quick_start_leaves_one_version() {
    let dir = tempdir().unwrap();
    let program = fs::read_to_string(root().join("examples/quickstart.cc")).unwrap();
    assert!(program.lines().count() <= 24, "it is a quick start");
    // As its comment says, from RocksDB 9.11 on.
    let source = dir.path().join("quickstart.cc");
    let newer = program.replace("rocksdb::DB* db = nullptr;", "std::unique_ptr<rocksdb::DB> db;");
    fs::write(&source, if rocksdb_dialect() == "-std=c++20" { newer } else { program }).unwrap();
    documented_command_leaves_one_version("c++ -std=c++17 examples/quickstart.cc", |command| {
        let command = command.replace("-std=c++17", rocksdb_dialect());
        command.replace("examples/quickstart.cc", &source.display().to_string())
    });
}

#[test]
fn the_server_ends_well_and_leaves_nothing_behind() {
    let dir = tempdir().unwrap();
    let program = dir.path().join("server");
    let databases = dir.path().join("databases");
    fs::create_dir(&databases).unwrap();
    let mut arguments = [rocksdb_dialect(), "-O1", "-o"].map(str::to_owned).to_vec();
    arguments.extend([program.display().to_string(), root().join("examples/server.cc").display().to_string()]);
    arguments.extend(rocksdb_include_flags().into_iter().chain(rocksdb_link_flags()));
    arguments.extend(["-ldl", "-lpthread"].map(str::to_owned));
    compile("c++", arguments);
    let output = run(Command::new(&program).arg(library()).arg("2").env("TMPDIR", &databases));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().last(), Some("server: ok"), "{text}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(fs::read_dir(&databases).unwrap().count(), 0, "a database is left behind");
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
