//! Finds out, with a RocksDB listener, whether a compaction writes the bottommost level of its
//! keys.
//!
//! RocksDB does not tell a filter, but it tells listeners, in this order. First a compaction
//! begins, with its input files and its output level; the list of live files shows the files below.
//! Then a subcompaction begins, on the thread of each filter, after the filter was made and before
//! its first key. The listener leaves the answer on that thread until the filter reads it.

use crate::callback::lock;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Mutex;

thread_local! {
    static TOLD: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Whether the compaction on this thread writes the bottommost level, if that is known.
pub fn told() -> Option<bool> {
    TOLD.get()
}

/// Sets the answer for the filter on this thread; `None` means unknown.
pub fn tell(bottommost: Option<bool>) {
    TOLD.set(bottommost);
}

/// A table file of a column family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveFile {
    /// The last part of the file's path, perhaps behind a slash.
    pub name: Vec<u8>,
    /// The file's level; 0 is the newest.
    pub level: i32,
    /// The file's first key.
    pub smallest: Vec<u8>,
    /// The file's last key.
    pub largest: Vec<u8>,
}

/// Whether a compaction of these input files is bottommost: no other file below its output level
/// overlaps them. `files` are all files of its column family. The inputs are reordered. Nothing is
/// allocated, because this is called in a callback of the host.
pub fn is_bottommost(inputs: &mut [&[u8]], output_level: i32, files: &[LiveFile]) -> Option<bool> {
    inputs.iter_mut().for_each(|path| *path = name(path));
    inputs.sort_unstable();
    let is_input = |file: &&LiveFile| inputs.binary_search(&name(&file.name)).is_ok();
    let found = || files.iter().filter(is_input);
    let names = inputs.chunk_by(|one, other| one == other).count();
    if output_level <= 0 || found().count() != names {
        return None;
    }
    let smallest = found().map(|file| &file.smallest).min()?;
    let largest = found().map(|file| &file.largest).max()?;
    let mut below = files.iter().filter(|file| file.level > output_level && !is_input(file));
    Some(!below.any(|file| file.smallest <= *largest && file.largest >= *smallest))
}

/// The last part of a path.
fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// The running compactions, by column family and output level, because not every RocksDB with
/// listeners numbers them. If two of them have the same key and different answers, both answers are
/// unknown. An entry allocates only a family's name.
#[derive(Default)]
pub struct Jobs(Mutex<HashMap<(Vec<u8>, i32), Job>>);

struct Job {
    running: usize,
    bottommost: Option<bool>,
}

impl Jobs {
    /// Adds a compaction that begins.
    pub fn begin(&self, column_family: &[u8], output_level: i32, bottommost: Option<bool>) {
        let mut jobs = lock(&self.0);
        let job = jobs.entry((column_family.to_vec(), output_level)).or_insert(Job { running: 0, bottommost });
        job.running += 1;
        if job.bottommost != bottommost {
            job.bottommost = None;
        }
    }

    /// Removes a compaction that has ended.
    pub fn end(&self, column_family: &[u8], output_level: i32) {
        let mut jobs = lock(&self.0);
        let name = (column_family.to_vec(), output_level);
        if let Some(job) = jobs.get_mut(&name) {
            job.running -= 1;
            if job.running == 0 {
                jobs.remove(&name);
            }
        }
    }

    /// Whether a running compaction is bottommost, if that is known.
    pub fn bottommost(&self, column_family: &[u8], output_level: i32) -> Option<bool> {
        lock(&self.0).get(&(column_family.to_vec(), output_level))?.bottommost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, level: i32, smallest: &str, largest: &str) -> LiveFile {
        LiveFile { name: name.into(), level, smallest: smallest.into(), largest: largest.into() }
    }

    #[test]
    fn bottommost_is_what_nothing_overlaps_below() {
        let files = [file("/1.sst", 0, "a", "f"), file("/2.sst", 4, "b", "d"), file("/3.sst", 6, "d", "e"), file("/4.sst", 6, "x", "z")];
        let is_bottommost = |inputs: &[&str], output_level| {
            let mut inputs: Vec<&[u8]> = inputs.iter().map(|name| name.as_bytes()).collect();
            super::is_bottommost(&mut inputs, output_level, &files)
        };
        assert_eq!(is_bottommost(&["/db/1.sst"], 4), Some(false));
        assert_eq!(is_bottommost(&["/db/2.sst"], 5), Some(false), "they share a key");
        assert_eq!(is_bottommost(&["/db/1.sst", "/db/2.sst"], 6), Some(true));
        assert_eq!(is_bottommost(&["/db/1.sst", "/db/3.sst"], 4), Some(true), "what lies below is an input");
        assert_eq!(is_bottommost(&["/db/4.sst"], 6), Some(true), "of its own level");
        assert_eq!(is_bottommost(&["/db/1.sst"], 0), None, "level 0 holds files of any age");
        assert_eq!(is_bottommost(&["/db/1.sst", "/db/9.sst"], 6), None, "an input that is not live");
        assert_eq!(is_bottommost(&[], 6), None);
    }

    #[test]
    fn jobs_of_one_name_must_agree() {
        let jobs = Jobs::default();
        assert_eq!(jobs.bottommost(b"cf", 6), None);
        jobs.begin(b"cf", 6, Some(true));
        jobs.begin(b"cf", 6, Some(true));
        assert_eq!(jobs.bottommost(b"cf", 6), Some(true));
        assert_eq!((jobs.bottommost(b"cf", 5), jobs.bottommost(b"other", 6)), (None, None));
        jobs.begin(b"cf", 6, Some(false));
        assert_eq!(jobs.bottommost(b"cf", 6), None);
        for _ in 0..3 {
            jobs.end(b"cf", 6);
        }
        jobs.end(b"cf", 6);
        jobs.begin(b"cf", 6, Some(false));
        assert_eq!(jobs.bottommost(b"cf", 6), Some(false));
    }
}
