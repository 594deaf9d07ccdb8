//! The codec of a keyspace.

use super::blob::Blob;
use super::c;
use super::memory::{Sized1, array, bytes, struct_size, write_sized};
use super::safe_points::keyspace;
use super::stored_keys::range_to_c;
use crate::error::Error;
use crate::layout::{Codec, KeyMode, KeyRange, parse_keyspace};
use std::ffi::{c_char, c_int};
use std::ptr::null_mut;

export! {
    /// Returns the mode and the keyspace of a request key.
    fn rgc_codec_parse_keyspace(request_key: *const c_char, len: usize, mode_out: *mut c_int, keyspace_out: *mut u32; errptr) -> u8, on error 0; {
        let (mode, keyspace) = parse_keyspace(bytes("request_key", request_key, len)?)?;
        if !mode_out.is_null() {
            mode_out.write_unaligned(mode.byte().into());
        }
        if !keyspace_out.is_null() {
            keyspace_out.write_unaligned(keyspace.get());
        }
        Ok(1)
    }
}

export! {
    /// Returns the request key of a user key.
    fn rgc_codec_encode_key(mode: c_int, id: u32, key: *const c_char, len: usize, out_len: *mut usize; errptr) -> *mut c_char, on error null_mut(); {
        one(mode, id, key, len, out_len, |codec, key| {
            let mut request_key = Blob::new(codec.prefix().len() + key.len())?;
            push_request_key(&mut request_key, codec, key)?;
            Ok(request_key)
        })
    }
}

export! {
    /// Returns the user key of a request key.
    fn rgc_codec_decode_key(mode: c_int, id: u32, key: *const c_char, len: usize, out_len: *mut usize; errptr) -> *mut c_char, on error null_mut(); {
        one(mode, id, key, len, out_len, |codec, key| Blob::of(codec.decode_key(key)?))
    }
}

export! {
    /// Returns the request keys of a range of user keys.
    fn rgc_codec_encode_range(mode: c_int, id: u32, start: *const c_char, start_len: usize, end: *const c_char, end_len: usize,
                              out: *mut c::rgc_range_t; errptr) -> u8, on error 0; {
        range(mode, id, (start, start_len), (end, end_len), out, Codec::encode_range)
    }
}

export! {
    /// Returns the user keys of a range of request keys.
    fn rgc_codec_decode_range(mode: c_int, id: u32, start: *const c_char, start_len: usize, end: *const c_char, end_len: usize,
                              out: *mut c::rgc_range_t; errptr) -> u8, on error 0; {
        range(mode, id, (start, start_len), (end, end_len), out, Codec::decode_range)
    }
}

export! {
    /// Returns the region key of a user key.
    fn rgc_codec_encode_region_key(mode: c_int, id: u32, key: *const c_char, len: usize, out_len: *mut usize; errptr)
        -> *mut c_char, on error null_mut(); {
        one(mode, id, key, len, out_len, |codec, key| Blob::of(&codec.encode_region_key(key)))
    }
}

export! {
    /// Returns the user key of a region key.
    fn rgc_codec_decode_region_key(mode: c_int, id: u32, key: *const c_char, len: usize, out_len: *mut usize; errptr)
        -> *mut c_char, on error null_mut(); {
        one(mode, id, key, len, out_len, |codec, key| Blob::of(&codec.decode_region_key(key)?))
    }
}

export! {
    /// Returns the region keys of a range of user keys.
    fn rgc_codec_encode_region_range(mode: c_int, id: u32, start: *const c_char, start_len: usize, end: *const c_char, end_len: usize,
                                     out: *mut c::rgc_range_t; errptr) -> u8, on error 0; {
        range(mode, id, (start, start_len), (end, end_len), out, Codec::encode_region_range)
    }
}

export! {
    /// Returns the user keys of a region.
    fn rgc_codec_decode_region_range(mode: c_int, id: u32, start: *const c_char, start_len: usize, end: *const c_char, end_len: usize,
                                     out: *mut c::rgc_range_t; errptr) -> u8, on error 0; {
        range(mode, id, (start, start_len), (end, end_len), out, Codec::decode_region_range)
    }
}

export! {
    /// Returns the request keys of several user keys.
    fn rgc_codec_encode_keys(mode: c_int, id: u32, keys: *const *const c_char, lens: *const usize, n: usize, offsets: *mut usize; errptr)
        -> *mut c_char, on error null_mut(); {
        let codec = codec(mode, id)?;
        let len = |user_key_len: usize| user_key_len.saturating_add(codec.prefix().len());
        many(keys, lens, n, offsets, len, |blob, key| push_request_key(blob, &codec, key))
    }
}

export! {
    /// Returns the user keys of several request keys.
    fn rgc_codec_decode_keys(mode: c_int, id: u32, keys: *const *const c_char, lens: *const usize, n: usize, offsets: *mut usize; errptr)
        -> *mut c_char, on error null_mut(); {
        let codec = codec(mode, id)?;
        // An empty key decodes to an empty key; every other key that decodes is longer than the
        // prefix.
        let len = |request_key_len: usize| request_key_len.saturating_sub(codec.prefix().len());
        many(keys, lens, n, offsets, len, |blob, key| blob.push(codec.decode_key(key)?))
    }
}

export! {
    /// Returns the user keys of a region's bucket keys.
    fn rgc_codec_decode_bucket_keys(mode: c_int, id: u32, keys: *const *const c_char, lens: *const usize, n: usize, offsets: *mut usize,
                                    n_out: *mut usize; errptr) -> *mut c_char, on error null_mut(); {
        let codec = codec(mode, id)?;
        need_out("offsets", offsets)?;
        need_out("n_out", n_out)?;
        let region_keys = elements(array("keys", keys, n)?, array("lens", lens, n)?).collect::<Result<Vec<_>, _>>()?;
        let user_keys = codec.decode_bucket_keys(&region_keys)?;
        let blob = Blob::of(&user_keys.concat())?;
        write_offsets(offsets, user_keys.iter().map(Vec::len));
        n_out.write_unaligned(user_keys.len());
        Ok(blob.hand_out())
    }
}

fn codec(mode_number: c_int, id: u32) -> Result<Codec, Error> {
    let (mode, id) = (u8::try_from(mode_number).ok().and_then(KeyMode::from_byte), keyspace(id)?);
    mode.and_then(|mode| Codec::new(mode, id))
        .ok_or_else(|| Error::invalid(format!("mode {mode_number} has no keyspaces; give RGC_MODE_RAW ('r') or RGC_MODE_TXN ('x')")))
}

fn need_out<T>(what: &str, out: *mut T) -> Result<(), Error> {
    if out.is_null() { Err(Error::invalid(format!("{what} is NULL; part of the result would be lost"))) } else { Ok(()) }
}

fn push_request_key(blob: &mut Blob, codec: &Codec, user_key: &[u8]) -> Result<(), Error> {
    blob.push(codec.prefix())?;
    blob.push(user_key)
}

/// Converts one key.
///
/// # Safety
/// The arguments are as the header demands.
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
    // SAFETY: the caller promises it, see `# Safety`.
    let found = convert(&codec, unsafe { bytes("key", key, len) }?)?;
    // SAFETY: not NULL, so it points to a usize that may be overwritten.
    unsafe { out_len.write_unaligned(found.len()) };
    Ok(found.hand_out())
}

/// Converts one range.
///
/// # Safety
/// The arguments are as the header demands.
unsafe fn range(
    mode: c_int,
    id: u32,
    (start, start_len): (*const c_char, usize),
    (end, end_len): (*const c_char, usize),
    out: *mut c::rgc_range_t,
    convert: impl FnOnce(&Codec, &[u8], &[u8]) -> Result<KeyRange, Error>,
) -> Result<u8, Error> {
    let codec = codec(mode, id)?;
    // SAFETY: the caller promises it, see `# Safety`.
    let (start, end) = unsafe {
        struct_size("out", out.cast_const(), c::rgc_range_t::VERSION_1)?;
        (bytes("start", start, start_len)?, bytes("end", end, end_len)?)
    };
    let found = range_to_c(&convert(&codec, start, end)?)?;
    // SAFETY: `out` has the size that was checked.
    unsafe { write_sized(out, &found) };
    Ok(1)
}

/// Converts keys into one blob. `len` returns the length of a converted key from the length of the
/// key. The offsets are written when all keys are converted.
///
/// # Safety
/// The arguments are as the header demands.
unsafe fn many(
    keys: *const *const c_char,
    lens: *const usize,
    n: usize,
    offsets: *mut usize,
    len: impl Fn(usize) -> usize,
    push: impl Fn(&mut Blob, &[u8]) -> Result<(), Error>,
) -> Result<*mut c_char, Error> {
    need_out("offsets", offsets)?;
    // SAFETY: the caller promises it, see `# Safety`.
    let (keys, lens) = unsafe { (array("keys", keys, n)?, array("lens", lens, n)?) };
    let room = lens.iter().enumerate().try_fold(0_usize, |sum, (i, &of_key)| {
        let sum = sum.checked_add(len(of_key)).filter(|&sum| isize::try_from(sum).is_ok());
        sum.ok_or_else(|| {
            Error::invalid(format!("lens[{i}] is {of_key}: the sum of the lengths so far exceeds memory; give lengths in bytes"))
        })
    })?;
    let mut blob = Blob::new(room)?;
    // SAFETY: the caller promises it, see `# Safety`.
    for (i, key) in unsafe { elements(keys, lens) }.enumerate() {
        push(&mut blob, key?).map_err(|error| error.while_doing(format_args!("keys[{i}]")))?;
    }
    // SAFETY: not NULL, with one more element than there are keys.
    unsafe { write_offsets(offsets, lens.iter().map(|&of_key| len(of_key))) };
    Ok(blob.hand_out())
}

/// The keys of the caller's arrays, each as bytes or as an error.
///
/// # Safety
/// Each key is NULL or points to as many readable bytes as its length says, for `'a`.
unsafe fn elements<'a>(keys: &'a [*const c_char], lens: &'a [usize]) -> impl Iterator<Item = Result<&'a [u8], Error>> {
    // SAFETY: the caller promises the same, see `# Safety`.
    keys.iter().zip(lens).enumerate().map(|(i, (&key, &len))| unsafe { bytes(format_args!("keys[{i}]"), key, len) })
}

/// Writes the offset at which each piece begins, and the offset at which the last one ends.
///
/// # Safety
/// `offsets` has one more element than there are lengths.
unsafe fn write_offsets(offsets: *mut usize, lens: impl Iterator<Item = usize>) {
    // SAFETY: the caller promises it, see `# Safety`.
    unsafe { offsets.write_unaligned(0) };
    let mut end = 0;
    for (i, len) in lens.enumerate() {
        end += len;
        // SAFETY: the caller promises it, see `# Safety`.
        unsafe { offsets.add(i + 1).write_unaligned(end) };
    }
}
