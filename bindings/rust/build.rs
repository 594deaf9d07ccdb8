//! With the feature `shim`: compiles the C++ adaptor with the headers of the RocksDB that
//! librocksdb-sys links.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "shim")]
    shim();
}

#[cfg(feature = "shim")]
fn shim() {
    use std::env::var_os;
    use std::path::{Path, PathBuf};
    println!("cargo::rerun-if-env-changed=ROCKSDB_INCLUDE_DIR");
    let headers = var_os("ROCKSDB_INCLUDE_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let sys =
            var_os("DEP_ROCKSDB_CARGO_MANIFEST_DIR").expect("librocksdb-sys says where it lies");
        PathBuf::from(sys).join("rocksdb/include")
    });
    // In the package the sources lie in `native`, in the project beside this crate's folder.
    let native = Path::new("native");
    let sources = if native.is_dir() { native } else { Path::new("../..") };
    println!("cargo::rerun-if-changed={}", sources.display());
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .flag("-fno-rtti")
        .include(headers)
        .include(sources.join("include"))
        .file(sources.join("shim/rocks_gc_install.cc"))
        .compile("rocks_gc_install");
}
