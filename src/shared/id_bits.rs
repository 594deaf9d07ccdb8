//! A set of numbers of 16 bits, one bit for each number.

const WORD_BITS: u32 = u64::BITS;
const WORDS: usize = (1 << 16) / WORD_BITS as usize;
/// The largest number of ranges that need no more bytes than the bits: 4 bytes each.
pub const MOST_RANGES: usize = 2048;

/// The bits of all numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits([u64; WORDS]);

impl Default for Bits {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl Bits {
    /// The bits of these bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (words, []) = bytes.as_chunks::<8>() else { return None };
        let words: &[_; WORDS] = words.try_into().ok()?;
        Some(Self(words.map(u64::from_le_bytes)))
    }

    /// The bytes: id n is bit n % 8 of byte n / 8.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes())
    }

    /// Adds the ids of another set.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// Whether no id is in both sets.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(word, other)| word & other == 0)
    }

    fn place(id: u16) -> (usize, u64) {
        let id = u32::from(id);
        ((id / WORD_BITS) as usize, 1 << (id % WORD_BITS))
    }

    /// Whether an id is in the set.
    pub fn has(&self, id: u16) -> bool {
        let (word, bit) = Self::place(id);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds or removes an id.
    pub fn set(&mut self, id: u16, is_in: bool) {
        let (word, bit) = Self::place(id);
        if let Some(word) = self.0.get_mut(word) {
            *word = if is_in { *word | bit } else { *word & !bit };
        }
    }

    /// Adds all ids from the first to the last.
    pub fn set_range(&mut self, first: u16, last: u16) {
        let ((from, low), (to, high)) = (Self::place(first), Self::place(last));
        for (i, word) in self.0.iter_mut().enumerate().take(to + 1).skip(from) {
            let above = if i == from { !(low - 1) } else { u64::MAX };
            let below = if i == to { high | (high - 1) } else { u64::MAX };
            *word |= above & below;
        }
    }

    /// The first id at or above `from` that is in the set; without `is_in`, the first that is not.
    pub fn next(&self, from: u32, is_in: bool) -> Option<u16> {
        let (first, mut above) = ((from / WORD_BITS) as usize, !0 << (from % WORD_BITS));
        for (i, word) in self.0.iter().enumerate().skip(first) {
            let found = (if is_in { *word } else { !word }) & above;
            if found != 0 {
                return Some((i as u32 * WORD_BITS + found.trailing_zeros()) as u16);
            }
            above = !0;
        }
        None
    }

    /// The number of ids up to this one.
    pub fn count_to(&self, id: u16) -> u32 {
        let (last, bit) = Self::place(id);
        let masks = self.0.iter().enumerate().map(|(i, word)| word & if i == last { bit | (bit - 1) } else { !0 });
        masks.take(last + 1).map(u64::count_ones).sum()
    }

    /// The first and last id of each range of the set, unless these need more bytes than the bits.
    pub fn ranges(&self) -> Option<Vec<(u16, u16)>> {
        let mut above = 0;
        let begins = |word: &u64| {
            let begins = word & !(word << 1 | above);
            above = word >> (WORD_BITS - 1);
            begins.count_ones() as usize
        };
        let count: usize = self.0.iter().map(begins).sum();
        if count > MOST_RANGES {
            return None;
        }
        let mut ranges = Vec::with_capacity(count);
        let mut from = Some(0);
        while let Some(first) = from.and_then(|from| self.next(from, true)) {
            let end = self.next(first.into(), false);
            ranges.push((first, end.map_or(u16::MAX, |end| end - 1)));
            from = end.map(u32::from);
        }
        Some(ranges)
    }
}
