//! Rows that wait for the worker, as bytes in chunks. No byte is moved again, and all allocated
//! bytes count against a bound. If memory cannot be allocated, the row is refused.

use super::FilterKind;
use std::collections::VecDeque;
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The size of the first chunk of a filter, in bytes; each further one is twice as large, up to the
/// largest.
const FIRST_CHUNK: usize = 1 << 10;
/// The size of the largest chunk, in bytes. A longer row has a chunk of its own.
const LARGEST_CHUNK: usize = 64 << 10;
/// The length that precedes each row's bytes.
type RowLen = u32;

/// The bound on the bytes of all waiting rows.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    taken: AtomicUsize,
}

impl Room {
    /// A bound of this number of bytes.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0) })
    }

    fn take(self: &Arc<Self>, bytes: usize) -> Option<Taken> {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.taken.fetch_update(SeqCst, SeqCst, fits).ok()?;
        Some(Taken { room: self.clone(), bytes })
    }

    /// Reserves bytes for rows that come back from the worker, also beyond the bound.
    fn take_back(self: &Arc<Self>, bytes: usize) -> Taken {
        self.taken.fetch_add(bytes, SeqCst);
        Taken { room: self.clone(), bytes }
    }
}

/// Reserved bytes; they are free again when this is dropped.
#[derive(Debug)]
struct Taken {
    room: Arc<Room>,
    bytes: usize,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, SeqCst);
    }
}

/// Some rows, each behind its length.
#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    rows: usize,
    _taken: Taken,
}

impl Chunk {
    fn new(room: &Arc<Room>, len: usize) -> Option<Self> {
        let taken = room.take(len + size_of::<Self>())?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).ok()?;
        Some(Self { bytes, rows: 0, _taken: taken })
    }

    fn has_room(&self, len: usize) -> bool {
        self.bytes.capacity() - self.bytes.len() >= len
    }

    /// Adds a row. The chunk must have room, so that nothing is allocated.
    fn push(&mut self, len: RowLen, row: &[u8]) {
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(row);
        self.rows += 1;
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (len, behind) = rest.split_first_chunk()?;
            let (row, behind) = behind.split_at_checked(RowLen::from_le_bytes(*len) as usize)?;
            rest = behind;
            Some(row)
        })
    }
}

/// The rows of one filter: stored keys without timestamps.
#[derive(Debug)]
pub struct HandedOverRows {
    /// The kind of the filter that handed them over.
    pub kind: FilterKind,
    chunks: VecDeque<Chunk>,
}

impl HandedOverRows {
    /// A list without rows.
    pub fn new(kind: FilterKind) -> Self {
        Self { kind, chunks: VecDeque::new() }
    }

    /// Adds a row, if there is room and memory for it.
    pub(super) fn push(&mut self, room: &Arc<Room>, row: &[u8]) -> bool {
        let Ok(row_len) = RowLen::try_from(row.len()) else { return false };
        let len = size_of::<RowLen>() + row.len();
        if !self.chunks.back().is_some_and(|chunk| chunk.has_room(len)) {
            if self.chunks.try_reserve(1).is_err() {
                return false;
            }
            let usual = self.chunks.back().map_or(FIRST_CHUNK, |last| LARGEST_CHUNK.min(2 * last.bytes.capacity()));
            // If the room is nearly full, the chunk is only as large as the row.
            let Some(chunk) = Chunk::new(room, usual.max(len)).or_else(|| Chunk::new(room, len)) else { return false };
            self.chunks.push_back(chunk);
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(row_len, row);
        }
        true
    }

    /// Rows that come back from the worker. This allocates, so it must not be called in a callback.
    pub(super) fn back<'r>(room: &Arc<Room>, kind: FilterKind, rows: impl Iterator<Item = &'r [u8]> + Clone) -> Self {
        let len = rows.clone().map(|row| size_of::<RowLen>() + row.len()).sum();
        let mut chunk = Chunk { bytes: Vec::with_capacity(len), rows: 0, _taken: room.take_back(len + size_of::<Chunk>()) };
        rows.for_each(|row| chunk.push(row.len() as RowLen, row));
        Self { kind, chunks: VecDeque::from_iter((chunk.rows > 0).then_some(chunk)) }
    }

    /// Takes the rows of the first chunk, which limits the rows in hand.
    pub(super) fn split_first(&mut self) -> Option<Self> {
        let chunk = self.chunks.pop_front()?;
        Some(Self { kind: self.kind, chunks: VecDeque::from_iter([chunk]) })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.rows).sum()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The rows in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().flat_map(Chunk::iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_as_they_went() {
        let room = Room::new(usize::MAX);
        let longest = vec![7; 3 * LARGEST_CHUNK];
        let some: Vec<&[u8]> = [b"a", &b""[..], b"longer", &longest, b"x"].repeat(300);
        let mut rows = HandedOverRows::new(FilterKind::Write);
        assert!(some.iter().all(|row| rows.push(&room, row)));
        assert_eq!(rows.len(), some.len());
        assert!(rows.iter().eq(some.iter().copied()));
        let mut split = Vec::new();
        while let Some(first) = rows.split_first() {
            split.extend(first.iter().map(<[u8]>::to_vec));
        }
        assert!(rows.is_empty() && split == some);
        let back = HandedOverRows::back(&room, FilterKind::Write, some.iter().copied());
        assert!(back.iter().eq(some.iter().copied()) && back.len() == some.len());
        drop(back);
        assert!(HandedOverRows::back(&room, FilterKind::Write, std::iter::empty()).is_empty());
        assert_eq!(room.taken.load(SeqCst), 0, "all of the room is given back");
    }

    #[test]
    fn the_room_counts_what_is_allocated() {
        const MOST: usize = 100_000;
        let room = Room::new(MOST);
        let mut rows = HandedOverRows::new(FilterKind::Default);
        let mut n = 0;
        while rows.push(&room, &[0; 100]) {
            n += 1;
        }
        let allocated: usize = rows.chunks.iter().map(|chunk| chunk.bytes.capacity() + size_of::<Chunk>()).sum();
        assert_eq!(room.taken.load(SeqCst), allocated);
        assert!(allocated <= MOST && n * 100 > MOST * 8 / 10, "{n} rows in {allocated} bytes");
        assert!(!rows.push(&room, &[0; MOST]) && rows.len() == n);
        drop(rows.split_first());
        assert!(rows.push(&room, b"there is room again"));
    }
}
