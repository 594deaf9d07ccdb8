//! Errors say what is wrong, with the value.

use std::fmt;

/// What is wrong, with the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;
