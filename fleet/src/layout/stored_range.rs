//! Ranges of stored keys in TiKV's API V2: whose keys are they?
//!
//! A stored key is `z`, then the memcomparable encoding of `r` or `x` (the mode), three bytes of
//! the keyspace, and the user's key:
//!
//! ```text
//! 7a | 72 000001 6b657931 ff ...    z, r, keyspace 1, "key1"
//! 7a | 78 000002 00000000 fb        the end of keyspace 1 in mode x
//! ```

use super::id::KeyspaceId;
use crate::error::{Error, Result};

/// The rest of the encoding of a mode and a keyspace alone.
const NOTHING_MORE: [u8; 5] = [0, 0, 0, 0, 0xfb];

/// The keyspace that has all keys of the range; `None`: no key of the range is in a keyspace.
/// Refuses a range that is empty or inverted, or is not within one keyspace and mode.
pub fn keyspace(start: &[u8], end: &[u8]) -> Result<Option<KeyspaceId>> {
    if start >= end {
        return Err(Error(format!("the range {} to {} is empty or inverted: its start must be below its end", hex(start), hex(end))));
    }
    match start {
        [b'z', mode @ (b'r' | b'x'), a, b, c, ..] => {
            let id = u32::from_be_bytes([0, *a, *b, *c]);
            let [mode, a, b, c] = (u32::from_be_bytes([*mode, *a, *b, *c]) + 1).to_be_bytes();
            let last = [&[b'z', mode, a, b, c][..], &NOTHING_MORE].concat();
            if end > last.as_slice() { Err(across(start, end)) } else { KeyspaceId::new(id).map(Some) }
        }
        _ if [b'r', b'x'].iter().any(|mode| overlaps(start, end, *mode)) => Err(across(start, end)),
        _ => Ok(None),
    }
}

/// Does the range have keys of this mode?
fn overlaps(start: &[u8], end: &[u8], mode: u8) -> bool {
    start < [b'z', mode + 1].as_slice() && end > [b'z', mode].as_slice()
}

fn across(start: &[u8], end: &[u8]) -> Error {
    Error(format!("the range {} to {} is not within one keyspace and mode; add one range for each", hex(start), hex(end)))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads pairs of hexadecimal digits.
pub fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: &u8| char::from(*c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}
