//! The column families of an attached store.

use super::batch::Batch;
use crate::engine::{Family, Op};
use crate::shared::{AllowedFilters, FilterKind};
use std::ops::Deref;

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

/// The column families of a store. A family's place in the list is its number for the engine.
pub struct Families(Vec<ColumnFamily>);

impl From<Vec<ColumnFamily>> for Families {
    fn from(families: Vec<ColumnFamily>) -> Self {
        Self(families)
    }
}

impl Deref for Families {
    type Target = [ColumnFamily];

    fn deref(&self) -> &[ColumnFamily] {
        &self.0
    }
}

impl Families {
    /// The family with a role, if there is one.
    pub fn with_role(&self, role: Role) -> Option<Family> {
        self.iter().position(|family| family.role == role)
    }

    /// The role of a family.
    pub fn role(&self, family: Family) -> Option<Role> {
        self.get(family).map(|family| family.role)
    }

    /// The families in the order of deletion: transaction records before the values that they name.
    pub fn in_order(&self) -> Vec<Family> {
        let mut families: Vec<_> = (0..self.len()).collect();
        families.sort_by_key(|family| match self.role(*family) {
            Some(Role::Write) => 0,
            Some(Role::Default) => 2,
            _ => 1,
        });
        families
    }

    /// Adds the delete of a version to a batch, with its value in the default family if it has one.
    pub fn delete_version(&self, batch: &mut Batch, family: Family, key: &[u8], value_key: Option<Vec<u8>>) {
        batch.push(family, Op::Delete(key.to_vec()));
        if let (Some(value_key), Some(default)) = (value_key, self.with_role(Role::Default)) {
            batch.push(default, Op::Delete(value_key));
        }
    }
}
