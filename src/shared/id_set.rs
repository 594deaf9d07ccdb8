//! A persistent set of schema ids: a tree of pages. A copy costs nothing, and a change copies one
//! page of at most 8 KiB, however many ids there are.

use super::id_page::IdPage;
use super::tree_map::TreeMap;
use crate::layout::SchemaId;
use std::sync::Arc;

/// A set of schema ids.
#[derive(Debug, Clone, Default)]
pub struct IdSet(TreeMap<u16, Arc<IdPage>>);

impl PartialEq for IdSet {
    fn eq(&self, other: &Self) -> bool {
        let pages = |set: &Self| {
            let mut pages = Vec::new();
            set.for_each_page(&mut |number, page| pages.push((number, page.clone())));
            pages
        };
        pages(self) == pages(other)
    }
}

impl Eq for IdSet {}

/// The page of an id, and its place there.
fn split(id: SchemaId) -> (u16, u16) {
    ((id >> 16) as u16, id as u16)
}

impl IdSet {
    /// The number of the page that holds an id.
    pub fn page_of(id: SchemaId) -> u16 {
        split(id).0
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an id is in the set.
    pub fn contains(&self, id: SchemaId) -> bool {
        let (number, place) = split(id);
        self.page(number).is_some_and(|page| page.contains(place))
    }

    /// The first id of the set that is at or above this one.
    pub fn first_from(&self, id: SchemaId) -> Option<SchemaId> {
        let (mut number, mut place) = split(id);
        loop {
            let (found, page) = self.0.first_from(&number)?;
            if *found != number {
                (number, place) = (*found, 0);
            }
            if let Some(place) = page.first_from(place) {
                return Some(SchemaId::from(number) << 16 | SchemaId::from(place));
            }
            (number, place) = (number.checked_add(1)?, 0);
        }
    }

    /// The number of ids up to this one.
    pub fn count_to(&self, id: SchemaId) -> u64 {
        let ((last, place), mut count) = (split(id), 0);
        self.for_each_page(&mut |number, page| {
            if number <= last {
                count += u64::from(page.count_to(if number == last { place } else { u16::MAX }));
            }
        });
        count
    }

    /// Adds an id. Returns whether it was not in the set.
    pub fn insert(&mut self, id: SchemaId) -> bool {
        let is_new = !self.contains(id);
        if is_new {
            let (number, place) = split(id);
            self.put_page(number, Arc::new(self.page(number).map(|page| &**page).unwrap_or(&IdPage::default()).with([place])));
        }
        is_new
    }

    /// Removes an id.
    pub fn remove(&mut self, id: SchemaId) {
        let (number, place) = split(id);
        if let Some(page) = self.page(number).filter(|page| page.contains(place)) {
            self.put_page(number, Arc::new(page.without(place)));
        }
    }

    /// The ids of one page.
    pub fn page(&self, number: u16) -> Option<&Arc<IdPage>> {
        self.0.get(&number)
    }

    /// Replaces the ids of one page.
    pub fn put_page(&mut self, number: u16, page: Arc<IdPage>) {
        if page.is_empty() {
            self.0.remove(&number);
        } else {
            self.0.insert(number, page);
        }
    }

    /// Calls `each` with all pages in order.
    pub fn for_each_page(&self, each: &mut impl FnMut(u16, &Arc<IdPage>)) {
        self.0.for_each(&mut |number, page| each(*number, page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn an_id_set_is_a_btree_set(
            steps in proptest::collection::vec((prop_oneof![0u32..4, 65_530..65_540u32, u32::MAX - 3..=u32::MAX], any::<bool>()), 0..60)
        ) {
            let (mut set, mut expected) = (IdSet::default(), BTreeSet::new());
            for (id, inserts) in steps {
                let (copy, before) = (set.clone(), expected.clone());
                if inserts {
                    prop_assert_eq!(set.insert(id), expected.insert(id));
                } else {
                    set.remove(id);
                    expected.remove(&id);
                }
                for (set, expected) in [(&copy, &before), (&set, &expected)] {
                    prop_assert_eq!(set.is_empty(), expected.is_empty());
                    for probe in (0..5).chain(65_529..65_541).chain(u32::MAX - 4..=u32::MAX) {
                        prop_assert_eq!(set.contains(probe), expected.contains(&probe));
                        prop_assert_eq!(set.first_from(probe), expected.range(probe..).next().copied());
                        prop_assert_eq!(set.count_to(probe) as usize, expected.range(..=probe).count());
                    }
                }
            }
        }
    }
}
