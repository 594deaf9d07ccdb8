//! The Rust host of cost.c. Usage: user LIBROCKS_GC DB

use rocks_gc::{Gc, GcType, Kind, Library};
use rocksdb::{DB, Options};

rocks_gc::join!(mod joined: rocksdb, librocksdb_sys);

fn cpu_seconds() -> f64 {
    // utime and stime in clock ticks are too coarse. schedstat has nanoseconds, for each thread.
    let threads = std::fs::read_dir("/proc/self/task").expect("/proc");
    let of = |path: std::path::PathBuf| -> Option<f64> {
        std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    threads.filter_map(|thread| of(thread.ok()?.path())).sum::<f64>() / 1e9
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let gc = Gc::builder(&Library::load(&arguments[1])?)?.create()?;
    gc.set_keyspace_gc_type(7, GcType::KeyspaceLevel)?;
    gc.advance_keyspace_safe_point(7, 21)?;
    let mut options = Options::default();
    options.set_disable_auto_compactions(true);
    joined::install(&gc, &mut options, Kind::Raw)?;
    let db = DB::open(&options, &arguments[2])?;
    let before = cpu_seconds();
    db.compact_range(None::<&[u8]>, None::<&[u8]>);
    println!("{:.6}", cpu_seconds() - before);
    Ok(())
}
