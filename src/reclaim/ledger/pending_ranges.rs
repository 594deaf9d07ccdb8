//! The pending ranges, by the owner of their safe point and by their timestamp. So a look for those
//! that are due passes no range that is not due.

use crate::layout::{KeyOwner, KeyspaceId, Layout, StoredRange, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The keyspace whose safe point a range waits for; `None` means the global one.
type Owner = Option<KeyspaceId>;

/// The pending ranges of each owner, by the timestamp that they wait for.
#[derive(Default)]
pub struct PendingRanges {
    by_owner: BTreeMap<Owner, BTreeSet<(Timestamp, StoredRange)>>,
    known: BTreeMap<StoredRange, (Owner, Timestamp)>,
}

impl PendingRanges {
    /// Whether no range is pending.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Adds a range that waits until the safe point of its owner is above `after`.
    pub fn insert(&mut self, layout: &Layout, range: &StoredRange, after: Timestamp) {
        let owner = if let KeyOwner::Keyspace(_, keyspace) = layout.owner(&range.0) { Some(keyspace) } else { None };
        self.by_owner.entry(owner).or_default().insert((after, range.clone()));
        self.known.insert(range.clone(), (owner, after));
    }

    /// Removes a range, if it is pending.
    pub fn remove(&mut self, range: &StoredRange) {
        let Some((owner, after)) = self.known.remove(range) else { return };
        if let Some(ranges) = self.by_owner.get_mut(&owner) {
            ranges.remove(&(after, range.clone()));
            if ranges.is_empty() {
                self.by_owner.remove(&owner);
            }
        }
    }

    /// The ranges whose owner's safe point is above their timestamp, and that may begin.
    pub fn due(&self, safe_point: impl Fn(Owner) -> Timestamp, may_begin: impl Fn(&StoredRange) -> bool) -> Vec<StoredRange> {
        let mut due = Vec::new();
        for (owner, ranges) in &self.by_owner {
            let safe_point = safe_point(*owner);
            let passed = ranges.iter().take_while(|(after, _)| *after < safe_point).map(|(_, range)| range);
            due.extend(passed.filter(|range| may_begin(range)).cloned());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{KeyForm, KeyMode};

    #[test]
    fn ranges_are_due_when_the_safe_point_of_their_owner_has_passed() {
        let layout = Layout { form: KeyForm::ApiV2, data_prefix: Vec::new(), ledger_prefix: b"\x01l".to_vec(), schema_ids: false };
        let range = |mode, id| {
            let range = layout.encode_range(Some(mode), id, b"", b"").unwrap();
            (range.start, range.end.unwrap())
        };
        let (one, two) = (KeyspaceId::new(1), KeyspaceId::new(2));
        let of_one = range(KeyMode::Raw, one);
        let (of_two, global) = (range(KeyMode::Txn, two), range(KeyMode::TidbTable, None));
        let mut pending = PendingRanges::default();
        pending.insert(&layout, &of_one, 10);
        pending.insert(&layout, &of_two, 20);
        pending.insert(&layout, &global, 30);
        let points = |one_at, two_at, global_at| {
            move |owner| {
                if owner == one {
                    one_at
                } else if owner == two {
                    two_at
                } else {
                    global_at
                }
            }
        };
        assert!(pending.due(points(10, 20, 30), |_| true).is_empty(), "a safe point at the timestamp has not passed it");
        assert_eq!(pending.due(points(11, 0, 31), |_| true), [global.clone(), of_one.clone()]);
        assert_eq!(pending.due(points(11, 21, 0), |range| *range != of_one), std::slice::from_ref(&of_two));
        for range in [&of_one, &of_two, &global, &of_one] {
            pending.remove(range);
        }
        assert!(pending.is_empty() && pending.by_owner.is_empty());
    }
}
