//! Compiles the install shim with the headers of the RocksDB that librocksdb-sys links.

use std::env;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=ROCKSDB_INCLUDE_DIR");
    println!("cargo::rerun-if-changed=../../shim");
    println!("cargo::rerun-if-changed=../../include");
    let headers = match env::var_os("ROCKSDB_INCLUDE_DIR") {
        // The headers of the RocksDB that ROCKSDB_LIB_DIR names.
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("DEP_ROCKSDB_CARGO_MANIFEST_DIR").ok_or("librocksdb-sys does not say where it lies")?)
            .join("rocksdb/include"),
    };
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .flag("-fno-rtti")
        .include(headers)
        .include("../../include")
        .file("../../shim/rocks_gc_install.cc")
        .try_compile("rocks_gc_install")?;
    Ok(())
}
