//! Translates keys between a client of one keyspace and the store, as client-go's codec v2 does.

use crate::Result;
use crate::abi::Functions;
use crate::error::Error;
use crate::keys::{Mode, Range, range};
use crate::library::{Library, start_of};
use std::ffi::{c_char, c_int};

/// The codec of one mode and keyspace. *User keys* are what the client knows, *request keys* stand
/// in requests to the store, and *region keys* are the bounds of regions.
#[derive(Debug, Clone)]
pub struct Codec {
    library: Library,
    mode: Mode,
    keyspace: u32,
}

type Convert = unsafe extern "C" fn(
    c_int,
    u32,
    *const c_char,
    usize,
    *mut usize,
    *mut *mut c_char,
) -> *mut c_char;
type ConvertRange = unsafe extern "C" fn(
    c_int,
    u32,
    *const c_char,
    usize,
    *const c_char,
    usize,
    *mut crate::abi::Range,
    *mut *mut c_char,
) -> std::ffi::c_uchar;
type ConvertMany = unsafe extern "C" fn(
    c_int,
    u32,
    *const *const c_char,
    *const usize,
    usize,
    *mut usize,
    *mut *mut c_char,
) -> *mut c_char;

impl Codec {
    /// The codec of a keyspace. Only [`Mode::Raw`] and [`Mode::Txn`] have one.
    ///
    /// Errors: Invalid argument: another mode; a keyspace out of range.
    pub fn new(library: &Library, mode: Mode, keyspace: u32) -> Result<Self> {
        let codec = Self { library: library.clone(), mode, keyspace };
        // Every call checks both. So the first call tells.
        codec.encode_key(b"")?;
        Ok(codec)
    }

    /// Reads the mode and the keyspace of a request key.
    ///
    /// Errors: Invalid argument: a key that is too short, or of another mode.
    pub fn parse_keyspace(library: &Library, request_key: &[u8]) -> Result<(Mode, u32)> {
        let (mut mode, mut keyspace) = (0, 0);
        // SAFETY: the key has so many bytes, and both numbers are written.
        library.checked(|rgc, error| unsafe {
            (rgc.rgc_codec_parse_keyspace)(
                start_of(request_key),
                request_key.len(),
                &raw mut mode,
                &raw mut keyspace,
                error,
            )
        })?;
        Ok((Mode::of(mode), keyspace))
    }

    fn convert(&self, which: impl FnOnce(&Functions) -> Convert, key: &[u8]) -> Result<Vec<u8>> {
        let mut len = 0;
        // SAFETY: the key has so many bytes.
        let converted = self.library.checked(|rgc, error| unsafe {
            which(rgc)(
                self.mode as c_int,
                self.keyspace,
                start_of(key),
                key.len(),
                &raw mut len,
                error,
            )
        })?;
        // SAFETY: the library returned `len` bytes.
        Ok(unsafe { self.library.take_bytes(converted, len) })
    }

    fn convert_range(
        &self,
        which: impl FnOnce(&Functions) -> ConvertRange,
        start: &[u8],
        end: &[u8],
    ) -> Result<Range> {
        // SAFETY: the bounds have so many bytes.
        range(&self.library, |rgc, out, error| unsafe {
            let (mode, keyspace) = (self.mode as c_int, self.keyspace);
            which(rgc)(
                mode,
                keyspace,
                start_of(start),
                start.len(),
                start_of(end),
                end.len(),
                out,
                error,
            );
        })
    }

    fn convert_many(
        &self,
        which: impl FnOnce(&Functions) -> ConvertMany,
        keys: &[&[u8]],
    ) -> Result<Vec<Vec<u8>>> {
        let (starts, lens) = arrays(keys);
        let mut offsets = vec![0; keys.len() + 1];
        // SAFETY: the arrays have so many elements, and `offsets` has one more.
        let all = self.library.checked(|rgc, error| unsafe {
            which(rgc)(
                self.mode as c_int,
                self.keyspace,
                starts.as_ptr(),
                lens.as_ptr(),
                keys.len(),
                offsets.as_mut_ptr(),
                error,
            )
        })?;
        self.split(all, &offsets)
    }

    /// Cuts bytes that the library returned at `offsets`.
    fn split(&self, all: *mut c_char, offsets: &[usize]) -> Result<Vec<Vec<u8>>> {
        // SAFETY: the library returned so many bytes.
        let bytes = unsafe { self.library.take_bytes(all, offsets.last().copied().unwrap_or(0)) };
        offsets
            .windows(2)
            .map(|bounds| bytes.get(bounds[0]..bounds[1]).map(<[u8]>::to_vec))
            .collect::<Option<_>>()
            .ok_or_else(|| Error::invalid("the library returned offsets that are not in order"))
    }

    /// The request key of a user key.
    pub fn encode_key(&self, user_key: &[u8]) -> Result<Vec<u8>> {
        self.convert(|rgc| rgc.rgc_codec_encode_key, user_key)
    }

    /// The user key of a request key.
    ///
    /// Errors: Invalid argument: a key outside the keyspace.
    pub fn decode_key(&self, request_key: &[u8]) -> Result<Vec<u8>> {
        self.convert(|rgc| rgc.rgc_codec_decode_key, request_key)
    }

    /// The region key of a user key.
    pub fn encode_region_key(&self, user_key: &[u8]) -> Result<Vec<u8>> {
        self.convert(|rgc| rgc.rgc_codec_encode_region_key, user_key)
    }

    /// The user key of a region key.
    ///
    /// Errors: Invalid argument: a key outside the keyspace; Corruption: not a region key.
    pub fn decode_region_key(&self, region_key: &[u8]) -> Result<Vec<u8>> {
        self.convert(|rgc| rgc.rgc_codec_decode_region_key, region_key)
    }

    /// The range of request keys of the user keys in [start, end). An empty `end` means up to the
    /// end of the keyspace.
    pub fn encode_range(&self, start: &[u8], end: &[u8]) -> Result<Range> {
        self.convert_range(|rgc| rgc.rgc_codec_encode_range, start, end)
    }

    /// The range of user keys whose request keys lie in [start, end).
    ///
    /// Errors: Invalid argument: a range outside the keyspace.
    pub fn decode_range(&self, start: &[u8], end: &[u8]) -> Result<Range> {
        self.convert_range(|rgc| rgc.rgc_codec_decode_range, start, end)
    }

    /// As [`encode_range`](Self::encode_range), with region keys as bounds.
    pub fn encode_region_range(&self, start: &[u8], end: &[u8]) -> Result<Range> {
        self.convert_range(|rgc| rgc.rgc_codec_encode_region_range, start, end)
    }

    /// As [`decode_range`](Self::decode_range), of a region given by its bounds.
    ///
    /// Errors: Invalid argument: a region outside the keyspace; Corruption: not region keys.
    pub fn decode_region_range(&self, start: &[u8], end: &[u8]) -> Result<Range> {
        self.convert_range(|rgc| rgc.rgc_codec_decode_region_range, start, end)
    }

    /// The request keys of many user keys: all or none.
    pub fn encode_keys(&self, user_keys: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        self.convert_many(|rgc| rgc.rgc_codec_encode_keys, user_keys)
    }

    /// The user keys of many request keys: all or none.
    ///
    /// Errors: as for one, by the index.
    pub fn decode_keys(&self, request_keys: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        self.convert_many(|rgc| rgc.rgc_codec_decode_keys, request_keys)
    }

    /// Translates the bounds of a region's buckets, region keys in order, into bounds of user keys.
    ///
    /// Errors: Invalid argument: keys out of order; Corruption: not a region key.
    pub fn decode_bucket_keys(&self, region_keys: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        let (starts, lens) = arrays(region_keys);
        let (n, mut left) = (region_keys.len(), 0);
        let mut offsets = vec![0; n + 1];
        // SAFETY: the arrays have so many elements, and `offsets` has one more.
        let all = self.library.checked(|rgc, error| unsafe {
            let (mode, out) = (self.mode as c_int, offsets.as_mut_ptr());
            (rgc.rgc_codec_decode_bucket_keys)(
                mode,
                self.keyspace,
                starts.as_ptr(),
                lens.as_ptr(),
                n,
                out,
                &raw mut left,
                error,
            )
        })?;
        self.split(all, offsets.get(..=left).unwrap_or_default())
    }
}

/// Keys as C takes them.
fn arrays(keys: &[&[u8]]) -> (Vec<*const c_char>, Vec<usize>) {
    keys.iter().map(|key| (start_of(key), key.len())).unzip()
}
