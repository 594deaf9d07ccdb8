//! Inline comparison of keys: for keys of this length a call of memcmp costs as much as the
//! comparison.

/// Appends bytes, if there is memory. A filter runs in a callback of the host, where a failed
/// allocation must not end the process.
pub fn append(to: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let is_room = to.try_reserve(bytes.len()).is_ok();
    if is_room {
        to.extend_from_slice(bytes);
    }
    is_room
}

/// The length of the shortest bytes that [`equal`] accepts.
pub const BLOCK: usize = 16;

/// Whether the bytes are equal. They must have equal lengths of at least a block.
#[inline]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    let ((a_blocks, _), (b_blocks, _)) = (a.as_chunks::<BLOCK>(), b.as_chunks::<BLOCK>());
    // The last block overlaps the one before, so no bytes are left over.
    a.last_chunk::<BLOCK>() == b.last_chunk::<BLOCK>() && a_blocks.iter().zip(b_blocks).all(|(a, b)| a == b)
}

/// The first place where the bytes differ. They must have equal lengths of at least a block.
#[inline(always)]
pub fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    let ((a_blocks, _), (b_blocks, _)) = (a.as_chunks::<BLOCK>(), b.as_chunks::<BLOCK>());
    let mut place = 0;
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        if a != b {
            return Some(place + equal_bytes(a, b));
        }
        place += BLOCK;
    }
    let (last_a, last_b) = (a.last_chunk::<BLOCK>()?, b.last_chunk::<BLOCK>()?);
    (last_a != last_b).then(|| a.len() - BLOCK + equal_bytes(last_a, last_b))
}

/// The number of leading bytes that two different blocks have in common.
#[inline(always)]
fn equal_bytes(a: &[u8; BLOCK], b: &[u8; BLOCK]) -> usize {
    ((u128::from_le_bytes(*a) ^ u128::from_le_bytes(*b)).trailing_zeros() / 8) as usize
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
            prop_assert_eq!(equal(&a, &b), a == b);
            prop_assert_eq!(first_difference(&a, &b), a.iter().zip(&b).position(|(a, b)| a != b));
        }
    }
}
