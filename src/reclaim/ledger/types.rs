//! The record of the GC types of keyspaces with neighbouring ids. The type of a keyspace never
//! changes, also not after a restart.
//!
//! ```text
//! key    'k' | the first keyspace of the page u32
//! value  1 | for each keyspace that has a type: its place in the page u16,
//!        its type u8: 0 global, 1 keyspace level
//! ```

use super::record::{NamedFamily, Record};
use crate::layout::KeyspaceId;
use crate::safe_point::GcType;
use std::collections::BTreeMap;

/// The number of keyspaces of a page.
const PAGE: u32 = 4096;
/// The encoding of the types: three bytes each.
const FORM: u8 = 1;

/// The types of the keyspaces of one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypesPage {
    /// The id of the first keyspace of the page.
    pub first: u32,
    /// The type of each keyspace that has one.
    pub types: BTreeMap<KeyspaceId, GcType>,
    /// Always empty: a keyspace's type is the same in every family.
    pub families: Vec<NamedFamily>,
}

pub(super) const TAG: u8 = b'k';

impl TypesPage {
    /// The first keyspace of the page that holds a keyspace.
    pub fn first_of(keyspace: KeyspaceId) -> u32 {
        keyspace.get() / PAGE * PAGE
    }
}

impl Record for TypesPage {
    fn key(&self, prefix: &[u8]) -> Vec<u8> {
        [prefix, &[TAG], &self.first.to_be_bytes()].concat()
    }

    fn body(&self) -> Vec<u8> {
        let mut body = vec![FORM];
        for (keyspace, gc_type) in &self.types {
            body.extend_from_slice(&((keyspace.get() % PAGE) as u16).to_be_bytes());
            body.push(u8::from(*gc_type == GcType::KeyspaceLevel));
        }
        body
    }

    fn read(name: &[u8], body: &[u8]) -> Option<Self> {
        let (&TAG, first) = name.split_first()? else { return None };
        let first = u32::from_be_bytes(first.try_into().ok()?);
        let mut types = BTreeMap::new();
        let (&FORM, entries) = body.split_first()? else { return None };
        for entry in entries.chunks(3) {
            let &[high, low, gc_type @ (0 | 1)] = entry else { return None };
            let place = u32::from(u16::from_be_bytes([high, low]));
            let keyspace = KeyspaceId::new(first.checked_add(place)?).filter(|_| place < PAGE)?;
            types.insert(keyspace, if gc_type == 1 { GcType::KeyspaceLevel } else { GcType::Global });
        }
        first.is_multiple_of(PAGE).then_some(Self { first, types, families: Vec::new() })
    }

    fn families(&mut self) -> &mut Vec<NamedFamily> {
        &mut self.families
    }

    fn merge(&mut self, other: Self) {
        for (keyspace, gc_type) in other.types {
            self.types.entry(keyspace).or_insert(gc_type);
        }
    }
}
