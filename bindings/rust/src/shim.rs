//! The C++ adaptor, compiled beside RocksDB's headers: `shim/rocks_gc_install.h`.

use crate::Result;
use crate::abi;
use crate::attachment::{Attachment, Family};
use crate::bytes::c_texts;
use crate::gc::Gc;
use crate::rocksdb::Kind;
use std::ffi::{c_char, c_int, c_void};

// The shim calls RocksDB. Its crate must be linked behind the shim.
use librocksdb_sys as _;

unsafe extern "C" {
    fn rgc_shim_install(
        library: *const c_char,
        gc: *mut c_void,
        kind: c_int,
        db_options: *mut c_void,
        cf_options: *mut c_void,
        errptr: *mut *mut c_char,
    );
    fn rgc_shim_attach(
        library: *const c_char,
        gc: *mut c_void,
        db: *mut c_void,
        families: *const abi::ColumnFamily,
        n: usize,
        errptr: *mut *mut c_char,
    );
}

impl Gc {
    /// Installs the collection of a column family in its options. Both may be one object.
    ///
    /// # Safety
    ///
    /// Both are `rocksdb_options_t*` of the program's `librocksdb-sys`, and live during the call.
    ///
    /// Errors: those of `rgc_shim_install`.
    pub unsafe fn shim_install(
        &self,
        kind: Kind,
        db_options: *mut c_void,
        cf_options: *mut c_void,
    ) -> Result<()> {
        let library = self.library().path().as_ptr();
        // SAFETY: the context lives, and the caller promised the rest.
        self.library().checked(|_, error| unsafe {
            rgc_shim_install(library, self.as_ptr(), kind as c_int, db_options, cf_options, error);
        })
    }

    /// Attaches an open DB with the C++ engine.
    ///
    /// # Safety
    ///
    /// `db` is a `rocksdb_t*` of the program's `librocksdb-sys`. It and the handles stay open until
    /// the attachment is dropped.
    ///
    /// Errors: those of `rgc_shim_attach`.
    pub unsafe fn shim_attach(
        &self,
        db: *mut c_void,
        families: &[Family<'_>],
    ) -> Result<Attachment> {
        let names = c_texts(families.iter().map(|family| family.name))?;
        let families = Self::c_families(families, &names);
        let library = self.library().path().as_ptr();
        // SAFETY: the context lives, the array has so many elements, and the caller promised the
        // rest.
        self.library().checked(|_, error| unsafe {
            rgc_shim_attach(library, self.as_ptr(), db, families.as_ptr(), families.len(), error);
        })?;
        Ok(Attachment::of(self))
    }
}
