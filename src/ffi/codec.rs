//! The codec of a keyspace: one key, or one range.

use super::blob::Blob;
use super::c;
use super::export::answer;
use super::memory::{Sized1, bytes, struct_size, write_sized};
use super::safe_points::keyspace;
use super::stored_keys::range_to_c;
use crate::error::Error;
use crate::layout::{Codec, KeyMode, KeyRange, parse_keyspace};
use std::ffi::{c_char, c_int};
use std::ptr::null_mut;

/// Returns the mode and the keyspace of a request key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_parse_keyspace(
    request_key: *const c_char,
    len: usize,
    mode_out: *mut c_int,
    keyspace_out: *mut u32,
    errptr: *mut *mut c_char,
) -> u8 {
    // SAFETY: `request_key` is readable, `mode_out`, `keyspace_out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_codec_parse_keyspace", 0, || {
            let (mode, keyspace) = parse_keyspace(bytes("request_key", request_key, len)?)?;
            if !mode_out.is_null() {
                mode_out.write_unaligned(mode.byte().into());
            }
            if !keyspace_out.is_null() {
                keyspace_out.write_unaligned(keyspace.get());
            }
            Ok(1)
        })
    }
}

/// Returns the request key of a user key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_encode_key(
    mode: c_int,
    id: u32,
    key: *const c_char,
    len: usize,
    out_len: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `key` is readable, `out_len` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_codec_encode_key", null_mut(), || {
            one(mode, id, key, len, out_len, |codec, key| {
                let mut request_key = Blob::new(codec.prefix().len() + key.len())?;
                push_request_key(&mut request_key, codec, key)?;
                Ok(request_key)
            })
        })
    }
}

/// Returns the user key of a request key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_decode_key(
    mode: c_int,
    id: u32,
    key: *const c_char,
    len: usize,
    out_len: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `key` is readable, `out_len` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_codec_decode_key", null_mut(), || {
            one(mode, id, key, len, out_len, |codec, key| Blob::of(codec.decode_key(key)?))
        })
    }
}

/// Returns the request keys of a range of user keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_encode_range(
    mode: c_int,
    id: u32,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    out: *mut c::rgc_range_t,
    errptr: *mut *mut c_char,
) -> u8 {
    // SAFETY: `start` and `end` are readable, `out` and `errptr` are writable.
    unsafe { answer(errptr, "rgc_codec_encode_range", 0, || range(mode, id, (start, start_len), (end, end_len), out, Codec::encode_range)) }
}

/// Returns the user keys of a range of request keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_decode_range(
    mode: c_int,
    id: u32,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    out: *mut c::rgc_range_t,
    errptr: *mut *mut c_char,
) -> u8 {
    // SAFETY: `start` and `end` are readable, `out` and `errptr` are writable.
    unsafe { answer(errptr, "rgc_codec_decode_range", 0, || range(mode, id, (start, start_len), (end, end_len), out, Codec::decode_range)) }
}

/// Returns the region key of a user key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_encode_region_key(
    mode: c_int,
    id: u32,
    key: *const c_char,
    len: usize,
    out_len: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `key` is readable, `out_len` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_codec_encode_region_key", null_mut(), || {
            one(mode, id, key, len, out_len, |codec, key| Blob::of(&codec.encode_region_key(key)))
        })
    }
}

/// Returns the user key of a region key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_decode_region_key(
    mode: c_int,
    id: u32,
    key: *const c_char,
    len: usize,
    out_len: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `key` is readable, `out_len` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_codec_decode_region_key", null_mut(), || {
            one(mode, id, key, len, out_len, |codec, key| Blob::of(&codec.decode_region_key(key)?))
        })
    }
}

/// Returns the region keys of a range of user keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_encode_region_range(
    mode: c_int,
    id: u32,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    out: *mut c::rgc_range_t,
    errptr: *mut *mut c_char,
) -> u8 {
    // SAFETY: `start` and `end` are readable, `out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_codec_encode_region_range", 0, || {
            range(mode, id, (start, start_len), (end, end_len), out, Codec::encode_region_range)
        })
    }
}

/// Returns the user keys of a region.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_decode_region_range(
    mode: c_int,
    id: u32,
    start: *const c_char,
    start_len: usize,
    end: *const c_char,
    end_len: usize,
    out: *mut c::rgc_range_t,
    errptr: *mut *mut c_char,
) -> u8 {
    // SAFETY: `start` and `end` are readable, `out` and `errptr` are writable.
    unsafe {
        answer(errptr, "rgc_codec_decode_region_range", 0, || {
            range(mode, id, (start, start_len), (end, end_len), out, Codec::decode_region_range)
        })
    }
}

pub(super) fn codec(mode_number: c_int, id: u32) -> Result<Codec, Error> {
    let (mode, id) = (u8::try_from(mode_number).ok().and_then(KeyMode::from_byte), keyspace(id)?);
    mode.and_then(|mode| Codec::new(mode, id))
        .ok_or_else(|| Error::invalid(format!("mode {mode_number} has no keyspaces; give RGC_MODE_RAW ('r') or RGC_MODE_TXN ('x')")))
}

pub(super) fn need_out<T>(what: &str, out: *mut T) -> Result<(), Error> {
    if out.is_null() { Err(Error::invalid(format!("{what} is NULL; part of the result would be lost"))) } else { Ok(()) }
}

pub(super) fn push_request_key(blob: &mut Blob, codec: &Codec, user_key: &[u8]) -> Result<(), Error> {
    blob.push(codec.prefix())?;
    blob.push(user_key)
}

/// Converts one key.
///
/// # Safety
/// `key` is readable, `out_len` is writable.
unsafe fn one(
    mode: c_int,
    id: u32,
    key: *const c_char,
    len: usize,
    out_len: *mut usize,
    convert: impl FnOnce(&Codec, &[u8]) -> Result<Blob, Error>,
) -> Result<*mut c_char, Error> {
    let codec = codec(mode, id)?;
    need_out("out_len", out_len)?;
    // SAFETY: `key` is readable; the result does not borrow it.
    let found = convert(&codec, unsafe { bytes("key", key, len) }?)?;
    // SAFETY: `out_len` is writable and was seen not to be NULL.
    unsafe { out_len.write_unaligned(found.len()) };
    Ok(found.hand_out())
}

/// Converts one range.
///
/// # Safety
/// `start` and `end` are readable, `out` is writable.
unsafe fn range(
    mode: c_int,
    id: u32,
    (start, start_len): (*const c_char, usize),
    (end, end_len): (*const c_char, usize),
    out: *mut c::rgc_range_t,
    convert: impl FnOnce(&Codec, &[u8], &[u8]) -> Result<KeyRange, Error>,
) -> Result<u8, Error> {
    let codec = codec(mode, id)?;
    // SAFETY: `out` is writable, so it begins with the struct_size that the host has set; `start`
    // and `end` are readable.
    let (start, end) = unsafe {
        struct_size("out", out.cast_const(), c::rgc_range_t::VERSION_1)?;
        (bytes("start", start, start_len)?, bytes("end", end, end_len)?)
    };
    let found = range_to_c(&convert(&codec, start, end)?)?;
    // SAFETY: `out` is writable, not NULL, and has room for version 1 of the struct: that was
    // checked above.
    unsafe { write_sized(out, &found) };
    Ok(1)
}
