//! Errors with texts as RocksDB prints them: "Kind: what, with the value, and what to do".

use std::fmt;

/// The kinds of errors, named as RocksDB's `Status` prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An argument of the caller is not valid.
    InvalidArgument,
    /// The named thing does not exist.
    NotFound,
    /// A valid request that is not supported here.
    NotSupported,
    /// The caller must try again later.
    Busy,
    /// Bytes that do not have their format.
    Corruption,
    /// The store failed.
    IoError,
    /// The library gave up; nothing has changed.
    Aborted,
    /// The host dropped the column family.
    FamilyDropped,
    /// The store is being closed.
    ShutDown,
}

/// The kinds that an error's text can begin with.
const NAMED: [ErrorKind; 7] = [
    ErrorKind::InvalidArgument,
    ErrorKind::NotFound,
    ErrorKind::NotSupported,
    ErrorKind::Busy,
    ErrorKind::Corruption,
    ErrorKind::IoError,
    ErrorKind::Aborted,
];

impl ErrorKind {
    /// The first words of an error's text. Dropped families and closing stores have no kind of
    /// their own for hosts: both are Aborted.
    fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "Invalid argument",
            Self::NotFound => "Not found",
            Self::NotSupported => "Not supported",
            Self::Busy => "Busy",
            Self::Corruption => "Corruption",
            Self::IoError => "IO error",
            Self::Aborted | Self::FamilyDropped | Self::ShutDown => "Aborted",
        }
    }

    /// The kind of an error, from its text.
    pub fn of_text(text: &str) -> Option<Self> {
        let (name, _) = text.split_once(": ")?;
        NAMED.into_iter().find(|kind| kind.name() == name)
    }
}

/// An error as it crosses the C boundary, where only its text is passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    what: String,
}

impl Error {
    /// An error of this kind; `what` says the value and what to do.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }

    /// An error of the most frequent kind.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, what)
    }

    /// An error of the store, from a text as RocksDB's `Status` prints it.
    pub fn of_store(text: &str) -> Self {
        let (kind, what) = text.split_once(": ").unwrap_or(("", text));
        let (kind, what) = match kind {
            "Invalid argument" => (ErrorKind::InvalidArgument, what),
            "Not found" | "NotFound" => (ErrorKind::NotFound, what),
            "Not supported" | "Not implemented" => (ErrorKind::NotSupported, what),
            "Busy" | "Resource busy" => (ErrorKind::Busy, what),
            "Corruption" => (ErrorKind::Corruption, what),
            "Aborted" | "Operation aborted" => (ErrorKind::Aborted, what),
            "Column family dropped" => (ErrorKind::FamilyDropped, what),
            "Shutdown in progress" => (ErrorKind::ShutDown, what),
            "IO error" => (ErrorKind::IoError, what),
            _ => (ErrorKind::IoError, text),
        };
        Self::new(kind, what)
    }

    /// The error with a text in front that says what failed.
    pub fn while_doing(self, what: impl fmt::Display) -> Self {
        Self { what: format!("{what}: {}", self.what), ..self }
    }

    /// The text without the kind.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// Bytes in the form that RocksDB's tools accept.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16);
    ['0', 'x'].into_iter().chain(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten()).collect()
}

/// A range of keys in the same form.
pub fn hex_range((start, end): &(Vec<u8>, Vec<u8>)) -> String {
    format!("[{}, {})", hex(start), hex(end))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.what)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_its_kind() {
        for kind in NAMED {
            assert_eq!(ErrorKind::of_text(&Error::new(kind, "what: and why").to_string()), Some(kind));
        }
        for kind in [ErrorKind::FamilyDropped, ErrorKind::ShutDown] {
            assert_eq!(ErrorKind::of_text(&Error::new(kind, "what").to_string()), Some(ErrorKind::Aborted));
        }
        for text in ["", "Busy", "Busy:", "busy: what", " Busy: what", "what: Busy: why"] {
            assert_eq!(ErrorKind::of_text(text), None, "{text:?}");
        }
    }
}
