//! The memcomparable encoding of byte strings (TiKV's `codec::bytes`). Encodings have the order of
//! the strings, and no encoding is a prefix of another.
//!
//! An encoding consists of groups of 8 bytes, each followed by a marker. The marker of a full group
//! that is not the last is `ff`. The last group has 0 to 7 bytes and is padded with zeros; its
//! marker is `ff` minus the number of padding bytes.
//!
//! ```text
//! ""                  0000000000000000 f7
//! "abc"               6162630000000000 fa
//! "abcdefgh"          6162636465666768 ff 0000000000000000 f7
//! ```

use std::fmt;

const GROUP: usize = 8;
/// The length of an encoded group.
pub const ENCODED_GROUP: usize = GROUP + 1;
/// The marker of a full group that is not the last.
pub const FULL: u8 = 0xff;
/// The marker of a last group without data.
const EMPTY: usize = FULL as usize - GROUP;

/// The reason why bytes are not an encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The bytes end before a last group.
    CutOff,
    /// A marker is below `f7`, or padding is not zero.
    Padding,
    /// Bytes follow the last group where none may.
    Trailing,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CutOff => "it ends before the last group of its encoding",
            Self::Padding => "a group has a marker below f7 or padding that is not zero",
            Self::Trailing => "bytes follow the last group of its encoding",
        })
    }
}

/// The length of the encoding at the beginning of `bytes`. All its groups are checked; later bytes
/// are not read.
#[inline]
pub fn encoded_len(bytes: &[u8]) -> Result<usize, Malformed> {
    let (mut rest, mut len) = (bytes, 0);
    while let Some((&[a, b, c, d, e, f, g, h, marker], behind)) = rest.split_first_chunk::<ENCODED_GROUP>() {
        (rest, len) = (behind, len + ENCODED_GROUP);
        if marker == FULL {
            continue;
        }
        return if is_last_group([a, b, c, d, e, f, g, h], marker) { Ok(len) } else { Err(Malformed::Padding) };
    }
    Err(Malformed::CutOff)
}

/// Whether the whole of `bytes` is an encoding.
#[inline(always)]
pub fn is_encoding(bytes: &[u8]) -> bool {
    let Some((before, &[a, b, c, d, e, f, g, h, marker])) = bytes.split_last_chunk::<ENCODED_GROUP>() else { return false };
    let full = match before.len() {
        // The usual lengths need no loop.
        18 => before.first_chunk().is_some_and(are_full::<18>),
        27 => before.first_chunk().is_some_and(are_full::<27>),
        36 => before.first_chunk().is_some_and(are_full::<36>),
        _ => {
            let mut rest = before;
            while let Some(([.., FULL], behind)) = rest.split_first_chunk::<ENCODED_GROUP>() {
                rest = behind;
            }
            rest.is_empty()
        }
    };
    full && is_last_group([a, b, c, d, e, f, g, h], marker)
}

/// Whether all groups are full.
#[inline(always)]
fn are_full<const LEN: usize>(groups: &[u8; LEN]) -> bool {
    groups.as_chunks::<ENCODED_GROUP>().0.iter().all(|[.., marker]| *marker == FULL)
}

/// Whether the last part of `bytes` is an encoding. The caller knows an encoding of the same length
/// whose first `shared` bytes are the same, so only later markers and padding are checked.
#[inline(always)]
pub fn is_encoding_like(bytes: &[u8], shared: usize) -> bool {
    let Some(&[a, b, c, d, e, f, g, h, marker]) = bytes.last_chunk() else { return false };
    if !is_last_group([a, b, c, d, e, f, g, h], marker) {
        return false;
    }
    let Some((mut before, [last_full, ..])) = bytes.split_last_chunk::<{ ENCODED_GROUP + 1 }>() else { return true };
    if *last_full != FULL {
        return false;
    }
    while let Some((further_before, [full, ..])) = before.split_last_chunk::<ENCODED_GROUP>() {
        if further_before.len() < shared {
            break;
        }
        if *full != FULL {
            return false;
        }
        before = further_before;
    }
    true
}

#[inline(always)]
fn is_last_group(data: [u8; GROUP], marker: u8) -> bool {
    PADDING.get(usize::from(marker).wrapping_sub(EMPTY)).is_some_and(|padding| u64::from_le_bytes(data) & padding == 0)
}

/// The padding of a last group as a little-endian number, by the number of bytes before it.
const PADDING: [u64; GROUP] = {
    let all = u64::MAX;
    [all, all << 8, all << 16, all << 24, all << 32, all << 40, all << 48, all << 56]
};

/// The length of the encoding of a string of `len` bytes.
pub const fn len_of_encoded(len: usize) -> usize {
    (len / GROUP + 1) * ENCODED_GROUP
}

/// Appends the encoding of `bytes` to `out`.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let (groups, rest) = bytes.as_chunks::<GROUP>();
    for group in groups {
        out.extend_from_slice(group);
        out.push(FULL);
    }
    let mut last = [0; GROUP];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    out.extend_from_slice(&last);
    // At most 7 bytes are left, so the conversion is exact.
    out.push(FULL - (GROUP - rest.len()) as u8);
}

/// The string whose encoding is the whole of `bytes`.
pub fn decode(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    if encoded_len(bytes)? != bytes.len() {
        return Err(Malformed::Trailing);
    }
    let (groups, _) = bytes.as_chunks::<ENCODED_GROUP>();
    let mut out = Vec::with_capacity(bytes.len());
    for [data @ .., _] in groups {
        out.extend_from_slice(data);
    }
    if let Some([.., marker]) = groups.last() {
        out.truncate(out.len() - usize::from(FULL - marker));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        out
    }

    #[test]
    fn agrees_with_tikv() {
        for (raw, encoding) in [
            ("", "0000000000000000f7"),
            ("00", "0000000000000000f8"),
            ("010203", "0102030000000000fa"),
            ("01020300", "0102030000000000fb"),
            ("01020304050607", "0102030405060700fe"),
            ("0000000000000000", "0000000000000000ff0000000000000000f7"),
            ("0102030405060708", "0102030405060708ff0000000000000000f7"),
            ("010203040506070809", "0102030405060708ff0900000000000000f8"),
            ("72006161616161616161616161", "7200616161616161ff6161616161000000fc"),
            ("7a6b6579", "7a6b657900000000fb"),
            ("ffffffffffffffff", "ffffffffffffffffff0000000000000000f7"),
            ("72", "7200000000000000f8"),
            ("72323334353637383930", "7232333435363738ff3930000000000000f9"),
        ] {
            assert_eq!(encoded(&hex(raw)), hex(encoding), "{raw}");
            assert_eq!(decode(&hex(encoding)), Ok(hex(raw)), "{encoding}");
        }
    }

    #[test]
    fn refuses_what_tikv_refuses() {
        use Malformed::{CutOff, Padding};
        for (bytes, error) in [
            ("", CutOff),
            ("01020304", CutOff),
            ("00000000000000f7", CutOff),
            ("0000000000000000f6", Padding),
            ("0000000000000001f7", Padding),
            ("010203040506070800", Padding),
            ("0102030405060708ff01", CutOff),
            ("0102030405060708ff0102030405060708", CutOff),
            ("0102030405060708ff0102030405060708ff", CutOff),
            ("0102030405060708ff010203040506070800", Padding),
            ("0102030405060708ff0100000000000000f7", Padding),
        ] {
            assert_eq!(encoded_len(&hex(bytes)), Err(error), "{bytes}");
            assert_eq!(decode(&hex(bytes)), Err(error), "{bytes}");
        }
        assert_eq!(encoded_len(&hex("0000000000000000f700")), Ok(9), "what follows is the caller's");
        assert_eq!(decode(&hex("0000000000000000f700")), Err(Malformed::Trailing));
    }

    proptest! {
        #[test]
        fn order_and_bytes_survive(a: Vec<u8>, b: Vec<u8>) {
            prop_assert_eq!(a.cmp(&b), encoded(&a).cmp(&encoded(&b)));
            prop_assert_eq!(encoded(&a).len(), len_of_encoded(a.len()));
            prop_assert_eq!(decode(&encoded(&a)), Ok(a));
        }

        #[test]
        fn a_look_behind_what_is_shared_is_enough(raw in proptest::collection::vec(any::<u8>(), 0..40), place: usize, byte: u8) {
            let good = encoded(&raw);
            let mut changed = good.clone();
            let place = place % good.len();
            changed[place] = byte;
            prop_assert_eq!(is_encoding_like(&changed, place), encoded_len(&changed) == Ok(good.len()));
            for len in 0..good.len() {
                let bytes = changed.get(len..).unwrap_or_default();
                prop_assert_eq!(is_encoding(bytes), encoded_len(bytes) == Ok(bytes.len()));
            }
        }

        #[test]
        fn only_encodings_decode(bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xff), 0xf6u8..0xff, any::<u8>()], 0..40)) {
            if let Ok(raw) = decode(&bytes) {
                prop_assert_eq!(encoded(&raw), bytes);
            }
        }
    }
}
