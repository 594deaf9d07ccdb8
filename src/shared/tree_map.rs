//! A persistent ordered map: a copy costs nothing, a change makes only the nodes on its way new,
//! and a lookup allocates nothing.

use super::tree::{Item, Tree};

impl<K: Clone, V: Clone> Item for (K, V) {}

/// An ordered map whose copies share their nodes.
#[derive(Debug)]
pub struct TreeMap<K, V>(Tree<(K, V)>);

impl<K, V> Clone for TreeMap<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for TreeMap<K, V> {
    fn default() -> Self {
        Self(Tree::default())
    }
}

impl<K: Ord + Clone, V: Clone> TreeMap<K, V> {
    /// Whether the map has no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.first_from(key).filter(|(found, _)| found == key).map(|(_, value)| value)
    }

    /// The first key that is at or above this one, with its value.
    pub fn first_from(&self, key: &K) -> Option<&(K, V)> {
        self.0.first_from(|(known, _)| known.cmp(key))
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        let compare = |(known, _): &(K, V)| known.cmp(&key);
        self.0 = self.0.with((key.clone(), value), &compare);
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &K) {
        self.0 = self.0.without(&|(known, _)| known.cmp(key));
    }

    /// Calls `each` with all keys in order.
    pub fn for_each(&self, each: &mut impl FnMut(&K, &V)) {
        self.0.for_each(&mut |(key, value)| each(key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_tree_map_is_a_btree_map(steps in proptest::collection::vec((0u8..20, proptest::option::of(any::<u8>())), 0..60)) {
            let (mut map, mut expected) = (TreeMap::default(), BTreeMap::new());
            for (key, value) in steps {
                let (copy, before) = (map.clone(), expected.clone());
                match value {
                    Some(value) => {
                        map.insert(key, value);
                        expected.insert(key, value);
                    }
                    None => {
                        map.remove(&key);
                        expected.remove(&key);
                    }
                }
                for (map, expected) in [(&copy, &before), (&map, &expected)] {
                    let mut items = BTreeMap::new();
                    map.for_each(&mut |key, value| _ = items.insert(*key, *value));
                    prop_assert_eq!(&items, expected);
                    prop_assert_eq!(map.is_empty(), expected.is_empty());
                    for probe in 0..21u8 {
                        prop_assert_eq!(map.get(&probe), expected.get(&probe));
                        prop_assert_eq!(map.first_from(&probe).copied(), expected.range(probe..).next().map(|(key, value)| (*key, *value)));
                    }
                }
            }
        }
    }
}
