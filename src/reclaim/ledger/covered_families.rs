//! The column families that a durable record covers. A record names them. In an attached store each
//! has a place.

use super::record::NamedFamily;
use crate::reclaim::store::{ColumnFamily, Role};

/// The families that a record covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoveredFamilies {
    /// The places of the attached families that the record covers.
    pub places: Vec<usize>,
    /// The names of covered families that are not attached. If an attached family has the name of a
    /// covered one and another id, the host dropped the covered one. That name is not listed.
    pub missing: Vec<String>,
}

impl CoveredFamilies {
    /// The families that these names mean. A record of the ledger's first version names none: it
    /// covers all families.
    pub fn new(named: &[NamedFamily], attached: &[ColumnFamily]) -> Self {
        if named.is_empty() {
            return Self { places: (0..attached.len()).collect(), missing: Vec::new() };
        }
        let place = |one: &NamedFamily| attached.iter().position(|family| is_same(one, family));
        let has_name = |one: &NamedFamily| attached.iter().any(|family| family.name == one.name);
        let missing = named.iter().filter(|one| !has_name(one)).map(|one| one.name.clone()).collect();
        let mut places: Vec<_> = named.iter().filter_map(place).collect();
        places.sort_unstable();
        Self { places, missing }
    }
}

/// RocksDB never reuses an id, so a family that was dropped and created again with the same name is
/// a different one.
pub fn is_same(named: &NamedFamily, family: &ColumnFamily) -> bool {
    named.name == family.name && named.id.zip(family.id).is_none_or(|(one, other)| one == other)
}

/// The attached families except the ledger's own, as a record names them.
pub fn names(attached: &[ColumnFamily]) -> Vec<NamedFamily> {
    let hosts: Vec<_> = attached.iter().filter(|family| family.role != Role::Ledger).collect();
    // A store with only a ledger family holds all its keys there.
    let named = if hosts.is_empty() { attached.iter().collect() } else { hosts };
    named.into_iter().map(|family| NamedFamily { id: family.id, name: family.name.clone() }).collect()
}

/// The families at these places, as a record names them.
pub fn named(attached: &[ColumnFamily], places: &[usize]) -> Vec<NamedFamily> {
    let families = places.iter().filter_map(|place| attached.get(*place));
    families.map(|family| NamedFamily { id: family.id, name: family.name.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_again_by_name_and_id() {
        let attached = [("default", Some(0)), ("write", Some(4)), ("extra", None)].map(|(name, id)| ColumnFamily {
            role: Role::Other,
            name: name.into(),
            id,
            filter: None,
        });
        let named = [("write", Some(4)), ("extra", Some(7)), ("default", Some(1)), ("gone", None)]
            .map(|(name, id)| NamedFamily { id, name: name.into() });
        let covers = CoveredFamilies::new(&named, &attached);
        assert_eq!(covers, CoveredFamilies { places: vec![1, 2], missing: vec!["gone".into()] });
        assert_eq!(CoveredFamilies::new(&[], &attached).places, [0, 1, 2]);
    }
}
