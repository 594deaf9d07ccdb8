//! What filters did, per keyspace. Filters count for themselves, and add the counts of a keyspace
//! here when they leave it.

use crate::callback::lock;
use crate::layout::KeyspaceId;
use std::collections::HashMap;
use std::sync::Mutex;

/// The most keyspaces with counts of their own. Later ones are counted together.
const MOST: usize = 1 << 16;

/// What filters did with the keys of one keyspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyspaceCounts {
    /// Decisions to keep.
    pub kept: u64,
    /// Versions removed because they were stale, dead or expired.
    pub removed: u64,
    /// Keys removed because they were destroyed, or because their schema is invalid.
    pub dropped: u64,
    /// Compactions that held keys of the keyspace and needed no filter.
    pub filters_not_needed: u64,
}

impl KeyspaceCounts {
    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.kept += other.kept;
        self.removed += other.removed;
        self.dropped += other.dropped;
        self.filters_not_needed += other.filters_not_needed;
    }
}

/// The counts of all keyspaces.
#[derive(Debug, Default)]
pub struct CountsOfKeyspaces(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    each: HashMap<KeyspaceId, KeyspaceCounts>,
    /// The keyspaces that found no place.
    others: KeyspaceCounts,
}

impl CountsOfKeyspaces {
    /// Changes the counts of a keyspace.
    pub fn count(&self, keyspace: KeyspaceId, change: impl FnOnce(&mut KeyspaceCounts)) {
        let mut counts = lock(&self.0);
        // This is called in callbacks of the host, which must not end for lack of memory.
        let has_place = counts.each.contains_key(&keyspace) || counts.each.len() < MOST && counts.each.try_reserve(1).is_ok();
        change(if has_place { counts.each.entry(keyspace).or_default() } else { &mut counts.others });
    }

    /// The counts of a keyspace.
    pub fn of(&self, keyspace: KeyspaceId) -> KeyspaceCounts {
        lock(&self.0).each.get(&keyspace).copied().unwrap_or_default()
    }

    /// The counts of each keyspace, and of all others together.
    pub fn all(&self) -> (HashMap<KeyspaceId, KeyspaceCounts>, KeyspaceCounts) {
        let counts = lock(&self.0);
        (counts.each.clone(), counts.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyspaces_above_the_limit_are_counted_together() {
        let counts = CountsOfKeyspaces::default();
        let many = MOST as u32 + 10;
        for id in (0..many).chain([3]) {
            counts.count(KeyspaceId::new(id).unwrap(), |counts| counts.kept += 1);
        }
        let (each, others) = counts.all();
        assert_eq!((each.len(), others.kept), (MOST, 10));
        assert_eq!(counts.of(KeyspaceId::new(3).unwrap()).kept, 2);
        assert_eq!(counts.of(KeyspaceId::new(many).unwrap()), KeyspaceCounts::default());
    }
}
