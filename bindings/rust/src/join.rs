//! Joins the library to the RocksDB crate of the program.

/// Makes a module that joins this crate to a RocksDB crate with the feature `raw-ptr`: `rocksdb`
/// from 0.25 on with `librocksdb-sys`, or `rust-rocksdb` with `rust-librocksdb-sys`.
///
/// ```ignore
/// rocks_gc::join!(mod joined: rocksdb, librocksdb_sys);
///
/// let gc = rocks_gc::Gc::builder(&library)?.create()?;
/// let mut options = rocksdb::Options::default();
/// joined::install(&gc, &mut options, Kind::Raw)?; // after every other option
/// let db = rocksdb::DB::open(&options, "db")?;
/// let db = joined::attach(&gc, db, &[(Role::Default, "default")])?;
/// ```
///
/// The module has these functions:
///
/// - `install(&Gc, &mut Options, Kind)` gives a filter factory to the options of a DB with one
///   column family.
/// - `install_families(&Gc, &mut Options, &mut [(&mut Options, Kind)])` gives one to the options of
///   each family. The first options are those of the DB.
/// - `attach(&Gc, DB, &[(Role, &str)])` attaches an open DB with its families, and owns it: the
///   [`AttachedDb`](crate::AttachedDb) derefs to the DB, and closes it in the right order.
///
/// With `, shim` behind the crates, and this crate's feature `shim`, they use the C++ adaptor. The
/// filters then skip, and files get properties. Only `rocksdb` has it.
///
/// The macro works in a crate that forbids `unsafe_code`.
#[macro_export]
macro_rules! join {
    ($vis:vis mod $name:ident: $rocksdb:ident, $sys:ident) => {
        $crate::join!(@module $vis $name $rocksdb $sys
            |gc, db_options| {
                gc.bind_symbols(&$crate::symbols!($sys))?;
                let listener = gc.event_listener()?.as_ptr().cast();
                // SAFETY: both are RocksDB's objects, and the options own the listener from now on.
                unsafe { ::$sys::rocksdb_options_add_eventlistener(db_options, listener) };
                Ok(())
            },
            |gc, _db_options, options, kind| {
                let factory = gc.filter_factory(kind)?.as_ptr().cast();
                // SAFETY: both are RocksDB's objects, and the options own the factory from now on.
                unsafe {
                    ::$sys::rocksdb_options_set_compaction_filter_factory(options, factory);
                }
                Ok(())
            },
            |gc, db, families| {
                gc.bind_symbols(&$crate::symbols!($sys))?;
                // SAFETY: the DB and its families are open, and are dropped after the attachment.
                unsafe { gc.attach(db, families) }
            });
    };
    ($vis:vis mod $name:ident: $rocksdb:ident, $sys:ident, shim) => {
        $crate::join!(@module $vis $name $rocksdb $sys
            |_gc, _db_options| Ok(()),
            |gc, db_options, options, kind| {
                // SAFETY: both options live, and may be one object.
                unsafe { gc.shim_install(kind, db_options.cast(), options.cast()) }
            },
            |gc, db, families| {
                // SAFETY: the DB and its families are open, and are dropped after the attachment.
                unsafe { gc.shim_attach(db, families) }
            });
    };
    (@module $vis:vis $name:ident $rocksdb:ident $sys:ident
        |$gc:ident, $db_options:ident| $listen:expr,
        |$gc_1:ident, $db_options_1:ident, $options:ident, $kind:ident| $filter:expr,
        |$gc_2:ident, $db:ident, $families:ident| $attach:expr) => {
        /// Joins rocks-gc to the program's RocksDB.
        $vis mod $name {
            use $crate::{
                AttachedDb, Attachment, Error, Family, Gc, Kind, NotAttached, Result, Role,
            };
            use ::$rocksdb::{AsColumnFamilyRef, AsRawPtr, DB, Options};

            type Pointer = *mut ::$sys::rocksdb_options_t;

            /// Gives a filter factory to the options of a DB with one column family, after every
            /// other option and before open.
            ///
            /// Errors: those of `Gc::bind_symbols` and `Gc::filter_factory`; with the shim those
            /// of `rgc_shim_install`.
            pub fn install(gc: &Gc, options: &mut Options, kind: Kind) -> Result<()> {
                // SAFETY: the pointer is used while the options are borrowed.
                let options = unsafe { options.as_raw_ptr() };
                listen(gc, options)?;
                filter(gc, options, options, kind)
            }

            /// Gives filter factories to the options of column families, after every other option
            /// and before open. `db_options` are those of the DB itself.
            ///
            /// Errors: those of `install`.
            #[allow(dead_code, reason = "a DB may have one family")]
            pub fn install_families(
                gc: &Gc,
                db_options: &mut Options,
                families: &mut [(&mut Options, Kind)],
            ) -> Result<()> {
                // SAFETY: the pointer is used while the options are borrowed.
                let db_options = unsafe { db_options.as_raw_ptr() };
                listen(gc, db_options)?;
                for (options, kind) in families {
                    // SAFETY: the same.
                    filter(gc, db_options, unsafe { options.as_raw_ptr() }, *kind)?;
                }
                Ok(())
            }

            fn listen($gc: &Gc, $db_options: Pointer) -> Result<()> {
                $listen
            }

            fn filter(
                $gc_1: &Gc,
                $db_options_1: Pointer,
                $options: Pointer,
                $kind: Kind,
            ) -> Result<()> {
                $filter
            }

            /// Attaches an open DB with its families, by their names, and owns it.
            ///
            /// Errors: those of `rgc_attach_rocksdb`; Invalid argument: a family that the DB does
            /// not have. The DB is returned with the error.
            pub fn attach(
                gc: &Gc,
                db: DB,
                families: &[(Role, &str)],
            ) -> std::result::Result<AttachedDb<DB>, NotAttached<DB>> {
                match attachment(gc, &db, families) {
                    Ok(attachment) => Ok(AttachedDb::new(attachment, db)),
                    Err(error) => Err(NotAttached { db, error }),
                }
            }

            fn attachment($gc_2: &Gc, db: &DB, families: &[(Role, &str)]) -> Result<Attachment> {
                let (mut all, mut handles) = (Vec::new(), Vec::new());
                for (role, name) in families {
                    let handle = db.cf_handle(name);
                    let pointer = match &handle {
                        Some(handle) => handle.inner().cast(),
                        // Opened without a list of families, the DB has no handle of it.
                        None if *name == "default" => std::ptr::null_mut(),
                        None => return Err(Error::no_family(name)),
                    };
                    all.push(Family { role: *role, name, handle: pointer });
                    handles.push(handle);
                }
                let $families = all.as_slice();
                // SAFETY: the pointer is used while the DB is borrowed, and by the library until
                // the attachment is dropped, which the caller does before the DB.
                let $db = unsafe { db.as_raw_ptr() }.cast();
                let mut attachment: Attachment = $attach?;
                // With multi-threaded-cf the host may drop a family while it is attached.
                // SAFETY: the DB, to which the handles belong, is dropped after the attachment.
                unsafe { attachment.keep(handles) };
                Ok(attachment)
            }
        }
    };
}
