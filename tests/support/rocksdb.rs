//! A real RocksDB through its C API, loaded at run time as hosts do it.

#![allow(
    unsafe_code,
    non_snake_case,
    clippy::undocumented_unsafe_blocks,
    reason = "C names, C calls of a test, with arguments that live long enough"
)]

use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

type Handle = *mut c_void;

macro_rules! api {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions that the tests use.
        pub struct Api {
            /// The loaded RocksDB.
            pub library: Library,
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Api {
            fn load(path: &Path) -> Result<Self, libloading::Error> {
                unsafe {
                    let library = Library::new(path)?;
                    Ok(Self { $($name: *library.get(stringify!($name))?,)* library })
                }
            }
        }
    };
}

api! {
    rocksdb_options_create() -> Handle;
    rocksdb_options_destroy(Handle);
    rocksdb_options_set_create_if_missing(Handle, u8);
    rocksdb_options_set_disable_auto_compactions(Handle, c_int);
    rocksdb_options_set_write_buffer_size(Handle, usize);
    rocksdb_options_set_target_file_size_base(Handle, u64);
    rocksdb_options_set_max_subcompactions(Handle, u32);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(Handle, u8);
    rocksdb_options_set_compression(Handle, c_int);
    rocksdb_options_set_num_levels(Handle, c_int);
    rocksdb_options_set_enable_blob_files(Handle, u8);
    rocksdb_options_set_compaction_filter_factory(Handle, Handle);
    rocksdb_open(Handle, *const c_char, *mut *mut c_char) -> Handle;
    rocksdb_close(Handle);
    rocksdb_open_column_families(Handle, *const c_char, c_int, *const *const c_char, *const Handle, *mut Handle, *mut *mut c_char) -> Handle;
    rocksdb_column_family_handle_destroy(Handle);
    rocksdb_drop_column_family(Handle, Handle, *mut *mut c_char);
    rocksdb_put_cf(Handle, Handle, Handle, *const c_char, usize, *const c_char, usize, *mut *mut c_char);
    rocksdb_delete_cf(Handle, Handle, Handle, *const c_char, usize, *mut *mut c_char);
    rocksdb_compactionfilterfactory_destroy(Handle);
    rocksdb_options_set_create_missing_column_families(Handle, u8);
    rocksdb_options_set_atomic_flush(Handle, u8);
    rocksdb_free(*mut c_void);
    rocksdb_writeoptions_create() -> Handle;
    rocksdb_writeoptions_disable_WAL(Handle, c_int);
    rocksdb_writeoptions_destroy(Handle);
    rocksdb_write(Handle, Handle, Handle, *mut *mut c_char);
    rocksdb_writebatch_create() -> Handle;
    rocksdb_writebatch_destroy(Handle);
    rocksdb_writebatch_put(Handle, *const c_char, usize, *const c_char, usize);
    rocksdb_writebatch_delete(Handle, *const c_char, usize);
    rocksdb_writebatch_singledelete(Handle, *const c_char, usize);
    rocksdb_writebatch_merge(Handle, *const c_char, usize, *const c_char, usize);
    rocksdb_writebatch_delete_range(Handle, *const c_char, usize, *const c_char, usize);
    rocksdb_flushoptions_create() -> Handle;
    rocksdb_flushoptions_destroy(Handle);
    rocksdb_flush(Handle, Handle, *mut *mut c_char);
    rocksdb_compactoptions_create() -> Handle;
    rocksdb_compactoptions_destroy(Handle);
    rocksdb_compactoptions_set_bottommost_level_compaction(Handle, u8);
    rocksdb_compactoptions_set_change_level(Handle, u8);
    rocksdb_compactoptions_set_target_level(Handle, c_int);
    rocksdb_set_options(Handle, c_int, *const *const c_char, *const *const c_char, *mut *mut c_char);
    rocksdb_compact_range_opt(Handle, Handle, *const c_char, usize, *const c_char, usize);
    rocksdb_readoptions_create() -> Handle;
    rocksdb_readoptions_destroy(Handle);
    rocksdb_readoptions_set_snapshot(Handle, Handle);
    rocksdb_create_snapshot(Handle) -> Handle;
    rocksdb_release_snapshot(Handle, Handle);
    rocksdb_options_set_uint64add_merge_operator(Handle);
    rocksdb_create_iterator(Handle, Handle) -> Handle;
    rocksdb_iter_destroy(Handle);
    rocksdb_iter_valid(Handle) -> u8;
    rocksdb_iter_seek_to_first(Handle);
    rocksdb_iter_next(Handle);
    rocksdb_iter_key(Handle, *mut usize) -> *const c_char;
    rocksdb_iter_value(Handle, *mut usize) -> *const c_char;
    rocksdb_iter_get_error(Handle, *mut *mut c_char);
    rocksdb_property_value(Handle, *const c_char) -> *mut c_char;
}

/// The one RocksDB of this process.
pub fn api() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| Api::load(&super::rocksdb_library()).expect("RocksDB loads"))
}

/// A snapshot of an open DB.
pub fn hold_snapshot(db: Handle) -> Handle {
    unsafe { (api().rocksdb_create_snapshot)(db) }
}

/// Gives it back.
pub fn release_snapshot(db: Handle, snapshot: Handle) {
    unsafe { (api().rocksdb_release_snapshot)(db, snapshot) }
}

/// How a DB is opened.
#[derive(Debug, Clone)]
pub struct Settings {
    pub max_subcompactions: u32,
    pub target_file_size: u64,
    pub dynamic_levels: bool,
    /// Every value lies in a blob file.
    pub blobs: bool,
    pub num_levels: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_subcompactions: 1, target_file_size: 64 << 20, dynamic_levels: true, blobs: false, num_levels: 7 }
    }
}

/// One write.
pub enum Write<'a> {
    Put(&'a [u8], &'a [u8]),
    Delete(&'a [u8]),
    SingleDelete(&'a [u8]),
    Merge(&'a [u8], &'a [u8]),
    DeleteRange(&'a [u8], &'a [u8]),
}

/// An open DB whose compactions only happen when asked for.
pub struct Db {
    db: Handle,
    options: Handle,
}

// RocksDB's handles are shared by threads.
unsafe impl Sync for Db {}

pub fn checked<R>(call: impl FnOnce(*mut *mut c_char) -> R) -> R {
    let mut error = null_mut();
    let result = call(&mut error);
    if !error.is_null() {
        panic!("RocksDB: {}", unsafe { CStr::from_ptr(error) }.to_string_lossy());
    }
    result
}

fn parts(bytes: &[u8]) -> (*const c_char, usize) {
    (bytes.as_ptr().cast(), bytes.len())
}

/// A property of an open DB as text.
pub fn property(db: Handle, name: &str) -> String {
    let name = CString::new(name).expect("no NUL");
    unsafe {
        let text = (api().rocksdb_property_value)(db, name.as_ptr());
        assert!(!text.is_null(), "property {name:?}");
        let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
        (api().rocksdb_free)(text.cast());
        copy
    }
}

/// Gives back a factory that no options object took over.
pub fn destroy_factory(factory: Handle) {
    unsafe { (api().rocksdb_compactionfilterfactory_destroy)(factory) }
}

/// Families are flushed together.
pub fn set_atomic_flush(options: Handle) {
    unsafe { (api().rocksdb_options_set_atomic_flush)(options, 1) };
}

/// Options of a DB whose compactions only happen when asked for.
pub fn new_options(settings: &Settings) -> Handle {
    let api = api();
    unsafe {
        let options = (api.rocksdb_options_create)();
        (api.rocksdb_options_set_create_if_missing)(options, 1);
        (api.rocksdb_options_set_create_missing_column_families)(options, 1);
        (api.rocksdb_options_set_disable_auto_compactions)(options, 1);
        (api.rocksdb_options_set_write_buffer_size)(options, 256 << 20);
        (api.rocksdb_options_set_compression)(options, 0);
        (api.rocksdb_options_set_uint64add_merge_operator)(options);
        (api.rocksdb_options_set_target_file_size_base)(options, settings.target_file_size);
        (api.rocksdb_options_set_max_subcompactions)(options, settings.max_subcompactions);
        (api.rocksdb_options_set_level_compaction_dynamic_level_bytes)(options, u8::from(settings.dynamic_levels));
        (api.rocksdb_options_set_num_levels)(options, settings.num_levels);
        (api.rocksdb_options_set_enable_blob_files)(options, u8::from(settings.blobs));
        options
    }
}

impl Db {
    /// Opens a DB with a compaction filter factory, which it takes over; NULL = none.
    pub fn open(path: &Path, settings: &Settings, factory: Handle) -> Self {
        Self::open_with(path, settings, |options| {
            if !factory.is_null() {
                unsafe { (api().rocksdb_options_set_compaction_filter_factory)(options, factory) };
            }
        })
    }

    /// Opens a DB whose collection `install` puts into the options.
    pub fn open_with(path: &Path, settings: &Settings, install: impl FnOnce(Handle)) -> Self {
        let api = api();
        let path = CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL");
        unsafe {
            let options = new_options(settings);
            install(options);
            let db = checked(|error| (api.rocksdb_open)(options, path.as_ptr(), error));
            Self { db, options }
        }
    }

    /// RocksDB's own handle.
    pub fn handle(&self) -> Handle {
        self.db
    }

    pub fn options(&self) -> Handle {
        self.options
    }

    /// Writes a batch that must succeed.
    pub fn write(&self, writes: &[Write<'_>]) {
        self.try_write(writes).expect("RocksDB writes");
    }

    /// Writes a batch.
    pub fn try_write(&self, writes: &[Write<'_>]) -> Result<(), String> {
        let api = api();
        unsafe {
            let batch = (api.rocksdb_writebatch_create)();
            for write in writes {
                match write {
                    Write::Put(key, value) => {
                        let ((key, key_len), (value, value_len)) = (parts(key), parts(value));
                        (api.rocksdb_writebatch_put)(batch, key, key_len, value, value_len);
                    }
                    Write::Delete(key) => {
                        let (key, key_len) = parts(key);
                        (api.rocksdb_writebatch_delete)(batch, key, key_len);
                    }
                    Write::SingleDelete(key) => {
                        let (key, key_len) = parts(key);
                        (api.rocksdb_writebatch_singledelete)(batch, key, key_len);
                    }
                    Write::Merge(key, operand) => {
                        let ((key, key_len), (operand, operand_len)) = (parts(key), parts(operand));
                        (api.rocksdb_writebatch_merge)(batch, key, key_len, operand, operand_len);
                    }
                    Write::DeleteRange(start, end) => {
                        let ((start, start_len), (end, end_len)) = (parts(start), parts(end));
                        (api.rocksdb_writebatch_delete_range)(batch, start, start_len, end, end_len);
                    }
                }
            }
            let options = (api.rocksdb_writeoptions_create)();
            (api.rocksdb_writeoptions_disable_WAL)(options, 1);
            let mut error = null_mut();
            (api.rocksdb_write)(self.db, options, batch, &mut error);
            (api.rocksdb_writeoptions_destroy)(options);
            (api.rocksdb_writebatch_destroy)(batch);
            if error.is_null() {
                return Ok(());
            }
            let text = CStr::from_ptr(error).to_string_lossy().into_owned();
            (api.rocksdb_free)(error.cast());
            Err(text)
        }
    }

    /// Flushes the memtable into a file of level 0.
    pub fn flush(&self) {
        let api = api();
        unsafe {
            let options = (api.rocksdb_flushoptions_create)();
            checked(|error| (api.rocksdb_flush)(self.db, options, error));
            (api.rocksdb_flushoptions_destroy)(options);
        }
    }

    /// Compacts what overlaps `[start, end]` (`None` = everything) down to the last level that has
    /// any of it. `force` = also the last level's files, with nothing above them.
    pub fn compact(&self, range: Option<(&[u8], &[u8])>, force: bool) {
        let api = api();
        unsafe {
            let options = (api.rocksdb_compactoptions_create)();
            (api.rocksdb_compactoptions_set_bottommost_level_compaction)(options, if force { 2 } else { 0 });
            let ((start, start_len), (end, end_len)) = range.map_or(((null(), 0), (null(), 0)), |(start, end)| (parts(start), parts(end)));
            (api.rocksdb_compact_range_opt)(self.db, options, start, start_len, end, end_len);
            (api.rocksdb_compactoptions_destroy)(options);
        }
    }

    /// Every key and value that is visible.
    pub fn scan(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.scan_at(null_mut())
    }

    /// Compacts everything and moves it to the last level.
    pub fn move_to_last_level(&self) {
        let api = api();
        unsafe {
            let options = (api.rocksdb_compactoptions_create)();
            (api.rocksdb_compactoptions_set_change_level)(options, 1);
            (api.rocksdb_compactoptions_set_target_level)(options, 6);
            (api.rocksdb_compact_range_opt)(self.db, options, null(), 0, null(), 0);
            (api.rocksdb_compactoptions_destroy)(options);
        }
    }

    /// Lets RocksDB compact level 0 into level 1 by itself, and no further. Without dynamic levels.
    pub fn compact_level_0(&self) {
        let set = |off: &CStr| unsafe {
            let keys = [c"level0_file_num_compaction_trigger".as_ptr(), c"disable_auto_compactions".as_ptr()];
            checked(|error| (api().rocksdb_set_options)(self.db, 2, keys.as_ptr(), [c"2".as_ptr(), off.as_ptr()].as_ptr(), error));
        };
        set(c"false");
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.files_per_level()[0] > 0 && self.property("rocksdb.background-errors") == "0" {
            assert!(Instant::now() < deadline, "level 0 stays: {:?}", self.files_per_level());
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.property("rocksdb.background-errors") == "0" {
            set(c"true");
        }
    }

    /// A snapshot; released by [`Db::release`].
    pub fn snapshot(&self) -> Handle {
        unsafe { (api().rocksdb_create_snapshot)(self.db) }
    }

    /// Gives a snapshot back.
    pub fn release(&self, snapshot: Handle) {
        unsafe { (api().rocksdb_release_snapshot)(self.db, snapshot) }
    }

    /// Every key and value that is visible to a snapshot; NULL = now.
    pub fn scan_at(&self, snapshot: Handle) -> Vec<(Vec<u8>, Vec<u8>)> {
        let api = api();
        let mut found = Vec::new();
        unsafe {
            let options = (api.rocksdb_readoptions_create)();
            (api.rocksdb_readoptions_set_snapshot)(options, snapshot);
            let iterator = (api.rocksdb_create_iterator)(self.db, options);
            (api.rocksdb_iter_seek_to_first)(iterator);
            while (api.rocksdb_iter_valid)(iterator) != 0 {
                let (mut key_len, mut value_len) = (0, 0);
                let key = (api.rocksdb_iter_key)(iterator, &mut key_len).cast::<u8>();
                let value = (api.rocksdb_iter_value)(iterator, &mut value_len).cast::<u8>();
                let copy = |data: *const u8, len| std::slice::from_raw_parts(data, len).to_vec();
                found.push((copy(key, key_len), copy(value, value_len)));
                (api.rocksdb_iter_next)(iterator);
            }
            checked(|error| (api.rocksdb_iter_get_error)(iterator, error));
            (api.rocksdb_iter_destroy)(iterator);
            (api.rocksdb_readoptions_destroy)(options);
        }
        found
    }

    /// A property as text.
    pub fn property(&self, name: &str) -> String {
        property(self.db, name)
    }

    /// How many files each level has.
    pub fn files_per_level(&self) -> Vec<u64> {
        (0..7).map(|level| self.property(&format!("rocksdb.num-files-at-level{level}")).parse().expect("a number")).collect()
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        unsafe {
            (api().rocksdb_close)(self.db);
            (api().rocksdb_options_destroy)(self.options);
        }
    }
}
