//! What else a process does with shared libraries. A process of its own: what it loads would
//! disturb other tests.

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "hosts/support.rs"]
mod support;

use rocks_gc::{ErrorKind, Gc};
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{compact, context, open, versions, write};
use tempfile::tempdir;

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlclose(handle: *mut c_void) -> c_int;
}

fn load(path: &CStr) -> *mut c_void {
    const RTLD_NOW: c_int = 2;
    // SAFETY: the path ends with NUL, and what these tests load runs no code of its own.
    let handle = unsafe { dlopen(path.as_ptr(), RTLD_NOW) };
    assert!(!handle.is_null());
    handle
}

/// Writes three versions of a row, and collects all but one.
fn collects(gc: &Gc) {
    let folder = tempdir().unwrap();
    let db = open(gc, folder.path());
    write(gc, &db, 7, 1, &[10, 20, 30]);
    gc.advance_keyspace_safe_point(7, 40).unwrap();
    compact(&db);
    assert_eq!(versions(gc, &db, 7), 1);
}

#[test]
fn dlclose_does_not_unload_the_library() {
    let gc = context();
    let handle = load(gc.library().path());
    for _ in 0..3 {
        // SAFETY: the library is linked so that it stays, however often a program closes it.
        unsafe { dlclose(handle) };
    }
    collects(&gc);
}

/// The path of the RocksDB that this process has loaded as a shared library.
fn rocksdb() -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let path = maps.lines().find_map(|line| {
        line.find("/").map(|at| &line[at..]).filter(|path| path.contains("librocksdb.so"))
    });
    path.map(str::to_owned)
}

/// A library with the names of RocksDB's functions.
fn stand_in(rocksdb: &str, folder: &Path) -> CString {
    let listed = Command::new("nm").args(["-D", rocksdb]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let names = listed.lines().filter_map(|line| line.rsplit_once(" T ").map(|(_, name)| name));
    let functions: String = names
        .filter(|name| name.starts_with("rocksdb_"))
        .map(|name| format!("void {name}(void) {{}}\n"))
        .collect();
    let (text, library) = (folder.join("second.c"), folder.join("second.so"));
    fs::write(&text, functions).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &text]);
    assert!(compiler.status().expect("rustc links with cc").success());
    CString::new(library.into_os_string().into_string().unwrap()).unwrap()
}

#[test]
fn a_second_rocksdb_changes_nothing_for_hosts_on_a_crate() {
    let folder = tempdir().unwrap();
    let Some(first) = rocksdb() else { return collects(&context()) };
    let second = stand_in(&first, folder.path());
    load(&second);
    collects(&context());

    let gc = context();
    let error = gc.bind_loaded(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(
        error.text().contains("/librocksdb.so") && error.text().contains(second.to_str().unwrap()),
        "{error}"
    );
    gc.bind_loaded(Some(OsStr::new(&first))).unwrap();
    let error = gc.bind_loaded(Some(OsStr::new(second.to_str().unwrap()))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
