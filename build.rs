//! Rust's view of the C contract comes from the headers in `include/`; the shared library gets its SONAME and can never be
//! unloaded while a host still holds its callbacks.

use std::path::PathBuf;
use std::{env, error::Error, fs};

/// RocksDB's functions as one struct of function pointers, in the order of the lists in `rocks_gc_rocksdb_c.h`.
const ROCKSDB_FUNCTIONS: &str = r#"
typedef struct rocksdb_compactionfilter_t rocksdb_compactionfilter_t;
typedef struct rocksdb_compactionfilterfactory_t rocksdb_compactionfilterfactory_t;
typedef struct rocksdb_compactionfiltercontext_t rocksdb_compactionfiltercontext_t;
typedef __SIZE_TYPE__ size_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
#define RGC_ROCKSDB_LIST_ONLY
#include "include/rocks_gc_rocksdb_c.h"
#define FIELD(type, name, parameters) type (*name) parameters;
struct rocksdb_functions { RGC_ROCKSDB_FUNCTIONS(FIELD) RGC_ROCKSDB_DELETING_FUNCTIONS(FIELD) RGC_ROCKSDB_OPTIONAL_FUNCTIONS(FIELD) };
#define COUNT(type, name, parameters) +1
enum { REQUIRED = 0 RGC_ROCKSDB_FUNCTIONS(COUNT), DELETING = REQUIRED RGC_ROCKSDB_DELETING_FUNCTIONS(COUNT) };
"#;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=include");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,librocks_gc.so.1");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // The install shim finds the library in a test as in any program that is linked with it.
    println!("cargo::rustc-link-arg-tests=-rdynamic");

    let out = PathBuf::from(env::var("OUT_DIR")?);
    bindgen::Builder::default()
        .header("include/rocks_gc.h")
        .allowlist_item("(rgc|RGC)_.*")
        .derive_default(true)
        .generate()?
        .write_to_file(out.join("rocks_gc.rs"))?;
    let functions = bindgen::Builder::default()
        .header_contents("rocksdb_functions.h", ROCKSDB_FUNCTIONS)
        .allowlist_item("rocksdb_functions|REQUIRED|DELETING")
        .generate()?
        .to_string();
    // The names are the struct's fields, so they cannot come in another order.
    let names = functions.lines().filter_map(|line| line.trim().strip_prefix("pub rocksdb_")?.split_once(':'));
    let names: Vec<String> = names.map(|(name, _)| format!("rocksdb_{name}")).collect();
    fs::write(out.join("rocksdb_functions.rs"), format!("{functions}\npub const NAMES: [&str; {}] = {names:?};\n", names.len()))?;
    Ok(())
}
