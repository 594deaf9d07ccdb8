//! Options have names, and their values are texts. So a new option does not change the ABI. One
//! table has all names, defaults and meanings.

mod chosen;
mod table;
mod values;

pub use chosen::{Deleting, Options, RemoveMode};
