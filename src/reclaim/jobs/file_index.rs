//! An index of the table files of a family. It finds the files that overlap a range fast, because
//! there may be very many ranges.

use crate::engine::File;
use crate::layout::StoredRange;

/// The files of one level, in the order of their first keys.
struct Level {
    files: Vec<File>,
    /// For each file: among this file and those before it, the place of the one with the highest
    /// last key.
    highest: Vec<usize>,
}

impl Level {
    fn new(files: Vec<File>) -> Self {
        let mut highest: Vec<usize> = Vec::with_capacity(files.len());
        for (place, file) in files.iter().enumerate() {
            let before = highest.last().copied().filter(|before| files.get(*before).is_some_and(|other| other.largest > file.largest));
            highest.push(before.unwrap_or(place));
        }
        Self { files, highest }
    }

    /// The files that begin before `end` and reach `start`, the last one first. The search ends
    /// where neither this file nor one before it reaches `start`.
    fn reaching<'l>(&'l self, start: &'l [u8], end: &'l [u8]) -> impl Iterator<Item = &'l File> {
        let begun = self.files.partition_point(|file| file.smallest.as_slice() < end);
        let places = (0..begun).rev().take_while(move |place| self.highest_at(*place).is_some_and(|file| file.largest.as_slice() >= start));
        places.filter_map(|place| self.files.get(place)).filter(move |file| file.largest.as_slice() >= start)
    }

    fn has(&self, file: &File) -> bool {
        let from = self.files.partition_point(|other| other.smallest < file.smallest);
        let same_start = self.files.iter().skip(from).take_while(|other| other.smallest == file.smallest);
        { same_start }.any(|other| other.is_same(file))
    }

    fn highest_at(&self, place: usize) -> Option<&File> {
        self.files.get(*self.highest.get(place)?)
    }
}

/// The files of a family, by level and first key.
pub struct FileIndex(Vec<Level>);

impl FileIndex {
    /// The index of these files.
    pub fn new(mut files: Vec<File>) -> Self {
        files.sort_by(|one, other| (one.level, &one.smallest).cmp(&(other.level, &other.smallest)));
        Self(files.chunk_by(|one, other| one.level == other.level).map(|level| Level::new(level.to_vec())).collect())
    }

    /// The files that begin before `end`, and end at `start` or behind it. If `start` is before
    /// `end`, these are the files that overlap the range. Otherwise each of them covers all keys
    /// from `end` to `start`.
    pub fn reaching<'i>(&'i self, start: &'i [u8], end: &'i [u8]) -> impl Iterator<Item = &'i File> {
        self.0.iter().flat_map(move |level| level.reaching(start, end))
    }

    /// Whether the index has this file.
    pub fn has(&self, file: &File) -> bool {
        self.0.iter().any(|level| level.has(file))
    }

    /// Whether [`FileIndex::reaching`] finds a file.
    pub fn reaches(&self, start: &[u8], end: &[u8]) -> bool {
        self.reaching(start, end).next().is_some()
    }
}

/// The smallest range that holds all these ranges.
pub fn span<'r>(ranges: impl Iterator<Item = &'r StoredRange> + Clone) -> Option<StoredRange> {
    let start = ranges.clone().map(|(start, _)| start).min()?;
    let end = ranges.map(|(_, end)| end).max()?;
    Some((start.clone(), end.clone()))
}

/// Joins ranges, so that no file is compacted for two of them. Two ranges become one range if they
/// overlap or touch, or if one file overlaps both.
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

/// Splits a range into parts, which are compacted one after the other. A part has files of about
/// `most` bytes, or one larger file. Parts meet at the first key of a file.
pub fn split_at_files((start, end): StoredRange, files: &[File], most: u64) -> Vec<StoredRange> {
    let mut files: Vec<_> = files.iter().filter(|file| file.overlaps(&start, &end)).collect();
    files.sort_by(|one, other| one.smallest.cmp(&other.smallest));
    let (mut parts, mut from, mut bytes) = (Vec::new(), start, 0u64);
    for file in files {
        if bytes > 0 && bytes.saturating_add(file.bytes) > most && file.smallest > from {
            parts.push((std::mem::replace(&mut from, file.smallest.clone()), file.smallest.clone()));
            bytes = 0;
        }
        bytes = bytes.saturating_add(file.bytes);
    }
    parts.push((from, end));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file((smallest, len): (u8, u8)) -> File {
        let (smallest, largest) = (vec![smallest], vec![smallest + len]);
        File { name: Vec::new(), level: i32::from(len) % 3, bytes: 1, entries: 1, deletions: 0, smallest, largest, properties: Vec::new() }
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
                let found = index.reaching(start, end).count();
                prop_assert_eq!(found, files.iter().filter(|file| file.overlaps(start, end)).count());
            }
            let together = compact_together(ranges.clone(), &index);
            for file in &files {
                prop_assert!(together.iter().filter(|(start, end)| file.overlaps(start, end)).count() <= 1);
            }
            for (start, end) in &ranges {
                prop_assert_eq!(together.iter().filter(|range| range.0 <= *start && *end <= range.1).count(), 1);
            }
            for range in &together {
                let parts = split_at_files(range.clone(), &files, 2);
                prop_assert!(parts[0].0 == range.0 && parts[parts.len() - 1].1 == range.1);
                prop_assert!(parts.iter().all(|(start, end)| start < end));
                prop_assert!(parts.iter().zip(parts.iter().skip(1)).all(|(one, next)| one.1 == next.0));
            }
            // Nothing more is compacted than must be.
            for (start, end) in &together {
                prop_assert!(ranges.iter().any(|range| range.0 == *start) && ranges.iter().any(|range| range.1 == *end));
            }
        }
    }
}
