//! The values of RawKV. An expire_ts is in Unix seconds.
//!
//! ```text
//! API V2        user value | 8 bytes expire_ts, big-endian, if flag 01 | flags
//!               flag 01: has an expiry; 02: delete mark; any other flag is an error
//! API V1 TTL    user value | 8 bytes expire_ts, 0 means no expiry
//! ```

/// The fields of a value beside the user's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawValue {
    /// Whether this version deletes the row.
    pub delete_mark: bool,
    /// The expiry in Unix seconds, if there is one. In API V2 0 is an expiry like any other.
    pub expire_ts: Option<u64>,
}

/// The error for a value that does not follow the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unparsed;

const HAS_EXPIRY: u8 = 1;
const DELETE_MARK: u8 = 2;

impl RawValue {
    /// Reads a value of API V2.
    #[inline]
    pub fn parse_v2(value: &[u8]) -> Result<Self, Unparsed> {
        let (&flags, rest) = value.split_last().ok_or(Unparsed)?;
        if flags == 0 {
            return Ok(Self { delete_mark: false, expire_ts: None });
        }
        if flags & !(HAS_EXPIRY | DELETE_MARK) != 0 {
            return Err(Unparsed);
        }
        let expire_ts = if flags & HAS_EXPIRY == 0 { None } else { Some(trailing_u64(rest)?) };
        Ok(Self { delete_mark: flags & DELETE_MARK != 0, expire_ts })
    }

    /// Reads a value of API V1 TTL, which has no delete mark.
    pub fn parse_v1_ttl(value: &[u8]) -> Result<Self, Unparsed> {
        let expire_ts = trailing_u64(value)?;
        Ok(Self { delete_mark: false, expire_ts: (expire_ts != 0).then_some(expire_ts) })
    }
}

fn trailing_u64(bytes: &[u8]) -> Result<u64, Unparsed> {
    bytes.last_chunk().map(|last| u64::from_be_bytes(*last)).ok_or(Unparsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_api_v2() {
        let value = |delete_mark, expire_ts| Ok(RawValue { delete_mark, expire_ts });
        for (bytes, expected) in [
            (&b"\0"[..], value(false, None)),
            (b"a\0", value(false, None)),
            (b"\x02", value(true, None)),
            (b"\0\0\0\0\0\0\0\x02\x01", value(false, Some(2))),
            (b"a\0\0\0\0\0\0\0\x02\x01", value(false, Some(2))),
            (b"a\0\0\0\0\0\0\0\x02\x03", value(true, Some(2))),
            (b"v\0\0\0\0\0\0\0\0\x01", value(false, Some(0))),
            (b"v\xff\xff\xff\xff\xff\xff\xff\xff\x01", value(false, Some(u64::MAX))),
            (b"", Err(Unparsed)),
            (b"\x01", Err(Unparsed)),
            (b"\x01\x02\x03\x04\x05\x06\x07\x01", Err(Unparsed)),
            (b"\x04", Err(Unparsed)),
            (b"\x01\x02\x03\x04\x05\x06\x07\x08\x04", Err(Unparsed)),
            (b"\x80", Err(Unparsed)),
            (b"\xff", Err(Unparsed)),
        ] {
            assert_eq!(RawValue::parse_v2(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn reads_api_v1_ttl() {
        let value = |expire_ts| Ok(RawValue { delete_mark: false, expire_ts });
        for (bytes, expected) in [
            (&b"\0\0\0\0\0\0\0\0"[..], value(None)),
            (b"a\0\0\0\0\0\0\0\0", value(None)),
            (b"a\0\0\0\0\0\0\0\x02", value(Some(2))),
            (b"v\xff\xff\xff\xff\xff\xff\xff\xff", value(Some(u64::MAX))),
            (b"", Err(Unparsed)),
            (b"1234567", Err(Unparsed)),
        ] {
            assert_eq!(RawValue::parse_v1_ttl(bytes), expected, "{bytes:x?}");
        }
    }
}
