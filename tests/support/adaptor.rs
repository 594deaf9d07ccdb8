//! The C++ adaptor, through the install shim, on the RocksDB of the tests, and RocksDB's C++ API as
//! tests need it. Each test binary compiles it once, against the headers of that RocksDB.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "C calls of a test, with arguments that live long enough")]

use super::gc::Gc;
use libloading::Library;
use rocks_gc::ffi::{HostEngine, c};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

type Handle = *mut c_void;
type Errptr = *mut *mut c_char;

/// The functions of the shared object.
pub struct Adaptor {
    install: unsafe extern "C" fn(*const c_char, Handle, c_int, Handle, Handle, Errptr),
    attach: unsafe extern "C" fn(*const c_char, Handle, Handle, *const c::rgc_column_family_t, usize, Errptr),
    engine: unsafe extern "C" fn(Handle, *const Handle, usize, *mut *const c::rgc_engine_t) -> Handle,
    compact_files_of: unsafe extern "C" fn(Handle, Handle, c_int, c_int) -> *mut c_char,
    compact_files: unsafe extern "C" fn(Handle, c_int, c_int, *const c_char, usize, *const c_char, usize) -> *mut c_char,
    table_properties: unsafe extern "C" fn(Handle, *mut u64, *mut u64, *mut u64) -> *mut c_char,
    enable_statistics: unsafe extern "C" fn(Handle),
    blob_bytes_read: unsafe extern "C" fn(Handle) -> u64,
    set_compaction_style: unsafe extern "C" fn(Handle, c_int),
    set_ingests_behind: unsafe extern "C" fn(Handle, c_int),
    remove_listeners: unsafe extern "C" fn(Handle),
    avoid_flush_during_recovery: unsafe extern "C" fn(Handle),
    cancel_manual_compactions: unsafe extern "C" fn(Handle),
    pause: unsafe extern "C" fn(Handle),
    go_on: unsafe extern "C" fn(Handle),
    wal_filter: unsafe extern "C" fn(*const c_char, Handle, Handle, *const *const c_char, usize, Errptr) -> Handle,
    wal_filter_destroy: unsafe extern "C" fn(Handle, Handle),
    hook: unsafe extern "C" fn(Handle, unsafe extern "C" fn(*mut c_void), *mut c_void),
    _library: Library,
    object: PathBuf,
    _directory: Option<TempDir>,
}

/// Where a process that a test has started finds the one that is compiled already.
pub const COMPILED: &str = "ROCKS_GC_TEST_ADAPTOR";

fn build() -> Adaptor {
    // RocksDB first, so that the object finds that copy.
    super::rocksdb::api();
    if let Some(object) = std::env::var_os(COMPILED) {
        return load(object.into(), None);
    }
    let directory = tempfile::tempdir().expect("a folder");
    let object = directory.path().join("libadaptor.so");
    let root = super::root();
    let sources = ["shim/rocks_gc_install.cc", "c_tests/adaptor/for_rust.cc"].map(|file| root.join(file).display().to_string());
    let mut arguments = [super::rocksdb_dialect(), "-fno-rtti", "-shared", "-fPIC", "-O1", "-o"].map(str::to_owned).to_vec();
    arguments.push(object.display().to_string());
    arguments.extend(super::rocksdb_include_flags());
    arguments.extend(sources);
    arguments.extend(super::rocksdb_link_flags());
    super::compile("g++", arguments);
    load(object, Some(directory))
}

fn load(object: PathBuf, directory: Option<TempDir>) -> Adaptor {
    macro_rules! symbol {
        ($library:ident, $name:literal) => {
            *$library.get($name).expect($name)
        };
    }
    unsafe {
        let library = Library::new(&object).expect("the adaptor loads");
        Adaptor {
            install: symbol!(library, "rgc_shim_install"),
            attach: symbol!(library, "rgc_shim_attach"),
            engine: symbol!(library, "adaptor_engine"),
            compact_files_of: symbol!(library, "adaptor_compact_files_of"),
            compact_files: symbol!(library, "adaptor_compact_files"),
            table_properties: symbol!(library, "adaptor_table_properties"),
            enable_statistics: symbol!(library, "adaptor_enable_statistics"),
            blob_bytes_read: symbol!(library, "adaptor_blob_bytes_read"),
            set_compaction_style: symbol!(library, "adaptor_set_compaction_style"),
            set_ingests_behind: symbol!(library, "adaptor_set_ingests_behind"),
            remove_listeners: symbol!(library, "adaptor_remove_listeners"),
            avoid_flush_during_recovery: symbol!(library, "adaptor_avoid_flush_during_recovery"),
            cancel_manual_compactions: symbol!(library, "adaptor_cancel_manual_compactions"),
            pause: symbol!(library, "adaptor_pause"),
            go_on: symbol!(library, "adaptor_go_on"),
            wal_filter: symbol!(library, "rgc_shim_wal_filter"),
            wal_filter_destroy: symbol!(library, "rgc_shim_wal_filter_destroy"),
            hook: symbol!(library, "adaptor_hook"),
            _library: library,
            object,
            _directory: directory,
        }
    }
}

/// The one adaptor of this process.
pub fn adaptor() -> &'static Adaptor {
    static ADAPTOR: OnceLock<Adaptor> = OnceLock::new();
    ADAPTOR.get_or_init(build)
}

fn checked(error: *mut c_char) -> Result<(), String> {
    if error.is_null() {
        return Ok(());
    }
    let text = unsafe { CStr::from_ptr(error) }.to_string_lossy().into_owned();
    unsafe { libc::free(error.cast()) };
    Err(text)
}

/// What the table files of a DB hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Entries {
    pub entries: u64,
    pub deletions: u64,
    pub range_deletions: u64,
}

impl Adaptor {
    /// Where it lies.
    pub fn object(&self) -> &Path {
        &self.object
    }

    /// Installs a kind into options, of the library that this test is linked with.
    pub fn install(&self, gc: &Gc, kind: u32, options: Handle) -> Result<(), String> {
        let mut error = null_mut();
        unsafe { (self.install)(null(), gc.handle().cast(), kind as c_int, options, options, &mut error) };
        checked(error)
    }

    /// WALs stay as they are at open.
    pub fn avoid_flush_during_recovery(&self, options: Handle) {
        unsafe { (self.avoid_flush_during_recovery)(options) }
    }

    /// Puts a WAL filter into options, for [`Self::wal_filter_destroy`] once the DB is closed.
    pub fn wal_filter(&self, gc: &Gc, families: &[*const c_char], options: Handle) -> Handle {
        let mut error = null_mut();
        let filter = unsafe { (self.wal_filter)(null(), gc.handle().cast(), options, families.as_ptr(), families.len(), &mut error) };
        checked(error).expect("a WAL filter");
        filter
    }

    /// Takes it out of options.
    pub fn wal_filter_destroy(&self, filter: Handle, options: Handle) {
        unsafe { (self.wal_filter_destroy)(filter, options) }
    }

    /// Attaches an open DB through the C++ engine.
    pub fn attach(&self, gc: &Gc, db: Handle, families: &[c::rgc_column_family_t]) -> Result<(), String> {
        let mut error = null_mut();
        unsafe { (self.attach)(null(), gc.handle().cast(), db, families.as_ptr(), families.len(), &mut error) };
        checked(error)
    }

    /// The C++ engine of an open DB.
    pub fn engine(&self, db: Handle, families: &[Handle]) -> HostEngine {
        let mut table = null();
        unsafe {
            let state = (self.engine)(db, families.as_ptr(), families.len(), &mut table);
            assert!(!state.is_null(), "no engine");
            HostEngine::new(*table, state, Arc::new(AtomicBool::new(true))).expect("every function")
        }
    }

    /// Compacts the files of a level of a column family into another one.
    pub fn compact_files_of(&self, db: Handle, family: Handle, from: i32, to: i32) -> Result<(), String> {
        checked(unsafe { (self.compact_files_of)(db, family, from, to) })
    }

    /// Compacts the files of a level that overlap `[start, end]` (end empty = all) into another
    /// one.
    pub fn compact_files(&self, db: Handle, from: i32, to: i32, start: &[u8], end: &[u8]) -> Result<(), String> {
        let end_data = if end.is_empty() { null() } else { end.as_ptr().cast() };
        checked(unsafe { (self.compact_files)(db, from, to, start.as_ptr().cast(), start.len(), end_data, end.len()) })
    }

    /// Sums over all table files.
    pub fn entries(&self, db: Handle) -> Entries {
        let (mut entries, mut deletions, mut range_deletions) = (0, 0, 0);
        checked(unsafe { (self.table_properties)(db, &mut entries, &mut deletions, &mut range_deletions) }).expect("properties");
        Entries { entries, deletions, range_deletions }
    }

    pub fn enable_statistics(&self, options: Handle) {
        unsafe { (self.enable_statistics)(options) }
    }

    pub fn blob_bytes_read(&self, options: Handle) -> u64 {
        unsafe { (self.blob_bytes_read)(options) }
    }

    /// 0 level, 1 universal, 2 FIFO.
    pub fn set_compaction_style(&self, options: Handle, style: i32) {
        unsafe { (self.set_compaction_style)(options, style) }
    }

    pub fn set_ingests_behind(&self, options: Handle, ingests_behind: bool) {
        unsafe { (self.set_ingests_behind)(options, c_int::from(ingests_behind)) }
    }

    pub fn remove_listeners(&self, options: Handle) {
        unsafe { (self.remove_listeners)(options) }
    }

    /// Cancels the manual compactions that are on, and returns when they have ended.
    pub fn cancel_manual_compactions(&self, db: Handle) {
        unsafe { (self.cancel_manual_compactions)(db) }
    }

    /// No flush and no automatic compaction runs until they go on.
    pub fn pause(&self, db: Handle) {
        unsafe { (self.pause)(db) }
    }

    /// They go on.
    pub fn go_on(&self, db: Handle) {
        unsafe { (self.go_on)(db) }
    }

    /// Calls `hook(state)` before each key of each run.
    pub fn hook(&self, options: Handle, hook: unsafe extern "C" fn(*mut c_void), state: *mut c_void) {
        unsafe { (self.hook)(options, hook, state) }
    }
}
