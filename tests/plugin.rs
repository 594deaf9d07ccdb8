//! The RocksDB plugin: its folder as RocksDB's build reads it, and databases that collect by names
//! in option strings and OPTIONS files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use support::{compile, library, rocksdb_dialect, rocksdb_include_flags, rocksdb_link_flags, rocksdb_prefix, root, run};
use tempfile::{TempDir, tempdir};

const EVERY_VERSION: &str = "zexpired10 zexpired110 zexpired210 a@210 a@110 a@10 b@210 b@110 b@10";
const ABOVE_100: &str = "zexpired10 zexpired110 zexpired210 a@210 a@110 b@210 b@110";
const ABOVE_200: &str = "zexpired10 zexpired110 zexpired210 a@210 b@210";

fn folder() -> PathBuf {
    root().join("plugin/rocks_gc")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A source tree with the plugin, and a Makefile that includes it as RocksDB's does, and prints
/// what it found.
fn rocksdb_tree(put: impl FnOnce(&Path)) -> TempDir {
    let tree = tempdir().unwrap();
    fs::create_dir(tree.path().join("plugin")).unwrap();
    put(&tree.path().join("plugin/rocks_gc"));
    let lists = ["SOURCES", "HEADERS", "FUNC", "LIBS", "LDFLAGS", "CXXFLAGS"];
    let says: String = lists.iter().map(|list| format!("\t@echo '{list}=$($(plugin)_{list})'\n")).collect();
    let makefile = format!("plugin = $(ROCKSDB_PLUGINS)\ninclude $(foreach p, $(plugin), plugin/$(p)/*.mk)\nall:\n{says}");
    fs::write(tree.path().join("Makefile"), makefile).unwrap();
    tree
}

fn make(tree: &TempDir) -> Command {
    let mut make = Command::new("make");
    make.args(["-s", "ROCKSDB_PLUGINS=rocks_gc"]).current_dir(tree).env_remove("ROCKS_GC_INCLUDE").env_remove("MAKEFLAGS");
    make
}

/// A list of the plugin's, from what make said.
fn list(said: &Output, name: &str) -> Vec<String> {
    let said = text(said);
    let line = said.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    line.unwrap_or_else(|| panic!("no {name} in {said}")).split_whitespace().map(str::to_owned).collect()
}

fn linked_tree() -> TempDir {
    rocksdb_tree(|plugin| symlink(folder(), plugin).unwrap())
}

fn copied_tree() -> TempDir {
    rocksdb_tree(|plugin| {
        fs::create_dir(plugin).unwrap();
        for entry in fs::read_dir(folder()).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), plugin.join(entry.file_name())).unwrap();
        }
    })
}

#[test]
fn the_lists_name_every_file_of_the_folder() {
    let said = run(&mut make(&linked_tree()));
    let named: BTreeSet<_> = ["SOURCES", "HEADERS"].iter().flat_map(|name| list(&said, name)).collect();
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<_> = names.filter(|name| [".cc", ".h"].iter().any(|end| name.ends_with(end))).collect();
    assert_eq!(named, there);
}

/// RocksDB's CMakeLists.txt reads the .mk by these patterns, so that the first match must be the
/// list, whole and on its line.
#[test]
fn cmake_reads_the_same_lists() {
    let said = run(&mut make(&linked_tree()));
    let mk = fs::read_to_string(folder().join("rocks_gc.mk")).unwrap();
    for (pattern, name) in [("SOURCES = ", "SOURCES"), ("_FUNC = ", "FUNC"), ("_LIBS = ", "LIBS")] {
        let first = mk.split_once(pattern).unwrap().1.lines().next().unwrap();
        let words: Vec<_> = first.split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, list(&said, name), "{pattern}");
    }
    let cmake = fs::read_to_string(folder().join("CMakeLists.txt")).unwrap();
    assert!(cmake.contains("file(STRINGS rocks_gc.mk") && cmake.contains("foreach(name SOURCES HEADERS LIBS)"));
    assert!(!cmake.contains(".cc"), "the list of sources stands in rocks_gc.mk alone");
}

#[test]
fn the_adaptor_is_found_or_asked_for() {
    let copy = copied_tree();
    let refused = make(&copy).output().unwrap();
    assert!(!refused.status.success() && text(&refused).contains("ROCKS_GC_INCLUDE"), "{}", text(&refused));
    let told = run(make(&copy).env("ROCKS_GC_INCLUDE", root().join("include")));
    assert_eq!(list(&told, "CXXFLAGS"), [format!("-I{}/include", root().display())]);
    fs::copy(root().join("include/rocks_gc_rocksdb.h"), copy.path().join("plugin/rocks_gc/rocks_gc_rocksdb.h")).unwrap();
    let beside = list(&run(&mut make(&copy)), "CXXFLAGS");
    assert!(beside.iter().any(|flag| flag.ends_with("plugin/rocks_gc")), "{beside:?}");
}

/// RocksDB's own warnings, and what its builds may choose.
#[test]
fn it_compiles_as_rocksdb_compiles_it() {
    let warnings = ["-Wsign-compare", "-Wshadow", "-Wunused-parameter", "-Woverloaded-virtual", "-Wnon-virtual-dtor"];
    for choice in [&["-frtti"][..], &["-fno-rtti"], &["-DROCKSDB_NAMESPACE=renamed"]] {
        let mut arguments = vec![rocksdb_dialect().to_owned(), "-fsyntax-only".into()];
        arguments.extend(warnings.iter().chain(choice).map(|&flag| flag.to_owned()));
        arguments.extend(rocksdb_include_flags());
        arguments.push(folder().join("rocks_gc_plugin.cc").display().to_string());
        compile("g++", arguments);
    }
}

/// The programs, built once with the plugin as make finds it in a RocksDB tree.
struct Programs {
    host: PathBuf,
    ldb: Option<PathBuf>,
    _directory: TempDir,
}

/// RocksDB 11.8.1 as the crate builds it leaves ldb out.
fn has_ldb() -> bool {
    let file = match rocksdb_prefix() {
        Some(prefix) => prefix.join("lib/librocksdb.so"),
        None => text(&run(Command::new("gcc").arg("-print-file-name=librocksdb.so"))).trim().into(),
    };
    let has = text(&run(Command::new("nm").args(["-D", "-C", "--defined-only"]).arg(file))).contains("rocksdb::LDBTool::Run(");
    assert!(has || rocksdb_prefix().is_some(), "the system's RocksDB has ldb");
    has
}

fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let directory = tempdir().unwrap();
        let tree = linked_tree();
        let said = run(&mut make(&tree));
        let function = list(&said, "FUNC").join(" ");
        let common = || {
            let plugin = format!("-I{}", folder().display());
            let flags = [rocksdb_dialect().to_owned(), "-O1".into(), "-fno-rtti".into(), plugin, format!("-DROCKS_GC_FUNC={function}")];
            flags.into_iter().chain(list(&said, "CXXFLAGS")).chain(rocksdb_include_flags()).map(OsString::from)
        };
        let mut objects = Vec::new();
        for source in list(&said, "SOURCES") {
            let object = directory.path().join(&source).with_extension("o");
            let file = tree.path().join("plugin/rocks_gc").join(&source);
            compile("g++", common().chain(["-c".into(), file.into(), "-o".into(), object.clone().into()]));
            objects.push(object);
        }
        let program = |name: &str| {
            let program = directory.path().join(name);
            let source = root().join("c_tests/plugin").join(name).with_extension("cc");
            let linked = objects.iter().map(OsString::from).chain(list(&said, "LDFLAGS").into_iter().map(OsString::from));
            let files = [source.into(), "-o".into(), program.clone().into()].into_iter().chain(linked);
            compile("g++", common().chain(files).chain(rocksdb_link_flags().into_iter().map(OsString::from)));
            program
        };
        Programs { host: program("host"), ldb: has_ldb().then(|| program("ldb")), _directory: directory }
    })
}

/// A database of the host's.
struct Database(TempDir);

impl Database {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    /// Filled by an option string, which its OPTIONS file then holds; nothing is collected yet.
    fn filled(options: &str) -> Self {
        let database = Self::new();
        assert_eq!(database.host("fill", options), "");
        assert_eq!(database.left(), EVERY_VERSION);
        database
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("db")
    }

    fn command(&self, command: &str, argument: &str) -> Command {
        let mut host = Command::new(&programs().host);
        host.arg(library()).arg(command).arg(self.path()).arg(argument).env_remove("LD_LIBRARY_PATH");
        host
    }

    fn host(&self, command: &str, argument: &str) -> String {
        text(&run(&mut self.command(command, argument))).trim_end().to_owned()
    }

    fn left(&self) -> String {
        self.host("left", "")
    }
}

fn factory(kind: &str, settings: &str) -> String {
    format!("create_if_missing=true;compaction_filter_factory={{id={kind};{settings}}};listeners={{id=rocks_gc.listener}}")
}

/// The same with a collector, which has no safe point.
fn with_collector(kind: &str, settings: &str, collector: &str) -> String {
    format!("{};table_properties_collectors={{id={kind}.collector;{collector}}}", factory(kind, settings))
}

/// The library, for the keys of the host.
fn settings(more: &str) -> String {
    format!("library={};options={{data_prefix=z;unknown_keyspace=global}};{more}", library().display())
}

#[test]
fn an_option_string_collects() {
    let database = Database::filled("create_if_missing=true");
    assert_eq!(database.host("compact", &factory("rocks_gc.default", &settings("global_safe_point=100"))), "");
    assert_eq!(database.left(), ABOVE_100);
}

/// Three files are written, one for each flush.
#[test]
fn a_collector_by_name_writes_properties() {
    let database = Database::filled(&with_collector("rocks_gc.default", &settings("global_safe_point=100"), &settings("")));
    assert_eq!(database.host("properties", ""), "+++");
    let restored = database.host("options", "");
    let (_, collector) = restored.split_once("rocks_gc.default.collector {").expect("a collector");
    for part in ["{data_prefix=z;unknown_keyspace=global}", &format!("library={};", library().display())] {
        assert!(collector.contains(part), "no {part} in {restored}");
    }
    assert_eq!(database.host("reload", ""), "");
    assert_eq!((database.host("properties", ""), database.left()), ("+".into(), ABOVE_100.into()));
    assert_eq!(database.host("reinstall", "17"), "");
    assert_eq!(database.host("properties", ""), "+");
}

/// RocksDB reports no error of a collector, but writes it into its log.
#[test]
fn a_collector_that_cannot_collect_says_so_in_the_log() {
    let wrong_option = format!("library={};options={{data_prefx=z}}", library().display());
    for (collector, error) in [
        ("library=/nowhere/librocks_gc.so", "cannot load /nowhere/librocks_gc.so"),
        (&wrong_option, "\"data_prefx\""),
        ("", "it has neither library nor options"),
    ] {
        let database = Database::filled(&with_collector("rocks_gc.default", &settings(""), collector));
        assert_eq!(database.host("properties", ""), "---");
        // RocksDB renames the LOG of an earlier open.
        let files = fs::read_dir(database.path()).unwrap().map(|entry| entry.unwrap());
        let logs = files.filter(|file| file.file_name().to_string_lossy().starts_with("LOG"));
        let said: String = logs.map(|file| fs::read_to_string(file.path()).unwrap()).collect();
        let line = said.lines().find(|line| line.contains("rocks_gc.default.collector collects nothing: "));
        assert!(line.is_some_and(|line| line.contains(error)), "{error}: {line:?}");
    }
}

#[test]
fn the_options_file_collects_again_and_again() {
    let database = Database::filled(&factory("rocks_gc.default", &settings("global_safe_point=100")));
    assert_eq!(database.host("reload", ""), "");
    assert_eq!(database.left(), ABOVE_100);
    let restored = database.host("options", "");
    for part in ["rocks_gc.default {", "global_safe_point=100;", "{data_prefix=z;unknown_keyspace=global}", "} rocks_gc.listener"] {
        assert!(restored.contains(part), "no {part} in {restored}");
    }
    assert!(restored.contains(&format!("library={};", library().display())), "{restored}");
    // A safe point that moved while the factory lived is in the next OPTIONS file.
    assert_eq!(database.host("reload", "global_safe_point=200"), "");
    assert_eq!(database.left(), ABOVE_200);
    assert!(database.host("options", "").contains("global_safe_point=200;"));
    assert_eq!(database.host("reload", ""), "");
}

#[test]
fn every_kind_has_its_name() {
    let names = Database::new().host("names", "");
    for (kind, left) in [
        ("rocks_gc.dropped_only", EVERY_VERSION),
        ("rocks_gc.default", ABOVE_200),
        ("rocks_gc.write", EVERY_VERSION),
        ("rocks_gc.ttl_v1", "a@210 a@110 a@10 b@210 b@110 b@10"),
    ] {
        for kind in [kind.to_owned(), format!("{kind}.collector")] {
            assert!(names.split(' ').any(|name| name == kind), "no {kind} in {names}");
        }
        let database = Database::filled("create_if_missing=true");
        assert_eq!(database.host("compact", &factory(kind, &settings("global_safe_point=200"))), "");
        assert_eq!(database.left(), left, "{kind}");
    }
}

#[test]
fn ldb_collects_too() {
    let Some(ldb) = &programs().ldb else {
        eprintln!("this RocksDB has no ldb");
        return;
    };
    let database = Database::filled(&factory("rocks_gc.default", &settings("global_safe_point=100")));
    let mut db = OsString::from("--db=");
    db.push(database.path());
    run(Command::new(ldb).arg(&db).args(["--try_load_options", "compact"]));
    assert_eq!(database.left(), ABOVE_100);
}

/// The words that an error must say.
#[test]
fn what_is_wrong_is_an_error_that_says_so() {
    let library = library().display().to_string();
    let with_library = |more: &str| factory("rocks_gc.default", &settings(more));
    for (options, words) in [
        (factory("rocks_gc.default", "library=/nowhere/librocks_gc.so"), &["rocks_gc.default", "cannot load /nowhere/librocks_gc.so"][..]),
        (factory("rocks_gc.default", ""), &["rocks_gc.default", "set library=/path/librocks_gc.so.1"]),
        (
            factory("rocks_gc.defualt", &format!("library={library}")),
            &["rocks_gc.defualt", "it has rocks_gc.dropped_only, rocks_gc.default"],
        ),
        (with_library("safe_point=100"), &["rocks_gc.default", "safe_point", "the options are library, options and global_safe_point"]),
        (factory("rocks_gc.default", &format!("library={library};options={{data_prefx=z}}")), &["rocks_gc.default", "\"data_prefx\""]),
        (with_library("global_safe_point=-1"), &["global_safe_point", "\"-1\""]),
        (with_library("global_safe_point=12k"), &["global_safe_point", "\"12k\""]),
        (with_library("global_safe_point=18446744073709551615"), &["global_safe_point", "\"18446744073709551615\""]),
        (
            factory(
                "rocks_gc.default",
                &format!("library={library};options={{max_safe_point_ahead_seconds=60}};global_safe_point=18446744073709551614"),
            ),
            &["rocks_gc.default", "global_safe_point=18446744073709551614", "max_safe_point_ahead_seconds"],
        ),
        (format!("comparator=rocksdb.ReverseBytewiseComparator;{}", with_library("")), &["bytewise comparator", "ReverseBytewise"]),
        (format!("table_factory=PlainTable;{}", with_library("")), &["plain tables"]),
    ] {
        let database = Database::new();
        let error = database.host("compact", &options);
        assert!(words.iter().all(|&word| error.contains(word)), "{options}\n{error}");
    }
    let error = Database::new().host("unprepared", &with_library("global_safe_point=100"));
    assert!(error.contains("rocks_gc.default") && error.contains("invoke_prepare_options"), "{error}");
}

#[test]
fn once_made_only_the_safe_point_moves_and_forward() {
    let database = Database::filled(&factory("rocks_gc.default", &settings("global_safe_point=100")));
    for (more, words) in [
        ("global_safe_point=99", "global_safe_point=99 is behind 100"),
        ("options={data_prefix=y}", "make another factory"),
        ("library=/nowhere/librocks_gc.so", "make another factory"),
    ] {
        let error = database.host("reload", more);
        assert!(error.contains(words), "{more}: {error}");
    }
    assert_eq!(database.left(), EVERY_VERSION);
}

/// RocksDB reads back each OPTIONS file that it wrote. A server that uses `Install`, with the
/// library linked in and its symbols hidden, opens its DB on a RocksDB with the plugin as on any
/// other.
#[test]
fn what_rocksdb_reads_back_needs_no_library() {
    for name in ["rocks_gc.default", "rocks_gc.of_a_later_version"] {
        assert_eq!(Database::new().host("foreign", name), "");
    }
}

/// Its OPTIONS file has the factory's bare name. The factory does not know the server's options and
/// safe points, so it must remove nothing.
#[test]
fn an_installed_database_reopens_by_name_and_loses_nothing() {
    let loader = tempdir().unwrap();
    symlink(fs::canonicalize(library()).unwrap(), loader.path().join("librocks_gc.so.1")).unwrap();
    for (kind, name) in [("17", "rocks_gc.default"), ("19", "rocks_gc.ttl_v1")] {
        let database = Database::new();
        assert_eq!(database.host("install", kind), "");
        let error = database.host("reload", "");
        assert!(error.contains(name) && error.contains("set library="), "{error}");
        for (variable, value) in [("LD_LIBRARY_PATH", loader.path().to_owned()), ("LD_PRELOAD", library())] {
            assert_eq!(text(&run(database.command("reload", "").env(variable, value))), "", "{variable}");
            assert_eq!(database.left(), EVERY_VERSION);
            assert!(database.host("properties", "").starts_with('-'), "a collector that knows no options collects nothing");
        }
    }
}
