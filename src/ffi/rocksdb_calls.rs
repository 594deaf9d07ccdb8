//! An open RocksDB, and single calls of its functions: handles, errors, batches, reads, properties
//! and flushes.

use super::rocksdb_functions::Functions;
use super::rocksdb_functions::list::{
    rocksdb_column_family_handle_t, rocksdb_flushoptions_t, rocksdb_functions, rocksdb_readoptions_t, rocksdb_t, rocksdb_writebatch_t,
};
use crate::engine::{Family, Op, Write};
use crate::error::{Error, ErrorKind};
use std::ffi::{CStr, c_char, c_int};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// A bound function; attaching has checked that it exists.
macro_rules! bound {
    ($self:ident.$name:ident) => {
        $self.functions.$name.ok_or_else(|| $crate::ffi::rocksdb_calls::lacks(&[stringify!($name)]))?
    };
}
pub(super) use bound;

pub(super) fn lacks(names: &[&str]) -> Error {
    let names = names.join(", ");
    Error::new(ErrorKind::NotSupported, format!("RocksDB's C API lacks {names}; attaching needs RocksDB 6.28 or later, or the C++ adaptor"))
}

/// An object of RocksDB, with RocksDB's function that destroys it.
pub(super) struct Owned<T> {
    pub(super) it: *mut T,
    pub(super) destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: it was made by the create function that belongs to `destroy`, and is destroyed
        // once.
        unsafe { (self.destroy)(self.it) }
    }
}

/// The handle of a column family; NULL means the default one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Handle(pub *mut rocksdb_column_family_handle_t);

// SAFETY: RocksDB's handles may be used by any thread.
unsafe impl Send for Handle {}
// SAFETY: RocksDB's handles may be used by any thread.
unsafe impl Sync for Handle {}

/// An open RocksDB.
pub struct RocksDb {
    pub(super) functions: rocksdb_functions,
    pub(super) db: *mut rocksdb_t,
    pub(super) families: Vec<(Handle, Vec<u8>)>,
    pub(super) cancelled: AtomicBool,
    pub(super) compactions: AtomicUsize,
}

// SAFETY: a rocksdb_t may be used by any thread.
unsafe impl Send for RocksDb {}
// SAFETY: a rocksdb_t may be used by any thread; the objects that its functions make stay on the
// calling thread.
unsafe impl Sync for RocksDb {}

impl RocksDb {
    /// The store of an open database and the handles of its families, with their names.
    ///
    /// # Safety
    /// `db` and the handles belong to the bound RocksDB, and remain open as long as this is used.
    pub unsafe fn new(functions: &Functions, db: *mut rocksdb_t, families: Vec<(Handle, Vec<u8>)>) -> Result<Self, Error> {
        let missing = functions.missing_for_deleting();
        if !missing.is_empty() {
            return Err(lacks(&missing));
        }
        let functions = functions.table();
        Ok(Self { functions, db, families, cancelled: AtomicBool::new(false), compactions: AtomicUsize::new(0) })
    }

    /// A family's name and id, if this RocksDB reports them.
    pub fn name_and_id(&self, handle: Handle) -> Option<(Vec<u8>, u32)> {
        let (name, id, free) = (
            self.functions.rocksdb_column_family_handle_get_name?,
            self.functions.rocksdb_column_family_handle_get_id?,
            self.functions.rocksdb_free?,
        );
        let mut len = 0;
        // SAFETY: the handle is RocksDB's; the name is malloc'ed, copied, and freed once.
        unsafe {
            let text = name(handle.0, &mut len);
            let copy = std::slice::from_raw_parts(text.cast::<u8>(), len).to_vec();
            free(text.cast());
            Some((copy, id(handle.0)))
        }
    }

    pub(super) fn handle(&self, family: Family) -> Option<*mut rocksdb_column_family_handle_t> {
        self.families.get(family).map(|(handle, _)| handle.0).filter(|handle| !handle.is_null())
    }

    /// Calls a function with an errptr.
    pub(super) fn checked<R>(&self, call: impl FnOnce(*mut *mut c_char) -> R) -> Result<R, Error> {
        let mut text = null_mut();
        let result = call(&mut text);
        if text.is_null() {
            return Ok(result);
        }
        // SAFETY: RocksDB set it to a malloc'ed C string, which is freed once.
        let error = unsafe { Error::of_store(&CStr::from_ptr(text).to_string_lossy()) };
        if let Some(free) = self.functions.rocksdb_free {
            // SAFETY: `text` is malloc'ed, and freed once.
            unsafe { free(text.cast()) };
        }
        Err(error)
    }

    pub(super) fn read_options(&self) -> Result<Owned<rocksdb_readoptions_t>, Error> {
        let (create, destroy) = (bound!(self.rocksdb_readoptions_create), bound!(self.rocksdb_readoptions_destroy));
        let (fill_cache, total_order) =
            (bound!(self.rocksdb_readoptions_set_fill_cache), bound!(self.rocksdb_readoptions_set_total_order_seek));
        // SAFETY: RocksDB's own functions on its own objects.
        unsafe {
            let options = Owned { it: create(), destroy };
            fill_cache(options.it, 0);
            total_order(options.it, 1);
            Ok(options)
        }
    }

    pub(super) fn batch(&self, writes: &[Write]) -> Result<Owned<rocksdb_writebatch_t>, Error> {
        let (create, destroy) = (bound!(self.rocksdb_writebatch_create), bound!(self.rocksdb_writebatch_destroy));
        let (put, put_cf) = (bound!(self.rocksdb_writebatch_put), bound!(self.rocksdb_writebatch_put_cf));
        let (delete, delete_cf) = (bound!(self.rocksdb_writebatch_delete), bound!(self.rocksdb_writebatch_delete_cf));
        let (range, range_cf) = (bound!(self.rocksdb_writebatch_delete_range), bound!(self.rocksdb_writebatch_delete_range_cf));
        // SAFETY: RocksDB's own functions on its own objects; it copies the bytes.
        unsafe {
            let batch = Owned { it: create(), destroy };
            for write in writes {
                match (&write.op, self.handle(write.family)) {
                    (Op::Put(key, value), None) => put(batch.it, key.as_ptr().cast(), key.len(), value.as_ptr().cast(), value.len()),
                    (Op::Put(key, value), Some(cf)) => {
                        put_cf(batch.it, cf, key.as_ptr().cast(), key.len(), value.as_ptr().cast(), value.len())
                    }
                    (Op::Delete(key), None) => delete(batch.it, key.as_ptr().cast(), key.len()),
                    (Op::Delete(key), Some(cf)) => delete_cf(batch.it, cf, key.as_ptr().cast(), key.len()),
                    (Op::DeleteRange(start, end), None) => {
                        range(batch.it, start.as_ptr().cast(), start.len(), end.as_ptr().cast(), end.len())
                    }
                    (Op::DeleteRange(start, end), Some(cf)) => {
                        range_cf(batch.it, cf, start.as_ptr().cast(), start.len(), end.as_ptr().cast(), end.len());
                    }
                }
            }
            Ok(batch)
        }
    }

    pub(super) fn get_from(&self, tier: c_int, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let (get, get_cf, free) = (bound!(self.rocksdb_get), bound!(self.rocksdb_get_cf), bound!(self.rocksdb_free));
        let set_tier = bound!(self.rocksdb_readoptions_set_read_tier);
        let options = self.read_options()?;
        let (data, mut len) = (key.as_ptr().cast(), 0);
        // SAFETY: RocksDB's own functions; the value is malloc'ed, copied and freed once.
        unsafe {
            set_tier(options.it, tier);
            let value = self.checked(|error| match self.handle(family) {
                None => get(self.db, options.it, data, key.len(), &mut len, error),
                Some(cf) => get_cf(self.db, options.it, cf, data, key.len(), &mut len, error),
            })?;
            if value.is_null() {
                return Ok(None);
            }
            let copy = std::slice::from_raw_parts(value.cast::<u8>(), len).to_vec();
            free(value.cast());
            Ok(Some(copy))
        }
    }

    pub(super) fn property(&self, name: &CStr) -> Option<u64> {
        let mut value = 0;
        // SAFETY: RocksDB's own function on its own DB.
        (unsafe { self.functions.rocksdb_property_int?(self.db, name.as_ptr(), &mut value) } == 0).then_some(value)
    }

    pub(super) fn family_property(&self, family: Family, name: &CStr) -> Option<u64> {
        let Some(cf) = self.handle(family) else { return self.property(name) };
        let mut value = 0;
        // SAFETY: RocksDB's own function on its own DB and family.
        (unsafe { self.functions.rocksdb_property_int_cf?(self.db, cf, name.as_ptr(), &mut value) } == 0).then_some(value)
    }

    pub(super) fn flush(&self, family: Family, wait: bool) -> Result<(), Error> {
        let (create, destroy) = (bound!(self.rocksdb_flushoptions_create), bound!(self.rocksdb_flushoptions_destroy));
        let set_wait = bound!(self.rocksdb_flushoptions_set_wait);
        let (flush, flush_cf) = (bound!(self.rocksdb_flush), bound!(self.rocksdb_flush_cf));
        // SAFETY: RocksDB's own functions on its own objects.
        unsafe {
            let options: Owned<rocksdb_flushoptions_t> = Owned { it: create(), destroy };
            set_wait(options.it, u8::from(wait));
            self.checked(|error| match self.handle(family) {
                None => flush(self.db, options.it, error),
                Some(cf) => flush_cf(self.db, options.it, cf, error),
            })
        }
    }

    pub(super) fn check_cancelled(&self) -> Result<(), Error> {
        if self.cancelled.load(SeqCst) {
            return Err(Error::new(ErrorKind::Aborted, "the store is being detached; attach it again, and repeat the call"));
        }
        Ok(())
    }
}
