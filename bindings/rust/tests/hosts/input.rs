//! Bad input, and the calls that need no store.

use crate::support::{attach, context, joined, library, options};
use rocks_gc::{
    Codec, Error, ErrorKind, Gc, GcType, KeyspaceMeta, KeyspaceState, Library, Mode, Role,
};
use rocksdb::DB;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::tempdir;

#[test]
fn bad_input_is_an_error() {
    let gc = context();
    let kind = |result: rocks_gc::Result<()>| result.unwrap_err().kind();
    assert_eq!(kind(gc.set_keyspace_gc_type(1 << 24, GcType::Global)), ErrorKind::InvalidArgument);
    assert_eq!(kind(gc.keyspace_safe_point(1 << 24).map(drop)), ErrorKind::InvalidArgument);
    assert_eq!(
        kind(gc.advance_keyspace_safe_points(&[1], &[]).map(drop)),
        ErrorKind::InvalidArgument
    );
    assert_eq!(
        kind(Gc::builder(gc.library()).unwrap().set("data_prefix\0", "z").map(drop)),
        ErrorKind::InvalidArgument
    );
    assert_eq!(
        kind(Gc::builder(gc.library()).unwrap().parse("nothing=1").map(drop)),
        ErrorKind::InvalidArgument
    );
    assert_eq!(kind(gc.decode_key(b"").map(drop)), ErrorKind::Corruption);
    assert_eq!(kind(gc.debt().map(drop)), ErrorKind::InvalidArgument, "no store");
    assert_eq!(kind(gc.worker_drain(Duration::ZERO).map(drop)), ErrorKind::InvalidArgument);
    assert_eq!(
        kind(Codec::new(gc.library(), Mode::TidbMeta, 1).map(drop)),
        ErrorKind::InvalidArgument
    );
    let directory = tempdir().unwrap();
    let db = DB::open(&options(&gc), directory.path()).unwrap();
    let error = joined::attach(&gc, db, &[(Role::Default, "missing")]).unwrap_err();
    assert!(error.error.text().contains("\"missing\""), "{error}");
    drop(attach(&gc, error.db));
}

#[test]
fn barriers() {
    let gc = Gc::builder(&library()).unwrap().create().unwrap();
    gc.set_keyspace_gc_type(7, GcType::KeyspaceLevel).unwrap();
    gc.set_barrier(7, "reader", 30, None).unwrap();
    gc.set_barrier(rocks_gc::KEYSPACE_NONE, "reader", 40, Some(Duration::from_secs(3600))).unwrap();
    gc.set_barrier(rocks_gc::KEYSPACE_ALL, "backup", 50, None).unwrap();
    assert!(gc.advance_keyspace_safe_point(7, 60).unwrap() && gc.advance_global_safe_point(60));
    assert_eq!((gc.keyspace_safe_point(7).unwrap(), gc.global_safe_point()), (30, 40));
    let listed = gc.barriers();
    let keyspaces: Vec<_> = listed.iter().map(|barrier| barrier.keyspace).collect();
    assert_eq!(keyspaces, [7, rocks_gc::KEYSPACE_NONE, rocks_gc::KEYSPACE_ALL]);
    assert_eq!((listed[0].name.as_str(), listed[0].ts), ("reader", 30));
    assert!(listed[0].expires_unix_seconds.is_none() && listed[1].expires_unix_seconds.is_some());
    assert!(gc.delete_barrier(7, "reader").unwrap() && !gc.delete_barrier(7, "reader").unwrap());
    assert_eq!(gc.keyspace_safe_point(7).unwrap(), 50);
    let late = gc.set_barrier(7, "reader", 49, None).unwrap_err();
    assert!(
        late.kind() == ErrorKind::InvalidArgument && late.text().contains("is behind"),
        "{late}"
    );
    assert_eq!(
        gc.delete_barrier(1 << 24, "reader").unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}

#[test]
fn keyspaces_schemas_and_codec() {
    let gc = Gc::builder(&library()).unwrap().parse("schema_id=prefix").unwrap().create().unwrap();
    let meta = KeyspaceMeta {
        id: 9,
        state: KeyspaceState::Enabled,
        name: "nine",
        gc_management_type: Some("keyspace_level"),
    };
    gc.load_keyspace(&meta).unwrap();
    let keyspaces = gc.keyspaces();
    assert_eq!((keyspaces.len(), keyspaces[0].id, keyspaces[0].name.as_str()), (1, 9, "nine"));
    assert_eq!(gc.keyspace_by_name("nine").unwrap(), Some(9));
    assert_eq!(gc.keyspace_by_name("ten").unwrap(), None);
    assert!(gc.oldest_lock(9, 5).unwrap_err().text().contains("no store"));
    assert!(gc.reload_ledger().unwrap_err().text().contains("no store"));
    gc.load_schemas(9, &[1, 2], 5).unwrap();
    gc.create_schema(9, 6).unwrap();
    assert_eq!(gc.schema_state(9, 6), rocks_gc::SchemaState::Valid);
    assert_eq!(gc.schemas().len(), 3);
    let codec = Codec::new(gc.library(), Mode::Raw, 4242).unwrap();
    assert_eq!(codec.encode_key(b"key").unwrap(), b"r\x00\x10\x92key");
    assert_eq!(
        codec.decode_keys(&[b"r\x00\x10\x92a", b"r\x00\x10\x92"]).unwrap(),
        [b"a".to_vec(), b"".to_vec()]
    );
    assert_eq!(codec.decode_region_key(&codec.encode_region_key(b"key").unwrap()).unwrap(), b"key");
    assert_eq!(Codec::parse_keyspace(gc.library(), b"r\x00\x10\x92a").unwrap(), (Mode::Raw, 4242));
    assert_eq!(codec.encode_range(b"a", b"").unwrap().end.unwrap(), b"r\x00\x10\x93");
    assert!(codec.decode_range(b"", b"").unwrap().end.is_none());
    assert_eq!(codec.decode_bucket_keys(&[b"", b""]).unwrap(), [b"".to_vec(), b"".to_vec()]);
    assert!(gc.library().options_description().contains("remove_mode"));
}

/// What loading a library that is compiled from `source` answers.
fn loaded(folder: &Path, source: &str) -> Error {
    let (text, library) = (folder.join("stub.c"), folder.join("stub.so"));
    fs::write(&text, source).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &text]);
    assert!(compiler.status().expect("rustc links with cc").success());
    Library::load(&library).expect_err("it is refused")
}

#[test]
fn a_library_of_others_is_refused() {
    let directory = tempdir().unwrap();
    let no_library = directory.path().join("text.so");
    fs::write(&no_library, "no library").unwrap();
    for path in ["/no/such/librocks_gc.so", "", "a\0b", no_library.to_str().unwrap()] {
        let error = Library::load(path).expect_err(path);
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.text().contains(&format!("{path:?}")), "{error}");
    }
    let error = Library::load("libc.so.6").unwrap_err();
    assert!(error.text().contains("is not librocks_gc"), "{error}");
    let error = loaded(directory.path(), "unsigned rgc_abi_version(void) { return 99; }");
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.text().contains("ABI version 99"), "{error}");
    let other = tempdir().unwrap();
    let error = loaded(other.path(), "unsigned rgc_abi_version(void) { return 1; }");
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.text().contains("lacks rgc_"), "{error}");
}
