//! The conversion between a client of one keyspace and the store, as in client-go's codec v2.
//!
//! ```text
//! user key      6b6579                 "key"
//! request key   72001092 6b6579        r, keyspace 4242, "key"
//! region key    720010926b657900 fe    the memcomparable encoding of the request key
//! ```

use super::key_mode::KEYSPACE_PREFIX_LEN;
use super::range::{count_up, refuse_inverted};
use super::{KeyMode, KeyRange, KeyspaceId, memcomparable};
use crate::error::{Error, ErrorKind, hex};
use std::fmt;

/// The codec of one keyspace, for keys of one mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    prefix: [u8; KEYSPACE_PREFIX_LEN],
    /// The first request key behind the keyspace.
    end: [u8; KEYSPACE_PREFIX_LEN],
}

impl Codec {
    /// The codec of a keyspace; `None` for a mode that has none.
    pub fn new(mode: KeyMode, keyspace: KeyspaceId) -> Option<Self> {
        let prefix = keyspace.prefix(mode);
        let mut end = prefix;
        count_up(&mut end);
        mode.has_keyspace().then_some(Self { prefix, end })
    }

    /// The prefix of its request keys.
    pub const fn prefix(&self) -> &[u8; KEYSPACE_PREFIX_LEN] {
        &self.prefix
    }

    /// The request key of a user key.
    pub fn encode_key(&self, user_key: &[u8]) -> Vec<u8> {
        [&self.prefix, user_key].concat()
    }

    /// The user key of a request key; an empty key remains empty.
    #[inline]
    pub fn decode_key<'k>(&self, request_key: &'k [u8]) -> Result<&'k [u8], Error> {
        if request_key.is_empty() { Ok(request_key) } else { self.user_key(request_key) }
    }

    #[inline]
    fn user_key<'k>(&self, request_key: &'k [u8]) -> Result<&'k [u8], Error> {
        request_key.strip_prefix(&self.prefix).ok_or_else(|| self.foreign_key(request_key))
    }

    #[cold]
    fn foreign_key(&self, request_key: &[u8]) -> Error {
        Error::invalid(format!("key {} lies outside {self}; give it to the codec of its own keyspace", hex(request_key)))
    }

    /// The request keys of the user keys in `[start, end)`. An empty `end` means the end of the
    /// keyspace.
    pub fn encode_range(&self, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        refuse_inverted(start, end)?;
        let end = if end.is_empty() { self.end.to_vec() } else { self.encode_key(end) };
        Ok(KeyRange { start: self.encode_key(start), end: Some(end) })
    }

    /// The user keys of the request keys in `[start, end)`. An empty `end` means no bound.
    pub fn decode_range(&self, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        self.cut_to_keyspace(start, (!end.is_empty()).then_some(end))
    }

    fn cut_to_keyspace(&self, start: &[u8], end: Option<&[u8]>) -> Result<KeyRange, Error> {
        refuse_inverted(start, end.unwrap_or_default())?;
        let first = match self.side(start) {
            Side::Before => Some(&b""[..]),
            Side::Within(user_key) => Some(user_key),
            Side::Behind => None,
        };
        let behind_last = match end.map(|end| self.side(end)) {
            Some(Side::Before | Side::Within(b"")) => None,
            Some(Side::Within(user_key)) => Some(Some(user_key.to_vec())),
            Some(Side::Behind) | None => Some(None),
        };
        if let (Some(first), Some(end)) = (first, behind_last) {
            return Ok(KeyRange { start: first.to_vec(), end });
        }
        let range = shown_range(start, end.unwrap_or_default());
        Err(Error::invalid(format!("range {range} lies outside {self}; it has none of its keys, drop it")))
    }

    /// The position of a request key relative to the keyspace. The first key behind a keyspace may
    /// be shorter than the keyspace's end: behind r/0xff come 720001 and 72000100.
    fn side<'k>(&self, request_key: &'k [u8]) -> Side<'k> {
        match request_key.strip_prefix(&self.prefix) {
            Some(user_key) => Side::Within(user_key),
            None if request_key < self.prefix.as_slice() => Side::Before,
            None => Side::Behind,
        }
    }

    /// The region key of a user key.
    pub fn encode_region_key(&self, user_key: &[u8]) -> Vec<u8> {
        region_key(&self.encode_key(user_key))
    }

    /// The user key of a region key; an empty key remains empty.
    pub fn decode_region_key(&self, region_key: &[u8]) -> Result<Vec<u8>, Error> {
        let Some(mut key) = request_key(region_key)? else { return Ok(Vec::new()) };
        self.user_key(&key)?;
        key.drain(..self.prefix.len());
        Ok(key)
    }

    /// The region keys of the user keys in `[start, end)`. An empty `end` means the end of the
    /// keyspace.
    pub fn encode_region_range(&self, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        let range = self.encode_range(start, end)?;
        Ok(KeyRange { start: region_key(&range.start), end: range.end.as_deref().map(region_key) })
    }

    /// The user keys of a region; an empty bound means no bound.
    pub fn decode_region_range(&self, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        let bound = |key, which: &str| {
            request_key(key).map_err(|error| error.while_doing(format_args!("{which} of the region {}", shown_range(start, end))))
        };
        self.cut_to_keyspace(&bound(start, "the start")?.unwrap_or_default(), bound(end, "the end")?.as_deref())
    }

    /// The bounds between a region's buckets, cut to the keyspace. Bounds before the keyspace
    /// become its beginning, an empty first key. Bounds at or behind its end become its end, an
    /// empty last key.
    pub fn decode_bucket_keys(&self, region_keys: &[&[u8]]) -> Result<Vec<Vec<u8>>, Error> {
        let region = || match region_keys {
            [start, .., end] => format!(" of the region {}", shown_range(start, end)),
            _ => String::new(),
        };
        let mut user_keys: Vec<Vec<u8>> = Vec::with_capacity(region_keys.len());
        let mut ended = false;
        for (i, key) in region_keys.iter().enumerate() {
            // The previous key was decoded, so it is well-formed; the encoding keeps the order.
            let before = i.checked_sub(1).and_then(|before| region_keys.get(before)).copied().unwrap_or_default();
            let no_upper_bound = key.is_empty() && i > 0;
            if no_upper_bound && i + 1 < region_keys.len() {
                return Err(Error::invalid(format!("keys[{i}]{} is empty; only the first and the last one may be, as no bound", region())));
            }
            if !no_upper_bound && *key < before {
                let (key, before) = (hex(key), hex(before));
                let what = format!("keys[{i}]{} {key} is below the one before it, {before}; give them in order", region());
                return Err(Error::invalid(what));
            }
            let key = request_key(key).map_err(|error| error.while_doing(format_args!("keys[{i}]{}", region())))?.unwrap_or_default();
            let (behind, user_key) = match self.side(&key) {
                Side::Before => (no_upper_bound, &b""[..]),
                Side::Within(user_key) => (false, user_key),
                Side::Behind => (true, &b""[..]),
            };
            // An empty key is the beginning, once and before all others; or the end, once and
            // behind all others.
            if !user_key.is_empty() || user_keys.is_empty() || (behind && !ended) {
                user_keys.push(user_key.to_vec());
            }
            ended = behind;
        }
        Ok(user_keys)
    }
}

enum Side<'k> {
    Before,
    /// The user key of the request key.
    Within(&'k [u8]),
    Behind,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [mode, id @ ..] = self.prefix;
        write!(f, "keyspace {} of mode {}", KeyspaceId::from_bytes(id), char::from(mode))
    }
}

/// The mode and the keyspace in a request key.
pub fn parse_keyspace(request_key: &[u8]) -> Result<(KeyMode, KeyspaceId), Error> {
    let foreign = |what| Error::invalid(format!("key {} names no keyspace: {what}", hex(request_key)));
    let Some((&[mode, id @ ..], _)) = request_key.split_first_chunk::<KEYSPACE_PREFIX_LEN>() else {
        return Err(foreign("it is shorter than the 4 bytes of mode and keyspace; give a whole request key"));
    };
    let mode = KeyMode::from_byte(mode).filter(|mode| mode.has_keyspace());
    let mode = mode.ok_or_else(|| foreign("its first byte is not r (72) or x (78); give a request key of such a mode"))?;
    Ok((mode, KeyspaceId::from_bytes(id)))
}

/// A range for a message; an empty end means no bound.
fn shown_range(start: &[u8], end: &[u8]) -> String {
    let end = if end.is_empty() { "no bound".into() } else { hex(end) };
    format!("[{}, {end})", hex(start))
}

fn region_key(request_key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(memcomparable::len_of_encoded(request_key.len()));
    memcomparable::encode(request_key, &mut out);
    out
}

/// The request key that a region key encodes; `None` for an empty region key, which means no bound.
fn request_key(region_key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    if region_key.is_empty() {
        return Ok(None);
    }
    memcomparable::decode(region_key).map(Some).map_err(|error| {
        Error::new(
            ErrorKind::Corruption,
            format!("{} is no region key: {error}; give it as PD has it, without data prefix", hex(region_key)),
        )
    })
}

#[cfg(test)]
mod tests;
