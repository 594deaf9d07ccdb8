//! The table files of a family, to ask for many ranges whether a file overlaps them.

use crate::engine::File;
use crate::layout::StoredRange;

/// Files in the order of their first keys.
pub struct FileIndex {
    files: Vec<File>,
    /// For each file, the place of the file with the highest last key up to it.
    highest: Vec<usize>,
}

impl FileIndex {
    /// The index of these files.
    pub fn new(mut files: Vec<File>) -> Self {
        files.sort_by(|one, other| one.smallest.cmp(&other.smallest));
        let mut highest: Vec<usize> = Vec::with_capacity(files.len());
        for (place, file) in files.iter().enumerate() {
            let before = highest.last().copied().filter(|before| files.get(*before).is_some_and(|other| other.largest > file.largest));
            highest.push(before.unwrap_or(place));
        }
        Self { files, highest }
    }

    /// Whether a file reaches from before `end` to `start` or behind it. If `start` is before
    /// `end`, such a file overlaps the range. Otherwise it covers all keys between them.
    pub fn reaches(&self, start: &[u8], end: &[u8]) -> bool {
        let begun = self.files.partition_point(|file| file.smallest.as_slice() < end);
        let highest = begun.checked_sub(1).and_then(|last| self.files.get(*self.highest.get(last)?));
        highest.is_some_and(|file| file.largest.as_slice() >= start)
    }
}

/// The range from the first key of these ranges to behind their last key.
pub fn span<'r>(ranges: impl Iterator<Item = &'r StoredRange> + Clone) -> Option<StoredRange> {
    let start = ranges.clone().map(|(start, _)| start).min()?;
    let end = ranges.map(|(_, end)| end).max()?;
    Some((start.clone(), end.clone()))
}

/// The ranges to compact, so that no file is compacted for two ranges: ranges that overlap or that
/// one file overlaps become one range.
pub fn compact_together(mut ranges: Vec<StoredRange>, files: &FileIndex) -> Vec<StoredRange> {
    ranges.sort();
    let mut together: Vec<StoredRange> = Vec::new();
    for (start, end) in ranges {
        match together.last_mut() {
            Some((_, last)) if start <= *last || files.reaches(&start, last) => *last = end.max(std::mem::take(last)),
            _ => together.push((start, end)),
        }
    }
    together
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file((smallest, len): (u8, u8)) -> File {
        let (smallest, largest) = (vec![smallest], vec![smallest + len]);
        File { name: Vec::new(), level: 1, bytes: 1, entries: 1, deletions: 0, smallest, largest, properties: Vec::new() }
    }

    proptest! {
        #[test]
        fn every_file_is_compacted_for_one_range_only(
            files in proptest::collection::vec((0u8..100, 0u8..20), 0..8),
            ranges in proptest::collection::vec((0u8..100, 1u8..10), 0..8),
        ) {
            let files: Vec<File> = files.into_iter().map(file).collect();
            let ranges: Vec<StoredRange> = ranges.into_iter().map(|(start, len)| (vec![start], vec![start + len])).collect();
            let index = FileIndex::new(files.clone());
            for (start, end) in &ranges {
                prop_assert_eq!(index.reaches(start, end), files.iter().any(|file| file.overlaps(start, end)));
            }
            let together = compact_together(ranges.clone(), &index);
            for file in &files {
                prop_assert!(together.iter().filter(|(start, end)| file.overlaps(start, end)).count() <= 1);
            }
            for (start, end) in &ranges {
                prop_assert_eq!(together.iter().filter(|range| range.0 <= *start && *end <= range.1).count(), 1);
            }
            // Nothing more is compacted than must be.
            for (start, end) in &together {
                prop_assert!(ranges.iter().any(|range| range.0 == *start) && ranges.iter().any(|range| range.1 == *end));
            }
        }
    }
}
