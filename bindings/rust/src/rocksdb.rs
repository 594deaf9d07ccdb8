//! The host's RocksDB: its functions, and what they get from the library.

use crate::Result;
use crate::abi;
use crate::bytes::c_texts;
use crate::gc::Gc;
use std::ffi::{CString, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::ptr::{NonNull, null, null_mut};

/// What the filters of a column family judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Kind {
    /// Only keys of destroyed ranges and dropped schemas.
    DroppedOnly = abi::RGC_KIND_DROPPED_ONLY,
    /// Rows of RawKV.
    Raw = abi::RGC_KIND_RAW,
    /// Records of transactions.
    Txn = abi::RGC_KIND_TXN,
    /// Values of API V1 with TTL.
    TtlV1 = abi::RGC_KIND_TTL_V1,
}

/// A function of `rocksdb/c.h` by its name. [`symbols!`](crate::symbols) makes them.
#[derive(Debug, Clone, Copy)]
pub struct Symbol {
    name: &'static str,
    address: *const c_void,
}

impl Symbol {
    /// A function by its name.
    ///
    /// # Safety
    ///
    /// `address` is the address of RocksDB's function of this name, and stays valid while the
    /// process runs.
    pub const unsafe fn new(name: &'static str, address: *const c_void) -> Self {
        Self { name, address }
    }
}

impl Gc {
    /// Binds the RocksDB that the program is linked with.
    ///
    /// Errors: Invalid argument: another RocksDB is bound; Not found: a missing function, by name.
    pub fn bind_symbols(&self, symbols: &[Symbol]) -> Result<()> {
        // SAFETY: the type of a function pointer is erased in this table. NULL is None.
        let address = |symbol: &Symbol| unsafe {
            std::mem::transmute::<*const c_void, Option<unsafe extern "C" fn()>>(symbol.address)
        };
        let names = c_texts(symbols.iter().map(|symbol| symbol.name))?;
        let entry = |(symbol, name): (&Symbol, &CString)| abi::Symbol {
            name: name.as_ptr(),
            address: address(symbol),
        };
        let table: Vec<abi::Symbol> = symbols.iter().zip(&names).map(entry).collect();
        // SAFETY: the context lives, and the table has so many elements.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_bind_rocksdb_symbols)(self.as_ptr(), table.as_ptr(), table.len(), error);
        })
    }

    /// Binds a RocksDB that is loaded as a shared library, by its path; with `None`, the only one
    /// in the process.
    ///
    /// Errors: those of `rgc_bind_rocksdb_library`.
    pub fn bind_loaded(&self, path: Option<&OsStr>) -> Result<()> {
        let path = path.map(|path| CString::new(path.as_bytes())).transpose()?;
        let path = path.as_ref().map_or(null(), |path| path.as_ptr());
        // SAFETY: the context lives, and the path ends with NUL.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_bind_rocksdb_library)(self.as_ptr(), null_mut(), path, error)
        })
    }

    /// Makes a filter factory, a `rocksdb_compactionfilterfactory_t*`. The caller owns it, and
    /// gives it to `rocksdb_options_set_compaction_filter_factory` once, or to
    /// `rocksdb_compactionfilterfactory_destroy`.
    ///
    /// Errors: Invalid argument: nothing is bound.
    pub fn filter_factory(&self, kind: Kind) -> Result<NonNull<c_void>> {
        // SAFETY: the context lives.
        let factory = self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_rocksdb_filter_factory)(self.as_ptr(), kind as c_int, error)
        })?;
        made("rgc_rocksdb_filter_factory", factory)
    }

    /// Makes an event listener, a `rocksdb_eventlistener_t*`. The caller owns it, and gives it to
    /// `rocksdb_options_add_eventlistener` once, or to `rocksdb_eventlistener_destroy`.
    ///
    /// Errors: Invalid argument: nothing is bound; Not supported: RocksDB before 10.4.
    pub fn event_listener(&self) -> Result<NonNull<c_void>> {
        // SAFETY: the context lives.
        let listener = self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_rocksdb_event_listener)(self.as_ptr(), error)
        })?;
        made("rgc_rocksdb_event_listener", listener)
    }

    /// Makes a WAL filter for these families, a `rocksdb_walfilter_t*`. The caller owns it, gives
    /// it to `rocksdb_options_set_wal_filter`, and to `rocksdb_walfilter_destroy` after the DB is
    /// closed.
    ///
    /// Errors: Invalid argument: nothing is bound, or no family; Not supported: RocksDB before
    /// 11.8.
    pub fn wal_filter(&self, families: &[&str]) -> Result<NonNull<c_void>> {
        let names = c_texts(families.iter().copied())?;
        let starts: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        // SAFETY: the context lives, and the array has so many texts, which `names` owns.
        let filter = self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_rocksdb_wal_filter)(self.as_ptr(), starts.as_ptr(), starts.len(), error)
        })?;
        made("rgc_rocksdb_wal_filter", filter)
    }
}

fn made(function: &str, object: *mut c_void) -> Result<NonNull<c_void>> {
    NonNull::new(object).ok_or_else(|| crate::Error::refused(function))
}
