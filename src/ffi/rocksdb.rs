//! Hosts on rocksdb/c.h: binding their RocksDB, and the factory that makes the filter of each
//! compaction.

use super::c;
use super::filter_handle::FilterHandle;
use super::handles::{Context, kind, need_context, share_context};
use super::memory::{array, text};
use super::rocksdb_finder;
use super::{rgc_filter_callback, rgc_filter_destructor, rgc_filter_name};
use crate::engine::rocksdb::Functions;
use crate::error::Error;
use crate::filter::{CompactionContext, level};
use crate::log::{Level, log};
use crate::shared::FilterKind;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// The object behind a factory's state, in a Box.
struct Factory {
    context: Arc<Context>,
    kind: FilterKind,
}

impl Factory {
    fn new(context: Arc<Context>, number: c_int) -> Result<Self, Error> {
        let kind = kind(&context.shared, number)?;
        context.shared.kinds.add_factory(kind);
        Ok(Self { context, kind })
    }
}

export! {
    /// Binds the host's RocksDB by addresses.
    fn rgc_bind_rocksdb_symbols(gc: *mut c::rgc_t, symbols: *const c::rgc_symbol_t, n: usize; errptr) -> (), on error (); {
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
    }
}

export! {
    /// Binds a RocksDB that is loaded.
    fn rgc_bind_rocksdb_library(gc: *mut c::rgc_t, handle: *mut c_void, path: *const c_char; errptr) -> (), on error (); {
        let context = need_context(gc)?;
        let found = match (handle.is_null(), path.is_null()) {
            (false, false) => return Err(Error::invalid("both a handle and a path are given; give one, or none to search the process")),
            (false, true) => rocksdb_finder::by_handle(handle)?,
            (true, false) => rocksdb_finder::by_path(text("path", path)?)?,
            (true, true) => rocksdb_finder::in_process()?,
        };
        bind(context, found)
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

export! {
    /// Makes a factory for rocksdb_options_set_compaction_filter_factory.
    fn rgc_rocksdb_filter_factory(gc: *mut c::rgc_t, number: c_int; errptr) -> *mut c::rocksdb_compactionfilterfactory_t, on error null_mut(); {
        let functions = bound(need_context(gc)?)?.table();
        let create = functions.rocksdb_compactionfilterfactory_create.ok_or_else(|| Error::invalid("rocksdb_compactionfilterfactory_create is missing"))?;
        let state = Box::into_raw(Box::new(Factory::new(share_context(gc)?, number)?));
        let factory = create(state.cast(), Some(rgc_factory_destructor), Some(create_filter), Some(rgc_factory_name));
        Ok(factory.cast())
    }
}

/// [`rgc_factory_create_filter`] in the types of the bound functions, which have their own RocksDB
/// types.
unsafe extern "C" fn create_filter(
    state: *mut c_void,
    compaction: *mut crate::engine::rocksdb::list::rocksdb_compactionfiltercontext_t,
) -> *mut crate::engine::rocksdb::list::rocksdb_compactionfilter_t {
    // SAFETY: RocksDB calls it with the factory's state and its own context.
    unsafe { rgc_factory_create_filter(state, compaction.cast()) }.cast()
}

export! {
    /// Makes the state of a factory that the host creates.
    fn rgc_factory_state(gc: *mut c::rgc_t, number: c_int; errptr) -> *mut c_void, on error null_mut(); {
        Ok(Box::into_raw(Box::new(Factory::new(share_context(gc)?, number)?)).cast())
    }
}

export! {
    /// The destructor of a factory for RocksDB.
    fn rgc_factory_destructor(state: *mut c_void) -> (), on error (); {
        if !state.is_null() {
            drop(Box::from_raw(state.cast::<Factory>()));
        }
    }
}

export! {
    /// Makes the filter of a compaction for RocksDB.
    fn rgc_factory_create_filter(state: *mut c_void, compaction: *mut c::rocksdb_compactionfiltercontext_t)
        -> *mut c::rocksdb_compactionfilter_t, on error null_mut(); {
        let Some(factory) = state.cast::<Factory>().as_ref() else { return null_mut() };
        let create = match bound(&factory.context) {
            Ok(functions) => functions.table().rocksdb_compactionfilter_create,
            Err(error) => {
                log(Level::Error, || format!("a compaction runs without a filter: {error}"));
                None
            }
        };
        let Some(create) = create else { return null_mut() };
        level::tell(None);
        let knowledge = CompactionContext { bottommost: bottommost(&factory.context, compaction), ..CompactionContext::default() };
        let filter = FilterHandle::create(&factory.context.shared, factory.kind, knowledge, true);
        if filter.is_null() {
            return null_mut();
        }
        create(filter.cast(), Some(rgc_filter_destructor), Some(rgc_filter_callback), Some(rgc_filter_name)).cast()
    }
}

/// Whether a compaction is bottommost. A compaction of all files has no file below it; of any other
/// that is unknown.
///
/// # Safety
/// `compaction` is NULL or RocksDB's.
unsafe fn bottommost(context: &Context, compaction: *mut c::rocksdb_compactionfiltercontext_t) -> Option<bool> {
    let is_full = bound(context).ok()?.table().rocksdb_compactionfiltercontext_is_full_compaction?;
    // SAFETY: RocksDB's own function on RocksDB's own object.
    (!compaction.is_null() && unsafe { is_full(compaction.cast()) } != 0).then_some(true)
}

export! {
    /// The name of a factory for RocksDB.
    fn rgc_factory_name(state: *mut c_void) -> *const c_char, on error null(); {
        match state.cast::<Factory>().as_ref().map(|factory| factory.kind) {
            Some(FilterKind::Default) => c"rocks_gc.default".as_ptr(),
            Some(FilterKind::Write) => c"rocks_gc.write".as_ptr(),
            Some(FilterKind::TtlV1) => c"rocks_gc.ttl_v1".as_ptr(),
            Some(FilterKind::DroppedOnly) => c"rocks_gc.dropped_only".as_ptr(),
            None => c"rocks_gc".as_ptr(),
        }
    }
}
