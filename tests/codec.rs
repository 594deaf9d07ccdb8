//! The codec through the C ABI: one call for many keys does the same as many calls, and a bad key
//! changes nothing.

#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "C calls of a test, with arguments that live long enough")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use proptest::collection::vec;
use proptest::prelude::*;
use rocks_gc::ffi::{self, c};
use std::ffi::{CStr, c_char, c_int};
use std::ptr::{null, null_mut};

type One = unsafe extern "C" fn(c_int, u32, *const c_char, usize, *mut usize, *mut *mut c_char) -> *mut c_char;
type Range = unsafe extern "C" fn(c_int, u32, *const c_char, usize, *const c_char, usize, *mut c::rgc_range_t, *mut *mut c_char) -> u8;
type Many = unsafe extern "C" fn(c_int, u32, *const *const c_char, *const usize, usize, *mut usize, *mut *mut c_char) -> *mut c_char;

const UNTOUCHED: usize = usize::MAX / 3;
const MODE: c_int = b'r' as c_int;

/// What a call returned, or its error.
fn checked<R>(call: impl FnOnce(*mut *mut c_char) -> R) -> Result<R, String> {
    let mut error = null_mut();
    let result = call(&mut error);
    if error.is_null() {
        return Ok(result);
    }
    let text = unsafe { CStr::from_ptr(error) }.to_str().unwrap().to_owned();
    unsafe { ffi::rgc_free(error.cast()) };
    Err(text)
}

/// Bytes that the library handed out.
fn taken(data: *mut c_char, len: usize) -> Vec<u8> {
    assert!(!data.is_null());
    let bytes = unsafe { std::slice::from_raw_parts(data.cast(), len) }.to_vec();
    unsafe { ffi::rgc_free(data.cast()) };
    bytes
}

fn one(function: One, id: u32, key: &[u8]) -> Result<Vec<u8>, String> {
    let mut len = UNTOUCHED;
    let found = checked(|error| unsafe { function(MODE, id, key.as_ptr().cast(), key.len(), &mut len, error) });
    assert!(found.is_ok() || len == UNTOUCHED);
    found.map(|data| taken(data, len))
}

fn range(function: Range, id: u32, start: &[u8], end: &[u8]) -> Result<u8, String> {
    let mut out = c::rgc_range_t { struct_size: size_of::<c::rgc_range_t>(), ..Default::default() };
    let ((start, start_len), (end, end_len)) = ((start.as_ptr().cast(), start.len()), (end.as_ptr().cast(), end.len()));
    let found = checked(|error| unsafe { function(MODE, id, start, start_len, end, end_len, &mut out, error) });
    assert_eq!(found.is_ok(), !out.start.is_null());
    unsafe {
        ffi::rgc_free(out.start.cast());
        ffi::rgc_free(out.end.cast());
    }
    found
}

/// The keys that a call made of arrays. The call returns their number; an error must leave the
/// offsets as they were.
fn of_arrays(
    keys: &[Vec<u8>],
    call: impl FnOnce(*const *const c_char, *const usize, *mut usize, *mut *mut c_char) -> (*mut c_char, usize),
) -> Result<Vec<Vec<u8>>, String> {
    let pointers: Vec<_> = keys.iter().map(|key| if key.is_empty() { null() } else { key.as_ptr().cast() }).collect();
    let lens: Vec<_> = keys.iter().map(Vec::len).collect();
    let mut offsets = vec![UNTOUCHED; keys.len() + 1];
    let found = checked(|error| call(pointers.as_ptr(), lens.as_ptr(), offsets.as_mut_ptr(), error));
    let (blob, n) = found.inspect_err(|_| assert!(offsets.iter().all(|&offset| offset == UNTOUCHED)))?;
    assert!(offsets[0] == 0 && offsets[n + 1..].iter().all(|&offset| offset == UNTOUCHED));
    let blob = taken(blob, offsets[n]);
    Ok(offsets[..=n].windows(2).map(|pair| blob[pair[0]..pair[1]].to_vec()).collect())
}

fn many(function: Many, id: u32, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
    let n = keys.len();
    of_arrays(keys, |keys, lens, offsets, error| (unsafe { function(MODE, id, keys, lens, n, offsets, error) }, n))
}

fn bucket_keys(id: u32, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
    let (n, mut n_out) = (keys.len(), UNTOUCHED);
    of_arrays(keys, |keys, lens, offsets, error| {
        let blob = unsafe { ffi::rgc_codec_decode_bucket_keys(MODE, id, keys, lens, n, offsets, &mut n_out, error) };
        (blob, n_out)
    })
}

/// The same as one call a key, whose first error is the answer.
fn each(function: One, id: u32, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, (usize, String)> {
    keys.iter().enumerate().map(|(i, key)| one(function, id, key).map_err(|error| (i, error))).collect()
}

fn assert_same(many: Result<Vec<Vec<u8>>, String>, each: Result<Vec<Vec<u8>>, (usize, String)>) {
    match (many, each) {
        (Ok(many), Ok(each)) => assert_eq!(many, each),
        (Err(many), Err((index, each))) => assert_eq!(many, each.replacen(": ", &format!(": keys[{index}]: "), 1)),
        (many, each) => assert_eq!(many.is_ok(), each.is_ok(), "{many:?} {each:?}"),
    }
}

fn keys() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..24), 0..20)
}

proptest! {
    #[test]
    fn many_keys_are_as_many_calls(id in 0..=c::RGC_KEYSPACE_MAX, keys in keys(), bad in vec(any::<u8>(), 1..9), place: usize, is_bad: bool) {
        let request_keys = each(ffi::rgc_codec_encode_key, id, &keys);
        assert_same(many(ffi::rgc_codec_encode_keys, id, &keys), request_keys.clone());
        let mut request_keys = request_keys.unwrap();
        prop_assert_eq!(many(ffi::rgc_codec_decode_keys, id, &request_keys), Ok(keys));
        request_keys.push(Vec::new());
        if is_bad {
            request_keys.insert(place % request_keys.len(), bad);
        }
        assert_same(many(ffi::rgc_codec_decode_keys, id, &request_keys), each(ffi::rgc_codec_decode_key, id, &request_keys));
    }

    #[test]
    fn bucket_keys_of_the_keyspace_come_back(id in 0..=c::RGC_KEYSPACE_MAX, keys in keys(), open: (bool, bool)) {
        let mut keys = keys;
        keys.sort();
        keys.dedup();
        let mut region_keys = each(ffi::rgc_codec_encode_region_key, id, &keys).unwrap();
        let has_first = keys.first().is_some_and(Vec::is_empty);
        if open.0 {
            region_keys.insert(0, Vec::new());
        }
        if open.0 && !has_first {
            keys.insert(0, Vec::new());
        }
        // The only one is the first one.
        if open.1 && !region_keys.is_empty() {
            region_keys.push(Vec::new());
            keys.push(Vec::new());
        }
        prop_assert_eq!(bucket_keys(id, &region_keys), Ok(keys));
    }

    #[test]
    fn random_bytes_never_panic(id in 0..2_u32, keys in keys(), a: Vec<u8>, b: Vec<u8>, prefixed: bool) {
        let keys: Vec<_> = if prefixed { each(ffi::rgc_codec_encode_region_key, id, &keys).unwrap() } else { keys };
        let singles = [ffi::rgc_codec_decode_key, ffi::rgc_codec_encode_region_key, ffi::rgc_codec_decode_region_key as One];
        let ranges = [
            ffi::rgc_codec_encode_range,
            ffi::rgc_codec_decode_range,
            ffi::rgc_codec_encode_region_range,
            ffi::rgc_codec_decode_region_range as Range,
        ];
        let errors = (singles.into_iter().filter_map(|function| one(function, id, &a).err()))
            .chain(ranges.into_iter().filter_map(|function| range(function, id, &a, &b).err()))
            .chain([many(ffi::rgc_codec_decode_keys, id, &keys), bucket_keys(id, &keys)].into_iter().filter_map(Result::err))
            .chain(checked(|error| unsafe {
                ffi::rgc_codec_parse_keyspace(a.as_ptr().cast(), a.len(), null_mut(), null_mut(), error)
            }).err());
        for error in errors {
            prop_assert!(error.starts_with("Invalid argument: ") || error.starts_with("Corruption: "), "{}", error);
        }
    }
}
