//! Rust's view of both C contracts; the shared library gets its SONAME and can never be unloaded
//! while one of its threads runs.

use std::path::PathBuf;
use std::{env, error::Error};

/// The functions of the library of the process that the follower calls.
const CALLED: &str = "rgc_(abi_version|version|free|error_kind|keyspace_load|set_keyspace_gc_type|pause_keyspace\
  |advance_global_safe_point|advance_keyspace_safe_points|schemas_load|schema_drop|schema_truncate|schema_state|schemas_foreach\
  |destroy_range_after|destroyed_foreach|oldest_lock)";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../include");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,librocks_gc_fleet.so.1");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");

    let out = PathBuf::from(env::var("OUT_DIR")?);
    bindgen::Builder::default()
        .header("../include/rocks_gc.h")
        .dynamic_library_name("RocksGc")
        .dynamic_link_require_all(true)
        .allowlist_function(CALLED)
        .allowlist_var("RGC_(ABI|GC|SCHEMA|DESTROY|KEYSPACE|ERROR)_.*")
        .layout_tests(false)
        .generate()?
        .write_to_file(out.join("rocks_gc.rs"))?;
    bindgen::Builder::default()
        .header("../include/rocks_gc_fleet.h")
        .allowlist_item("(rgc_fleet|RGC_FLEET|RGC_LOG)_.*")
        .layout_tests(false)
        .generate()?
        .write_to_file(out.join("rocks_gc_fleet.rs"))?;
    Ok(())
}
