//! A real RocksDB with several column families, attached or not.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "C calls of a test, with arguments that live long enough")]

use super::adaptor::adaptor;
use super::gc::Gc;
use super::rocksdb::{Settings, api, new_options};
use rocks_gc::engine::{Direction, Engine, File, Flush, Op, Write, WriteOptions};
use rocks_gc::ffi::c;
use rocks_gc::ffi::{Functions, Handle as FamilyHandle, RocksDb};
use std::ffi::{CString, c_char, c_int, c_void};
use std::ops::ControlFlow;
use std::path::Path;
use std::ptr::null_mut;

type Handle = *mut c_void;

/// How the host takes the library in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// RocksDB's C API.
    C,
    /// The C++ adaptor.
    Adaptor,
}

/// Both.
pub const EVERY_WAY: [Via; 2] = [Via::C, Via::Adaptor];

/// A column family: its name, its role, and the kind of its filter.
pub type Family = (&'static str, u32, Option<u32>);

/// One family of RawKV rows.
pub const RAW: &[Family] = &[("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_RAW))];
/// The families of transactions.
pub const TXN: &[Family] = &[
    ("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_RAW)),
    ("write", c::RGC_CF_WRITE, Some(c::RGC_KIND_TXN)),
    ("lock", c::RGC_CF_LOCK, Some(c::RGC_KIND_DROPPED_ONLY)),
];

/// Copies the folder of a DB that is closed: files only.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for file in std::fs::read_dir(from).expect("a folder").map(|file| file.expect("a file")) {
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copies");
    }
}

/// An open DB that compacts only when the test asks, and writes without a WAL unless the test asks.
pub struct Store<'g> {
    pub gc: &'g Gc,
    via: Via,
    db: Handle,
    options: Vec<Handle>,
    families: Vec<(Family, Handle)>,
    engine: RocksDb,
}

unsafe impl Sync for Store<'_> {}

/// Puts the filter of a kind into options: for a family whose context is not the store's.
pub fn install(via: Via, gc: &Gc, kind: u32, options: Handle) {
    match via {
        Via::C => unsafe { (api().rocksdb_options_set_compaction_filter_factory)(options, gc.factory(kind)) },
        Via::Adaptor => adaptor().install(gc, kind, options).expect("installs"),
    }
}

impl<'g> Store<'g> {
    /// Opens it; not yet attached.
    pub fn open(path: &Path, gc: &'g Gc, via: Via, families: &[Family]) -> Self {
        Self::open_with(path, gc, via, families, &Settings::default(), |_| {})
    }

    /// Opens it with settings; `also` gets the options of each family, with its filter in them.
    pub fn open_with(path: &Path, gc: &'g Gc, via: Via, families: &[Family], settings: &Settings, also: impl Fn(Handle)) -> Self {
        let api = api();
        let text = CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL");
        let options: Vec<Handle> = families
            .iter()
            .map(|(_, _, kind)| {
                let options = new_options(settings);
                match (via, kind) {
                    (_, None) => {}
                    (Via::C, Some(kind)) => unsafe {
                        (api.rocksdb_options_set_compaction_filter_factory)(options, gc.factory(*kind));
                    },
                    (Via::Adaptor, Some(kind)) => adaptor().install(gc, *kind, options).expect("installs"),
                }
                also(options);
                options
            })
            .collect();
        gc.bind();
        let names: Vec<CString> = families.iter().map(|(name, ..)| CString::new(*name).expect("no NUL")).collect();
        let names: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let mut handles = vec![null_mut(); families.len()];
        let db = unsafe {
            super::rocksdb::checked(|error| {
                let n = families.len() as c_int;
                (api.rocksdb_open_column_families)(
                    options[0],
                    text.as_ptr(),
                    n,
                    names.as_ptr(),
                    options.as_ptr(),
                    handles.as_mut_ptr(),
                    error,
                )
            })
        };
        let functions = unsafe {
            Functions::bind(|name| api.library.get::<*mut c_void>(name.as_bytes()).ok().map(|found| *found)).expect("RocksDB's C API")
        };
        let named =
            families.iter().zip(&handles).map(|((name, ..), handle)| (FamilyHandle(handle.cast()), name.as_bytes().to_vec())).collect();
        let engine = unsafe { RocksDb::new(&functions, db.cast(), named).expect("every function") };
        Self { gc, via, db, options, families: families.iter().copied().zip(handles).collect(), engine }
    }

    /// The DB as the library's own engine sees it.
    pub fn engine(&self) -> &RocksDb {
        &self.engine
    }

    /// RocksDB's own handle.
    pub fn handle(&self) -> Handle {
        self.db
    }

    pub fn options(&self) -> Handle {
        self.options[0]
    }

    /// The same DB behind the C++ adaptor's engine.
    pub fn cpp_engine(&self) -> rocks_gc::ffi::HostEngine {
        let handles: Vec<_> = self.families.iter().map(|(_, handle)| *handle).collect();
        adaptor().engine(self.db, &handles)
    }

    /// Attaches it.
    pub fn attach(&self) -> Result<(), String> {
        let all: Vec<_> = self.families.iter().enumerate().map(|(place, ((_, role, _), _))| (place, *role)).collect();
        self.attach_to(self.gc, &all)
    }

    /// Attaches some families, by their places, with these roles, to a context.
    pub fn attach_to(&self, gc: &Gc, families: &[(usize, u32)]) -> Result<(), String> {
        let names: Vec<CString> = families.iter().map(|(place, _)| CString::new(self.families[*place].0.0).expect("no NUL")).collect();
        let families: Vec<_> = families
            .iter()
            .zip(&names)
            .map(|((place, role), name)| c::rgc_column_family_t {
                struct_size: size_of::<c::rgc_column_family_t>(),
                role: *role as c_int,
                name: name.as_ptr(),
                handle: self.families[*place].1.cast(),
            })
            .collect();
        match self.via {
            Via::C => gc.attach_rocksdb(self.db, &families),
            Via::Adaptor => adaptor().attach(gc, self.db, &families),
        }
    }

    /// Where a family stands among those that it was opened with.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.families.iter().position(|((known, ..), _)| *known == name)
    }

    /// The host drops a family, and keeps its handle.
    pub fn drop_family(&self, family: usize) {
        let handle = self.families[family].1;
        unsafe { super::rocksdb::checked(|error| (api().rocksdb_drop_column_family)(self.db, handle, error)) };
    }

    /// A write of a host that goes without a WAL: a crash loses it until it is flushed.
    pub fn put_without_wal(&self, family: usize, key: &[u8], value: &[u8]) {
        let (key, key_len, value, value_len) = (key.as_ptr().cast(), key.len(), value.as_ptr().cast(), value.len());
        unsafe {
            let options = (api().rocksdb_writeoptions_create)();
            (api().rocksdb_writeoptions_disable_WAL)(options, 1);
            super::rocksdb::checked(|error| {
                (api().rocksdb_put_cf)(self.db, options, self.families[family].1, key, key_len, value, value_len, error)
            });
            (api().rocksdb_writeoptions_destroy)(options);
        }
    }

    /// The same for a delete.
    pub fn delete_without_wal(&self, family: usize, key: &[u8]) {
        unsafe {
            let options = (api().rocksdb_writeoptions_create)();
            (api().rocksdb_writeoptions_disable_WAL)(options, 1);
            super::rocksdb::checked(|error| {
                (api().rocksdb_delete_cf)(self.db, options, self.families[family].1, key.as_ptr().cast(), key.len(), error);
            });
            (api().rocksdb_writeoptions_destroy)(options);
        }
    }

    /// A write of a host, as hosts write: not by the library's engine.
    pub fn try_put_as_host(&self, family: usize, key: &[u8], value: &[u8]) -> Result<(), String> {
        let (key, key_len, value, value_len) = (key.as_ptr().cast(), key.len(), value.as_ptr().cast(), value.len());
        unsafe {
            let options = (api().rocksdb_writeoptions_create)();
            let written = super::gc::checked(|error| {
                (api().rocksdb_put_cf)(self.db, options, self.families[family].1, key, key_len, value, value_len, error);
            });
            (api().rocksdb_writeoptions_destroy)(options);
            written
        }
    }

    /// Opens it and attaches it.
    pub fn attached(path: &Path, gc: &'g Gc, via: Via, families: &[Family]) -> Self {
        let store = Self::open(path, gc, via, families);
        store.attach().expect("attaches");
        store
    }

    pub fn put(&self, family: usize, key: &[u8], value: &[u8]) {
        self.write(family, Op::Put(key.to_vec(), value.to_vec()));
    }

    pub fn delete(&self, family: usize, key: &[u8]) {
        self.write(family, Op::Delete(key.to_vec()));
    }

    fn write(&self, family: usize, op: Op) {
        self.engine.write(&[Write { family, op }], WriteOptions::default()).expect("RocksDB writes");
    }

    /// A batch.
    pub fn write_all(&self, writes: &[Write]) {
        self.engine.write(writes, WriteOptions::default()).expect("RocksDB writes");
    }

    pub fn flush(&self, family: usize) {
        let mut progress = 0;
        while self.engine.try_flush(family, &mut progress).expect("flushes") == Flush::Unfinished {}
    }

    /// Flushes, and compacts everything into the last level.
    pub fn compact(&self, family: usize) {
        self.flush(family);
        self.engine.compact(family, (b"", &[0xff; 64]), true).expect("compacts");
    }

    /// Compacts a range, the last level too.
    pub fn engine_compact(&self, family: usize, range: (&[u8], &[u8])) {
        self.engine.compact(family, range, true).expect("compacts");
    }

    /// Sets an option of the open DB, which then writes its options file.
    pub fn set_option(&self, name: &str, value: &str) {
        let (name, value) = (CString::new(name).expect("no NUL"), CString::new(value).expect("no NUL"));
        let (names, values) = ([name.as_ptr()], [value.as_ptr()]);
        unsafe { super::rocksdb::checked(|error| (api().rocksdb_set_options)(self.db, 1, names.as_ptr(), values.as_ptr(), error)) };
    }

    /// Does it stop or delay writes now?
    pub fn is_stalled(&self) -> bool {
        self.engine.write_stalled()
    }

    /// Compacts, lets the worker finish, and compacts again: nothing dead is left.
    pub fn collect_all(&self) {
        for _ in 0..2 {
            (0..self.families.len()).for_each(|family| self.compact(family));
            assert_eq!(self.gc.drain(60_000), Ok(0));
        }
        (0..self.families.len()).for_each(|family| self.compact(family));
    }

    /// Every key and value of a family that is visible.
    pub fn scan(&self, family: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.scan_range(family, b"", &[0xff; 64])
    }

    pub fn scan_range(&self, family: usize, start: &[u8], end: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        self.engine
            .scan(family, (start, end), Direction::Forwards, &mut |key, value| {
                found.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })
            .expect("scans");
        found
    }

    /// Every visible key.
    pub fn keys(&self, family: usize) -> Vec<Vec<u8>> {
        self.scan(family).into_iter().map(|(key, _)| key).collect()
    }

    pub fn files(&self, family: usize) -> Vec<File> {
        self.engine.files(family, None).expect("files")
    }

    /// Compacts a family's files of one level into another.
    pub fn compact_files(&self, family: usize, from: i32, to: i32) -> Result<(), String> {
        adaptor().compact_files_of(self.db, self.families[family].1, from, to)
    }
}

impl Drop for Store<'_> {
    fn drop(&mut self) {
        self.gc.detach();
        let api = api();
        unsafe {
            self.families.iter().for_each(|(_, handle)| (api.rocksdb_column_family_handle_destroy)(*handle));
            (api.rocksdb_close)(self.db);
            self.options.iter().for_each(|options| (api.rocksdb_options_destroy)(*options));
        }
    }
}
