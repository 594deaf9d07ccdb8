//! A Rust host on the `rocksdb` crate. Its compactions filter through the crate's own compaction
//! filter traits, over `rgc_filter_create` and `rgc_filter_decide`. The traits keep and remove; a
//! removed version leaves a tombstone until the last level.
//!
//! The example compiles only Rust. A host that wants skips takes the crate's feature `raw-ptr`
//! (from 0.25 on), and gives `options.as_raw_ptr()` to the install shim as `examples/rust_shim`
//! does.
//!
//!     make lib && cargo run -p rocks-gc-example-crate -- target/release/librocks_gc.so NEW_DIRECTORY

use rocks_gc_binding::Context;
use rocksdb::compaction_filter::{CompactionFilter, Decision};
use rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};
use rocksdb::{DB, IteratorMode, Options};
use std::error::Error;
use std::ffi::CStr;
use std::process::ExitCode;
use std::sync::Arc;

const KEYSPACE: u32 = 7;
const ROWS: u64 = 2000;
const VERSIONS: u64 = 5;

/// Each options object has its own.
struct Factory {
    gc: Arc<Context>,
}

impl CompactionFilterFactory for Factory {
    type Filter = Filter;

    /// RocksDB calls it for each compaction, on the compaction's thread.
    fn create(&mut self, context: CompactionFilterContext) -> Filter {
        Filter(self.gc.filter(context.is_full_compaction, context.is_manual_compaction))
    }

    /// OPTIONS files record it, so it never changes.
    fn name(&self) -> &CStr {
        c"rocks_gc.default"
    }
}

/// `None` = the compaction keeps everything.
struct Filter(Option<rocks_gc_binding::Filter>);

impl CompactionFilter for Filter {
    fn filter(&mut self, level: u32, key: &[u8], value: &[u8]) -> Decision {
        let removes = self.0.as_mut().is_some_and(|filter| filter.removes(level, key, value));
        if removes { Decision::Remove } else { Decision::Keep }
    }

    fn name(&self) -> &CStr {
        c"rocks_gc.filter"
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(library), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: rocks-gc-example-crate LIBROCKS_GC NEW_DIRECTORY".into());
    };
    // SAFETY: it is librocks_gc.
    let gc = Arc::new(unsafe { Context::load(&library, "")? });
    // The library keeps everything of a keyspace that the host has not registered.
    gc.name_keyspace_level(KEYSPACE)?;

    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_compaction_filter_factory(Factory { gc: gc.clone() });
    let db = DB::open(&options, directory)?;
    for ts in 1..=VERSIONS {
        for row in 0..ROWS {
            // A value of TiKV's RawKV: the user's bytes, and a byte of flags.
            db.put(gc.raw_key(KEYSPACE, &format!("row {row}"), ts)?, b"value\0")?;
        }
    }
    // No reader needs an older version any more: the newest version of each row is enough.
    gc.advance(KEYSPACE, VERSIONS + 1)?;
    db.compact_range(None::<&[u8]>, None::<&[u8]>);

    let left = db.iterator(IteratorMode::Start).count() as u64;
    let removed = gc.stats().removed;
    println!("{left} of {} versions left; {removed} removed", ROWS * VERSIONS);
    if left == ROWS && removed == ROWS * (VERSIONS - 1) { Ok(()) } else { Err("this is not what should be left".into()) }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // libloading's reason is the source of its error.
            let reason = error.source().map(|reason| format!(": {reason}")).unwrap_or_default();
            eprintln!("rocks-gc-example-crate: {error}{reason}");
            ExitCode::FAILURE
        }
    }
}
