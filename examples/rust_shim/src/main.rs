//! A Rust host on `librocksdb-sys`. Its compactions filter through the install shim, which
//! `build.rs` compiles. The host so gets what RocksDB's C API does not offer: the filter can remove
//! a version without a tombstone (a skip), and it knows whether the compaction writes the last
//! level.
//!
//!     make lib && cargo run -p rocks-gc-example-shim -- target/release/librocks_gc.so NEW_DIRECTORY

use librocksdb_sys::*;
use rocks_gc_binding::{Context, RGC_KIND_RAW, checked};
use std::error::Error;
use std::ffi::{CString, c_char, c_int, c_void};
use std::process::ExitCode;
use std::ptr::null;

const KEYSPACE: u32 = 7;
const ROWS: u64 = 2000;
const VERSIONS: u64 = 5;

unsafe extern "C" {
    /// See shim/rocks_gc_install.h.
    fn rgc_shim_install(
        library: *const c_char,
        gc: *mut c_void,
        kind: c_int,
        db_options: *mut rocksdb_options_t,
        cf_options: *mut rocksdb_options_t,
        errptr: *mut *mut c_char,
    );
}

/// Writes versions of rows, moves the safe point behind all of them, and compacts.
///
/// # Safety
///
/// The DB is open.
unsafe fn work(gc: &Context, db: *mut rocksdb_t) -> Result<(), Box<dyn Error>> {
    let write_options = unsafe { rocksdb_writeoptions_create() };
    for ts in 1..=VERSIONS {
        for row in 0..ROWS {
            let key = gc.raw_key(KEYSPACE, &format!("row {row}"), ts)?;
            // A value of TiKV's RawKV: the user's bytes, and a byte of flags.
            let value = b"value\0";
            let put = |error| unsafe {
                rocksdb_put(db, write_options, key.as_ptr().cast(), key.len(), value.as_ptr().cast(), value.len(), error);
            };
            unsafe { checked(rocksdb_free, put)? };
        }
    }
    // No reader needs an older version any more: the newest version of each row is enough.
    gc.advance(KEYSPACE, VERSIONS + 1)?;
    unsafe {
        rocksdb_writeoptions_destroy(write_options);
        rocksdb_compact_range(db, null(), 0, null(), 0);
    }

    let mut left = 0;
    // The estimate is exact in a DB without tombstones.
    unsafe { rocksdb_property_int(db, c"rocksdb.estimate-num-keys".as_ptr(), &mut left) };
    let stats = gc.stats();
    println!("{left} of {} versions left; {} skips, {} tombstones", ROWS * VERSIONS, stats.skipped, stats.removed);
    if left == ROWS && stats.skipped == ROWS { Ok(()) } else { Err("this is not what should be left".into()) }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(library), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: rocks-gc-example-shim LIBROCKS_GC NEW_DIRECTORY".into());
    };
    // By default (auto) a filter skips where that is faster, which depends on the machine.
    // SAFETY: it is librocks_gc.
    let gc = unsafe { Context::load(&library, "remove_mode=skip")? };
    // The library keeps everything of a keyspace that the host has not registered.
    gc.name_keyspace_level(KEYSPACE)?;
    let (library, directory) = (CString::new(library)?, CString::new(directory)?);
    // SAFETY: the types are those of the headers, texts end with NUL, and the context outlives
    // the DB.
    unsafe {
        let options = rocksdb_options_create();
        rocksdb_options_set_create_if_missing(options, 1);
        // After every other option, and before open. Both options are one object here; see
        // shim/rocks_gc_install.h.
        let install = |error| rgc_shim_install(library.as_ptr(), gc.as_ptr(), RGC_KIND_RAW, options, options, error);
        checked(gc.free(), install)?;
        let db = checked(rocksdb_free, |error| rocksdb_open(options, directory.as_ptr(), error))?;
        let result = work(&gc, db);
        rocksdb_close(db);
        rocksdb_options_destroy(options);
        result
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // libloading's reason is the source of its error.
            let reason = error.source().map(|reason| format!(": {reason}")).unwrap_or_default();
            eprintln!("rocks-gc-example-shim: {error}{reason}");
            ExitCode::FAILURE
        }
    }
}
