//! A set of neighbouring schema ids: those that have the same upper 16 bits. A set of few ranges is
//! a list of them, any other set is a bitmap, so no set needs more than 8 KiB.
//!
//! ```text
//! bytes   1 | for each range: first u16, last u16     at most 2048 ranges
//!         2 | 8192 bytes: id n is bit n % 8 of byte n / 8
//! ```

use super::id_bits::{Bits, MOST_RANGES};

const RANGES: u8 = 1;
const BITMAP: u8 = 2;

/// A set of the lower 16 bits of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdPage(Form);

/// A set has one form only, so equal sets have equal bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Ranges in order, first and last id. Between two ranges there is an id that is not in the
    /// set.
    Ranges(Vec<(u16, u16)>),
    Bits(Box<Bits>),
}

impl Default for IdPage {
    fn default() -> Self {
        Self(Form::Ranges(Vec::new()))
    }
}

impl IdPage {
    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.first_from(0).is_none()
    }

    /// Whether an id is in the set.
    pub fn contains(&self, id: u16) -> bool {
        match &self.0 {
            Form::Ranges(ranges) => range_from(ranges, id).is_some_and(|(first, _)| first <= id),
            Form::Bits(bits) => bits.has(id),
        }
    }

    /// The first id of the set that is at or above this one.
    pub fn first_from(&self, id: u16) -> Option<u16> {
        match &self.0 {
            Form::Ranges(ranges) => range_from(ranges, id).map(|(first, _)| first.max(id)),
            Form::Bits(bits) => bits.next(id.into(), true),
        }
    }

    /// The number of ids up to this one.
    pub fn count_to(&self, id: u16) -> u32 {
        match &self.0 {
            Form::Ranges(ranges) => {
                let up_to = ranges.iter().take_while(|(first, _)| *first <= id);
                up_to.map(|(first, last)| u32::from(*last.min(&id) - first) + 1).sum()
            }
            Form::Bits(bits) => bits.count_to(id),
        }
    }

    /// The set with further ids.
    pub fn with(&self, ids: impl IntoIterator<Item = u16>) -> Self {
        self.changed(|bits| ids.into_iter().for_each(|id| bits.set(id, true)))
    }

    /// The set without an id.
    pub fn without(&self, id: u16) -> Self {
        self.changed(|bits| bits.set(id, false))
    }

    /// The ids of both sets.
    pub fn union(&self, other: &Self) -> Self {
        let other = other.bits();
        self.changed(|bits| bits.add(&other))
    }

    /// Whether no id is in both sets.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.bits().is_disjoint(&other.bits())
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = u16> {
        std::iter::successors(self.first_from(0), |id| self.first_from(id.checked_add(1)?))
    }

    fn changed(&self, change: impl FnOnce(&mut Bits)) -> Self {
        let mut bits = self.bits();
        change(&mut bits);
        Self(match bits.ranges() {
            Some(ranges) => Form::Ranges(ranges),
            None => Form::Bits(bits),
        })
    }

    fn bits(&self) -> Box<Bits> {
        match &self.0 {
            Form::Bits(bits) => bits.clone(),
            Form::Ranges(ranges) => {
                let mut bits = Box::new(Bits::default());
                ranges.iter().for_each(|(first, last)| bits.set_range(*first, *last));
                bits
            }
        }
    }

    /// The bytes of the set.
    pub fn encode(&self) -> Vec<u8> {
        match &self.0 {
            Form::Ranges(ranges) => {
                let ranges = ranges.iter().flat_map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()].concat());
                std::iter::once(RANGES).chain(ranges).collect()
            }
            Form::Bits(bits) => std::iter::once(BITMAP).chain(bits.bytes()).collect(),
        }
    }

    /// Reads the bytes of a set.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&RANGES, rest) => {
                let (chunks, []) = rest.as_chunks::<4>() else { return None };
                let ranges: Vec<_> = chunks.iter().map(|&[a, b, c, d]| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))).collect();
                is_in_order(&ranges).then_some(Self(Form::Ranges(ranges)))
            }
            (&BITMAP, rest) => {
                let bits = Box::new(Bits::read(rest)?);
                bits.ranges().is_none().then_some(Self(Form::Bits(bits)))
            }
            _ => None,
        }
    }
}

/// The first range that does not end before an id.
fn range_from(ranges: &[(u16, u16)], id: u16) -> Option<(u16, u16)> {
    ranges.get(ranges.partition_point(|(_, last)| *last < id)).copied()
}

fn is_in_order(ranges: &[(u16, u16)]) -> bool {
    let is_before = |one: &(u16, u16), next: &(u16, u16)| u32::from(one.1) + 1 < u32::from(next.0);
    ranges.len() <= MOST_RANGES
        && ranges.iter().all(|(first, last)| first <= last)
        && ranges.iter().zip(ranges.iter().skip(1)).all(|(one, next)| is_before(one, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Sets of few ranges and sets of many, some of them full to their ends.
    fn sets() -> impl Strategy<Value = BTreeSet<u16>> {
        let stretches = proptest::collection::vec((any::<u16>(), 0u16..200, 1u16..4), 0..6);
        let many = (any::<bool>(), 1usize..5, 0u16..9);
        (stretches, many).prop_map(|(stretches, (is_many, step, first))| {
            let stretch = |(start, len, step): &(u16, u16, u16)| {
                let (start, end) = (*start, start.saturating_add(*len));
                (start..=end).step_by(usize::from(*step))
            };
            let mut ids: BTreeSet<u16> = stretches.iter().flat_map(stretch).collect();
            if is_many {
                ids.extend((first..=u16::MAX).step_by(step));
            }
            ids
        })
    }

    fn page(ids: &BTreeSet<u16>) -> IdPage {
        IdPage::default().with(ids.iter().copied())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_page_is_a_set(one in sets(), other in sets(), probes in proptest::collection::vec(any::<u16>(), 20)) {
            let set = page(&one);
            prop_assert!(set.ids().eq(one.iter().copied()));
            prop_assert_eq!(IdPage::decode(&set.encode()), Some(set.clone()));
            prop_assert!(set.encode().len() <= 8193);
            for probe in probes.into_iter().chain(other.iter().take(20).copied()).chain([0, u16::MAX]) {
                prop_assert_eq!(set.contains(probe), one.contains(&probe));
                prop_assert_eq!(set.first_from(probe), one.range(probe..).next().copied());
                prop_assert_eq!(set.count_to(probe) as usize, one.range(..=probe).count());
                let (mut more, mut less) = (one.clone(), one.clone());
                more.insert(probe);
                less.remove(&probe);
                prop_assert_eq!((set.with([probe]), set.without(probe)), (page(&more), page(&less)));
            }
            prop_assert_eq!(set.union(&page(&other)), page(&one.union(&other).copied().collect()));
            prop_assert_eq!(set.is_disjoint(&page(&other)), one.is_disjoint(&other));
            prop_assert_eq!(set.is_empty(), one.is_empty());
        }
    }

    /// The bytes are a format: later versions must read the records of a store.
    #[test]
    fn the_bytes_stay() {
        let few = IdPage::default().with([0, 1, 2, 0x1234, 0xffff]);
        assert_eq!(few.encode(), [1, 0, 0, 0, 2, 0x12, 0x34, 0x12, 0x34, 0xff, 0xff, 0xff, 0xff]);
        let most = IdPage::default().with((0..2048).map(|i| 2 * i));
        assert_eq!(most.encode().len(), 1 + 4 * 2048);
        let many = most.with([4096]);
        assert_eq!(many.encode(), [&[2][..], &[0x55; 512], &[1], &[0; 7679]].concat());
        assert_eq!(many.without(0), IdPage::default().with((1..=2048).map(|i| 2 * i)));
    }

    #[test]
    fn other_bytes_are_no_page() {
        let ranges = |ranges: &[(u16, u16)]| -> Vec<u8> {
            std::iter::once(1).chain(ranges.iter().flat_map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()].concat())).collect()
        };
        assert!(IdPage::decode(&ranges(&[(1, 2), (4, 4)])).is_some());
        for wrong in [&[(2, 1)][..], &[(1, 2), (3, 4)], &[(4, 4), (1, 2)], &[(1, u16::MAX), (0, 0)]] {
            assert_eq!(IdPage::decode(&ranges(wrong)), None, "{wrong:?}");
        }
        let many: Vec<_> = (0..2049).map(|i| (2 * i, 2 * i)).collect();
        assert_eq!(IdPage::decode(&ranges(&many)), None, "a bitmap is shorter");
        let few = [&[2][..], &[0xff; 8192]].concat();
        for wrong in [&[][..], &[0], &[1, 0], &[2], &[3, 0, 0, 0, 0], &few, &few[..8185]] {
            assert_eq!(IdPage::decode(wrong), None);
        }
    }
}
