//! The figures of each owner in a file, up to a limit. If there are more, those with the fewest stale
//! bytes are added up.

use super::figures::Figures;
use std::cmp::Reverse;

/// The most owners of a file that have figures of their own.
pub const MOST: usize = 1024;

/// The figures of each owner, in the order of owners. An owner is a keyspace, or a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByOwner<O> {
    /// The owners with figures of their own.
    pub each: Vec<(O, Figures)>,
    /// The sum of all others, if there are any.
    pub rest: Option<Figures>,
}

impl<O> Default for ByOwner<O> {
    fn default() -> Self {
        Self { each: Vec::new(), rest: None }
    }
}

impl<O: Copy + Ord> ByOwner<O> {
    /// Adds the figures of the next owner, in the order of owners.
    pub fn push(&mut self, owner: O, figures: &Figures) {
        if self.each.len() >= 2 * MOST {
            self.limit();
        }
        // RocksDB calls this in a flush or compaction, which must not end for lack of memory.
        if self.each.try_reserve(1).is_ok() {
            self.each.push((owner, *figures));
        } else {
            self.rest.get_or_insert_default().merge(figures);
        }
    }

    /// Adds up all owners but [`MOST`].
    pub fn limit(&mut self) {
        if self.each.len() <= MOST {
            return;
        }
        self.each.sort_unstable_by_key(|(owner, figures)| (Reverse((figures.stale_bytes, figures.bytes)), *owner));
        let rest = self.rest.get_or_insert_default();
        self.each.drain(MOST..).for_each(|(_, figures)| rest.merge(&figures));
        self.each.sort_unstable_by_key(|(owner, _)| *owner);
    }

    /// The sum of all owners.
    pub fn sum(&self) -> Figures {
        let mut sum = self.rest.unwrap_or_default();
        self.each.iter().for_each(|(_, figures)| sum.merge(figures));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_stale_owners_have_figures_of_their_own() {
        let mut all = ByOwner::default();
        let stale = |owner: u64| owner * 7919 % 10_007;
        for owner in 0..10_000_u64 {
            all.push(owner, &Figures { versions: 1, stale_bytes: stale(owner), ..Figures::default() });
        }
        all.limit();
        assert_eq!(all.each.len(), MOST);
        assert!(all.each.is_sorted_by(|one, other| one.0 < other.0));
        let mut expected: Vec<u64> = (0..10_000).map(stale).collect();
        expected.sort_unstable();
        let least = all.each.iter().map(|(_, figures)| figures.stale_bytes).min();
        assert_eq!(least, expected.get(10_000 - MOST).copied());
        assert_eq!(all.rest.map(|rest| rest.versions), Some(10_000 - MOST as u64));
        assert_eq!((all.sum().versions, all.sum().stale_bytes), (10_000, expected.iter().sum()));
    }
}
