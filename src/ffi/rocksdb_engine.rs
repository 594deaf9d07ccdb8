//! An open RocksDB, through the functions of rocksdb/c.h, as an [`Engine`].

use super::rocksdb_calls::{Owned, RocksDb, bound};
use super::rocksdb_functions::list::{rocksdb_compactoptions_t, rocksdb_iterator_t, rocksdb_livefiles_t, rocksdb_writeoptions_t};
use crate::engine::flush_wait::{FlushWait, begin_flush, wait_for_flush};
use crate::engine::{Direction, Engine, Family, File, Flush, ScanStep, Write, WriteOptions};
use crate::error::{Error, ErrorKind};
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// `BottommostLevelCompaction`: kSkip and kForceOptimized. The latter rewrites no file that the
/// same compaction made.
const SKIP_LAST_LEVEL: u8 = 0;
const FORCE_LAST_LEVEL: u8 = 3;

/// The property with the number of background errors since the DB was opened.
const BACKGROUND_ERRORS: &CStr = c"rocksdb.background-errors";
const IMMUTABLE_MEMTABLES: &CStr = c"rocksdb.num-immutable-mem-table";
/// RocksDB's text for a status TryAgain: it cannot begin a flush while writes are stopped.
const TRY_AGAIN: &str = "Operation failed. Try again.";
/// `ReadTier`: kReadAllTier.
const READ_ALL: c_int = 0;
/// `ReadTier`: kPersistedTier. RocksDB ignores memtables for it once anything was written without a
/// WAL.
const READ_PERSISTED: c_int = 2;

/// Counts the calls that are in progress.
struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    fn new(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A key below `end`, and above nearly all other keys below it. RocksDB's C function includes its
/// end key in the range.
fn just_below(end: &[u8]) -> Vec<u8> {
    let Some((&last, rest)) = end.split_last() else { return Vec::new() };
    let mut below = rest.to_vec();
    if last > 0 {
        below.push(last - 1);
        below.extend_from_slice(&[0xff; 16]);
    }
    below
}

impl Engine for RocksDb {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.get_from(READ_ALL, family, key)
    }

    fn get_durable(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.get_from(READ_PERSISTED, family, key)
    }

    fn write(&self, writes: &[Write], how: WriteOptions) -> Result<(), Error> {
        let (create, destroy) = (bound!(self.rocksdb_writeoptions_create), bound!(self.rocksdb_writeoptions_destroy));
        let (sync, no_slowdown) = (bound!(self.rocksdb_writeoptions_set_sync), bound!(self.rocksdb_writeoptions_set_no_slowdown));
        let ignore_missing = bound!(self.rocksdb_writeoptions_set_ignore_missing_column_families);
        let write = bound!(self.rocksdb_write);
        let batch = self.batch(writes)?;
        // SAFETY: RocksDB's own functions on its own objects.
        let written = unsafe {
            let options: Owned<rocksdb_writeoptions_t> = Owned { it: create(), destroy };
            sync(options.it, u8::from(how.sync));
            no_slowdown(options.it, u8::from(how.no_slowdown));
            // Without this a write to a family that the host dropped would fail after the WAL, and
            // all later writes of the host would fail too.
            ignore_missing(options.it, 1);
            self.checked(|error| write(self.db, options.it, batch.it, error))
        };
        // RocksDB reports a stall as "Result incomplete: Write stall", which is no kind of its own
        // here.
        written.map_err(|error| {
            let stalled = how.no_slowdown && error.to_string().contains("Result incomplete");
            if stalled { Error::new(ErrorKind::Busy, "the store stalls writes; try again later") } else { error }
        })
    }

    fn scan(
        &self,
        family: Family,
        (start, end): (&[u8], &[u8]),
        direction: Direction,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ScanStep,
    ) -> Result<(), Error> {
        let (lower, upper) =
            (bound!(self.rocksdb_readoptions_set_iterate_lower_bound), bound!(self.rocksdb_readoptions_set_iterate_upper_bound));
        let (create, create_cf) = (bound!(self.rocksdb_create_iterator), bound!(self.rocksdb_create_iterator_cf));
        let (destroy, valid, get_error) =
            (bound!(self.rocksdb_iter_destroy), bound!(self.rocksdb_iter_valid), bound!(self.rocksdb_iter_get_error));
        let (key, value) = (bound!(self.rocksdb_iter_key), bound!(self.rocksdb_iter_value));
        let (seek, step) = match direction {
            Direction::Forwards => (bound!(self.rocksdb_iter_seek_to_first), bound!(self.rocksdb_iter_next)),
            Direction::Backwards => (bound!(self.rocksdb_iter_seek_to_last), bound!(self.rocksdb_iter_prev)),
        };
        let options = self.read_options()?;
        // SAFETY: RocksDB's own functions on its own objects; the bounds outlive the iterator, and
        // keys and values are read before it moves.
        unsafe {
            lower(options.it, start.as_ptr().cast(), start.len());
            upper(options.it, end.as_ptr().cast(), end.len());
            let it = match self.handle(family) {
                None => create(self.db, options.it),
                Some(cf) => create_cf(self.db, options.it, cf),
            };
            let iterator: Owned<rocksdb_iterator_t> = Owned { it, destroy };
            seek(iterator.it);
            while valid(iterator.it) != 0 {
                let shown = |of: unsafe extern "C" fn(*const rocksdb_iterator_t, *mut usize) -> *const c_char| {
                    let mut len = 0;
                    let data = of(iterator.it, &mut len);
                    std::slice::from_raw_parts(data.cast::<u8>(), len)
                };
                if each(shown(key), shown(value)).is_break() {
                    return Ok(());
                }
                step(iterator.it);
            }
            self.checked(|error| get_error(iterator.it, error))
        }
    }

    fn delete_files(&self, family: Family, (start, end): (&[u8], &[u8])) -> Result<(), Error> {
        let (delete, delete_cf) = (bound!(self.rocksdb_delete_file_in_range), bound!(self.rocksdb_delete_file_in_range_cf));
        let limit = just_below(end);
        if limit.as_slice() < start {
            return Ok(());
        }
        let ((start, start_len), (limit, limit_len)) = ((start.as_ptr().cast(), start.len()), (limit.as_ptr().cast(), limit.len()));
        // SAFETY: RocksDB's own functions on its own DB.
        self.checked(|error| unsafe {
            match self.handle(family) {
                None => delete(self.db, start, start_len, limit, limit_len, error),
                Some(cf) => delete_cf(self.db, cf, start, start_len, limit, limit_len, error),
            }
        })
    }

    fn compact(&self, family: Family, (start, end): (&[u8], &[u8]), last_level_too: bool) -> Result<(), Error> {
        let (create, destroy) = (bound!(self.rocksdb_compactoptions_create), bound!(self.rocksdb_compactoptions_destroy));
        let exclusive = bound!(self.rocksdb_compactoptions_set_exclusive_manual_compaction);
        let bottommost = bound!(self.rocksdb_compactoptions_set_bottommost_level_compaction);
        let (compact, compact_cf) = (bound!(self.rocksdb_compact_range_opt), bound!(self.rocksdb_compact_range_cf_opt));
        let ((start, start_len), (end, end_len)) = ((start.as_ptr().cast(), start.len()), (end.as_ptr().cast(), end.len()));
        let _counted = Counted::new(&self.compactions);
        self.check_cancelled()?;
        let errors_before = self.property(BACKGROUND_ERRORS);
        // SAFETY: RocksDB's own functions on its own objects.
        unsafe {
            let options: Owned<rocksdb_compactoptions_t> = Owned { it: create(), destroy };
            exclusive(options.it, 0);
            bottommost(options.it, if last_level_too { FORCE_LAST_LEVEL } else { SKIP_LAST_LEVEL });
            match self.handle(family) {
                None => compact(self.db, options.it, start, start_len, end, end_len),
                Some(cf) => compact_cf(self.db, cf, options.it, start, start_len, end, end_len),
            }
        }
        self.check_cancelled()?;
        // The function has no errptr, so an error shows only in the property.
        let errors = self.property(BACKGROUND_ERRORS);
        if errors > errors_before {
            return Err(Error::new(
                ErrorKind::IoError,
                "the store reports a background error since the compaction began; see its log, make room, and repeat",
            ));
        }
        Ok(())
    }

    fn try_flush(&self, family: Family, progress: &mut u64) -> Result<Flush, Error> {
        let immutable = || self.family_property(family, IMMUTABLE_MEMTABLES);
        if immutable().is_none() {
            return self.flush(family, true).map(|()| Flush::Finished);
        }
        let immutable = || immutable().unwrap_or(0);
        if *progress == 0 {
            if !begin_flush(immutable) {
                return Ok(Flush::Unfinished);
            }
            match self.flush(family, false) {
                Err(error) if error.to_string().contains(TRY_AGAIN) => return Ok(Flush::Unfinished),
                begun => begun?,
            }
        }
        match wait_for_flush(progress, immutable, || self.property(BACKGROUND_ERRORS).unwrap_or(0)) {
            FlushWait::Finished => Ok(Flush::Finished),
            FlushWait::Unfinished => Ok(Flush::Unfinished),
            FlushWait::Failed => {
                Err(Error::new(ErrorKind::IoError, "the store reports a background error since the flush began; see its log"))
            }
        }
    }

    fn files(&self, family: Family, range: Option<(&[u8], &[u8])>) -> Result<Vec<File>, Error> {
        let Some((_, wanted)) = self.families.get(family) else { return Ok(Vec::new()) };
        let (list, count, destroy) =
            (bound!(self.rocksdb_livefiles), bound!(self.rocksdb_livefiles_count), bound!(self.rocksdb_livefiles_destroy));
        let (name, level) = (bound!(self.rocksdb_livefiles_column_family_name), bound!(self.rocksdb_livefiles_level));
        let (size, entries) = (bound!(self.rocksdb_livefiles_size), bound!(self.rocksdb_livefiles_entries));
        let (deletions, file_name) = (bound!(self.rocksdb_livefiles_deletions), bound!(self.rocksdb_livefiles_name));
        let (smallest, largest) = (bound!(self.rocksdb_livefiles_smallestkey), bound!(self.rocksdb_livefiles_largestkey));
        // SAFETY: RocksDB's own functions on its own list, which is destroyed after it is copied.
        unsafe {
            let files = list(self.db);
            let key = |of: unsafe extern "C" fn(*const rocksdb_livefiles_t, i32, *mut usize) -> *const c_char, i| {
                let mut len = 0;
                let data = of(files, i, &mut len);
                std::slice::from_raw_parts(data.cast::<u8>(), len).to_vec()
            };
            let ours = (0..count(files)).filter(|i| CStr::from_ptr(name(files, *i)).to_bytes() == wanted.as_slice());
            let found = ours.map(|i| File {
                name: CStr::from_ptr(file_name(files, i)).to_bytes().to_vec(),
                level: level(files, i),
                bytes: size(files, i) as u64,
                entries: entries(files, i),
                deletions: deletions(files, i),
                smallest: key(smallest, i),
                largest: key(largest, i),
                properties: Vec::new(),
            });
            let found = found.filter(|file| range.is_none_or(|(start, end)| file.overlaps(start, end))).collect();
            destroy(files);
            Ok(found)
        }
    }

    /// RocksDB's C API has no properties, and no exact counts of files that it has not read since
    /// it was opened.
    fn files_with_properties(&self, family: Family) -> Result<Vec<File>, Error> {
        self.files(family, None)
    }

    fn cancel(&self) {
        self.cancelled.store(true, SeqCst);
        // A compaction that begins later sees the flag. A running one can only be stopped by the
        // switch for all manual compactions.
        if self.compactions.load(SeqCst) > 0
            && let (Some(disable), Some(enable)) =
                (self.functions.rocksdb_disable_manual_compaction, self.functions.rocksdb_enable_manual_compaction)
        {
            // SAFETY: RocksDB's own functions on its own DB; one enable follows the disable.
            unsafe {
                disable(self.db);
                enable(self.db);
            }
        }
    }

    fn snapshots(&self) -> Option<u64> {
        let (held, oldest) = (self.property(c"rocksdb.num-snapshots")?, self.property(c"rocksdb.oldest-snapshot-sequence")?);
        Some(oldest.rotate_left(8) ^ held)
    }

    fn write_stalled(&self) -> bool {
        [c"rocksdb.is-write-stopped", c"rocksdb.actual-delayed-write-rate"].into_iter().any(|name| self.property(name).unwrap_or(0) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_below_the_end() {
        for (end, below) in [(&b"b"[..], [&b"a"[..], &[0xff; 16]].concat()), (b"b\0", b"b".to_vec()), (b"\0", b"".to_vec())] {
            assert_eq!(just_below(end), below);
            assert!(just_below(end).as_slice() < end);
        }
    }
}
