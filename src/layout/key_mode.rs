//! Key modes and keyspace ids: the first bytes of a user key in API V2.

use std::fmt;

/// The length of the mode and the id at the beginning of a keyspace's keys.
pub(super) const KEYSPACE_PREFIX_LEN: usize = 4;

/// The mode of an API V2 key: its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMode {
    /// `r`: RawKV, in a keyspace.
    Raw,
    /// `x`: transactions, in a keyspace.
    Txn,
    /// `m`: TiDB's metadata, in no keyspace.
    TidbMeta,
    /// `t`: TiDB's tables, in no keyspace.
    TidbTable,
}

impl KeyMode {
    /// The mode with this first byte.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'r' => Some(Self::Raw),
            b'x' => Some(Self::Txn),
            b'm' => Some(Self::TidbMeta),
            b't' => Some(Self::TidbTable),
            _ => None,
        }
    }

    /// The first byte of its keys.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Raw => b'r',
            Self::Txn => b'x',
            Self::TidbMeta => b'm',
            Self::TidbTable => b't',
        }
    }

    /// Whether its keys have a keyspace.
    pub const fn has_keyspace(self) -> bool {
        matches!(self, Self::Raw | Self::Txn)
    }
}

/// A keyspace id: 24 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyspaceId(u32);

impl KeyspaceId {
    /// The prefix of the keyspace's own keys in etcd. The id is not padded.
    pub fn etcd_namespace(self) -> String {
        format!("/keyspaces/tidb/{}", self.0)
    }

    /// The highest id.
    pub const MAX: u32 = 0x00ff_ffff;

    /// The id, unless it is out of range.
    pub const fn new(id: u32) -> Option<Self> {
        if id <= Self::MAX { Some(Self(id)) } else { None }
    }

    /// The id in 3 bytes of a key, big-endian.
    pub const fn from_bytes(bytes: [u8; 3]) -> Self {
        let [a, b, c] = bytes;
        Self(u32::from_be_bytes([0, a, b, c]))
    }

    /// The prefix of its keys with this mode.
    pub const fn prefix(self, mode: KeyMode) -> [u8; KEYSPACE_PREFIX_LEN] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [mode.byte(), a, b, c]
    }

    /// The id as a number, 0 ..= [`Self::MAX`].
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for KeyspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
