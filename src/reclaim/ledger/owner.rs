//! The record of the context that a ledger is of: the families that it attached last, and a mark that no other attach has.
//!
//! ```text
//! key    'o'
//! value  mark u128
//! ```

use super::record::{NamedFamily, Record};

/// Whose ledger it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Made anew by each attach.
    pub mark: u128,
    /// All families that were attached.
    pub families: Vec<NamedFamily>,
}

pub(super) const TAG: u8 = b'o';

impl Record for Owner {
    fn key(&self, prefix: &[u8]) -> Vec<u8> {
        [prefix, &[TAG]].concat()
    }

    fn body(&self) -> Vec<u8> {
        self.mark.to_be_bytes().to_vec()
    }

    fn read(_name: &[u8], body: &[u8]) -> Option<Self> {
        Some(Self { mark: u128::from_be_bytes(body.try_into().ok()?), families: Vec::new() })
    }

    fn families(&mut self) -> &mut Vec<NamedFamily> {
        &mut self.families
    }

    fn merge(&mut self, other: Self) {
        super::record::merge_families(&mut self.families, other.families);
    }
}
