//! The values of the lock column family (TiKV's `Lock`): `type | primary | varint start_ts | varint
//! ttl | tagged fields`. A primary, and each other string, has its length in front, as a zigzag
//! varint.
//!
//! | tag | field | payload |
//! |---|---|---|
//! | type `P` `D` `L` `S` `H` | put, delete, lock, pessimistic, shared | none |
//! | `v` | short value | 1 byte length, bytes |
//! | `f` `t` `c` `g` | for-update ts, transaction size, min commit ts, generation | 8 bytes |
//! | `a` | secondaries of an async commit | varint count, strings |
//! | `r` | timestamps of rollbacks | varint count, 8 bytes each |
//! | `l` | last change | 8 bytes ts, varint count |
//! | `s` | transaction source | varint |
//! | `F` | locked with conflict | none |
//! | `h` | the locks of a shared lock | varint count, each a lock as a string |
//!
//! A shared lock stands for several transactions. Its own start_ts says nothing of those that hold
//! it pessimistically, so the locks in it count. Of other locks, fields behind an unknown tag are
//! not read, as in TiKV: they come from a later version.

use super::Timestamp;
use super::write_record::{Unparsed, fixed_u64, varint};

/// The least timestamp at which a transaction that holds the lock began.
pub fn oldest_start_ts(lock: &[u8]) -> Result<Timestamp, Unparsed> {
    let (&lock_type, rest) = lock.split_first().ok_or(Unparsed)?;
    if !b"PDLSH".contains(&lock_type) {
        return Err(Unparsed);
    }
    let (_, rest) = string(rest)?;
    let (start_ts, rest) = varint(rest)?;
    let rest = if rest.is_empty() { rest } else { varint(rest)?.1 };
    match (lock_type, shared(rest, lock_type == b'H')?) {
        (b'H', Some(least)) => Ok(least),
        (b'H', None) => Err(Unparsed),
        (_, None) if start_ts > 0 => Ok(start_ts),
        _ => Err(Unparsed),
    }
}

/// Reads all fields. Returns the least start_ts of the locks of a shared lock, if there are any.
fn shared(mut rest: &[u8], is_shared: bool) -> Result<Option<Timestamp>, Unparsed> {
    let mut least = None;
    while let Some((&tag, payload)) = rest.split_first() {
        rest = match tag {
            b'v' => {
                let (&len, bytes) = payload.split_first().ok_or(Unparsed)?;
                bytes.get(usize::from(len)..).ok_or(Unparsed)?
            }
            b'f' | b't' | b'c' | b'g' => fixed_u64(payload)?.1,
            b'a' => many(payload, |rest| Ok(string(rest)?.1))?,
            b'r' => many(payload, |rest| Ok(fixed_u64(rest)?.1))?,
            b'l' => varint(fixed_u64(payload)?.1)?.1,
            b's' => varint(payload)?.1,
            b'F' => payload,
            b'h' if !is_shared => return Err(Unparsed),
            b'h' => many(payload, |rest| {
                let (lock, rest) = string(rest)?;
                // A shared lock in a shared lock does not exist.
                let start_ts = if lock.first() == Some(&b'H') { Err(Unparsed) } else { oldest_start_ts(lock) }?;
                least = Some(least.map_or(start_ts, |least: Timestamp| least.min(start_ts)));
                Ok(rest)
            })?,
            _ => break,
        };
    }
    Ok(least)
}

/// A count, and as many fields. Each has at least a byte, so a wrong count ends with the bytes.
fn many<'a>(bytes: &'a [u8], mut one: impl FnMut(&'a [u8]) -> Result<&'a [u8], Unparsed>) -> Result<&'a [u8], Unparsed> {
    let (count, mut rest) = varint(bytes)?;
    for _ in 0..count {
        rest = one(rest)?;
    }
    Ok(rest)
}

/// A string with its length in front.
fn string(bytes: &[u8]) -> Result<(&[u8], &[u8]), Unparsed> {
    let (zigzag, rest) = varint(bytes)?;
    if zigzag & 1 == 1 {
        return Err(Unparsed);
    }
    let len = usize::try_from(zigzag >> 1).map_err(|_| Unparsed)?;
    rest.split_at_checked(len).ok_or(Unparsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PUT: &[u8] = b"P\x04pk\x05\x0a";

    /// A lock in a lock in a lock: the stack must not grow with the value.
    #[test]
    fn locks_in_locks_end_at_once() {
        let mut nested = PUT.to_vec();
        for _ in 0..20_000 {
            let mut len = nested.len() << 1;
            let mut field = [PUT, b"h\x01"].concat();
            while len >= 0x80 {
                field.push((len & 0x7f) as u8 | 0x80);
                len >>= 7;
            }
            field.push(len as u8);
            nested = [field, nested].concat();
        }
        assert!(oldest_start_ts(&nested).is_err());
    }

    #[test]
    fn every_field_is_stepped_over() {
        for (lock, start_ts) in [
            (PUT.to_vec(), 5),
            (b"D\x04pk\x05".to_vec(), 5),
            (b"L\x00\xac\x02\x00".to_vec(), 300),
            (b"S\x04pk\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00".to_vec(), u64::MAX),
            ([PUT, b"v\x03abc", b"f\0\0\0\0\0\0\0\x09", b"t\0\0\0\0\0\0\0\x02", b"c\0\0\0\0\0\0\0\x06"].concat(), 5),
            ([PUT, b"a\x02\x02x\x02y", b"r\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02"].concat(), 5),
            ([PUT, b"l\0\0\0\0\0\0\0\x03\x07", b"s\x80\x01", b"F", b"g\0\0\0\0\0\0\0\x01"].concat(), 5),
            ([PUT, b"Zof a later version"].concat(), 5),
            // Its own timestamp is not that of the pessimistic one in it.
            (b"H\x00\x09\x00h\x02\x0cP\x04pk\x09\x0a\x0cS\x04pk\x04\x0a".to_vec(), 4),
            (b"H\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00h\x01\x0cS\x04pk\x04\x0a".to_vec(), 4),
        ] {
            assert_eq!(oldest_start_ts(&lock), Ok(start_ts), "{lock:x?}");
        }
    }

    #[test]
    fn damaged_locks_do_not_parse() {
        for lock in [
            &b""[..],
            b"P",
            b"p\x04pk\x05\x0a",
            b"R\x04pk\x05\x0a",
            b"P\x04pk",
            b"P\x04p",
            b"P\x03pk\x05\x0a",
            b"P\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01pk\x05",
            b"P\x04pk\x85",
            b"P\x04pk\x00\x0a",
            b"P\x04pk\x05\x8a",
            b"P\x04pk\x05\x0av\x03ab",
            b"P\x04pk\x05\x0af\0\0",
            b"P\x04pk\x05\x0aa\x02\x02x",
            b"P\x04pk\x05\x0ar\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"P\x04pk\x05\x0ah\x01\x0cP\x04pk\x03\x0a",
            b"H\x00\x09\x00",
            b"H\x00\x09\x00h\x00",
            b"H\x00\x09\x00h\x02\x0cP\x04pk\x09\x0a",
            b"H\x00\x09\x00Z",
            b"H\x00\x09\x00h\x01\x16H\x00\x09\x00h\x01\x08P\x00\x09\x00",
        ] {
            assert_eq!(oldest_start_ts(lock), Err(Unparsed), "{lock:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), shared in any::<bool>()) {
            let head: &[u8] = if shared { b"H\x00\x09\x00h" } else { PUT };
            let _ = oldest_start_ts(&bytes);
            let _ = oldest_start_ts(&[head, &bytes].concat());
        }
    }
}
