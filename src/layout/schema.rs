//! Schemas: parts of a keyspace, identified by the first 4 bytes of the user key.
//!
//! ```text
//! api_v2   7a | 72 000001 00000007 ff | ...   z, r, keyspace 1, schema 7: the first group is full,
//!                                             so it has 4 bytes of the user key
//!          7a | 72 000001 61620000 fd | ...   no schema: the user key is "ab", its group is padded
//! plain    7a | 00000007 ... ts               z, schema 7: at least 4 + 8 bytes
//! ```

use super::stored_key::TIMESTAMP_LEN;
use super::{KeyForm, KeyMode, KeyspaceId, Layout, memcomparable, successor};
use std::fmt;

/// A schema's id, unique in its tenant.
pub type SchemaId = u32;

/// The owner of schemas: a keyspace. In the plain layout there is one tenant without an id.
pub type Tenant = Option<KeyspaceId>;

/// A schema, for messages.
pub struct NamedSchema(pub (Tenant, SchemaId));

impl fmt::Display for NamedSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tenant, id) = self.0;
        write!(f, "schema {id}")?;
        tenant.map_or(Ok(()), |keyspace| write!(f, " of keyspace {keyspace}"))
    }
}

const ID_LEN: usize = size_of::<SchemaId>();

/// A half-open range of stored keys.
pub type StoredRange = (Vec<u8>, Vec<u8>);

/// All keys that begin with a prefix, as a half-open range.
pub fn prefix_range(prefix: &[u8]) -> StoredRange {
    // A prefix of only ff bytes has no end; a string longer than any key replaces it.
    (prefix.to_vec(), successor(prefix).unwrap_or_else(|| [prefix, &[0xff; 1024]].concat()))
}

impl Layout {
    /// The schema of a key, if schemas are in use and it has one. It reads only the head of the
    /// key.
    #[inline]
    pub fn schema(&self, key: &[u8]) -> Option<(Tenant, SchemaId)> {
        if !self.schema_ids {
            return None;
        }
        let body = self.body(key).ok()?;
        match self.form {
            KeyForm::ApiV2 => {
                let &[mode, a, b, c, d, e, f, g, memcomparable::FULL] = body.first_chunk()? else { return None };
                let keyspace = KeyMode::from_byte(mode)?.has_keyspace().then(|| KeyspaceId::from_bytes([a, b, c]))?;
                Some((Some(keyspace), u32::from_be_bytes([d, e, f, g])))
            }
            KeyForm::Plain(_) if body.len() >= ID_LEN + TIMESTAMP_LEN => Some((None, u32::from_be_bytes(*body.first_chunk()?))),
            KeyForm::Plain(_) => None,
        }
    }

    /// The range that holds all keys of a schema, of one mode if keys have modes.
    pub fn schema_range(&self, mode: KeyMode, tenant: Tenant, id: SchemaId) -> StoredRange {
        let mut prefix = self.data_prefix.clone();
        if let Some(keyspace) = tenant {
            let [_, keyspace @ ..] = keyspace.get().to_be_bytes();
            prefix.push(mode.byte());
            prefix.extend_from_slice(&keyspace);
        }
        prefix.extend_from_slice(&id.to_be_bytes());
        if self.form == KeyForm::ApiV2 {
            prefix.push(memcomparable::FULL);
        }
        prefix_range(&prefix)
    }

    /// The ranges that hold all keys of a schema.
    pub fn schema_ranges(&self, tenant: Tenant, id: SchemaId) -> Vec<StoredRange> {
        let modes: &[KeyMode] = if tenant.is_some() { &[KeyMode::Raw, KeyMode::Txn] } else { &[KeyMode::Raw] };
        modes.iter().map(|mode| self.schema_range(*mode, tenant, id)).collect()
    }

    /// Whether these ranges hold only keys of the schema. In the plain layout shorter keys, which
    /// have no schema, may be between them.
    pub fn schemas_are_ranges(&self) -> bool {
        self.form == KeyForm::ApiV2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::PlainKeys;
    use proptest::prelude::*;

    fn layout(form: KeyForm) -> Layout {
        Layout { form, data_prefix: b"z".to_vec(), ledger_prefix: b"\x01gc/".to_vec(), schema_ids: true }
    }

    fn tenant(id: u32) -> Tenant {
        Some(KeyspaceId::new(id).unwrap())
    }

    #[test]
    fn is_read_where_the_user_key_has_four_bytes() {
        let v2 = layout(KeyForm::ApiV2);
        let schema = |mode, user_key: &[u8]| v2.schema(&v2.encode(Some(mode), tenant(1), user_key, 9).unwrap());
        assert_eq!(schema(KeyMode::Raw, b"\0\0\0\x07"), Some((tenant(1), 7)));
        assert_eq!(schema(KeyMode::Txn, b"abcdefghijkl"), Some((tenant(1), 0x6162_6364)));
        assert_eq!(schema(KeyMode::Raw, b"ab"), None);
        assert_eq!(schema(KeyMode::Raw, b""), None);
        assert_eq!(v2.schema(&v2.encode(Some(KeyMode::TidbTable), None, b"abcdefghijkl", 9).unwrap()), None);
        let plain = layout(KeyForm::Plain(PlainKeys::PrefixFree));
        assert_eq!(plain.schema(b"z\0\0\0\x07........"), Some((None, 7)));
        assert_eq!(plain.schema(b"z\0\0\0\x07......."), None, "too short for a timestamp behind it");
        assert_eq!(plain.schema(b"\x01gc/12345678"), None, "of the ledger");
        assert_eq!(Layout { schema_ids: false, ..plain }.schema(b"z\0\0\0\x07........"), None);
    }

    proptest! {
        #[test]
        fn its_ranges_hold_its_keys_and_no_others(
            user_key in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 0..12),
            keyspace in prop_oneof![Just(1u32), Just(2), Just(KeyspaceId::MAX)],
            near: bool, id: u32, txn: bool,
        ) {
            let v2 = layout(KeyForm::ApiV2);
            let id = match user_key.first_chunk() { Some(own) if near => u32::from_be_bytes(*own), _ => id };
            let mode = if txn { KeyMode::Txn } else { KeyMode::Raw };
            let key = v2.encode(Some(mode), tenant(keyspace), &user_key, 9).unwrap();
            for other in [1, 2, KeyspaceId::MAX] {
                let ranges = v2.schema_ranges(tenant(other), id);
                let within = ranges.iter().any(|(start, end)| *start <= key && key < *end);
                prop_assert_eq!(within, v2.schema(&key) == Some((tenant(other), id)));
            }
        }
    }
}
