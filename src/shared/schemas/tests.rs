//! Schemas against sets of their ids.

use super::super::schema_registry::Registry;
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn invalid(registry: &Registry, ids: impl IntoIterator<Item = SchemaId>) -> Vec<SchemaId> {
    let schemas = registry.of(None).unwrap();
    ids.into_iter().filter(|id| schemas.state(*id) == SchemaState::Dropped).collect()
}

#[test]
fn lists_and_names_go_together() {
    let registry = Registry::default();
    registry.change(None, |schemas| schemas.load(vec![1, 3, 3], 4));
    assert_eq!(invalid(&registry, 0..8), [0, 2, 4]);
    registry.change(None, |schemas| {
        schemas.create(4);
        schemas.create(6);
    });
    assert_eq!(invalid(&registry, 0..8), [0, 2]);
    registry.change(None, |schemas| schemas.load(vec![], 9));
    assert!(invalid(&registry, 0..12).is_empty() && !registry.any_invalid());
    registry.change(None, |schemas| schemas.drop_permanently(3, &[0]));
    registry.change(None, |schemas| schemas.load(vec![1, 2, 3], 3));
    registry.change(None, |schemas| schemas.create(3));
    assert_eq!(invalid(&registry, 0..8), [0, 3]);
    assert!(registry.any_invalid() && registry.of(None).unwrap().is_dropped(3));
}

#[test]
fn a_truncated_schema_is_valid_unless_a_list_says_otherwise() {
    let mut schemas = Schemas::default();
    schemas.truncate(5, Truncation { up_to: 9, done: false });
    assert_eq!(schemas.state(5), SchemaState::Truncating);
    schemas.load(vec![1], 5);
    assert_eq!(schemas.state(5), SchemaState::Dropped);
    schemas.create(5);
    schemas.truncate(5, Truncation { up_to: 9, done: true });
    assert_eq!(schemas.state(5), SchemaState::Valid);
}

#[test]
fn what_is_dropped_in_two_families_is_dropped_in_both() {
    let page = Arc::new(IdPage::default().with([1, 2]));
    let mut schemas = Schemas::default();
    schemas.drop_page(0, &page, &[0]);
    schemas.drop_page(0, &Arc::new(IdPage::default().with([2, 3])), &[1]);
    schemas.drop_permanently(3, &[0]);
    let covers = |schemas: &Schemas| {
        (1..5)
            .map(|id| match schemas.drop_state(id) {
                KeyDropState::Invalid(Some(dropped)) => (dropped.covers.clone(), dropped.late.is_some()),
                _ => (Vec::new(), false),
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(covers(&schemas), [(vec![0], true), (vec![0, 1], true), (vec![0, 1], false), (vec![], false)]);
    schemas.drop_done(3, &[0]);
    assert_eq!(covers(&schemas)[2], (vec![0, 1], true));
    schemas.drop_page(0, &page, &[0, 1]);
    assert_eq!(covers(&schemas)[..3], [(vec![0, 1], true), (vec![0, 1], true), (vec![0, 1], true)]);
}

/// A change of schemas, or none of them.
#[derive(Debug, Clone)]
enum Step {
    Load(Vec<SchemaId>, SchemaId),
    Create(SchemaId),
    Drop(SchemaId, Vec<usize>),
    Done(SchemaId, Vec<usize>),
    Page(u16, Vec<u16>, Vec<usize>),
    Truncate(SchemaId, Truncation),
    Forget,
}

fn id() -> impl Strategy<Value = SchemaId> {
    prop_oneof![0u32..6, 65_533..65_539u32]
}

fn step() -> impl Strategy<Value = Step> {
    let covers = || prop_oneof![4 => Just(vec![0, 1]), 1 => Just(vec![0]), 1 => Just(vec![1])];
    let list = proptest::collection::btree_set(id(), 0..6);
    let ids = proptest::collection::vec(prop_oneof![0u16..6, 65_533..=u16::MAX], 1..4);
    let truncation = (1u64..9, any::<bool>()).prop_map(|(up_to, done)| Truncation { up_to, done });
    prop_oneof![
        2 => (list, 0u32..3).prop_map(|(list, above)| {
            let highest = list.last().map_or(0, |last| last + above);
            Step::Load(list.into_iter().collect(), highest)
        }),
        3 => id().prop_map(Step::Create),
        3 => (id(), covers()).prop_map(|(id, covers)| Step::Drop(id, covers)),
        3 => (id(), covers()).prop_map(|(id, covers)| Step::Done(id, covers)),
        2 => (0u16..2, ids, covers()).prop_map(|(page, ids, covers)| Step::Page(page, ids, covers)),
        2 => (id(), truncation).prop_map(|(id, truncation)| Step::Truncate(id, truncation)),
        1 => Just(Step::Forget),
    ]
}

/// What must be known, in the plainest way.
#[derive(Debug, Clone, Default, PartialEq)]
struct Expected {
    valid: BTreeSet<SchemaId>,
    highest: SchemaId,
    created: BTreeSet<SchemaId>,
    /// The covered families, and whether all keys are deleted.
    dropped: BTreeMap<SchemaId, (BTreeSet<usize>, bool)>,
    truncated: BTreeMap<SchemaId, Truncation>,
}

impl Expected {
    fn drop(&mut self, id: SchemaId, covers: &[usize], done: bool) {
        let (known, was_done) = self.dropped.entry(id).or_default();
        known.extend(covers);
        *was_done = done;
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Load(list, highest) => (self.valid, self.highest) = (list.iter().copied().collect(), *highest),
            Step::Create(id) => _ = self.created.insert(*id),
            Step::Drop(id, covers) => self.drop(*id, covers, false),
            Step::Done(id, covers) => {
                self.drop(*id, covers, true);
                self.truncated.remove(id);
            }
            Step::Page(page, ids, covers) => ids.iter().for_each(|id| self.drop(u32::from(*page) << 16 | u32::from(*id), covers, true)),
            Step::Truncate(id, truncation) => _ = self.truncated.insert(*id, *truncation),
            Step::Forget => (self.dropped, self.truncated) = Default::default(),
        }
    }

    fn state(&self, id: SchemaId) -> SchemaState {
        let told = self.valid.contains(&id) || self.created.contains(&id);
        let truncation = self.truncated.get(&id);
        if self.dropped.contains_key(&id) || !told && !self.valid.is_empty() && id <= self.highest {
            SchemaState::Dropped
        } else if truncation.is_some_and(|truncation| !truncation.done) {
            SchemaState::Truncating
        } else if told || truncation.is_some() {
            SchemaState::Valid
        } else {
            SchemaState::Unknown
        }
    }

    fn check(&self, schemas: &Schemas) -> Result<(), TestCaseError> {
        for id in (0..8).chain(65_530..65_542) {
            prop_assert_eq!(schemas.state(id), self.state(id), "{}", id);
            prop_assert_eq!(schemas.is_dropped(id), self.dropped.contains_key(&id));
            let known = match schemas.drop_state(id) {
                KeyDropState::Invalid(Some(dropped)) => Some((dropped.covers.iter().copied().collect(), dropped.late.is_some())),
                _ => None,
            };
            prop_assert_eq!(known.as_ref(), self.dropped.get(&id), "{}", id);
        }
        let ids: BTreeSet<_> = self.valid.iter().chain(&self.created).chain(self.dropped.keys()).chain(self.truncated.keys()).collect();
        let each: Vec<_> = ids.into_iter().map(|id| (*id, self.state(*id), self.truncated.get(id).copied())).collect();
        prop_assert_eq!(schemas.each().collect::<Vec<_>>(), each);
        let listed = |id| self.state(id) == SchemaState::Dropped;
        prop_assert_eq!(schemas.any_invalid(), !self.dropped.is_empty() || (0..=self.highest).any(listed));
        Ok(())
    }
}

proptest! {
    #[test]
    fn schemas_are_their_sets(steps in proptest::collection::vec(step(), 0..30)) {
        let (mut schemas, mut expected) = (Schemas::default(), Expected::default());
        for step in steps {
            let (copy, before) = (schemas.clone(), expected.clone());
            match &step {
                Step::Load(list, highest) => schemas.load(list.clone(), *highest),
                Step::Create(id) => schemas.create(*id),
                Step::Drop(id, covers) => schemas.drop_permanently(*id, covers),
                Step::Done(id, covers) => schemas.drop_done(*id, covers),
                Step::Page(page, ids, covers) => schemas.drop_page(*page, &Arc::new(IdPage::default().with(ids.iter().copied())), covers),
                Step::Truncate(id, truncation) => schemas.truncate(*id, *truncation),
                Step::Forget => schemas.forget_orders(),
            }
            expected.apply(&step);
            expected.check(&schemas)?;
            before.check(&copy)?;
        }
    }
}
