//! A host with keyspaces 7 and 8.

use rocks_gc::{AttachedDb, Gc, GcType, Kind, Library, Mode, Role};
use rocksdb::{DB, IteratorMode, Options};
use std::env;
use std::path::Path;

#[cfg(not(feature = "shim"))]
rocks_gc::join!(pub mod joined: rocksdb, librocksdb_sys);
#[cfg(feature = "shim")]
rocks_gc::join!(pub mod joined: rocksdb, librocksdb_sys, shim);

pub fn library() -> Library {
    let path = env::var_os("ROCKS_GC_LIBRARY").expect("ROCKS_GC_LIBRARY names librocks_gc.so");
    Library::load(path).unwrap()
}

pub fn context() -> Gc {
    let gc = Gc::builder(&library()).unwrap().create().unwrap();
    gc.set_keyspace_gc_types(&[7, 8], GcType::KeyspaceLevel).unwrap();
    gc
}

pub fn options(gc: &Gc) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    joined::install(gc, &mut options, Kind::Raw).unwrap();
    options
}

pub fn attach(gc: &Gc, db: DB) -> AttachedDb<DB> {
    joined::attach(gc, db, &[(Role::Default, "default")]).unwrap()
}

pub fn open(gc: &Gc, path: &Path) -> AttachedDb<DB> {
    attach(gc, DB::open(&options(gc), path).unwrap())
}

pub fn write(gc: &Gc, db: &DB, keyspace: u32, rows: u64, timestamps: &[u64]) {
    for ts in timestamps {
        for row in 0..rows {
            let row = format!("row {row:06}");
            let key = gc.encode_key(Mode::Raw, keyspace, row.as_bytes(), *ts).unwrap();
            db.put(key, b"value\0").unwrap();
        }
    }
}

pub fn versions(gc: &Gc, db: &DB, keyspace: u32) -> usize {
    let keys = db.iterator(IteratorMode::Start).map(|entry| entry.unwrap().0);
    keys.filter(|key| gc.decode_key(key).is_ok_and(|key| key.keyspace == keyspace)).count()
}

pub fn compact(db: &DB) {
    db.compact_range(None::<&[u8]>, None::<&[u8]>);
}
