//! Two tenants with two safe points: `cargo run --example quickstart -- librocks_gc.so DIRECTORY`.

use rocks_gc::{Gc, GcType, Kind, Library, Mode, Role};
use rocksdb::{DB, IteratorMode, Options};

rocks_gc::join!(mod joined: rocksdb, librocksdb_sys);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(library), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: quickstart LIBROCKS_GC DIRECTORY".into());
    };
    let gc = Gc::builder(&Library::load(library)?)?.create()?;
    // No reader of keyspace 7 reads below 100, and none of keyspace 8 below 15.
    for (keyspace, safe_point) in [(7, 100), (8, 15)] {
        gc.set_keyspace_gc_type(keyspace, GcType::KeyspaceLevel)?;
        gc.advance_keyspace_safe_point(keyspace, safe_point)?;
    }

    let mut options = Options::default();
    options.create_if_missing(true);
    joined::install(&gc, &mut options, Kind::Raw)?;
    let db = joined::attach(&gc, DB::open(&options, directory)?, &[(Role::Default, "default")])?;
    for keyspace in [7, 8] {
        for ts in [10, 20, 30] {
            // The user's bytes and a byte of flags.
            db.put(gc.encode_key(Mode::Raw, keyspace, b"row", ts)?, b"value\0")?;
        }
    }
    db.compact_range(None::<&[u8]>, None::<&[u8]>);

    let mut left = [0; 2];
    for entry in db.iterator(IteratorMode::Start) {
        left[usize::from(gc.decode_key(&entry?.0)?.keyspace == 8)] += 1;
    }
    for (keyspace, left) in [7, 8].into_iter().zip(left) {
        println!("keyspace {keyspace}: {left} of 3 versions left");
    }
    Ok(())
}
