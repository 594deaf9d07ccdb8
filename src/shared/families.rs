//! The column families of the attached store, as filters must tell them apart. A destroyed range or
//! dropped schema applies only to the families that its record names.

use super::FilterKind;

/// An attached family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachedFamily {
    /// RocksDB's id of the family, if it is known.
    pub id: Option<u32>,
    /// The filters that the family may have.
    pub runs: AllowedFilters,
}

/// A family as a durable record names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedFamily {
    /// RocksDB's id of the family, if it is known.
    pub id: Option<u32>,
    /// The name of the family.
    pub name: String,
}

/// The families that a record covers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The places of those that are attached, in order.
    pub places: Vec<usize>,
    /// The names of all of them; an empty list means all attached families.
    pub named: Vec<NamedFamily>,
}

/// The kinds of filters that a family may have, by its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowedFilters {
    /// Filters of RawKV rows, of TTL values, and filters that judge no rows.
    Default,
    /// Filters of write records, and filters that judge no rows.
    Write,
    /// Filters that judge no rows.
    DroppedOnly,
    /// Filters that judge no rows. The family is the library's own, which no record covers.
    Ledger,
    /// Filters of any kind.
    Any,
}

impl AllowedFilters {
    /// Whether the family may have filters of this kind.
    pub fn have(self, kind: FilterKind) -> bool {
        match self {
            Self::Default => kind != FilterKind::Write,
            Self::Write => matches!(kind, FilterKind::Write | FilterKind::DroppedOnly),
            Self::DroppedOnly | Self::Ledger => kind == FilterKind::DroppedOnly,
            Self::Any => true,
        }
    }
}

/// The places of the families that a filter may belong to. RocksDB's C API does not tell a filter
/// its family.
pub fn candidates(families: &[AttachedFamily], kind: FilterKind, id: Option<u32>) -> Vec<usize> {
    let places = |holds: &dyn Fn(&AttachedFamily) -> bool| -> Vec<usize> {
        families.iter().enumerate().filter(|(_, family)| holds(family)).map(|(place, _)| place).collect()
    };
    let exact = places(&|family| id.is_some() && family.id == id);
    if !exact.is_empty() {
        return exact;
    }
    let may_be = |family: &AttachedFamily| (id.is_none() || family.id.is_none()) && family.runs != AllowedFilters::Ledger;
    let by_kind = places(&|family| may_be(family) && family.runs.have(kind));
    // The host has promised that only attached families have filters.
    if by_kind.is_empty() && id.is_none() { places(&may_be) } else { by_kind }
}

/// Whether a record that covers these places covers every family that a filter may belong to.
pub fn all_covered(covers: &[usize], candidates: &[usize]) -> bool {
    !candidates.is_empty() && candidates.iter().all(|place| covers.contains(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_in_the_family_of_its_id_or_in_one_that_may_have_its_kind() {
        let family = |id, runs| AttachedFamily { id, runs };
        let families = [
            family(Some(0), AllowedFilters::Default),
            family(Some(4), AllowedFilters::Write),
            family(None, AllowedFilters::Any),
            family(Some(6), AllowedFilters::DroppedOnly),
        ];
        assert_eq!(candidates(&families, FilterKind::Default, Some(0)), [0]);
        assert_eq!(candidates(&families, FilterKind::Default, None), [0, 2]);
        assert_eq!(candidates(&families, FilterKind::Write, Some(9)), [2], "of an id that is not known it may be the one without an id");
        assert_eq!(candidates(&families[..2], FilterKind::Write, Some(9)), [0; 0], "a family that is not attached");
        assert_eq!(candidates(&families, FilterKind::DroppedOnly, None), [0, 1, 2, 3]);
    }

    #[test]
    fn what_does_not_cover_every_family_that_a_run_may_be_in_does_not_hold_there() {
        assert!(all_covered(&[0, 1], &[1]) && !all_covered(&[0], &[0, 1]) && !all_covered(&[0, 1], &[]));
    }
}
