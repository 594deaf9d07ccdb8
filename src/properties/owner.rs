//! The number of a key's owner in a property.

use crate::layout::{KeyMode, KeyOwner, KeyspaceId};

/// The owner of versions as a number, in the order of their keys: the mode's byte and 3 bytes of
/// keyspace. Keys of the plain layout have one owner, 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerNumber(u32);

const MODE_SHIFT: u32 = 24;

impl OwnerNumber {
    /// The number of an owner. Keys outside the layout, and the library's own, have none.
    pub fn of(owner: KeyOwner) -> Option<Self> {
        match owner {
            KeyOwner::Keyspace(mode, keyspace) => Some(Self(u32::from(mode.byte()) << MODE_SHIFT | keyspace.get())),
            KeyOwner::Tidb(mode) => Some(Self(u32::from(mode.byte()) << MODE_SHIFT)),
            KeyOwner::Plain => Some(Self(0)),
            KeyOwner::Ledger | KeyOwner::Foreign => None,
        }
    }

    /// The owner with this number.
    pub fn owner(self) -> Option<KeyOwner> {
        if self.0 == 0 {
            return Some(KeyOwner::Plain);
        }
        let [mode, id @ ..] = self.0.to_be_bytes();
        match KeyMode::from_byte(mode)? {
            mode if mode.has_keyspace() => Some(KeyOwner::Keyspace(mode, KeyspaceId::from_bytes(id))),
            mode => (id == [0; 3]).then_some(KeyOwner::Tidb(mode)),
        }
    }

    /// The number as it is stored.
    pub(super) fn get(self) -> u32 {
        self.0
    }

    /// A stored number, if it is the number of an owner.
    pub(super) fn read(number: u32) -> Option<Self> {
        Self(number).owner().map(|_| Self(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_owners() {
        let keyspace = |mode, id| KeyOwner::Keyspace(mode, KeyspaceId::new(id).unwrap());
        for owner in [
            KeyOwner::Plain,
            keyspace(KeyMode::Raw, 0),
            keyspace(KeyMode::Txn, KeyspaceId::MAX),
            KeyOwner::Tidb(KeyMode::TidbMeta),
            KeyOwner::Tidb(KeyMode::TidbTable),
        ] {
            let number = OwnerNumber::of(owner).unwrap();
            assert_eq!((number.owner(), OwnerNumber::read(number.get())), (Some(owner), Some(number)));
        }
        assert_eq!([KeyOwner::Ledger, KeyOwner::Foreign].map(OwnerNumber::of), [None; 2]);
        assert_eq!([1, 0x6d00_0001, 0x7300_0000, u32::MAX].map(OwnerNumber::read), [None; 4]);
    }
}
