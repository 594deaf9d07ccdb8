//! The codec of a keyspace: many keys in one call.

use super::blob::Blob;
use super::codec::{codec, need_out, push_request_key};
use super::export::answer;
use super::memory::{array, bytes};
use crate::error::Error;
use std::ffi::{c_char, c_int};
use std::ptr::null_mut;

/// Returns the request keys of several user keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_encode_keys(
    mode: c_int,
    id: u32,
    keys: *const *const c_char,
    lens: *const usize,
    n: usize,
    offsets: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `keys` and `lens` are readable, `offsets`, of `n` + 1 elements, and `errptr` are
    // writable.
    unsafe {
        answer(errptr, "rgc_codec_encode_keys", null_mut(), || {
            let codec = codec(mode, id)?;
            let len = |user_key_len: usize| user_key_len.saturating_add(codec.prefix().len());
            many(keys, lens, n, offsets, len, |blob, key| push_request_key(blob, &codec, key))
        })
    }
}

/// Returns the user keys of several request keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_decode_keys(
    mode: c_int,
    id: u32,
    keys: *const *const c_char,
    lens: *const usize,
    n: usize,
    offsets: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `keys` and `lens` are readable, `offsets`, of `n` + 1 elements, and `errptr` are
    // writable.
    unsafe {
        answer(errptr, "rgc_codec_decode_keys", null_mut(), || {
            let codec = codec(mode, id)?;
            // An empty key decodes to an empty key; every other key that decodes is longer than the
            // prefix.
            let len = |request_key_len: usize| request_key_len.saturating_sub(codec.prefix().len());
            many(keys, lens, n, offsets, len, |blob, key| blob.push(codec.decode_key(key)?))
        })
    }
}

/// Returns the user keys of a region's bucket keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_codec_decode_bucket_keys(
    mode: c_int,
    id: u32,
    keys: *const *const c_char,
    lens: *const usize,
    n: usize,
    offsets: *mut usize,
    n_out: *mut usize,
    errptr: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: `keys` and `lens` are readable, `offsets`, of `n` + 1 elements, `n_out` and `errptr`
    // are writable.
    unsafe {
        answer(errptr, "rgc_codec_decode_bucket_keys", null_mut(), || {
            let codec = codec(mode, id)?;
            need_out("offsets", offsets)?;
            need_out("n_out", n_out)?;
            let region_keys = elements(array("keys", keys, n)?, array("lens", lens, n)?).collect::<Result<Vec<_>, _>>()?;
            let user_keys = codec.decode_bucket_keys(&region_keys)?;
            let blob = Blob::of(&user_keys.concat())?;
            write_offsets(offsets, user_keys.iter().map(Vec::len));
            n_out.write_unaligned(user_keys.len());
            Ok(blob.hand_out())
        })
    }
}

/// Converts keys into one blob. `len` returns the length of a converted key from the length of the
/// key. The offsets are written when all keys are converted.
///
/// # Safety
/// `keys` and `lens` are readable and have `n` elements; `offsets` is writable and has `n` + 1.
unsafe fn many(
    keys: *const *const c_char,
    lens: *const usize,
    n: usize,
    offsets: *mut usize,
    len: impl Fn(usize) -> usize,
    push: impl Fn(&mut Blob, &[u8]) -> Result<(), Error>,
) -> Result<*mut c_char, Error> {
    need_out("offsets", offsets)?;
    // SAFETY: both arrays are readable.
    let (keys, lens) = unsafe { (array("keys", keys, n)?, array("lens", lens, n)?) };
    let room = lens.iter().enumerate().try_fold(0_usize, |sum, (i, &of_key)| {
        let sum = sum.checked_add(len(of_key)).filter(|&sum| isize::try_from(sum).is_ok());
        sum.ok_or_else(|| {
            Error::invalid(format!("lens[{i}] is {of_key}: the sum of the lengths so far exceeds memory; give lengths in bytes"))
        })
    })?;
    let mut blob = Blob::new(room)?;
    // SAFETY: the keys in a readable array are readable.
    for (i, key) in unsafe { elements(keys, lens) }.enumerate() {
        push(&mut blob, key?).map_err(|error| error.while_doing(format_args!("keys[{i}]")))?;
    }
    // SAFETY: `offsets` is writable, not NULL, has one more element than `lens`, and does not
    // overlap `lens`, which is read meanwhile.
    unsafe { write_offsets(offsets, lens.iter().map(|&of_key| len(of_key))) };
    Ok(blob.hand_out())
}

/// The keys of the caller's arrays, each as bytes or as an error.
///
/// # Safety
/// Each key is readable during `'a`, with the length at its index.
unsafe fn elements<'a>(keys: &'a [*const c_char], lens: &'a [usize]) -> impl Iterator<Item = Result<&'a [u8], Error>> {
    // SAFETY: the key is readable, with this length.
    keys.iter().zip(lens).enumerate().map(|(i, (&key, &len))| unsafe { bytes(format_args!("keys[{i}]"), key, len) })
}

/// Writes the offset at which each piece begins, and the offset at which the last one ends.
///
/// # Safety
/// `offsets` is writable, not NULL, and has one more element than there are lengths.
unsafe fn write_offsets(offsets: *mut usize, lens: impl Iterator<Item = usize>) {
    // SAFETY: there is at least one element.
    unsafe { offsets.write_unaligned(0) };
    let mut end = 0;
    for (i, len) in lens.enumerate() {
        end += len;
        // SAFETY: `i` is below the number of lengths, so element `i` + 1 is there.
        unsafe { offsets.add(i + 1).write_unaligned(end) };
    }
}
