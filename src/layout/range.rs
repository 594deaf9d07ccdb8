//! Building stored keys and ranges from the host's user keys.

use super::{KeyForm, KeyMode, KeyOwner, KeyspaceId, Layout, PlainKeys, StoredRange, Timestamp, append_timestamp, memcomparable};
use crate::error::{Error, hex};

/// A half-open range of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key of the range.
    pub start: Vec<u8>,
    /// The first key behind the range; `None` means no bound.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// Whether a key may be in both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        let begins_before = |one: &Self, other: &Self| other.end.as_ref().is_none_or(|end| one.start < *end);
        begins_before(self, other) && begins_before(other, self)
    }
}

impl Layout {
    /// The stored key of a version.
    pub fn encode(&self, mode: Option<KeyMode>, keyspace: Option<KeyspaceId>, user_key: &[u8], ts: Timestamp) -> Result<Vec<u8>, Error> {
        if let KeyForm::Plain(PlainKeys::Fixed(len)) = self.form
            && user_key.len() != len
        {
            return Err(Error::invalid(format!("the user key has {} bytes; plain_keys says {len}", user_key.len())));
        }
        if matches!(self.form, KeyForm::Plain(_)) && user_key.is_empty() {
            return Err(Error::invalid("the user key is empty; plain keys have at least one byte"));
        }
        let mut key = self.bound(&self.key_prefix(mode, keyspace)?, user_key);
        append_timestamp(&mut key, ts);
        match self.row(&key) {
            Ok(_) => Ok(key),
            Err(error) => {
                Err(Error::invalid(format!("the stored key {} would never be collected: {error}; choose another key", hex(&key))))
            }
        }
    }

    /// The stored range of all versions of the user keys in `[start, end)`. An empty `end` means
    /// the end of the keyspace.
    pub fn encode_range(&self, mode: Option<KeyMode>, keyspace: Option<KeyspaceId>, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        let prefix = self.key_prefix(mode, keyspace)?;
        refuse_inverted(start, end)?;
        let end = if !end.is_empty() {
            Some(self.bound(&prefix, end))
        } else if matches!(self.form, KeyForm::Plain(_)) {
            successor(&self.data_prefix)
        } else {
            let mut next = prefix.clone();
            count_up(&mut next);
            Some(self.bound(&next, b""))
        };
        Ok(KeyRange { start: self.bound(&prefix, start), end })
    }

    /// Whether all keys of a range have the same effective safe point: they are in one keyspace and
    /// of one mode, or of one mode without keyspaces, or of the plain layout.
    pub fn has_one_owner(&self, (start, end): &StoredRange) -> bool {
        self.owner_range(self.owner(start)).is_some_and(|owned| owned.start <= *start && owned.end.is_none_or(|last| *end <= last))
    }

    /// The range of all keys of an owner. Keys outside the layout, and the library's own, have
    /// none.
    pub fn owner_range(&self, owner: KeyOwner) -> Option<KeyRange> {
        let range = match owner {
            KeyOwner::Keyspace(mode, keyspace) => self.encode_range(Some(mode), Some(keyspace), b"", b""),
            KeyOwner::Tidb(mode) => self.encode_range(Some(mode), None, b"", b""),
            KeyOwner::Plain => self.encode_range(None, None, b"", b""),
            KeyOwner::Ledger | KeyOwner::Foreign => return None,
        };
        range.ok()
    }

    fn bound(&self, prefix: &[u8], user_key: &[u8]) -> Vec<u8> {
        let mut bound = self.data_prefix.clone();
        match self.form {
            KeyForm::ApiV2 => memcomparable::encode(&[prefix, user_key].concat(), &mut bound),
            KeyForm::Plain(_) => bound.extend_from_slice(user_key),
        }
        bound
    }

    /// The bytes before the user key: mode and keyspace, if the layout has them.
    fn key_prefix(&self, mode: Option<KeyMode>, keyspace: Option<KeyspaceId>) -> Result<Vec<u8>, Error> {
        match (self.form, mode, keyspace) {
            (KeyForm::Plain(_), None, None) => Ok(Vec::new()),
            (KeyForm::Plain(_), ..) => {
                Err(Error::invalid("plain keys have no mode and no keyspace; give RGC_MODE_NONE and RGC_KEYSPACE_NONE"))
            }
            (KeyForm::ApiV2, None, _) => Err(Error::invalid("mode RGC_MODE_NONE is only for the plain layout; give r, x, m or t")),
            (KeyForm::ApiV2, Some(mode), Some(id)) if mode.has_keyspace() => Ok(id.prefix(mode).to_vec()),
            (KeyForm::ApiV2, Some(mode), None) if !mode.has_keyspace() => Ok(vec![mode.byte()]),
            (KeyForm::ApiV2, Some(mode), None) => Err(Error::invalid(format!(
                "keys of mode {} need a keyspace from 0 to 16777215, not RGC_KEYSPACE_NONE",
                char::from(mode.byte())
            ))),
            (KeyForm::ApiV2, Some(mode), Some(id)) => Err(Error::invalid(format!(
                "keys of mode {} are in no keyspace, not in {id}; give RGC_KEYSPACE_NONE",
                char::from(mode.byte())
            ))),
        }
    }
}

/// Refuses a start above an end; an empty end means no bound.
pub(super) fn refuse_inverted(start: &[u8], end: &[u8]) -> Result<(), Error> {
    if !end.is_empty() && start > end {
        return Err(Error::invalid(format!("the range is inverted: start {} is above end {}; swap them", hex(start), hex(end))));
    }
    Ok(())
}

/// Turns the prefix of a keyspace or mode into the prefix at which it ends, with the same length:
/// r/0x0102ff ends where r/0x010300 begins, and r/0xffffff where s/0 would begin.
pub(super) fn count_up(prefix: &mut [u8]) {
    for byte in prefix.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

/// The first string behind all strings that begin with `prefix`; `None` means that there is none.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut next: Vec<u8> = prefix.iter().take(last + 1).copied().collect();
    if let Some(byte) = next.last_mut() {
        *byte += 1;
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(form: KeyForm, data_prefix: &[u8]) -> Layout {
        Layout { form, data_prefix: data_prefix.to_vec(), ledger_prefix: b"\x01rocks_gc/".to_vec(), schema_ids: false }
    }

    #[test]
    fn keyspace_bounds_agree_with_pd() {
        let v2 = layout(KeyForm::ApiV2, b"");
        for (mode, id, start, end) in [
            (KeyMode::Raw, 0, *b"r\0\0\0", *b"r\0\0\x01"),
            (KeyMode::Txn, 1, *b"x\0\0\x01", *b"x\0\0\x02"),
            (KeyMode::Txn, 255, *b"x\0\0\xff", *b"x\0\x01\0"),
            (KeyMode::Raw, 4242, *b"r\0\x10\x92", *b"r\0\x10\x93"),
            (KeyMode::Txn, 65535, *b"x\0\xff\xff", *b"x\x01\0\0"),
            (KeyMode::Raw, 0x0102ff, *b"r\x01\x02\xff", *b"r\x01\x03\0"),
            (KeyMode::Raw, 16_777_215, *b"r\xff\xff\xff", *b"s\0\0\0"),
            (KeyMode::Txn, 16_777_215, *b"x\xff\xff\xff", *b"y\0\0\0"),
        ] {
            let range = v2.encode_range(Some(mode), KeyspaceId::new(id), b"", b"").unwrap();
            let group = |prefix: [u8; 4]| [&prefix[..], b"\0\0\0\0\xfb"].concat();
            assert_eq!(range, KeyRange { start: group(start), end: Some(group(end)) }, "{mode:?} {id}");
        }
        let tables = v2.encode_range(Some(KeyMode::TidbTable), None, b"", b"").unwrap();
        assert_eq!(tables.start, b"t\0\0\0\0\0\0\0\xf8");
        assert_eq!(tables.end.unwrap(), b"u\0\0\0\0\0\0\0\xf8");
    }

    #[test]
    fn plain_ranges() {
        let plain = layout(KeyForm::Plain(PlainKeys::Fixed(4)), b"z");
        assert_eq!(plain.encode(None, None, b"user", 1).unwrap(), b"zuser\xff\xff\xff\xff\xff\xff\xff\xfe");
        assert!(plain.encode(None, None, b"users", 1).is_err());
        assert!(layout(KeyForm::Plain(PlainKeys::PrefixFree), b"").encode(None, None, b"\x01rocks_gc/a", 1).is_err(), "the ledger's");
        assert!(plain.encode(Some(KeyMode::Raw), None, b"user", 1).is_err());
        let range = plain.encode_range(None, None, b"a", b"").unwrap();
        assert_eq!((range.start, range.end), (b"za".to_vec(), Some(b"{".to_vec())));
        assert!(plain.encode_range(None, None, b"b", b"a").is_err());
        let unbounded = layout(KeyForm::Plain(PlainKeys::PrefixFree), b"").encode_range(None, None, b"", b"");
        assert_eq!(unbounded.unwrap(), KeyRange { start: Vec::new(), end: None });
    }

    #[test]
    fn a_range_has_one_owner_if_it_ends_where_the_keyspace_does() {
        let (v2, plain) = (layout(KeyForm::ApiV2, b"z"), layout(KeyForm::Plain(PlainKeys::Fixed(4)), b"z"));
        let range = |mode, id| v2.encode_range(Some(mode), KeyspaceId::new(id), b"", b"").unwrap();
        let one = range(KeyMode::Raw, 1);
        let end = one.end.clone().unwrap();
        assert!(v2.has_one_owner(&(one.start.clone(), end.clone())));
        assert!(v2.has_one_owner(&(v2.encode(Some(KeyMode::Raw), KeyspaceId::new(1), b"k", 9).unwrap(), end.clone())));
        assert!(!v2.has_one_owner(&(one.start.clone(), [end.as_slice(), b"\0"].concat())));
        assert!(!v2.has_one_owner(&(b"y".to_vec(), end.clone())) && !v2.has_one_owner(&(b"z".to_vec(), end)));
        assert!(plain.has_one_owner(&(b"za".to_vec(), b"{".to_vec())) && !plain.has_one_owner(&(b"za".to_vec(), b"{a".to_vec())));
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let v2 = layout(KeyForm::ApiV2, b"");
        let id = KeyspaceId::new(1);
        assert!(v2.encode(None, None, b"k", 1).is_err());
        assert!(v2.encode(Some(KeyMode::Raw), None, b"k", 1).is_err());
        assert!(v2.encode(Some(KeyMode::TidbMeta), id, b"k", 1).is_err());
        assert!(v2.encode(Some(KeyMode::Raw), id, b"k", 1).is_ok());
    }

    #[test]
    fn successors() {
        assert_eq!(successor(b"a\x01"), Some(b"a\x02".to_vec()));
        assert_eq!(successor(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(successor(b"\xff\xff"), None);
        assert_eq!(successor(b""), None);
    }
}
