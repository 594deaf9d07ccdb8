//! Stored keys, `data prefix + row + timestamp`, in the two layouts.
//!
//! ```text
//! api_v2   7a | 72 000001 6b657931 ff 00..00 f7 | ffffffffffffff9b
//!          z, r, keyspace 1, "key1", ts 100
//! plain    7a | 6b657931 | ffffffffffffff9b
//!          z, "key1", ts 100
//! ```
//!
//! A filter splits its keys into rows by these bytes, so it checks the whole encoding before it
//! judges a row. No legal row is a prefix of another. So a row is contiguous, and no key of another
//! row is in the middle of it.

use super::key_mode::KEYSPACE_PREFIX_LEN;
use super::memcomparable::{self, Malformed};
use super::{KeyMode, KeyspaceId, SchemaId, Timestamp};
use std::fmt;

/// The length of a stored timestamp.
pub const TIMESTAMP_LEN: usize = 8;
/// The smallest marker of a first group that holds 4 bytes: a mode and a whole keyspace id.
const HOLDS_KEYSPACE: u8 = 0xfb;

/// The reason why no user key of the plain layout is a prefix of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainKeys {
    /// All user keys have this length in bytes, which is checked.
    Fixed(usize),
    /// The host promises it.
    PrefixFree,
}

/// The encoding of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// TiKV's API V2: memcomparable, with mode and keyspace.
    ApiV2,
    /// The user key as it is.
    Plain(PlainKeys),
}

/// The layout of the keys of a column family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The encoding of rows.
    pub form: KeyForm,
    /// The prefix of every key.
    pub data_prefix: Vec<u8>,
    /// The prefix of the library's own records. Neither prefix begins with the other.
    pub ledger_prefix: Vec<u8>,
    /// Whether user keys begin with the id of a schema.
    pub schema_ids: bool,
}

/// The owner of a key, read from its head alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOwner {
    /// A key of a keyspace, mode r or x.
    Keyspace(KeyMode, KeyspaceId),
    /// A TiDB key.
    Tidb(KeyMode),
    /// Any key with the data prefix, in the plain layout.
    Plain,
    /// A record of the library.
    Ledger,
    /// A key that does not match the layout.
    Foreign,
}

/// The reason why bytes are not a stored key of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// The key has another prefix than the data prefix.
    Prefix,
    /// The key has the ledger's prefix, or so much of it that a timestamp could complete it.
    Ledger,
    /// The key has no room for a row and a timestamp.
    TooShort,
    /// The first byte is not a mode.
    Mode,
    /// The mode is r or x, and 3 bytes of keyspace are missing.
    NoKeyspace,
    /// The memcomparable part is damaged.
    Encoding(Malformed),
    /// The memcomparable part is not followed by exactly a timestamp.
    Trailing,
    /// A plain key has another length than `plain_keys` says.
    PlainLength,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix => f.write_str("it does not begin with the data prefix"),
            Self::Ledger => f.write_str("it is, or could be, one of the library's own keys under ledger_prefix"),
            Self::TooShort => f.write_str("it is too short for a row and an 8-byte timestamp"),
            Self::Mode => f.write_str("its first byte is none of the modes r, x, m, t"),
            Self::NoKeyspace => f.write_str("mode r and x need 3 bytes of keyspace"),
            Self::Encoding(malformed) => malformed.fmt(f),
            Self::Trailing => f.write_str("its encoding is not followed by exactly 8 bytes of timestamp"),
            Self::PlainLength => f.write_str("its length is not the one that plain_keys says"),
        }
    }
}

/// The parts of a stored key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedKey {
    /// The mode; `None` in the plain layout.
    pub mode: Option<KeyMode>,
    /// The keyspace, for modes r and x.
    pub keyspace: Option<KeyspaceId>,
    /// The user key without mode and keyspace.
    pub user_key: Vec<u8>,
    /// The timestamp of the version.
    pub ts: Timestamp,
}

/// Splits off the last 8 bytes and reads them as a timestamp.
#[inline]
pub fn split_timestamp(key: &[u8]) -> Option<(&[u8], Timestamp)> {
    let (row, ts) = key.split_last_chunk::<TIMESTAMP_LEN>()?;
    Some((row, !u64::from_be_bytes(*ts)))
}

/// Turns a row's stored key into the key of one of its versions.
pub fn append_timestamp(row: &mut Vec<u8>, ts: Timestamp) {
    row.extend_from_slice(&(!ts).to_be_bytes());
}

/// The first key behind all versions of a row.
pub fn row_end(row: &[u8]) -> Vec<u8> {
    [row, &[0xff; TIMESTAMP_LEN], &[0]].concat()
}

impl Layout {
    /// The row that a bound cuts, if it cuts one. A bound with bytes behind a whole row has
    /// versions of that row on both sides.
    pub fn cut_row<'k>(&self, bound: &'k [u8]) -> Option<&'k [u8]> {
        let body = self.body(bound).ok()?;
        let row_len = match self.form {
            KeyForm::ApiV2 => memcomparable::encoded_len(body).ok()?,
            KeyForm::Plain(PlainKeys::Fixed(len)) => len,
            // The last bytes may be no timestamp. Then this returns a row that does not exist.
            KeyForm::Plain(PlainKeys::PrefixFree) => body.len().checked_sub(TIMESTAMP_LEN).filter(|len| *len > 0)?,
        };
        if row_len < body.len() { bound.get(..bound.len() - body.len() + row_len) } else { None }
    }

    /// The bytes behind the data prefix; the error is the owner of a key without that prefix and of
    /// the library's records.
    #[inline]
    pub fn body<'k>(&self, key: &'k [u8]) -> Result<&'k [u8], KeyOwner> {
        match key.strip_prefix(self.data_prefix.as_slice()) {
            // With a data prefix, a key that begins with it cannot begin with the ledger's prefix.
            Some(_) if self.data_prefix.is_empty() && key.starts_with(&self.ledger_prefix) => Err(KeyOwner::Ledger),
            Some(body) => Ok(body),
            None if key.starts_with(&self.ledger_prefix) => Err(KeyOwner::Ledger),
            None => Err(KeyOwner::Foreign),
        }
    }

    /// The owner of a key. It reads only the head; [`Layout::row`] checks the rest of a key that is
    /// judged.
    #[inline]
    pub fn owner(&self, key: &[u8]) -> KeyOwner {
        match (self.body(key), self.form) {
            (Ok(body), KeyForm::ApiV2) => Self::owner_api_v2(body),
            (Ok(_), KeyForm::Plain(_)) => KeyOwner::Plain,
            (Err(place), _) => place,
        }
    }

    #[inline]
    fn owner_api_v2(body: &[u8]) -> KeyOwner {
        let Some(&[mode, a, b, c, _, _, _, _, marker]) = body.first_chunk() else { return KeyOwner::Foreign };
        match KeyMode::from_byte(mode) {
            Some(mode) if !mode.has_keyspace() => KeyOwner::Tidb(mode),
            Some(mode) if marker >= HOLDS_KEYSPACE => KeyOwner::Keyspace(mode, KeyspaceId::from_bytes([a, b, c])),
            _ => KeyOwner::Foreign,
        }
    }

    /// Checks a whole stored key, and splits it into its row (all but the timestamp) and its
    /// timestamp.
    pub fn row<'k>(&self, key: &'k [u8]) -> Result<(&'k [u8], Timestamp), KeyError> {
        let body = self.body(key).map_err(|place| if place == KeyOwner::Ledger { KeyError::Ledger } else { KeyError::Prefix })?;
        let (row, ts) = split_timestamp(key).ok_or(KeyError::TooShort)?;
        self.check_body(body)?;
        if self.ledger_prefix.starts_with(row) {
            return Err(KeyError::Ledger);
        }
        if self.form == KeyForm::ApiV2 {
            let &[mode, .., marker] = body.first_chunk::<9>().ok_or(KeyError::TooShort)?;
            let mode = KeyMode::from_byte(mode).ok_or(KeyError::Mode)?;
            if mode.has_keyspace() && marker < HOLDS_KEYSPACE {
                return Err(KeyError::NoKeyspace);
            }
        }
        Ok((row, ts))
    }

    /// The keyspace of a stored key that matches the layout as a whole. `None` may also mean that the
    /// answer takes longer: [`Layout::owner`] and [`Layout::row`] find it.
    #[inline(always)]
    pub fn keyspace_at_once(&self, key: &[u8]) -> Option<KeyspaceId> {
        if self.form != KeyForm::ApiV2 {
            return None;
        }
        match self.data_prefix.as_slice() {
            [] if self.ledger_prefix.first() != key.first() => {}
            [prefix] if key.first() == Some(prefix) => {}
            _ => return None,
        }
        let (row, _) = split_timestamp(key.get(self.data_prefix.len()..)?)?;
        // With two groups, the first is full, so it holds a keyspace.
        let prefix = u32::from_be_bytes(*row.first_chunk::<{ 2 * memcomparable::ENCODED_GROUP }>()?.first_chunk()?);
        let [mode, ..] = prefix.to_be_bytes();
        if mode != KeyMode::Raw.byte() && mode != KeyMode::Txn.byte() || !memcomparable::is_encoding(row) {
            return None;
        }
        KeyspaceId::new(prefix & KeyspaceId::MAX)
    }

    /// The number of leading bytes that decide a key's owner and schema, for keys whose rows have
    /// at least [`Layout::two_groups_len`] bytes.
    pub fn owner_len(&self) -> usize {
        let head = match (self.form, self.schema_ids) {
            (KeyForm::ApiV2, false) => KEYSPACE_PREFIX_LEN,
            (KeyForm::ApiV2, true) => memcomparable::ENCODED_GROUP,
            (KeyForm::Plain(_), false) => 0,
            (KeyForm::Plain(_), true) => size_of::<SchemaId>(),
        };
        if self.data_prefix.is_empty() { self.ledger_prefix.len().max(head) } else { self.data_prefix.len() + head }
    }

    /// The length of a row of two groups: its first group is full, so it holds a keyspace.
    pub fn two_groups_len(&self) -> usize {
        self.data_prefix.len() + 2 * memcomparable::ENCODED_GROUP
    }

    /// Whether `row` is a valid row, if a checked row of the same length and owner has the same
    /// first `shared` bytes.
    #[inline]
    pub fn is_row_like(&self, row: &[u8], shared: usize) -> bool {
        match self.form {
            KeyForm::ApiV2 => memcomparable::is_encoding_like(row, shared),
            KeyForm::Plain(_) => true,
        }
    }

    /// Checks the bytes behind the data prefix, except mode and keyspace.
    fn check_body(&self, body: &[u8]) -> Result<(), KeyError> {
        let row_len = body.len().checked_sub(TIMESTAMP_LEN).ok_or(KeyError::TooShort)?;
        match self.form {
            // The check includes the timestamp, to find a last group that extends into it.
            KeyForm::ApiV2 if memcomparable::encoded_len(body).map_err(KeyError::Encoding)? != row_len => Err(KeyError::Trailing),
            KeyForm::Plain(PlainKeys::Fixed(len)) if row_len != len => Err(KeyError::PlainLength),
            KeyForm::Plain(PlainKeys::PrefixFree) if row_len == 0 => Err(KeyError::TooShort),
            _ => Ok(()),
        }
    }

    /// Splits a stored key into its parts.
    pub fn decode(&self, key: &[u8]) -> Result<DecodedKey, KeyError> {
        let (row, ts) = self.row(key)?;
        let body = row.strip_prefix(self.data_prefix.as_slice()).ok_or(KeyError::Prefix)?;
        if matches!(self.form, KeyForm::Plain(_)) {
            return Ok(DecodedKey { mode: None, keyspace: None, user_key: body.to_vec(), ts });
        }
        let raw = memcomparable::decode(body).map_err(KeyError::Encoding)?;
        let (&first, rest) = raw.split_first().ok_or(KeyError::Mode)?;
        let mode = KeyMode::from_byte(first).ok_or(KeyError::Mode)?;
        let (keyspace, user_key) = if mode.has_keyspace() {
            let (id, user_key) = rest.split_first_chunk().ok_or(KeyError::NoKeyspace)?;
            (Some(KeyspaceId::from_bytes(*id)), user_key)
        } else {
            (None, rest)
        };
        Ok(DecodedKey { mode: Some(mode), keyspace, user_key: user_key.to_vec(), ts })
    }
}

#[cfg(test)]
mod tests;
