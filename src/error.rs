//! What goes wrong, in RocksDB's words: "Kind: what, with the value, and what to do".

use std::fmt;

/// The kinds of errors, named as RocksDB's `Status` prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The caller gave something that cannot be taken.
    InvalidArgument,
    /// What was named is not there.
    NotFound,
    /// Right in itself, but not to be had here.
    NotSupported,
    /// Bytes that are not what they should be.
    Corruption,
    /// The library gave up; nothing has changed.
    Aborted,
}

/// An error as it crosses the C boundary: its text is the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    what: String,
}

impl Error {
    /// An error of this kind; `what` says the value and what to do.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }

    /// The most frequent kind.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::new(Kind::InvalidArgument, what)
    }

    /// What kind of error it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::InvalidArgument => "Invalid argument",
            Kind::NotFound => "Not found",
            Kind::NotSupported => "Not supported",
            Kind::Corruption => "Corruption",
            Kind::Aborted => "Aborted",
        };
        write!(f, "{kind}: {}", self.what)
    }
}

impl std::error::Error for Error {}
