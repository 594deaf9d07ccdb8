//! A persistent ordered tree: a copy costs nothing and shares its nodes, and a change makes only
//! the nodes on its way new. Filters keep a copy while the host destroys further ranges. A lookup
//! allocates nothing, because filters make it in callbacks of the host.
//!
//! The ordered lookups of imbl 7 and rpds 1 allocate, so this tree is the library's own. It is an
//! AVL tree. A change of one item makes the nodes on one way new. A change of a stretch of items
//! uses `join`, as in Blelloch, Ferizovic and Sun, "Just Join for Parallel Ordered Sets" (2016):
//! `join(left, item, right)` makes a balanced tree of two trees of any height and an item between
//! them.
//!
//! ```text
//!   insert [c, f) into          split at c, split at f       join the three again
//!
//!          d                      a          d  e            [a] [c, d+, e+] [g]
//!        a   e           ->                           ->
//!              g                                  g
//! ```

use std::cmp::Ordering;
use std::sync::Arc;

/// An item of a tree.
pub trait Item: Clone {
    /// A time by which [`Tree::for_each_until`] finds the item. A time of 2^56 - 1 or more means
    /// that the item has none.
    fn time(&self) -> u64 {
        u64::MAX
    }
}

/// An ordered tree of items. The order is given by each call, always the same.
#[derive(Debug)]
pub struct Tree<T>(Option<Arc<Node<T>>>);

#[derive(Debug)]
struct Node<T> {
    left: Tree<T>,
    item: T,
    right: Tree<T>,
    /// The height of this subtree in the lowest byte, and the earliest time of its items in the
    /// other bytes. As one number they make a node a tenth smaller.
    earliest_and_height: u64,
}

/// An item with this time or a later one has no time.
const NO_TIME: u64 = u64::MAX >> 8;

impl<T> Node<T> {
    fn height(&self) -> u8 {
        self.earliest_and_height as u8
    }

    fn earliest(&self) -> u64 {
        self.earliest_and_height >> 8
    }
}

impl<T> Clone for Tree<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Item> Tree<T> {
    /// A tree of items that are in order.
    pub fn of(items: &[T]) -> Self {
        let (left, rest) = items.split_at(items.len() / 2);
        match rest.split_first() {
            None => Self::default(),
            Some((item, right)) => Self::node(Self::of(left), item.clone(), Self::of(right)),
        }
    }

    /// Whether the tree has no item.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether both are the same tree, not only equal ones.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The first item that is not less than the wanted one. `compare` compares an item to the
    /// wanted one.
    pub fn first_from(&self, compare: impl Fn(&T) -> Ordering) -> Option<&T> {
        let (mut tree, mut found) = (self, None);
        while let Some(node) = &tree.0 {
            if compare(&node.item) == Ordering::Less {
                tree = &node.right;
            } else {
                found = Some(&node.item);
                tree = &node.left;
            }
        }
        found
    }

    /// The items that are less than the wanted one, and the others. `compare` compares an item to
    /// the wanted one.
    pub fn split(&self, compare: &impl Fn(&T) -> Ordering) -> (Self, Self) {
        let Some(node) = &self.0 else { return (Self::default(), Self::default()) };
        if compare(&node.item) == Ordering::Less {
            let (less, others) = node.right.split(compare);
            (Self::join(node.left.clone(), node.item.clone(), less), others)
        } else {
            let (less, others) = node.left.split(compare);
            (less, Self::join(others, node.item.clone(), node.right.clone()))
        }
    }

    /// The tree with this item: instead of an equal item if there is one. `compare` compares an item
    /// to this one.
    pub fn with(&self, item: T, compare: &impl Fn(&T) -> Ordering) -> Self {
        let Some(node) = &self.0 else { return Self::node(Self::default(), item, Self::default()) };
        match compare(&node.item) {
            Ordering::Equal => Self::node(node.left.clone(), item, node.right.clone()),
            Ordering::Greater => Self::balanced(node.left.with(item, compare), node.item.clone(), node.right.clone()),
            Ordering::Less => Self::balanced(node.left.clone(), node.item.clone(), node.right.with(item, compare)),
        }
    }

    /// The tree without the item that is equal to the wanted one, if there is one. `compare` compares
    /// an item to the wanted one.
    pub fn without(&self, compare: &impl Fn(&T) -> Ordering) -> Self {
        let Some(node) = &self.0 else { return Self::default() };
        match compare(&node.item) {
            Ordering::Equal => node.left.clone().concat(node.right.clone()),
            Ordering::Greater => Self::balanced(node.left.without(compare), node.item.clone(), node.right.clone()),
            Ordering::Less => Self::balanced(node.left.clone(), node.item.clone(), node.right.without(compare)),
        }
    }

    /// All items of the first tree, then all items of the second one.
    pub fn concat(self, other: Self) -> Self {
        match self.pop_last() {
            None => other,
            Some((rest, last)) => Self::join(rest, last, other),
        }
    }

    /// The tree without its last item, and that item.
    pub fn pop_last(&self) -> Option<(Self, T)> {
        let node = self.0.as_ref()?;
        Some(match node.right.pop_last() {
            None => (node.left.clone(), node.item.clone()),
            Some((rest, last)) => (Self::join(node.left.clone(), node.item.clone(), rest), last),
        })
    }

    /// The tree without its first item, and that item.
    pub fn pop_first(&self) -> Option<(T, Self)> {
        let node = self.0.as_ref()?;
        Some(match node.left.pop_first() {
            None => (node.item.clone(), node.right.clone()),
            Some((first, rest)) => (first, Self::join(rest, node.item.clone(), node.right.clone())),
        })
    }

    /// Calls `each` with all items in order.
    pub fn for_each(&self, each: &mut impl FnMut(&T)) {
        if let Some(node) = &self.0 {
            node.left.for_each(each);
            each(&node.item);
            node.right.for_each(each);
        }
    }

    /// Calls `each` with the items whose time is at or before `time`, in order. It passes over
    /// subtrees without such an item.
    pub fn for_each_until(&self, time: u64, each: &mut impl FnMut(&T)) {
        let time = time.min(NO_TIME - 1);
        if let Some(node) = self.0.as_ref().filter(|node| node.earliest() <= time) {
            node.left.for_each_until(time, each);
            if node.item.time() <= time {
                each(&node.item);
            }
            node.right.for_each_until(time, each);
        }
    }

    fn height(&self) -> u8 {
        self.0.as_ref().map_or(0, |node| node.height())
    }

    /// Whether an item has a time.
    pub fn any_time(&self) -> bool {
        self.earliest() < NO_TIME
    }

    fn earliest(&self) -> u64 {
        self.0.as_ref().map_or(NO_TIME, |node| node.earliest())
    }

    fn node(left: Self, item: T, right: Self) -> Self {
        let height = 1 + left.height().max(right.height());
        let earliest = item.time().min(left.earliest()).min(right.earliest());
        Self(Some(Arc::new(Node { left, item, right, earliest_and_height: earliest << 8 | u64::from(height) })))
    }

    /// A balanced tree of two trees and an item between them.
    fn join(left: Self, item: T, right: Self) -> Self {
        match (&left.0, &right.0) {
            (Some(top), _) if top.height() > right.height() + 1 => {
                let joined = Self::join(top.right.clone(), item, right);
                Self::balanced(top.left.clone(), top.item.clone(), joined)
            }
            (_, Some(top)) if top.height() > left.height() + 1 => {
                let joined = Self::join(left, item, top.left.clone());
                Self::balanced(joined, top.item.clone(), top.right.clone())
            }
            _ => Self::node(left, item, right),
        }
    }

    /// A node whose subtrees differ by at most two in height, made balanced by rotations.
    fn balanced(left: Self, item: T, right: Self) -> Self {
        match (&left.0, &right.0) {
            (Some(top), _) if top.height() > right.height() + 1 => match &top.right.0 {
                Some(inner) if inner.height() > top.left.height() => Self::node(
                    Self::node(top.left.clone(), top.item.clone(), inner.left.clone()),
                    inner.item.clone(),
                    Self::node(inner.right.clone(), item, right),
                ),
                _ => Self::node(top.left.clone(), top.item.clone(), Self::node(top.right.clone(), item, right)),
            },
            (_, Some(top)) if top.height() > left.height() + 1 => match &top.left.0 {
                Some(inner) if inner.height() > top.right.height() => Self::node(
                    Self::node(left, item, inner.left.clone()),
                    inner.item.clone(),
                    Self::node(inner.right.clone(), top.item.clone(), top.right.clone()),
                ),
                _ => Self::node(Self::node(left, item, top.left.clone()), top.item.clone(), top.right.clone()),
            },
            _ => Self::node(left, item, right),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Item for u16 {
        fn time(&self) -> u64 {
            u64::from(*self ^ 0x55)
        }
    }

    fn items(tree: &Tree<u16>) -> Vec<u16> {
        let mut items = Vec::new();
        tree.for_each(&mut |item| items.push(*item));
        items
    }

    fn is_balanced(tree: &Tree<u16>) -> bool {
        tree.0.as_ref().is_none_or(|node| {
            let (left, right) = (node.left.height(), node.right.height());
            left.abs_diff(right) <= 1 && node.height() == 1 + left.max(right) && is_balanced(&node.left) && is_balanced(&node.right)
        })
    }

    proptest! {
        /// Random inserts and removals of stretches, against a sorted vector; copies do not change.
        #[test]
        fn a_tree_is_a_sorted_vector(steps in proptest::collection::vec((0u16..300, 0u16..40, any::<bool>()), 0..60)) {
            let (mut tree, mut expected) = (Tree::default(), Vec::new());
            for (start, len, inserts) in steps {
                let (copy, before) = (tree.clone(), expected.clone());
                let (less, rest) = tree.split(&|item: &u16| item.cmp(&start));
                let (_, others) = rest.split(&|item: &u16| item.cmp(&(start + len)));
                let middle: Vec<u16> = if inserts { (start..start + len).collect() } else { Vec::new() };
                tree = less.concat(Tree::of(&middle)).concat(others);
                expected.retain(|item| !(start..start + len).contains(item));
                expected.extend(&middle);
                expected.sort_unstable();
                prop_assert_eq!(items(&tree), expected.clone());
                prop_assert_eq!(items(&copy), before);
                prop_assert!(is_balanced(&tree));
                for time in [0, 0x55, u64::from(start), u64::MAX] {
                    let mut until = Vec::new();
                    tree.for_each_until(time, &mut |item| until.push(*item));
                    prop_assert_eq!(until, expected.iter().copied().filter(|item| item.time() <= time).collect::<Vec<_>>());
                }
                let (with, without) = (tree.with(start, &|item| item.cmp(&start)), tree.without(&|item| item.cmp(&start)));
                prop_assert!(is_balanced(&with) && is_balanced(&without));
                let others = expected.iter().copied().filter(|item| *item != start);
                prop_assert_eq!(items(&without), others.clone().collect::<Vec<_>>());
                let mut all: Vec<_> = others.chain([start]).collect();
                all.sort_unstable();
                prop_assert_eq!(items(&with), all);
                for probe in [start, start + len, 0, 400] {
                    prop_assert_eq!(tree.first_from(|item| item.cmp(&probe)), expected.iter().find(|item| **item >= probe));
                }
                prop_assert_eq!(tree.pop_first().map(|(first, _)| first), expected.first().copied());
                prop_assert_eq!(tree.pop_last().map(|(_, last)| last), expected.last().copied());
            }
        }
    }
}
