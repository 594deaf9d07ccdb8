//! A Rust host on `librocksdb-sys` that lets librocks_gc.so collect its database, through the install shim that `build.rs` compiles. So
//! it gets what RocksDB's C API does not offer: a version may go without leaving a tombstone (a skip), and a compaction knows
//! whether it writes the last level.
//!
//!     make lib && cargo run -p rocks-gc-example-shim -- target/release/librocks_gc.so NEW_DIRECTORY

mod rocks_gc;

use librocksdb_sys::*;
use rocks_gc::{RGC_GC_KEYSPACE_LEVEL, RGC_KIND_RAW, RGC_MODE_RAW, RocksGc, Stats, checked};
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
/// The handles are alive.
unsafe fn work(rgc: &RocksGc, gc: *mut c_void, db: *mut rocksdb_t) -> Result<(), Box<dyn Error>> {
    let write_options = unsafe { rocksdb_writeoptions_create() };
    for ts in 1..=VERSIONS {
        for row in 0..ROWS {
            let row = format!("row {row}");
            let mut len = 0;
            let encode =
                |error| unsafe { (rgc.rgc_encode_key)(gc, RGC_MODE_RAW, KEYSPACE, row.as_ptr().cast(), row.len(), ts, &mut len, error) };
            let key = checked(rgc.rgc_free, encode)?;
            // A value of TiKV's RawKV: the user's bytes, and a byte of flags.
            let value = b"value\0";
            checked(rocksdb_free, |error| unsafe {
                rocksdb_put(db, write_options, key, len, value.as_ptr().cast(), value.len(), error);
                (rgc.rgc_free)(key.cast());
            })?;
        }
    }
    // Nobody reads any more what was written up to here, but for the newest version of each row.
    checked(rgc.rgc_free, |error| unsafe { (rgc.rgc_advance_keyspace_safe_point)(gc, KEYSPACE, VERSIONS + 1, error) })?;
    unsafe {
        rocksdb_writeoptions_destroy(write_options);
        rocksdb_compact_range(db, null(), 0, null(), 0);
    }

    let mut stats = Stats::new();
    let mut left = 0;
    // Exact without tombstones.
    unsafe {
        (rgc.rgc_stats)(gc, &mut stats);
        rocksdb_property_int(db, c"rocksdb.estimate-num-keys".as_ptr(), &mut left);
    }
    println!("{left} of {} versions left; {} skips, {} tombstones", ROWS * VERSIONS, stats.skipped, stats.removed);
    if left == ROWS && stats.skipped == ROWS { Ok(()) } else { Err("this is not what should be left".into()) }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(library), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: rocks-gc-example-shim LIBROCKS_GC NEW_DIRECTORY".into());
    };
    let (library, directory) = (CString::new(library)?, CString::new(directory)?);
    // SAFETY: the types are those of the headers, texts end with NUL, and handles are given back in the manual's order.
    unsafe {
        let rgc = RocksGc::load(library.to_str()?)?;
        let gc_options = (rgc.rgc_options_create)();
        // By default (auto) a run skips where that is faster, which depends on the machine.
        checked(rgc.rgc_free, |error| (rgc.rgc_options_parse)(gc_options, c"remove_mode=skip".as_ptr(), error))?;
        let gc = checked(rgc.rgc_free, |error| (rgc.rgc_create)(gc_options, error))?;
        (rgc.rgc_options_destroy)(gc_options);
        // It has a safe point of its own; keyspaces that nobody named are kept whole.
        checked(rgc.rgc_free, |error| (rgc.rgc_set_keyspace_gc_type)(gc, KEYSPACE, RGC_GC_KEYSPACE_LEVEL, error))?;

        let options = rocksdb_options_create();
        rocksdb_options_set_create_if_missing(options, 1);
        // After everything else was set, and before open. Both options are one object here; see the shim's header.
        checked(rgc.rgc_free, |error| rgc_shim_install(library.as_ptr(), gc, RGC_KIND_RAW, options, options, error))?;
        let db = checked(rocksdb_free, |error| rocksdb_open(options, directory.as_ptr(), error))?;
        let result = work(&rgc, gc, db);
        rocksdb_close(db);
        rocksdb_options_destroy(options);
        if (rgc.rgc_destroy)(gc) == 0 {
            return Err("rgc_destroy was refused".into());
        }
        result
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // libloading keeps the reason there.
            let reason = error.source().map(|reason| format!(": {reason}")).unwrap_or_default();
            eprintln!("rocks-gc-example-shim: {error}{reason}");
            ExitCode::FAILURE
        }
    }
}
