//! The attached store, and the order in which it ends: detach, then close.

use crate::Result;
use crate::abi;
use crate::bytes::c_texts;
use crate::error::Error;
use crate::gc::Gc;
use std::ffi::{CString, c_int, c_void};
use std::fmt;
use std::mem;
use std::ops::Deref;
use std::thread;
use std::time::Duration;

/// The role of a column family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Role {
    /// RawKV rows, and the values of transactions.
    Default = abi::RGC_CF_DEFAULT,
    /// Records of transactions.
    Write = abi::RGC_CF_WRITE,
    /// Locks.
    Lock = abi::RGC_CF_LOCK,
    /// Others, for destroys.
    Other = abi::RGC_CF_OTHER,
    /// The library's own records.
    Ledger = abi::RGC_CF_LEDGER,
}

/// A column family of the store.
#[derive(Debug, Clone)]
pub struct Family<'a> {
    /// Its role.
    pub role: Role,
    /// RocksDB's name of it.
    pub name: &'a str,
    /// Its `rocksdb_column_family_handle_t*`; NULL means the default family.
    pub handle: *mut c_void,
}

/// An attached store. When it is dropped, the library no longer uses the DB. It holds a reference
/// to its context.
///
/// A logger or a clock must not drop it: on a thread of the library or of RocksDB the drop waits
/// for itself.
pub struct Attachment {
    gc: Gc,
    /// They are dropped after the detach.
    handles: Vec<Box<dyn Handle>>,
}

/// What lives as long as an attachment.
trait Handle: Send + Sync {}
impl<T: Send + Sync> Handle for T {}

impl Gc {
    /// Attaches an open DB, a `rocksdb_t*`. [`AttachedDb`] does the rest of the order right.
    ///
    /// # Safety
    ///
    /// `db` and the handles belong to the bound RocksDB, and stay open until the attachment is
    /// dropped.
    ///
    /// Errors: those of `rgc_attach_rocksdb`.
    pub unsafe fn attach(&self, db: *mut c_void, families: &[Family<'_>]) -> Result<Attachment> {
        let names = c_texts(families.iter().map(|family| family.name))?;
        let families = Self::c_families(families, &names);
        // SAFETY: the context lives, the array has so many elements, and the caller promised that
        // the DB and the handles stay open.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_attach_rocksdb)(self.as_ptr(), db, families.as_ptr(), families.len(), error);
        })?;
        Ok(Attachment::of(self))
    }

    pub(crate) fn c_families(families: &[Family<'_>], names: &[CString]) -> Vec<abi::ColumnFamily> {
        let c_family = |(family, name): (&Family<'_>, &CString)| abi::ColumnFamily {
            struct_size: size_of::<abi::ColumnFamily>(),
            role: family.role as c_int,
            name: name.as_ptr(),
            handle: family.handle,
        };
        families.iter().zip(names).map(c_family).collect()
    }
}

impl Attachment {
    pub(crate) fn of(gc: &Gc) -> Self {
        Self { gc: gc.clone(), handles: Vec::new() }
    }

    /// Owns the handle of a column family until the library no longer uses the DB. A family that
    /// the host drops meanwhile counts as empty, but its handle must stay valid.
    ///
    /// # Safety
    ///
    /// The handle is valid until the attachment has been dropped, whatever its lifetime says.
    pub unsafe fn keep<'a>(&mut self, handle: impl Send + Sync + 'a) {
        let handle: Box<dyn Handle + 'a> = Box::new(handle);
        // SAFETY: only the lifetime changes, and the caller promised a longer one.
        let handle = unsafe { mem::transmute::<Box<dyn Handle + 'a>, Box<dyn Handle>>(handle) };
        self.handles.push(handle);
    }

    /// The context.
    pub fn gc(&self) -> &Gc {
        &self.gc
    }

    fn try_detach(&self) -> bool {
        // SAFETY: the context lives.
        unsafe { (self.gc.library().functions().rgc_detach)(self.gc.as_ptr()) != 0 }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Attachment").field("gc", &self.gc).finish_non_exhaustive()
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // Refused on this thread, and the DB must not close before the library has let go of it. So
        // another thread detaches, and this one waits. A panic here would close the DB.
        let elsewhere = || {
            thread::scope(|scope| {
                let other = thread::Builder::new().spawn_scoped(scope, || self.try_detach());
                other.is_ok_and(|other| other.join().unwrap_or(false))
            })
        };
        while !self.try_detach() && !elsewhere() {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A DB that was not attached. `?` turns it into the [`Error`].
pub struct NotAttached<D> {
    /// The DB, open as before.
    pub db: D,
    /// Why.
    pub error: Error,
}

impl<D> From<NotAttached<D>> for Error {
    fn from(not_attached: NotAttached<D>) -> Self {
        not_attached.error
    }
}

impl<D> fmt::Debug for NotAttached<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, formatter)
    }
}

impl<D> fmt::Display for NotAttached<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, formatter)
    }
}

impl<D> std::error::Error for NotAttached<D> {}

/// An open DB and its attachment. It is dropped in the right order: first the library lets go of
/// the DB, then the DB closes.
#[derive(Debug)]
pub struct AttachedDb<D> {
    // Fields are dropped in this order.
    attachment: Attachment,
    db: D,
}

impl<D> AttachedDb<D> {
    /// Owns both.
    pub fn new(attachment: Attachment, db: D) -> Self {
        Self { attachment, db }
    }

    /// The context.
    pub fn gc(&self) -> &Gc {
        self.attachment.gc()
    }

    /// Detaches, and gives the DB back.
    pub fn detach(self) -> D {
        let Self { attachment, db } = self;
        drop(attachment);
        db
    }
}

impl<D> Deref for AttachedDb<D> {
    type Target = D;
    fn deref(&self) -> &D {
        &self.db
    }
}
