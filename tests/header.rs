//! The header is the truth: the library exports, describes, guards and tests every function that
//! the header declares. The header compiles alone, in every dialect and order. It agrees with the
//! library and the package on the version.
//!
//! The compiler checks parameters and results: `src/ffi/signatures.rs` does not compile if a function
//! differs from the header's. A test here checks that it lists every function.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use regex::Regex;
use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{compile, library, rocksdb_include_flags, root, run};
use tempfile::tempdir;

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn header() -> String {
    read(root().join("include/rocks_gc.h"))
}

/// Every file below a folder with one of these extensions.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|e| extension == *e)) {
            found.push(path);
        }
    }
    found
}

fn without_comments(source: &str) -> String {
    Regex::new(r"(?s)/\*.*?\*/|//[^\n]*").unwrap().replace_all(source, " ").into_owned()
}

/// The names of all functions that a header declares: the word before a parameter list that is no
/// type's.
fn declared(header: &str) -> BTreeSet<String> {
    let code = without_comments(header);
    let statements = code.split(';').filter(|statement| !statement.contains("typedef"));
    let name = Regex::new(r"\b(rgc_\w+)\s*\(").unwrap();
    statements.filter_map(|statement| Some(name.captures(statement)?[1].to_owned())).collect()
}

/// Those that the comment directly above their declaration describes, opening with their name.
fn documented(header: &str) -> BTreeSet<String> {
    let above = Regex::new(r"(?s)/\* (rgc_\w+): (?:[^*]|\*[^/])*\*/\n([^\s;/][^;/]*);").unwrap();
    let described = above.captures_iter(header).filter(|found| {
        let declaration = &found[2];
        Regex::new(&format!(r"\b{}\s*\(", &found[1])).unwrap().is_match(declaration)
    });
    described.map(|found| found[1].to_owned()).collect()
}

/// Those whose whole body is one call of a guard, under their own name.
fn guarded(source: &str) -> BTreeSet<String> {
    let function = Regex::new(
        r"(?ms)^/// [^\n]+\n#\[unsafe\(no_mangle\)\]\npub unsafe extern \x22C\x22 fn (rgc_\w+)\(([^{]*?)\)(?: -> [^{]+?)? \{\n(.*?)^\}\n",
    )
    .unwrap();
    let guard = Regex::new(r"^(unsafe \{ )?(guarded\(|answer\( ?errptr, )\x22(rgc_\w+)\x22, ").unwrap();
    let is_guarded = |name: &str, parameters: &str, body: &str| {
        let body = without_comments(body).split_whitespace().collect::<Vec<_>>().join(" ");
        let Some(begin) = guard.captures(&body) else { return false };
        let takes_errptr = parameters.trim_end().trim_end_matches(',').ends_with("errptr: *mut *mut c_char");
        let end = if begin.get(1).is_some() { ") }" } else { ")" };
        let call = body[begin.get(2).unwrap().start()..].strip_suffix(end).unwrap_or_default();
        &begin[3] == name && begin[2].starts_with("answer") == takes_errptr && is_one_call(call)
    };
    let found = function.captures_iter(source).filter(|found| is_guarded(&found[1], &found[2], &found[3]));
    found.map(|found| found[1].to_owned()).collect()
}

/// Whether a call without its last parenthesis ends where the text ends.
fn is_one_call(call: &str) -> bool {
    let texts = Regex::new(r#""(?:[^"\\]|\\.)*""#).unwrap();
    let mut depth = 0;
    let last = texts.replace_all(call, "").chars().all(|character| {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth > 0 || character != ')'
    });
    last && depth == 1
}

/// Fails with the names that only one side has.
fn assert_same(declared: &BTreeSet<String>, others: &BTreeSet<String>, what: &str) {
    let (missing, more): (Vec<_>, Vec<_>) = (declared.difference(others).collect(), others.difference(declared).collect());
    assert!(missing.is_empty() && more.is_empty(), "declared, but not {what}: {missing:?}; {what}, but not declared: {more:?}");
}

fn exported() -> BTreeSet<String> {
    let output = run(Command::new("nm").args(["-D", "-j", "--defined-only"]).arg(library()));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Those that some C host calls.
fn called() -> BTreeSet<String> {
    let call = Regex::new(r"\bapi\.(rgc_\w+)\(").unwrap();
    let sources = files(&root().join("c_tests"), &["c"]).into_iter().map(|path| without_comments(&read(path)));
    sources.flat_map(|source| call.captures_iter(&source).map(|found| found[1].to_owned()).collect::<Vec<_>>()).collect()
}

#[test]
fn every_declared_function_is_exported_and_no_other() {
    assert!(declared(&header()).len() > 40, "the declarations were not read");
    assert_same(&declared(&header()), &exported(), "exported");
}

#[test]
fn every_declared_function_is_documented() {
    assert_same(&declared(&header()), &documented(&header()), "documented");
}

#[test]
fn every_exported_function_is_guarded() {
    let ways_out = Regex::new(r"no_mangle|export_name|extern_weak|linkage").unwrap();
    let mut all = BTreeSet::new();
    for file in files(&root().join("src"), &["rs"]) {
        let source = read(&file);
        let guarded = guarded(&source);
        assert_eq!(ways_out.find_iter(&source).count(), guarded.len(), "{}: an export is not guarded; so are {guarded:?}", file.display());
        all.extend(guarded);
    }
    assert_same(&declared(&header()), &all, "guarded");
}

#[test]
fn the_guard_of_an_exported_function_is_its_whole_body() {
    let function = |parameters: &str, body: &str| {
        format!("/// Does.\n#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn rgc_x({parameters}) -> u8 {{\n    {body}\n}}\n")
    };
    let errptr = "a: u8, errptr: *mut *mut c_char";
    for (parameters, body, is_guarded) in [
        ("", r#"guarded("rgc_x", 0, || f(1))"#, true),
        ("", "// SAFETY: yes.\n    guarded(\"rgc_x\", 0, || unsafe { f(\")\") })", true),
        (errptr, r#"unsafe { answer(errptr, "rgc_x", 0, || f(1)) }"#, true),
        ("", "f(1)", false),
        ("", r#"guarded("rgc_y", 0, || f(1))"#, false),
        (errptr, r#"guarded("rgc_x", 0, || f(1))"#, false),
        ("", r#"guarded("rgc_x", 0, || 1) + f(1)"#, false),
        ("", r#"guarded("rgc_x", 0, || 1); (f(1))"#, false),
    ] {
        assert_eq!(guarded(&function(parameters, body)).len(), usize::from(is_guarded), "{body}");
    }
}

#[test]
fn the_type_of_every_exported_function_is_checked() {
    let signatures = read(root().join("src/ffi/signatures.rs"));
    let list = Regex::new(r"(?s)\nsame_type_as_in_the_header! \{\n(.*?)\n\}\n").unwrap();
    let listed = list.captures(&signatures).unwrap()[1].split_whitespace().map(str::to_owned).collect();
    assert_same(&declared(&header()), &listed, "listed in signatures.rs");
}

#[test]
fn every_declared_function_is_called_from_c() {
    let called = called();
    let never: Vec<_> = declared(&header()).into_iter().filter(|name| !called.contains(name)).collect();
    assert!(never.is_empty(), "no C host calls {never:?}");
}

#[test]
fn the_list_for_hosts_that_load_at_run_time_is_complete() {
    let listed = Regex::new(r"\bX\((rgc_\w+)\)").unwrap();
    let listed = listed.captures_iter(&header()).map(|found| found[1].to_owned()).collect();
    assert_same(&declared(&header()), &listed, "listed in RGC_EVERY_FUNCTION");
}

#[test]
fn every_type_of_the_header_is_documented() {
    let undocumented = Regex::new(r"(?m)^(\};?|[^\n*]*;|\s*)\n(typedef|enum|#define RGC_)[^\n]*").unwrap();
    let lines: Vec<_> = undocumented.find_iter(&header()).map(|found| found.as_str().to_owned()).collect();
    assert!(lines.is_empty(), "no comment stands directly above: {lines:#?}");
}

#[test]
fn the_readers_of_the_header_see_what_is_wrong() {
    let sample = "/* rgc_good: does. */\nint rgc_good(int x);\n\n/* rgc_other: is not the next. */\nvoid rgc_bad(void);\n\
                  /* rgc_far: no. */\n\nvoid rgc_far(void);\nint rgc_bare(\n  int y);\ntypedef void (*rgc_fn)(int);\n";
    assert_eq!(declared(sample).into_iter().collect::<Vec<_>>(), ["rgc_bad", "rgc_bare", "rgc_far", "rgc_good"]);
    assert_eq!(documented(sample).into_iter().collect::<Vec<_>>(), ["rgc_good"]);
}

#[test]
fn the_headers_compile_alone_and_in_any_order() {
    const BOTH: [&str; 3] = ["rocks_gc.h", "rocksdb/c.h", "rocks_gc_rocksdb_c.h"];
    let orders: [&[&str]; 7] = [
        &["rocks_gc.h"],
        &["rocks_gc.h", "rocks_gc.h"],
        &["rocks_gc.h", "rocksdb/c.h"],
        &["rocksdb/c.h", "rocks_gc.h"],
        &["rocks_gc_rocksdb_c.h"],
        &["rocks_gc_rocksdb_c.h", "rocks_gc_rocksdb_c.h"],
        &BOTH,
    ];
    let directory = tempdir().unwrap();
    for (number, order) in orders.into_iter().enumerate() {
        let includes: String = order.iter().map(|header| format!("#include <{header}>\n")).collect();
        let filled = if includes.contains("rocks_gc_rocksdb_c.h") { "rgc_rocksdb_symbols" } else { "rgc_version" };
        let source = format!("{includes}int main(void) {{ return {filled} == 0; }}\n");
        for (compiler, dialect, extension) in
            [("gcc", "-std=c99", "c"), ("gcc", "-std=c11", "c"), ("g++", "-std=c++11", "cc"), ("g++", "-std=c++17", "cc")]
        {
            let file = directory.path().join(format!("{number}{dialect}.{extension}"));
            fs::write(&file, &source).unwrap();
            // The program compares each function with NULL, so that it uses it; C knows functions
            // without a prototype.
            let prototypes = if extension == "c" { "-Wstrict-prototypes" } else { "-Wextra" };
            let arguments = [dialect, "-Wno-address", prototypes, "-fsyntax-only"].map(str::to_owned).into_iter();
            compile(compiler, arguments.chain(rocksdb_include_flags()).chain([file.display().to_string()]));
        }
    }
}

#[test]
fn the_symbol_table_is_checked_against_rocksdb() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("other.c");
    let object = directory.path().join("other.o");
    // A RocksDB of another signature.
    let source = "#define rocksdb_compactionfiltercontext_is_full_compaction another\n#include <rocksdb/c.h>\n\
                  #undef rocksdb_compactionfiltercontext_is_full_compaction\n\
                  int rocksdb_compactionfiltercontext_is_full_compaction(int x);\n#include <rocks_gc_rocksdb_c.h>\n\
                  size_t fill(rgc_symbol_t* s);\nsize_t fill(rgc_symbol_t* s) { return rgc_rocksdb_symbols(s); }\n";
    fs::write(&file, source).unwrap();
    let include = format!("-I{}", root().join("include").display());
    let flags = ["-std=c11", "-pedantic-errors", "-Werror", "-c", "-o"];
    let output = Command::new("gcc").args(flags).arg(&object).arg(include).args(rocksdb_include_flags()).arg(&file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("rocksdb_compactionfiltercontext_is_full_compaction"), "{text}");
}

#[test]
fn sizes_offsets_and_numbers_stay() {
    let directory = tempdir().unwrap();
    let object = directory.path().join("layout.o").display().to_string();
    let layout = root().join("c_tests/abi_sizes.c");
    compile("gcc", ["-std=c11", "-c", "-o", &object, &layout.display().to_string()]);

    // Every public field and number is in it.
    let frozen = read(&layout);
    let code = without_comments(&header());
    let structs = Regex::new(r"(?s)typedef struct (rgc_\w+) \{(.*?)\} (rgc_\w+);").unwrap();
    let field = Regex::new(r"\(\*(\w+)\);|(\w+)\s*[,;]").unwrap();
    let parameters = Regex::new(r"\)\s*\([^;]*\);").unwrap();
    let mut fields = 0;
    for found in structs.captures_iter(&code) {
        let name = &found[1];
        assert!(frozen.contains(&format!("SIZE({name}, ")), "abi_sizes.c does not know {name}");
        for field in field.captures_iter(&parameters.replace_all(&found[2], ");")).filter_map(|found| found.get(1).or(found.get(2))) {
            fields += 1;
            let field = field.as_str();
            assert!(frozen.contains(&format!("FIELD({name}, {field}, ")), "abi_sizes.c does not know {name}.{field}");
        }
    }
    assert!(fields > 40, "the fields were not read");
    let constant = Regex::new(r"(RGC_\w+) = |#define (RGC_\w+) [^\n\x22]+\n").unwrap();
    for name in constant.captures_iter(&code).filter_map(|found| found.get(1).or(found.get(2))) {
        let name = name.as_str();
        if name == "RGC_MUST_CHECK" {
            // An attribute, no number.
            continue;
        }
        assert!(frozen.contains(&format!("NUMBER({name}, ")), "abi_sizes.c does not know {name}");
    }
}

/// A line for everything that a compiled host relies on: functions, types, and the sizes and
/// numbers of `abi_sizes.c`.
fn abi() -> String {
    let header = header();
    let code = without_comments(&header);
    let declarations = &code[code.find("extern \"C\" {").unwrap()..];
    // A declaration may be wrapped anywhere, also right behind its parenthesis.
    let one_space = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
    let mut lines = BTreeSet::new();
    let types = Regex::new(r"(?s)typedef (struct rgc_\w+ \{.*?\} rgc_\w+|[^;{]+);").unwrap();
    lines.extend(types.captures_iter(declarations).map(|found| format!("type {}", one_space(&found[1]))));
    let functions = types.replace_all(declarations, "");
    let function = Regex::new(r"(?m)^[^\n#]*\b(rgc_\w+)\s*\([^;]*\);").unwrap();
    lines.extend(function.find_iter(&functions).map(|found| format!("function {}", one_space(found.as_str()))));
    let pinned = Regex::new(r"(?m)^(SIZE|NUMBER)\((\w+), ([^)]+)\);").unwrap();
    let sizes = read(root().join("c_tests/abi_sizes.c"));
    lines.extend(pinned.captures_iter(&sizes).map(|found| format!("{} {} {}", found[1].to_lowercase(), &found[2], &found[3])));
    lines.into_iter().map(|line| line + "\n").collect()
}

#[test]
fn the_abi_only_grows_and_the_file_says_so() {
    let path = root().join("abi/1.txt");
    let now = abi();
    assert!(now.lines().filter(|line| line.starts_with("function ")).count() == declared(&header()).len(), "{now}");
    if std::env::var_os("ROCKS_GC_TEST_ACCEPT_ABI").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let recorded = read(&path);
    let (recorded, now): (BTreeSet<_>, BTreeSet<_>) = (recorded.lines().collect(), now.lines().collect());
    let (gone, new): (Vec<_>, Vec<_>) = (recorded.difference(&now).collect(), now.difference(&recorded).collect());
    assert!(
        gone.is_empty() && new.is_empty(),
        "abi/1.txt and the header differ.\nGone or changed, which breaks hosts: {gone:#?}\nNew: {new:#?}\nIf that is meant, run this test \
         with ROCKS_GC_TEST_ACCEPT_ABI=1, and say in CHANGELOG.md whom it affects"
    );
}

#[test]
fn one_version_everywhere() {
    let header = header();
    let named = Regex::new(r##"#define RGC_VERSION_STRING "([^"]+)""##).unwrap().captures(&header).unwrap()[1].to_owned();
    assert_eq!(named, env!("CARGO_PKG_VERSION"));
    // SAFETY: the library is never unloaded, the function has the header's type, and its result is
    // static.
    #[allow(unsafe_code, reason = "calls the library as a host does")]
    let (version, abi) = unsafe {
        let library = libloading::Library::new(library()).unwrap();
        let version = library.get::<unsafe extern "C" fn() -> *const std::ffi::c_char>(b"rgc_version").unwrap();
        let abi = library.get::<unsafe extern "C" fn() -> u32>(b"rgc_abi_version").unwrap();
        (CStr::from_ptr(version()).to_str().unwrap().to_owned(), abi())
    };
    assert_eq!(version, named);
    assert_eq!(header.matches(&format!("#define RGC_ABI_VERSION {abi}\n")).count(), 1);
}
