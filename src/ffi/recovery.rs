//! Recovery: WAL filters.

use super::c;
use super::export::{answer, guard, guarded};
use super::handles::{Context, context, need_context, share_context};
use super::memory::{array, bytes, malloc_bytes, slice, text};
use super::opaque::{Opaque, borrow, destroy, from_void, into_raw, to_void};
use super::rocksdb::bound;
use super::rocksdb_functions::list::{rocksdb_functions, rocksdb_writebatch_t};
use super::rocksdb_types::from_bound;
use crate::callback::lock;
use crate::error::{Error, ErrorKind};
use crate::filter::recovery;
use crate::layout::write_batch::{BatchOp, BatchRecord, WriteBatch};
use std::ffi::{c_char, c_int, c_uchar, c_ulonglong, c_void};
use std::ptr::null_mut;
use std::sync::{Arc, Mutex};

/// Whether recovery must ignore a put or merge of this key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_wal_should_skip(gc: *const c::rgc_t, key: *const c_char, len: usize) -> u8 {
    // SAFETY: `gc` is alive, `key` is readable.
    guarded("rgc_wal_should_skip", 0, || unsafe {
        let (Some(found), Some(key)) = (context(gc), slice(key.cast(), len)) else { return 0 };
        u8::from(recovery::ignores_key(&found.shared, key))
    })
}

/// Returns the part of a write batch to replay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_wal_filter_batch(
    gc: *const c::rgc_t,
    batch: *const c_char,
    len: usize,
    families: *const u32,
    n: usize,
    out_len: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `gc` is alive, `batch` and `families` are readable, `out_len` and `errptr` are
    // writable.
    unsafe {
        answer(errptr, "rgc_wal_filter_batch", null_mut(), || {
            let shared = &need_context(gc)?.shared;
            let (batch, families) = (bytes("batch", batch, len)?, array("families", families, n)?);
            if out_len.is_null() {
                return Err(Error::invalid("out_len is NULL; the batch's length would be lost"));
            }
            let Some(filtered) = recovery::filtered(shared, families, batch) else { return Ok(null_mut()) };
            let copy = malloc_bytes(&filtered)?;
            out_len.write_unaligned(filtered.len());
            Ok(copy)
        })
    }
}

/// The object behind a WAL filter's state.
struct WalFilter {
    context: Arc<Context>,
    names: Vec<String>,
    /// The ids of the named families, after RocksDB has reported them.
    ids: Mutex<Vec<u32>>,
}

impl Opaque for WalFilter {
    type Owner = Box<Self>;
}

/// Makes a filter for rocksdb_options_set_wal_filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_rocksdb_wal_filter(
    gc: *mut c::rgc_t,
    families: *const *const c_char,
    n: usize,
    errptr: *mut *mut c_char,
) -> *mut c::rocksdb_walfilter_t {
    // SAFETY: `gc` is alive, `families` is readable, `errptr` is writable. `create` is RocksDB's
    // function of that name; it keeps the state for these callbacks, and gives it back once, to
    // `destroy`.
    unsafe {
        answer(errptr, "rgc_rocksdb_wal_filter", null_mut(), || {
            let functions = bound(need_context(gc)?)?;
            let names = array("families", families, n)?;
            if names.is_empty() {
                return Err(Error::invalid("no family is named; name the families whose keys have gc's layout"));
            }
            let names = names.iter().enumerate().map(|(i, name)| Ok(text(&format!("families[{i}]"), *name)?.to_owned()));
            let names = names.collect::<Result<Vec<_>, Error>>()?;
            let missing = functions.missing_for_wal_filters();
            let (Some(create), []) = (functions.table().rocksdb_walfilter_create, missing.as_slice()) else {
                return Err(Error::new(
                    ErrorKind::NotSupported,
                    format!("RocksDB's C API lacks {}; use RocksDB 11.8 or later; C++ hosts use rocks_gc::WalFilter", missing.join(", ")),
                ));
            };
            let state = into_raw::<WalFilter>(Box::new(WalFilter { context: share_context(gc)?, names, ids: Mutex::default() }));
            Ok(from_bound(create(to_void(state), Some(destroy::<WalFilter>), Some(families_are), Some(record_found), Some(name))))
        })
    }
}

unsafe extern "C" fn name(_: *mut c_void) -> *const c_char {
    c"rocks_gc.wal_filter".as_ptr()
}

unsafe extern "C" fn families_are(
    state: *mut c_void,
    _: *const u32,
    _: *const u64,
    _: usize,
    names: *const *const c_char,
    lens: *const usize,
    ids: *const u32,
    n: usize,
) {
    // SAFETY: the state is alive: RocksDB keeps it from `create` to `destroy`. The arrays are
    // RocksDB's, have `n` elements, and live during the call; each name has the length at its
    // index.
    guard(|| unsafe {
        let filter = borrow(from_void::<WalFilter>(state))?;
        let (names, lens, ids) = (slice(names, n)?, slice(lens, n)?, slice(ids, n)?);
        let named = names.iter().zip(lens).zip(ids).filter(|((name, len), _)| {
            slice(name.cast::<u8>(), **len).is_some_and(|name| filter.names.iter().any(|own| own.as_bytes() == name))
        });
        *lock(&filter.ids) = named.map(|(_, id)| *id).collect();
        Some(())
    });
}

/// RocksDB's kContinueProcessing.
const CONTINUE: c_int = 0;

unsafe extern "C" fn record_found(
    state: *mut c_void,
    _: c_ulonglong,
    _: *const c_char,
    _: usize,
    batch: *const rocksdb_writebatch_t,
    new_batch: *mut rocksdb_writebatch_t,
    changed: *mut c_uchar,
) -> c_int {
    // SAFETY: the state is alive: RocksDB keeps it from `create` to `destroy`. Both batches are
    // RocksDB's and live during the call; the bytes of `batch` change only through it, and only
    // `new_batch` is written to. `changed` is a variable of RocksDB's for the answer. The functions
    // are those of the bound RocksDB.
    guard(|| unsafe {
        let filter = borrow(from_void::<WalFilter>(state))?;
        let functions = bound(&filter.context).ok()?.table();
        let mut len = 0;
        let data = functions.rocksdb_writebatch_data?(batch.cast_mut(), &mut len);
        let batch = WriteBatch::parse(slice(data.cast(), len)?)?;
        // The list is as short as the host's list of families.
        let ids = lock(&filter.ids).clone();
        let ignored = |record: &BatchRecord| recovery::ignores(&filter.context.shared, &ids, record);
        // A record of another family than the default one needs the family's handle, which does not
        // exist yet. The placeholder of an ignored record is written to the default family, so that
        // family must be ours.
        let can_be_written = |record: &BatchRecord| {
            if ignored(record) { ids.contains(&0) } else { record.family == 0 && !record.is_entity && record.op != BatchOp::Noop }
        };
        if !batch.records.iter().any(ignored) || !batch.records.iter().all(can_be_written) {
            return None;
        }
        let key = recovery::place_holder(&filter.context.shared);
        for record in &batch.records {
            if ignored(record) {
                functions.rocksdb_writebatch_delete?(new_batch, key.as_ptr().cast(), key.len());
            } else {
                write(&functions, new_batch, record)?;
            }
        }
        changed.write_unaligned(1);
        Some(())
    });
    CONTINUE
}

/// Adds a record of the default family to a batch.
///
/// # Safety
/// The functions are RocksDB's; it made `batch`, which lives and is used by this thread alone.
unsafe fn write(functions: &rocksdb_functions, batch: *mut rocksdb_writebatch_t, record: &BatchRecord) -> Option<()> {
    let (key, key_len) = (record.key.as_ptr().cast(), record.key.len());
    let (value, value_len) = (record.value.as_ptr().cast(), record.value.len());
    // SAFETY: RocksDB's function gets RocksDB's batch, and bytes with their lengths, which it
    // copies before it returns.
    unsafe {
        match record.op {
            BatchOp::Put => functions.rocksdb_writebatch_put?(batch, key, key_len, value, value_len),
            BatchOp::Merge => functions.rocksdb_writebatch_merge?(batch, key, key_len, value, value_len),
            BatchOp::Delete => functions.rocksdb_writebatch_delete?(batch, key, key_len),
            BatchOp::SingleDelete => functions.rocksdb_writebatch_singledelete?(batch, key, key_len),
            BatchOp::DeleteRange => functions.rocksdb_writebatch_delete_range?(batch, key, key_len, value, value_len),
            BatchOp::LogData => functions.rocksdb_writebatch_put_log_data?(batch, key, key_len),
            BatchOp::Noop => {}
        }
    }
    Some(())
}
