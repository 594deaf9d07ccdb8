//! Stored keys.

use super::blob::Blob;
use super::c;
use super::export::answer;
use super::handles::need_context;
use super::memory::{Sized1, bytes, malloc_bytes, struct_size, write_sized};
use crate::error::{Error, ErrorKind, hex};
use crate::layout::{KeyMode, KeyRange, KeyspaceId};
use std::ffi::{c_char, c_int};
use std::mem::size_of;
use std::ptr::null_mut;

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_key_t {
    const VERSION_1: usize = 40;
}

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_range_t {
    const VERSION_1: usize = 40;
}

/// Returns the stored key of a version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_encode_key(
    gc: *const c::rgc_t,
    mode_number: c_int,
    id: u32,
    user_key: *const c_char,
    user_key_len: usize,
    ts: u64,
    out_len: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `gc` is alive, `user_key` is readable, `out_len` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_encode_key", null_mut(), || {
            let layout = &need_context(gc)?.shared.layout;
            if out_len.is_null() {
                return Err(Error::invalid("out_len is NULL; the key's length would be lost"));
            }
            let key = layout.encode(mode(mode_number)?, keyspace(id)?, bytes("user_key", user_key, user_key_len)?, ts)?;
            let copy = malloc_bytes(&key)?;
            out_len.write_unaligned(key.len());
            Ok(copy)
        })
    }
}

/// Decodes a stored key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_decode_key(
    gc: *const c::rgc_t,
    key: *const c_char,
    len: usize,
    out: *mut c::rgc_key_t,
    errptr: *mut *mut c_char,
) -> u8 {
    // SAFETY: `gc` is alive, `key` is readable, `out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_decode_key", 0, || {
            let layout = &need_context(gc)?.shared.layout;
            struct_size("out", out.cast_const(), c::rgc_key_t::VERSION_1)?;
            let key = bytes("key", key, len)?;
            let decoded = layout
                .decode(key)
                .map_err(|error| Error::new(ErrorKind::Corruption, format!("{} is no stored key of this layout: {error}", hex(key))))?;
            write_sized(
                out,
                &c::rgc_key_t {
                    struct_size: 0,
                    mode: decoded.mode.map_or(c::RGC_MODE_NONE as c_int, |mode| c_int::from(mode.byte())),
                    keyspace: decoded.keyspace.map_or(c::RGC_KEYSPACE_NONE, KeyspaceId::get),
                    ts: decoded.ts,
                    user_key: malloc_bytes(&decoded.user_key)?,
                    user_key_len: decoded.user_key.len(),
                },
            );
            Ok(1)
        })
    }
}

/// Returns the stored range of a range of user keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_encode_range(
    gc: *const c::rgc_t,
    mode_number: c_int,
    id: u32,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    out: *mut c::rgc_range_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `start` and `end` are readable, `out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_encode_range", (), || {
            let layout = &need_context(gc)?.shared.layout;
            struct_size("out", out.cast_const(), c::rgc_range_t::VERSION_1)?;
            let (start, end) = (bytes("start", start, start_len)?, bytes("end", end, end_len)?);
            let range = layout.encode_range(mode(mode_number)?, keyspace(id)?, start, end)?;
            write_sized(out, &range_to_c(&range)?);
            Ok(())
        })
    }
}

/// Returns the stored range of a keyspace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_keyspace_range(
    gc: *const c::rgc_t,
    mode_number: c_int,
    id: u32,
    out: *mut c::rgc_range_t,
    errptr: *mut *mut c_char,
) {
    // SAFETY: `gc` is alive, `out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_keyspace_range", (), || {
            let layout = &need_context(gc)?.shared.layout;
            struct_size("out", out.cast_const(), c::rgc_range_t::VERSION_1)?;
            let range = layout.encode_range(mode(mode_number)?, keyspace(id)?, b"", b"")?;
            write_sized(out, &range_to_c(&range)?);
            Ok(())
        })
    }
}

/// A range whose bounds the host owns.
pub(super) fn range_to_c(range: &KeyRange) -> Result<c::rgc_range_t, Error> {
    let start = Blob::of(&range.start)?;
    let end = range.end.as_deref().map(Blob::of).transpose()?;
    Ok(c::rgc_range_t {
        struct_size: size_of::<c::rgc_range_t>(),
        start_len: start.len(),
        start: start.hand_out(),
        end_len: end.as_ref().map_or(0, Blob::len),
        end: end.map_or(null_mut(), Blob::hand_out),
    })
}

/// The mode with this number; `None` means RGC_MODE_NONE.
fn mode(number: c_int) -> Result<Option<KeyMode>, Error> {
    match u8::try_from(number) {
        Ok(0) => Ok(None),
        Ok(byte) if KeyMode::from_byte(byte).is_some() => Ok(KeyMode::from_byte(byte)),
        _ => Err(Error::invalid(format!("mode {number} is unknown; give RGC_MODE_NONE (0), 'r', 'x', 'm' or 't'"))),
    }
}

/// The keyspace with this id; `None` means RGC_KEYSPACE_NONE.
fn keyspace(id: u32) -> Result<Option<KeyspaceId>, Error> {
    match KeyspaceId::new(id) {
        None if id == c::RGC_KEYSPACE_NONE => Ok(None),
        None => Err(Error::invalid(format!("keyspace {id} is out of range; ids are 0 to {}, or RGC_KEYSPACE_NONE", KeyspaceId::MAX))),
        found => Ok(found),
    }
}
