//! The Makefile's targets name the folders that they are for, however they are called.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::process::Command;
use support::{root, run};

/// What `make` would do.
fn recipe(arguments: &[&str]) -> String {
    let mut make = Command::new("make");
    make.arg("-n").args(arguments).current_dir(root());
    for variable in ["ROCKSDB", "PREFIX", "ROCKSDB_PREFIX", "BUNDLED", "CACHE", "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS"] {
        make.env_remove(variable);
    }
    make.env("XDG_CACHE_HOME", "/the/cache");
    String::from_utf8(run(&mut make).stdout).expect("it speaks UTF-8")
}

/// Without ROCKSDB the folder was empty: RocksDB was built into the source tree.
#[test]
fn the_bundled_rocksdb_goes_into_the_cache_whatever_rocksdb_is() {
    const FOLDER: &str = "/the/cache/rocks-gc/rocksdb-11.8.1";
    for arguments in [&["bundled"][..], &["bundled", "ROCKSDB=system"], &["bundled", "ROCKSDB=bundled"]] {
        let recipe = recipe(arguments);
        for part in
            ["test -e {}/lib/librocksdb.so.11 ", "into {},", "ROCKS_GC_BUNDLED_PREFIX={} CARGO_TARGET_DIR=/the/cache/rocks-gc/build "]
        {
            assert!(recipe.contains(&part.replace("{}", FOLDER)), "{arguments:?}:\n{recipe}");
        }
    }
}

/// No recipe names a folder that is empty: `rm -r`, `-I` and `-L` of nothing.
#[test]
fn no_recipe_has_an_empty_folder() {
    for target in [
        "lib",
        "demo",
        "test",
        "bench",
        "bench-codec",
        "bench-decision",
        "bench-steady",
        "bench-destroy",
        "bench-destroy-many",
        "bench-elsewhere",
        "bundled",
        "system",
        "clean",
    ] {
        for rocksdb in ["ROCKSDB=system", "ROCKSDB=bundled"] {
            let recipe = recipe(&[target, rocksdb]);
            for empty in ["-I/include", "-L/lib", "-I ", "-L ", "rm -r \n", " /lib/librocksdb", "PREFIX= ", "TARGET_DIR= "] {
                assert!(!recipe.contains(empty), "{target} {rocksdb}: {empty:?} in\n{recipe}");
            }
        }
    }
}
