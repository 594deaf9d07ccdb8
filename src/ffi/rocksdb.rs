//! Hosts on rocksdb/c.h: binding their RocksDB, and the factory that makes the filter of each
//! compaction.

use super::c;
use super::export::{answer, guarded};
use super::filter_handle::FilterHandle;
use super::handles::{Context, kind, need_context, share_context};
use super::memory::{array, text};
use super::opaque::{Opaque, borrow, from_raw, from_void, into_raw, to_void};
use super::rocksdb_finder;
use super::rocksdb_functions::{Functions, list};
use super::rocksdb_types::{from_bound, to_bound};
use super::{rgc_filter_callback, rgc_filter_destructor, rgc_filter_name};
use crate::error::Error;
use crate::filter::{CompactionContext, level};
use crate::log::{Level, log};
use crate::shared::FilterKind;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// The object behind a factory's state.
struct Factory {
    context: Arc<Context>,
    kind: FilterKind,
}

impl Opaque for Factory {
    type Owner = Box<Self>;
}

impl Factory {
    /// The state of a new factory.
    fn state(context: Arc<Context>, number: c_int) -> Result<*mut c_void, Error> {
        let kind = kind(&context.shared, number)?;
        context.shared.kinds.add_factory(kind);
        Ok(to_void(into_raw::<Self>(Box::new(Self { context, kind }))))
    }
}

/// Binds the host's RocksDB by addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_bind_rocksdb_symbols(gc: *mut c::rgc_t, symbols: *const c::rgc_symbol_t, n: usize, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `symbols` is readable, `errptr` is writable. Each address is that of
    // RocksDB's function with that name.
    unsafe {
        answer(errptr, "rgc_bind_rocksdb_symbols", (), || {
            let context = need_context(gc)?;
            let symbols = array("symbols", symbols, n)?;
            if let Some(index) = symbols.iter().position(|symbol| symbol.name.is_null()) {
                return Err(Error::invalid(format!("element {index}: its name is NULL")));
            }
            let found = Functions::bind(|name| {
                let symbol = symbols.iter().find(|symbol| CStr::from_ptr(symbol.name).to_bytes() == name.as_bytes())?;
                Some(rocksdb_finder::definition(CStr::from_ptr(symbol.name), symbol.address? as *mut c_void))
            })?;
            bind(context, found)
        })
    }
}

/// Binds a RocksDB that is loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_bind_rocksdb_library(gc: *mut c::rgc_t, handle: *mut c_void, path: *const c_char, errptr: *mut *mut c_char) {
    // SAFETY: `gc` is alive, `path` is readable, `errptr` is writable, `handle` is NULL or of
    // dlopen and open.
    unsafe {
        answer(errptr, "rgc_bind_rocksdb_library", (), || {
            let context = need_context(gc)?;
            let found = match (handle.is_null(), path.is_null()) {
                (false, false) => {
                    return Err(Error::invalid("both a handle and a path are given; give one, or none to search the process"));
                }
                (false, true) => rocksdb_finder::by_handle(handle)?,
                (true, false) => rocksdb_finder::by_path(text("path", path)?)?,
                (true, true) => rocksdb_finder::in_process()?,
            };
            bind(context, found)
        })
    }
}

fn bind(context: &Context, found: Functions) -> Result<(), Error> {
    if *context.rocksdb.get_or_init(|| found) == found {
        return Ok(());
    }
    Err(Error::invalid("gc is bound to another RocksDB already; make another rgc_t for this one"))
}

/// The bound functions, which every filter of RocksDB's C API needs.
pub(super) fn bound(context: &Context) -> Result<&Functions, Error> {
    context
        .rocksdb
        .get()
        .ok_or_else(|| Error::invalid("no RocksDB is bound; call rgc_bind_rocksdb_symbols or rgc_bind_rocksdb_library first"))
}

/// Makes a factory for rocksdb_options_set_compaction_filter_factory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_rocksdb_filter_factory(
    gc: *mut c::rgc_t,
    number: c_int,
    errptr: *mut *mut c_char,
) -> *mut c::rocksdb_compactionfilterfactory_t {
    // SAFETY: `gc` is alive, `errptr` is writable. `create` is RocksDB's function of that name; it
    // keeps the state for these callbacks, and gives it back once, to `rgc_factory_destructor`.
    unsafe {
        answer(errptr, "rgc_rocksdb_filter_factory", null_mut(), || {
            let functions = bound(need_context(gc)?)?.table();
            let create = functions
                .rocksdb_compactionfilterfactory_create
                .ok_or_else(|| Error::invalid("rocksdb_compactionfilterfactory_create is missing"))?;
            let state = Factory::state(share_context(gc)?, number)?;
            let factory = create(state, Some(rgc_factory_destructor), Some(create_filter), Some(rgc_factory_name));
            Ok(from_bound(factory))
        })
    }
}

/// [`rgc_factory_create_filter`] in the types of the bound functions, which have their own RocksDB
/// types.
unsafe extern "C" fn create_filter(
    state: *mut c_void,
    compaction: *mut list::rocksdb_compactionfiltercontext_t,
) -> *mut list::rocksdb_compactionfilter_t {
    // SAFETY: the state is alive, as `rgc_rocksdb_filter_factory` gave it away with this function;
    // the context is RocksDB's, of this call.
    to_bound(unsafe { rgc_factory_create_filter(state, from_bound(compaction)) })
}

/// Makes the state of a factory that the host creates.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_factory_state(gc: *mut c::rgc_t, number: c_int, errptr: *mut *mut c_char) -> *mut c_void {
    // SAFETY: `gc` is alive, `errptr` is writable.
    unsafe { answer(errptr, "rgc_factory_state", null_mut(), || Factory::state(share_context(gc)?, number)) }
}

/// The destructor of a factory for RocksDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_factory_destructor(state: *mut c_void) {
    // SAFETY: `state` is of `Factory::state` and alive; RocksDB gives it back here, once.
    guarded("rgc_factory_destructor", (), || unsafe { drop(from_raw(from_void::<Factory>(state))) })
}

/// Makes the filter of a compaction for RocksDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_factory_create_filter(
    state: *mut c_void,
    compaction: *mut c::rocksdb_compactionfiltercontext_t,
) -> *mut c::rocksdb_compactionfilter_t {
    // SAFETY: `state` is of `Factory::state` and alive, `compaction` is NULL or RocksDB's context
    // of this call, and `create` is RocksDB's function of that name, which takes over the filter.
    guarded("rgc_factory_create_filter", null_mut(), || unsafe {
        let Some(factory) = borrow(from_void::<Factory>(state)) else { return null_mut() };
        let create = match bound(&factory.context) {
            Ok(functions) => functions.table().rocksdb_compactionfilter_create,
            Err(error) => {
                log(Level::Error, || format!("a compaction runs without a filter: {error}"));
                None
            }
        };
        let Some(create) = create else { return null_mut() };
        level::tell(None);
        let known = CompactionContext { bottommost: bottommost(&factory.context, compaction), ..CompactionContext::default() };
        let filter = FilterHandle::create(&factory.context.shared, factory.kind, known, &[], true);
        if filter.is_null() {
            return null_mut();
        }
        from_bound(create(to_void(filter), Some(rgc_filter_destructor), Some(rgc_filter_callback), Some(rgc_filter_name)))
    })
}

/// Whether a compaction is bottommost. A compaction of all files has no file below it; of any other
/// that is unknown.
///
/// # Safety
/// `compaction` is NULL, or the context that RocksDB passes to the call in progress.
unsafe fn bottommost(context: &Context, compaction: *mut c::rocksdb_compactionfiltercontext_t) -> Option<bool> {
    let is_full = bound(context).ok()?.table().rocksdb_compactionfiltercontext_is_full_compaction?;
    // SAFETY: the bound RocksDB's function of this name, on a context that it made and that lives
    // during the call; the function only reads.
    (!compaction.is_null() && unsafe { is_full(to_bound(compaction)) } != 0).then_some(true)
}

/// The name of a factory for RocksDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_factory_name(state: *mut c_void) -> *const c_char {
    // SAFETY: `state` is of `Factory::state` and alive.
    guarded("rgc_factory_name", null(), || unsafe {
        match borrow(from_void::<Factory>(state)).map(|factory| factory.kind) {
            Some(FilterKind::Default) => c"rocks_gc.default".as_ptr(),
            Some(FilterKind::Write) => c"rocks_gc.write".as_ptr(),
            Some(FilterKind::TtlV1) => c"rocks_gc.ttl_v1".as_ptr(),
            Some(FilterKind::DroppedOnly) => c"rocks_gc.dropped_only".as_ptr(),
            None => c"rocks_gc".as_ptr(),
        }
    })
}
