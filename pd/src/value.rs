//! PD's values, except the metas: hex, decimal, 8 bytes, JSON.
//!
//! JSON numbers are read as 64-bit integers. A parser that reads them as doubles turns
//! 456139133457530881 into 456139133457530880.

use crate::error::{Error, Result};
use crate::id::decimal;
use crate::json::Object;

/// When a barrier ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expiry {
    /// It is alive up to and at this second of Unix time.
    At(u64),
    /// It does not end by itself.
    Never,
}

impl Expiry {
    /// A barrier is still alive at exactly its expiry second.
    pub fn is_alive(self, now: u64) -> bool {
        match self {
            Self::Never => true,
            Self::At(second) => now <= second,
        }
    }

    fn from_seconds(seconds: i64) -> Self {
        match u64::try_from(seconds) {
            Ok(second) if second > 0 && seconds < i64::MAX => Self::At(second),
            _ => Self::Never,
        }
    }

    /// As PD stores it; `never` is its number for a barrier that does not end.
    pub fn seconds(self, never: i64) -> i64 {
        match self {
            Self::At(second) => i64::try_from(second).unwrap_or(never),
            Self::Never => never,
        }
    }
}

/// A barrier as it is stored, without its scope: that is in the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// The highest safe point that it allows.
    pub timestamp: u64,
    /// When it ends.
    pub expiry: Expiry,
}

/// The global GC safe point: lower-case hex without `0x`.
pub fn hex(value: u64) -> String {
    format!("{value:x}")
}

/// Reads [`hex`]; upper-case digits too.
pub fn parse_hex(value: &[u8]) -> Result<u64> {
    let text = text(value)?;
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error(format!("{text:?} is not a hexadecimal number")));
    }
    u64::from_str_radix(text, 16).map_err(|error| Error(format!("{text:?} is not a hexadecimal number: {error}")))
}

/// Reads a transaction safe point, revision, minimal start timestamp, or a name's id.
pub fn parse_decimal(value: &[u8]) -> Result<u64> {
    decimal(text(value)?)
}

/// Reads the allocator's 8 bytes, big-endian.
pub fn parse_allocator(value: &[u8]) -> Result<u64> {
    let bytes = value.try_into().map_err(|_| Error(format!("{value:?} is not 8 bytes")))?;
    Ok(u64::from_be_bytes(bytes))
}

/// Reads the GC safe point of a keyspace, JSON. The keyspace is the path's.
pub fn parse_safe_point(value: &[u8]) -> Result<u64> {
    read(value, |object| {
        object.optional_u32("keyspace_id")?;
        object.u64("safe_point")
    })
}

/// Reads a barrier of a scope, JSON. Name and keyspace are the path's.
pub fn parse_barrier(value: &[u8]) -> Result<Barrier> {
    read(value, |object| {
        object.text("service_id")?;
        object.optional_u32("keyspace_id")?;
        Ok(Barrier { timestamp: object.u64("safe_point")?, expiry: Expiry::from_seconds(object.i64("expired_at")?) })
    })
}

/// Reads a barrier of all scopes, JSON. The name is the path's.
pub fn parse_global_barrier(value: &[u8]) -> Result<Barrier> {
    read(value, |object| {
        object.text("barrier_id")?;
        Ok(Barrier { timestamp: object.u64("barrier_ts")?, expiry: Expiry::from_seconds(object.i64("expiration_time")?) })
    })
}

fn read<T>(value: &[u8], fields: impl FnOnce(&Object<'_>) -> Result<T>) -> Result<T> {
    let read = text(value).and_then(|text| fields(&Object::parse(text)?));
    read.map_err(|Error(why)| Error(format!("{:?}: {why}", String::from_utf8_lossy(value))))
}

fn text(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(value).map_err(|_| Error(format!("{value:?} is not text")))
}
