//! Stored keys: how they are built and taken apart.

use crate::Result;
use crate::abi;
use crate::gc::Gc;
use crate::library::{Library, start_of};
use std::ffi::c_int;
use std::ptr::null_mut;

/// The mode of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Mode {
    /// The plain layout has no modes.
    None = abi::RGC_MODE_NONE,
    /// RawKV.
    Raw = abi::RGC_MODE_RAW,
    /// Transactions.
    Txn = abi::RGC_MODE_TXN,
    /// TiDB's metadata.
    TidbMeta = abi::RGC_MODE_TIDB_META,
    /// TiDB's tables.
    TidbTable = abi::RGC_MODE_TIDB_TABLE,
}

impl Mode {
    pub(crate) fn of(number: c_int) -> Self {
        match number {
            abi::RGC_MODE_RAW => Self::Raw,
            abi::RGC_MODE_TXN => Self::Txn,
            abi::RGC_MODE_TIDB_META => Self::TidbMeta,
            abi::RGC_MODE_TIDB_TABLE => Self::TidbTable,
            _ => Self::None,
        }
    }
}

/// A stored key taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The mode.
    pub mode: Mode,
    /// The keyspace; [`KEYSPACE_NONE`](crate::KEYSPACE_NONE) for modes m and t, and plain keys.
    pub keyspace: u32,
    /// The timestamp.
    pub ts: u64,
    /// The user key.
    pub user_key: Vec<u8>,
}

/// A range of keys, half open. An empty start means no lower bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The first key.
    pub start: Vec<u8>,
    /// The key behind the last one; `None` means no upper bound.
    pub end: Option<Vec<u8>>,
}

/// A call of the library that writes a range.
pub(crate) fn range(
    library: &Library,
    call: impl FnOnce(&abi::Functions, *mut abi::Range, *mut *mut std::ffi::c_char),
) -> Result<Range> {
    let mut range = abi::Range {
        struct_size: size_of::<abi::Range>(),
        start: null_mut(),
        start_len: 0,
        end: null_mut(),
        end_len: 0,
    };
    library.checked(|rgc, error| call(rgc, &raw mut range, error))?;
    // SAFETY: the library wrote both bounds for rgc_free.
    unsafe {
        let start = library.take_bytes(range.start, range.start_len);
        let end = (!range.end.is_null()).then(|| library.take_bytes(range.end, range.end_len));
        Ok(Range { start, end })
    }
}

impl Gc {
    /// Builds the stored key of version `ts` of a user key.
    ///
    /// Errors: Invalid argument: a mode that is not of the layout; a keyspace out of range; a key
    /// of the library's own; a plain key of the wrong length.
    pub fn encode_key(
        &self,
        mode: Mode,
        keyspace: u32,
        user_key: &[u8],
        ts: u64,
    ) -> Result<Vec<u8>> {
        let mut len = 0;
        // SAFETY: the context lives, and the key has so many bytes.
        let key = self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_encode_key)(
                self.as_ptr(),
                mode as c_int,
                keyspace,
                start_of(user_key),
                user_key.len(),
                ts,
                &raw mut len,
                error,
            )
        })?;
        // SAFETY: the library returned `len` bytes.
        Ok(unsafe { self.library().take_bytes(key, len) })
    }

    /// Takes a stored key apart.
    ///
    /// Errors: Corruption: bytes that are not a stored key of this layout.
    pub fn decode_key(&self, key: &[u8]) -> Result<Key> {
        let mut out = abi::Key {
            struct_size: size_of::<abi::Key>(),
            mode: 0,
            keyspace: 0,
            ts: 0,
            user_key: null_mut(),
            user_key_len: 0,
        };
        // SAFETY: the context lives, and the key has so many bytes.
        self.library().checked(|rgc, error| unsafe {
            (rgc.rgc_decode_key)(self.as_ptr(), start_of(key), key.len(), &raw mut out, error)
        })?;
        // SAFETY: the library wrote so many bytes for rgc_free.
        let user_key = unsafe { self.library().take_bytes(out.user_key, out.user_key_len) };
        Ok(Key { mode: Mode::of(out.mode), keyspace: out.keyspace, ts: out.ts, user_key })
    }

    /// Builds the stored range of all versions of the user keys in [start, end). An empty `end`
    /// means up to the end of the keyspace.
    ///
    /// Errors: those of [`encode_key`](Self::encode_key), except for lengths; start above end.
    pub fn encode_range(
        &self,
        mode: Mode,
        keyspace: u32,
        start: &[u8],
        end: &[u8],
    ) -> Result<Range> {
        // SAFETY: the context lives, and the bounds have so many bytes.
        range(self.library(), |rgc, out, error| unsafe {
            let (mode, gc) = (mode as c_int, self.as_ptr());
            (rgc.rgc_encode_range)(
                gc,
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

    /// Builds the stored range of a whole keyspace.
    ///
    /// Errors: those of [`encode_range`](Self::encode_range).
    pub fn keyspace_range(&self, mode: Mode, keyspace: u32) -> Result<Range> {
        // SAFETY: the context lives.
        range(self.library(), |rgc, out, error| unsafe {
            (rgc.rgc_keyspace_range)(self.as_ptr(), mode as c_int, keyspace, out, error);
        })
    }
}
