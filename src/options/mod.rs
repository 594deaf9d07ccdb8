//! Options are strings by name, so that a new one does not change the ABI. One table has their
//! names, defaults and meaning.

mod chosen;
mod table;
mod values;

pub use chosen::{Deleting, Options, RemoveMode};
