//! The keys and values that PD keeps in etcd.

use super::c;
use super::export::answer;
use super::memory::{Sized1, bytes, malloc_text, struct_size, write_sized};
use crate::error::{Error, ErrorKind};
use rocks_gc_pd::error::Error as PdError;
use rocks_gc_pd::id::Scope;
use rocks_gc_pd::key::PdKey;
use rocks_gc_pd::value::{self, Barrier, Expiry};
use std::ffi::{c_char, c_int};
use std::ptr::null_mut;

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_pd_key_t {
    const VERSION_1: usize = 24;
}

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_pd_value_t {
    const VERSION_1: usize = 24;
}

/// Tells what a key of etcd is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_pd_parse_key(
    cluster: u64,
    key: *const c_char,
    len: usize,
    out: *mut c::rgc_pd_key_t,
    errptr: *mut *mut c_char,
) -> u8 {
    // SAFETY: `key` is readable, `out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_pd_parse_key", 0, || {
            struct_size("out", out.cast_const(), c::rgc_pd_key_t::VERSION_1)?;
            let Some((what, keyspace, name)) = PdKey::parse(cluster, bytes("key", key, len)?).map_err(corrupt)?.map(parts) else {
                return Ok(0);
            };
            let name = if name.is_empty() { null_mut() } else { c_text(&name)? };
            write_sized(out, &c::rgc_pd_key_t { struct_size: 0, what: what as c_int, keyspace, name });
            Ok(1)
        })
    }
}

/// What a key is, whose, and its name.
fn parts(key: PdKey) -> (u32, u32, String) {
    let of = |what, scope, name| (what, number(scope), name);
    let none = c::RGC_KEYSPACE_NONE;
    match key {
        PdKey::Leader => (c::RGC_PD_LEADER, none, String::new()),
        PdKey::KeyspaceMeta(id) => (c::RGC_PD_KEYSPACE_META, id.get(), String::new()),
        PdKey::KeyspaceName(name) => (c::RGC_PD_KEYSPACE_NAME, none, name),
        PdKey::KeyspaceAllocator => (c::RGC_PD_KEYSPACE_ALLOCATOR, none, String::new()),
        PdKey::GcSafePoint(scope) => of(c::RGC_PD_GC_SAFE_POINT, scope, String::new()),
        PdKey::TxnSafePoint(scope) => of(c::RGC_PD_TXN_SAFE_POINT, scope, String::new()),
        PdKey::Barrier(scope, name) => of(c::RGC_PD_BARRIER, scope, name),
        PdKey::GlobalBarrier(name) => (c::RGC_PD_BARRIER, c::RGC_KEYSPACE_ALL, name),
        PdKey::StateRevision => (c::RGC_PD_STATE_REVISION, none, String::new()),
        PdKey::MinStart(scope, instance) => of(c::RGC_PD_MIN_START, scope, instance),
    }
}

/// A name for C, which ends at a NUL.
fn c_text(name: &str) -> Result<*mut c_char, Error> {
    if name.contains('\0') {
        return Err(Error::new(ErrorKind::Corruption, format!("name {name:?} holds a NUL, so it is no name of PD")));
    }
    let text = malloc_text(name);
    if text.is_null() { Err(Error::new(ErrorKind::Aborted, "no memory for the name; try again")) } else { Ok(text) }
}

fn number(scope: Scope) -> u32 {
    match scope {
        Scope::Global => c::RGC_KEYSPACE_NONE,
        Scope::Keyspace(id) => id.get(),
    }
}

fn corrupt(PdError(what): PdError) -> Error {
    Error::new(ErrorKind::Corruption, what)
}

/// Reads a value of etcd.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_pd_parse_value(
    what: c_int,
    keyspace: u32,
    value: *const c_char,
    len: usize,
    out: *mut c::rgc_pd_value_t,
    errptr: *mut *mut c_char,
) -> u8 {
    // SAFETY: `value` is readable, `out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_pd_parse_value", 0, || {
            struct_size("out", out.cast_const(), c::rgc_pd_value_t::VERSION_1)?;
            let (number, expires_unix_seconds) = read(what, keyspace, bytes("value", value, len)?)?;
            write_sized(out, &c::rgc_pd_value_t { struct_size: 0, number, expires_unix_seconds });
            Ok(1)
        })
    }
}

/// The number of a value, and the last second of a barrier.
fn read(what: c_int, keyspace: u32, stored: &[u8]) -> Result<(u64, u64), Error> {
    let plain = |number: Result<u64, PdError>| number.map(|number| (number, 0)).map_err(corrupt);
    let barrier = |Barrier { timestamp, expiry }| (timestamp, if let Expiry::At(second) = expiry { second } else { u64::MAX });
    match (u32::try_from(what).unwrap_or(c::RGC_PD_LEADER), keyspace) {
        (c::RGC_PD_KEYSPACE_NAME | c::RGC_PD_TXN_SAFE_POINT | c::RGC_PD_STATE_REVISION | c::RGC_PD_MIN_START, _) => {
            plain(value::parse_decimal(stored))
        }
        (c::RGC_PD_KEYSPACE_ALLOCATOR, _) => plain(value::parse_allocator(stored)),
        (c::RGC_PD_GC_SAFE_POINT, c::RGC_KEYSPACE_NONE) => plain(value::parse_hex(stored)),
        (c::RGC_PD_GC_SAFE_POINT, _) => plain(value::parse_safe_point(stored)),
        (c::RGC_PD_BARRIER, c::RGC_KEYSPACE_ALL) => value::parse_global_barrier(stored).map(barrier).map_err(corrupt),
        (c::RGC_PD_BARRIER, _) => value::parse_barrier(stored).map(barrier).map_err(corrupt),
        (c::RGC_PD_KEYSPACE_META, _) => {
            Err(Error::invalid("RGC_PD_KEYSPACE_META is no number; give the value to rgc_keyspace_load_protobuf"))
        }
        _ => Err(Error::invalid(format!("values of kind {what} hold no number; give RGC_PD_KEYSPACE_NAME (3) to RGC_PD_MIN_START (9)"))),
    }
}
