//! Lays out what librocksdb-sys has built like an installed RocksDB: `lib/librocksdb.so`,
//! `lib/librocksdb.a` and `include/`, below the folder named by `ROCKS_GC_BUNDLED_PREFIX`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=ROCKS_GC_BUNDLED_PREFIX");
    println!("cargo::rerun-if-changed=build.rs");
    let Some(prefix) = env::var_os("ROCKS_GC_BUNDLED_PREFIX").map(PathBuf::from) else {
        return Err(io::Error::other("ROCKS_GC_BUNDLED_PREFIX is not set: build this crate by `make bundled`"));
    };
    let archive = folder("DEP_ROCKSDB_OUT_DIR")?.join("librocksdb.a");
    let headers = folder("DEP_ROCKSDB_CARGO_MANIFEST_DIR")?.join("rocksdb/include");
    let libraries = prefix.join("lib");
    fs::create_dir_all(&libraries)?;
    copy_tree(&headers, &prefix.join("include"))?;
    fs::copy(&archive, libraries.join("librocksdb.a"))?;
    link_shared(&archive, &libraries.join("librocksdb.so"))
}

fn folder(variable: &str) -> io::Result<PathBuf> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("librocksdb-sys did not give {variable}")))
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The archive's objects are position independent, so the whole of it links into one shared
/// library.
fn link_shared(archive: &Path, library: &Path) -> io::Result<()> {
    let status = cc::Build::new()
        .cpp(true)
        .get_compiler()
        .to_command()
        .args(["-shared", "-Wl,-soname,librocksdb.so.11", "-Wl,--whole-archive"])
        .arg(archive)
        .args(["-Wl,--no-whole-archive", "-lpthread", "-ldl", "-o"])
        .arg(library)
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("linking {} failed: {status}", library.display())));
    }
    // The loader looks for the SONAME.
    let soname = library.with_file_name("librocksdb.so.11");
    let linked = Command::new("ln").arg("-sf").arg("librocksdb.so").arg(&soname).status()?;
    if linked.success() { Ok(()) } else { Err(io::Error::other("cannot make the SONAME link")) }
}
