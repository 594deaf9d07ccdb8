//! The column families of an attached store.

use crate::shared::{AllowedFilters, FilterKind};

/// The role of a column family in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// RawKV rows, and the long values of transactions.
    Default,
    /// The commit records of transactions.
    Write,
    /// The locks of transactions.
    Lock,
    /// Other keys.
    Other,
    /// The library's own records.
    Ledger,
}

impl Role {
    /// The filters that a family with this role may have.
    pub fn runs(self) -> AllowedFilters {
        match self {
            Self::Default => AllowedFilters::Default,
            Self::Write => AllowedFilters::Write,
            Self::Lock => AllowedFilters::DroppedOnly,
            Self::Ledger => AllowedFilters::Ledger,
            Self::Other => AllowedFilters::Any,
        }
    }
}

/// A column family of a store.
#[derive(Debug, Clone)]
pub struct ColumnFamily {
    /// The role of the family.
    pub role: Role,
    /// The name of the family.
    pub name: String,
    /// RocksDB's id of the family, if it is known.
    pub id: Option<u32>,
    /// The kind of the family's filters, if it is known.
    pub filter: Option<FilterKind>,
}
