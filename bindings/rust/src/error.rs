//! Errors: a kind, and a text that says what, with the value, and what to do.

use crate::abi;
use std::ffi::{NulError, c_int};
use std::fmt;

/// The kind of an error, in RocksDB's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call is wrong; to repeat it changes nothing.
    InvalidArgument,
    /// What the call names does not exist.
    NotFound,
    /// The call is right in itself, but not with this store or these options.
    NotSupported,
    /// Not now; the host may try again.
    Busy,
    /// Bytes do not parse.
    Corruption,
    /// The store failed.
    Io,
    /// The library gave up.
    Aborted,
    /// A kind that this crate does not know.
    Unknown,
}

impl ErrorKind {
    pub(crate) fn of(number: c_int) -> Self {
        match number {
            abi::RGC_ERROR_INVALID_ARGUMENT => Self::InvalidArgument,
            abi::RGC_ERROR_NOT_FOUND => Self::NotFound,
            abi::RGC_ERROR_NOT_SUPPORTED => Self::NotSupported,
            abi::RGC_ERROR_BUSY => Self::Busy,
            abi::RGC_ERROR_CORRUPTION => Self::Corruption,
            abi::RGC_ERROR_IO => Self::Io,
            abi::RGC_ERROR_ABORTED => Self::Aborted,
            _ => Self::Unknown,
        }
    }
}

/// An error of the library or of this crate. A failed call has changed nothing, unless `rocks_gc.h`
/// says otherwise of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    text: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    pub(crate) fn invalid(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidArgument, format!("Invalid argument: {what}"))
    }

    /// A call that the library refused. The library logs the reason.
    pub(crate) fn refused(what: &str) -> Self {
        Self::new(
            ErrorKind::Busy,
            format!(
                "Busy: {what} was refused, and nothing has changed; call again outside of callbacks"
            ),
        )
    }

    /// For [`join!`](crate::join).
    #[doc(hidden)]
    pub fn no_family(name: &str) -> Self {
        Self::invalid(format!("the DB has no column family {name:?}; open it, or leave it out"))
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The text: "Kind: what, with the value, and what to do".
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<NulError> for Error {
    fn from(error: NulError) -> Self {
        Self::invalid(format!(
            "a text has a NUL byte at {}; C's texts end there",
            error.nul_position()
        ))
    }
}
