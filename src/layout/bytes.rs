//! Inline comparison of keys: for keys of this length a call of memcmp costs as much as the
//! comparison.

use std::ops::RangeInclusive;

/// Appends bytes, if there is memory. A filter runs in a callback of the host, where a failed
/// allocation must not end the process.
pub fn append(to: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let is_room = to.try_reserve(bytes.len()).is_ok();
    if is_room {
        to.extend_from_slice(bytes);
    }
    is_room
}

/// The length of a block in bytes.
pub const BLOCK: usize = 16;
const WORD: usize = size_of::<u64>();

/// The lengths that are compared without a loop.
pub const USUAL: RangeInclusive<usize> = 2 * BLOCK..=3 * BLOCK;

/// `None` if the bytes differ. They must have equal lengths, in [`USUAL`] if `IS_USUAL`. Shorter ones
/// than a block always differ.
#[inline(always)]
pub fn equal<const IS_USUAL: bool>(a: &[u8], b: &[u8]) -> Option<()> {
    const TWO: usize = 2 * BLOCK;
    // The last blocks overlap the ones before, so no bytes are left over. Most keys differ there.
    if IS_USUAL || a.len() < TWO {
        same(a.last_chunk::<BLOCK>()?, b.last_chunk()?)?;
        return if IS_USUAL { same(a.first_chunk::<TWO>()?, b.first_chunk()?) } else { same(a.first_chunk::<BLOCK>()?, b.first_chunk()?) };
    }
    same(a.last_chunk::<TWO>()?, b.last_chunk()?)?;
    for (a, b) in a.as_chunks::<TWO>().0.iter().zip(b.as_chunks().0) {
        same(a, b)?;
    }
    Some(())
}

#[inline(always)]
fn same<const N: usize>(a: &[u8; N], b: &[u8; N]) -> Option<()> {
    if a == b { Some(()) } else { None }
}

/// The first place where bytes differ, and whether `a` is before `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The place.
    pub place: usize,
    /// Whether the first bytes come before the second.
    pub is_before: bool,
}

/// The first difference, with the same conditions as [`equal`].
#[inline(always)]
pub fn first_difference<const IS_USUAL: bool>(a: &[u8], b: &[u8]) -> Option<Difference> {
    if IS_USUAL {
        let found = difference(0, a.first_chunk::<{ 2 * BLOCK }>()?, b.first_chunk()?);
        if found.is_some() {
            return found;
        }
    } else {
        let mut start = 0;
        for (a, b) in a.as_chunks::<BLOCK>().0.iter().zip(b.as_chunks().0) {
            let found = difference(start, a, b);
            if found.is_some() {
                return found;
            }
            start += BLOCK;
        }
    }
    difference::<BLOCK>(a.len().checked_sub(BLOCK)?, a.last_chunk()?, b.last_chunk()?)
}

#[inline(always)]
fn difference<const N: usize>(start: usize, a: &[u8; N], b: &[u8; N]) -> Option<Difference> {
    let ((a, _), (b, _)) = (a.as_chunks::<WORD>(), b.as_chunks::<WORD>());
    let mut start = start;
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (u64::from_le_bytes(*a), u64::from_le_bytes(*b));
        if a != b {
            let place = start + ((a ^ b).trailing_zeros() / u8::BITS) as usize;
            return Some(Difference { place, is_before: a.swap_bytes() < b.swap_bytes() });
        }
        start += WORD;
    }
    None
}

/// The number of leading bytes that both have in common.
pub fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let ((a_words, _), (b_words, _)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let equal_words = a_words.iter().zip(b_words).take_while(|(a, b)| a == b).count();
    let known = 8 * equal_words;
    known + a.iter().skip(known).zip(b.iter().skip(known)).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agree_with_the_obvious(mut a in proptest::collection::vec(0u8..2, 0..70), len in 0usize..70, flip in 0usize..70) {
            let mut b: Vec<u8> = a.iter().copied().cycle().take(if a.is_empty() { 0 } else { len }).collect();
            if let Some(byte) = b.get_mut(flip) {
                *byte ^= 0x80;
            }
            prop_assert_eq!(common_prefix(&a, &b), a.iter().zip(&b).take_while(|(a, b)| a == b).count());
            a.resize(b.len().max(BLOCK), 0);
            b.resize(a.len(), 0);
            prop_assert_eq!(equal::<false>(&a, &b).is_some(), a == b);
            let place = a.iter().zip(&b).position(|(a, b)| a != b);
            let difference = place.map(|place| Difference { place, is_before: a < b });
            prop_assert_eq!(first_difference::<false>(&a, &b), difference);
            if USUAL.contains(&a.len()) {
                prop_assert_eq!(equal::<true>(&a, &b).is_some(), a == b);
                prop_assert_eq!(first_difference::<true>(&a, &b), difference);
            }
        }
    }
}
