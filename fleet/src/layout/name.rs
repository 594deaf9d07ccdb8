//! Which names are valid.

use crate::error::{Error, Result};

/// PD's keyspace names: 1 to 20 of `-A-Za-z0-9_`, and not the protected name.
pub fn check_keyspace_name(name: &str) -> Result<()> {
    if name == "DEFAULT" {
        return Err(Error("keyspace name \"DEFAULT\" is protected".into()));
    }
    check("keyspace name", name, 20, "-_")
}

/// Our names (nodes, schemas, jobs, elements): 1 to 64 of `-A-Za-z0-9_.`.
pub fn check_own_name(name: &str) -> Result<()> {
    check("name", name, 64, "-_.")
}

/// A barrier's name: anything but nothing. `protocol` refuses the reserved name.
pub fn check_barrier_name(name: &str) -> Result<()> {
    if name.is_empty() { Err(Error("a barrier's name is empty".into())) } else { Ok(()) }
}

fn check(what: &str, name: &str, longest: usize, others: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    if name.is_empty() || name.len() > longest || !name.chars().all(allowed) {
        return Err(Error(format!("{what} {name:?} is not 1 to {longest} letters, digits or any of {others:?}")));
    }
    Ok(())
}
