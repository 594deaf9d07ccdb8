//! The column families that a host attaches, and what is checked of them.

use super::c;
use super::memory::{Sized1, sized_array, text};
use super::rocksdb_calls::{Handle, RocksDb};
use super::rocksdb_types::to_bound;
use crate::error::Error;
use crate::reclaim::{ColumnFamily, Role};
use crate::shared::{FilterKind, Shared};

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_column_family_t {
    const VERSION_1: usize = 32;
}

/// The described families and their handles, if they are consistent.
///
/// # Safety
/// `families` is readable.
pub(super) unsafe fn checked_families(
    families: *const c::rgc_column_family_t,
    n: usize,
) -> Result<(Vec<ColumnFamily>, Vec<Handle>), Error> {
    // SAFETY: `families` is readable; the structs are copied.
    let given = unsafe { sized_array("families", families, n) }?;
    if given.is_empty() {
        return Err(Error::invalid("no families are given; give at least one, the default one has handle NULL and name \"default\""));
    }
    let mut described: Vec<ColumnFamily> = Vec::new();
    for (i, family) in given.iter().enumerate() {
        let role = match u32::try_from(family.role) {
            Ok(c::RGC_CF_DEFAULT) => Role::Default,
            Ok(c::RGC_CF_WRITE) => Role::Write,
            Ok(c::RGC_CF_LOCK) => Role::Lock,
            Ok(c::RGC_CF_OTHER) => Role::Other,
            Ok(c::RGC_CF_LEDGER) => Role::Ledger,
            _ => {
                return Err(Error::invalid(format!(
                    "families[{i}].role is {}; give one of RGC_CF_DEFAULT (0) to RGC_CF_LEDGER (4)",
                    family.role
                )));
            }
        };
        // SAFETY: the name is in the host's struct, so it is readable; it is copied.
        let name = unsafe { text(&format!("families[{i}].name"), family.name) }?.to_owned();
        let once = matches!(role, Role::Default | Role::Write | Role::Ledger);
        if let Some(other) = described.iter().find(|other| other.name == name || once && other.role == role) {
            return Err(Error::invalid(format!(
                "families[{i}] ({name:?}, role {}) has the name or the role of {:?}; give each family once, and the roles DEFAULT, WRITE and LEDGER to one each",
                family.role, other.name
            )));
        }
        described.push(ColumnFamily { role, name, id: None, filter: None });
    }
    let handles: Vec<_> = given.iter().map(|family| Handle(to_bound(family.handle))).collect();
    if let Some((i, _)) =
        handles.iter().enumerate().find(|(i, handle)| !handle.0.is_null() && handles.iter().take(*i).any(|other| other == *handle))
    {
        return Err(Error::invalid(format!("families[{i}] has the handle of another one; give each family its own")));
    }
    let has = |role| described.iter().any(|family| family.role == role);
    if has(Role::Write) && !has(Role::Default) {
        return Err(Error::invalid(
            "a family with role RGC_CF_WRITE needs one with role RGC_CF_DEFAULT, which holds its long values; give both",
        ));
    }
    Ok((described, handles))
}

/// Checks that the handle belongs to the family of this name, and notes its id.
pub(super) fn check_handle(engine: &RocksDb, family: &mut ColumnFamily, handle: Handle, name: &[u8]) -> Result<(), Error> {
    const DEFAULT: &str = "default";
    if handle.0.is_null() {
        family.id = Some(0);
        return if family.name == DEFAULT {
            Ok(())
        } else {
            Err(Error::invalid(format!("the family {:?} has no handle; NULL is the one that is named {DEFAULT:?}", family.name)))
        };
    }
    match engine.name_and_id(handle) {
        Some((found, _)) if found != name => Err(Error::invalid(format!(
            "the handle of the family {:?} is that of {:?}; give each its own",
            family.name,
            String::from_utf8_lossy(&found)
        ))),
        found => {
            family.id = found.map(|(_, id)| id);
            Ok(())
        }
    }
}

/// Checks that the kind of a family's filters belongs to its role.
pub(super) fn check_filter(place: usize, family: &ColumnFamily) -> Result<(), Error> {
    match family.filter {
        Some(kind) if !family.role.runs().have(kind) => Err(Error::invalid(format!(
            "families[{place}] ({:?}) has role {:?} and filters of kind {kind:?}, which would judge its keys by the wrong rules; install a kind \
             of this role, or give the right role",
            family.name, family.role
        ))),
        _ => Ok(()),
    }
}

/// Checks the kinds of the factories. RocksDB's C API does not tell which family a factory filters.
/// But if no attached family may have a factory's kind, the factory filters a family with another
/// role.
pub(super) fn check_factories(shared: &Shared, families: &[ColumnFamily]) -> Result<(), Error> {
    for (kind, name) in [(FilterKind::Default, "RGC_KIND_RAW"), (FilterKind::Write, "RGC_KIND_TXN"), (FilterKind::TtlV1, "RGC_KIND_TTL_V1")]
    {
        if shared.kinds.has_factory(kind) && !families.iter().any(|family| family.role.runs().have(kind)) {
            return Err(Error::invalid(format!(
                "gc has made a filter factory of kind {name}, and no given family has a role for it; attach the family that \
                 it filters, with its role (RGC_CF_OTHER allows any kind), or install the right kind"
            )));
        }
    }
    Ok(())
}
