//! Keyspace ids as text: `%08d` in most of PD's keys, not padded in TiDB's and in ours.
//!
//! Each place has one spelling, and parsing refuses the other: two spellings of one id would be two
//! keys with two safe points.

use crate::error::{Error, Result};
use std::fmt;

/// The id of a keyspace: 0 to 16777215.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyspaceId(u32);

impl KeyspaceId {
    /// The highest id, as a number.
    pub const MAX: u32 = 0xff_ffff;

    /// Refuses what is above the highest id.
    pub fn new(id: u32) -> Result<Self> {
        if id > Self::MAX {
            return Err(Error(format!("keyspace id {id} is above {}", Self::MAX)));
        }
        Ok(Self(id))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// Eight digits.
    pub fn padded(self) -> String {
        format!("{:08}", self.0)
    }

    /// Reads exactly eight digits.
    pub fn parse_padded(text: &str) -> Result<Self> {
        if text.len() != 8 {
            return Err(Error(format!("keyspace id {text:?} has not exactly 8 digits")));
        }
        Self::from_digits(text)
    }

    /// Reads digits without leading zeros.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > 1 && text.starts_with('0') {
            return Err(Error(format!("keyspace id {text:?} has leading zeros")));
        }
        Self::from_digits(text)
    }

    fn from_digits(text: &str) -> Result<Self> {
        Self::new(decimal(text).map_err(|error| Error(format!("keyspace id: {error}")))?)
    }
}

impl fmt::Display for KeyspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a safe point is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// PD's null keyspace: all keyspaces without a safe point of their own.
    Global,
    /// One keyspace with a safe point of its own.
    Keyspace(KeyspaceId),
}

impl Scope {
    /// Reads what `Display` writes: `global`, or an id that is not padded.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "global" { Ok(Self::Global) } else { Ok(Self::Keyspace(KeyspaceId::parse(text)?)) }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Keyspace(id) => id.fmt(f),
        }
    }
}

/// Reads ASCII digits. Rust's own parser takes a leading `+` too.
pub fn decimal<T: std::str::FromStr<Err = std::num::ParseIntError>>(text: &str) -> Result<T> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error(format!("{text:?} is not a decimal number")));
    }
    text.parse().map_err(|error| Error(format!("{text:?} is not a decimal number: {error}")))
}
