//! The listener that tells filters of RocksDB's C API which level they write.

use super::c;
use super::export::{answer, guard};
use super::handles::{Context, need_context, share_context};
use super::memory::slice;
use super::opaque::{Opaque, borrow, destroy, from_void, into_raw, to_void};
use super::rocksdb::bound;
use super::rocksdb_functions::list::{
    rocksdb_compactionjobinfo_t, rocksdb_externalfileingestioninfo_t, rocksdb_flushjobinfo_t, rocksdb_functions, rocksdb_memtableinfo_t,
    rocksdb_status_ptr_t, rocksdb_subcompactionjobinfo_t, rocksdb_t, rocksdb_writestallinfo_t,
};
use super::rocksdb_types::from_bound;
use crate::error::{Error, ErrorKind};
use crate::filter::level::{self, Jobs, LiveFile, is_bottommost};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;

/// The object behind a listener's state.
struct Listener {
    context: Arc<Context>,
    jobs: Jobs,
}

impl Opaque for Listener {
    type Owner = Box<Self>;
}

/// Makes a listener for rocksdb_options_add_eventlistener.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_rocksdb_event_listener(gc: *mut c::rgc_t, errptr: *mut *mut c_char) -> *mut c::rocksdb_eventlistener_t {
    // SAFETY: `gc` is alive, `errptr` is writable. `create` is RocksDB's function of that name; it
    // keeps the state for these callbacks, and gives it back once, to `destroy`.
    unsafe {
        answer(errptr, "rgc_rocksdb_event_listener", null_mut(), || {
            let functions = bound(need_context(gc)?)?;
            let missing = functions.missing_for_listeners();
            let (Some(create), []) = (functions.table().rocksdb_eventlistener_create, missing.as_slice()) else {
                return Err(Error::new(
                    ErrorKind::NotSupported,
                    format!(
                        "RocksDB's C API lacks {}; use RocksDB 10.4 or later, or no listener: then filters do not know their level",
                        missing.join(", ")
                    ),
                ));
            };
            let state = into_raw::<Listener>(Box::new(Listener { context: share_context(gc)?, jobs: Jobs::default() }));
            // RocksDB calls all of these functions, so each must exist, even if it does nothing.
            Ok(from_bound(create(
                to_void(state),
                Some(destroy::<Listener>),
                Some(nothing::<*mut rocksdb_t, rocksdb_flushjobinfo_t>),
                Some(nothing::<*mut rocksdb_t, rocksdb_flushjobinfo_t>),
                Some(compaction_begins),
                Some(compaction_ended),
                Some(subcompaction_begins),
                Some(subcompaction_ended),
                Some(nothing::<*mut rocksdb_t, rocksdb_externalfileingestioninfo_t>),
                Some(background_error),
                Some(nothing_of::<rocksdb_writestallinfo_t>),
                Some(nothing_of::<rocksdb_memtableinfo_t>),
            )))
        })
    }
}

unsafe extern "C" fn nothing<Db, Info>(_: *mut c_void, _: Db, _: *const Info) {}
unsafe extern "C" fn nothing_of<Info>(_: *mut c_void, _: *const Info) {}
unsafe extern "C" fn background_error(_: *mut c_void, _: u32, _: *mut rocksdb_status_ptr_t) {}

unsafe extern "C" fn compaction_begins(state: *mut c_void, db: *mut rocksdb_t, info: *const rocksdb_compactionjobinfo_t) {
    // SAFETY: the state is alive: RocksDB keeps it from `create` to `destroy`. DB and job are
    // RocksDB's and live during the call, and so do the paths and names of the job. The functions
    // are those of the bound RocksDB.
    guard(|| unsafe {
        let listener = borrow(from_void::<Listener>(state))?;
        let functions = listener.functions()?;
        let (column_family, output_level) = job(&functions, info)?;
        let inputs = || {
            let n = functions.rocksdb_compactionjobinfo_input_files_count?(info);
            let mut inputs = Vec::new();
            inputs.try_reserve_exact(n).ok()?;
            for i in 0..n {
                let mut len = 0;
                let path = functions.rocksdb_compactionjobinfo_input_file_at?(info, i, &mut len);
                inputs.push(slice(path.cast::<u8>(), len)?);
            }
            Some(inputs)
        };
        let bottommost = inputs().and_then(|mut inputs| {
            // Level 0 is never the bottommost level, so no list of files is needed.
            let files = if output_level > 0 { live_files(&functions, db, column_family)? } else { Vec::new() };
            is_bottommost(&mut inputs, output_level, &files)
        });
        listener.jobs.begin(column_family, output_level, bottommost);
        Some(())
    });
}

unsafe extern "C" fn compaction_ended(state: *mut c_void, _db: *mut rocksdb_t, info: *const rocksdb_compactionjobinfo_t) {
    // SAFETY: as in `compaction_begins`.
    guard(|| unsafe {
        let listener = borrow(from_void::<Listener>(state))?;
        let (column_family, output_level) = job(&listener.functions()?, info)?;
        listener.jobs.end(column_family, output_level);
        Some(())
    });
}

unsafe extern "C" fn subcompaction_begins(state: *mut c_void, info: *const rocksdb_subcompactionjobinfo_t) {
    // SAFETY: as in `compaction_begins`.
    guard(|| unsafe {
        let listener = borrow(from_void::<Listener>(state))?;
        let functions = listener.functions()?;
        let mut len = 0;
        let name = functions.rocksdb_subcompactionjobinfo_cf_name?(info, &mut len);
        let output_level = functions.rocksdb_subcompactionjobinfo_output_level?(info);
        level::tell(listener.jobs.bottommost(slice(name.cast(), len)?, output_level));
        Some(())
    });
}

unsafe extern "C" fn subcompaction_ended(_state: *mut c_void, _info: *const rocksdb_subcompactionjobinfo_t) {
    guard(|| level::tell(None));
}

impl Listener {
    fn functions(&self) -> Option<rocksdb_functions> {
        Some(bound(&self.context).ok()?.table())
    }
}

/// The column family and output level of a compaction.
///
/// # Safety
/// The functions are RocksDB's; it made `info`, which lives during `'a`.
unsafe fn job<'a>(functions: &rocksdb_functions, info: *const rocksdb_compactionjobinfo_t) -> Option<(&'a [u8], c_int)> {
    let mut len = 0;
    // SAFETY: RocksDB's functions get RocksDB's job. The name is part of the job, so it is readable
    // during `'a`, and `len` is its length.
    unsafe {
        let name = functions.rocksdb_compactionjobinfo_cf_name?(info, &mut len);
        Some((slice(name.cast(), len)?, functions.rocksdb_compactionjobinfo_output_level?(info)))
    }
}

/// The table files of a column family. `None` also means that there is no memory for them; then the
/// level is unknown.
///
/// # Safety
/// The functions are RocksDB's; it made `db`, which is open during the call.
unsafe fn live_files(functions: &rocksdb_functions, db: *mut rocksdb_t, column_family: &[u8]) -> Option<Vec<LiveFile>> {
    // SAFETY: RocksDB's functions get RocksDB's DB, and the list that one of them makes here. The
    // indices are below its count. Names and keys are part of the list, which is destroyed once,
    // after the last of them is copied.
    unsafe {
        let list = functions.rocksdb_livefiles?(db);
        let key = |of: unsafe extern "C" fn(_, c_int, *mut usize) -> *const c_char, i| {
            let mut len = 0;
            copy(slice(of(list, i, &mut len).cast(), len)?)
        };
        let file = |i| {
            let name = |of: unsafe extern "C" fn(_, c_int) -> *const c_char| CStr::from_ptr(of(list, i)).to_bytes();
            if name(functions.rocksdb_livefiles_column_family_name?) != column_family {
                return Some(None);
            }
            Some(Some(LiveFile {
                name: copy(name(functions.rocksdb_livefiles_name?))?,
                level: functions.rocksdb_livefiles_level?(list, i),
                smallest: key(functions.rocksdb_livefiles_smallestkey?, i)?,
                largest: key(functions.rocksdb_livefiles_largestkey?, i)?,
            }))
        };
        let all = || {
            let mut files = Vec::new();
            for i in 0..functions.rocksdb_livefiles_count?(list) {
                if let Some(file) = file(i)? {
                    files.try_reserve(1).ok()?;
                    files.push(file);
                }
            }
            Some(files)
        };
        let files = all();
        functions.rocksdb_livefiles_destroy?(list);
        files
    }
}

/// A copy, if there is memory.
fn copy(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).ok()?;
    copy.extend_from_slice(bytes);
    Some(copy)
}
