//! A store that the host implements: `rgc_engine_t` as an [`Engine`].

use super::c;
use super::engine_answers::{checked, gather, take_text, value_of};
use super::memory::{Sized1, slice};
use super::opaque::lend;
use crate::engine::{Direction, Engine, Family, File, Flush, Op, ScanStep, Write, WriteOptions};
use crate::error::{Error, ErrorKind};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_engine_t {
    const VERSION_1: usize = 96;
}

/// The host's functions, all required ones present, and their state.
///
/// A call of them is sound for these reasons. The host gave `state` for these functions, and keeps
/// it until the destructor, or until the attach has failed. Keys, ranges and batches are borrowed
/// from the caller of the method, so they live until the function returns. Where a function
/// answers, it gets pointers to local variables, which nothing else uses. The host mallocs the
/// values and error texts that it returns, and gives them away.
pub struct HostEngine {
    table: c::rgc_engine_t,
    state: *mut c_void,
    taken_over: Arc<AtomicBool>,
}

// SAFETY: Rust never reads through `state`. The host's functions do, and the header tells the host
// that any thread calls them.
unsafe impl Send for HostEngine {}
// SAFETY: as for Send; and the header tells the host that several threads call them at once.
unsafe impl Sync for HostEngine {}

impl Drop for HostEngine {
    fn drop(&mut self) {
        if let Some(destructor) = self.table.destructor
            && self.taken_over.load(SeqCst)
        {
            // SAFETY: the host's function, with the state that it expects. The engine owned the
            // state until here. Nothing holds the engine any more, so no other function is called
            // later.
            unsafe { destructor(self.state) }
        }
    }
}

/// A function of the table; [`HostEngine::new`] has checked that it is there.
macro_rules! function {
    ($self:ident.$name:ident) => {
        $self.table.$name.ok_or_else(|| is_null(stringify!($name)))?
    };
}

fn is_null(name: &str) -> Error {
    Error::invalid(format!("engine.{name} is NULL; every function before destructor is needed"))
}

type Bytes = (*const c_char, usize);

fn parts(bytes: &[u8]) -> Bytes {
    (bytes.as_ptr().cast(), bytes.len())
}

fn cf(family: Family) -> u32 {
    family as u32
}

impl HostEngine {
    /// An engine of the host. It owns its state from the moment when `taken_over` is set.
    ///
    /// # Safety
    /// The functions of `table` may be called with `state`, from any thread, until the engine is
    /// dropped.
    pub unsafe fn new(table: c::rgc_engine_t, state: *mut c_void, taken_over: Arc<AtomicBool>) -> Result<Self, Error> {
        let c::rgc_engine_t { get, write, iterate, next, iterator_destroy, delete_files, compact, flush, files, write_stalled, .. } = table;
        for (name, there) in [
            ("get", get.is_some()),
            ("write", write.is_some()),
            ("iterate", iterate.is_some()),
            ("next", next.is_some()),
            ("iterator_destroy", iterator_destroy.is_some()),
            ("delete_files", delete_files.is_some()),
            ("compact", compact.is_some()),
            ("flush", flush.is_some()),
            ("files", files.is_some()),
            ("write_stalled", write_stalled.is_some()),
        ] {
            if !there {
                return Err(is_null(name));
            }
        }
        Ok(Self { table, state, taken_over })
    }

    /// RocksDB's id of a family and the kind number of its filters, if the host reports them.
    pub(super) fn describe(&self, family: Family) -> Option<(u32, c_int)> {
        let describe = self.table.describe?;
        let (mut id, mut kind) = (0, 0);
        // SAFETY: a function of the host's, with its state, and two local variables for the answer.
        unsafe { describe(self.state, cf(family), &mut id, &mut kind) };
        Some((id, kind))
    }

    fn flush(&self, family: Family) -> Result<(), Error> {
        let flush = function!(self.flush);
        // SAFETY: a function of the host's, with its state.
        unsafe { checked(|error| flush(self.state, cf(family), error)) }
    }
}

impl Engine for HostEngine {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let get = function!(self.get);
        // SAFETY: a function of the host's, with its state; `key` lives until it returns.
        unsafe { value_of(|value, len, error| get(self.state, cf(family), key.as_ptr().cast(), key.len(), value, len, error)) }
    }

    fn get_durable(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Some(get) = self.table.get_durable else {
            self.flush(family)?;
            return self.get(family, key);
        };
        // SAFETY: a function of the host's, with its state; `key` lives until it returns.
        unsafe { value_of(|value, len, error| get(self.state, cf(family), key.as_ptr().cast(), key.len(), value, len, error)) }
    }

    fn tells_durability(&self) -> bool {
        self.table.get_durable.is_some()
    }

    fn write(&self, writes: &[Write], how: WriteOptions) -> Result<(), Error> {
        let write = function!(self.write);
        let to_c = |write: &Write| {
            let (op, (key, key_len), (value, value_len)) = match &write.op {
                Op::Put(key, value) => (c::RGC_OP_PUT, parts(key), parts(value)),
                Op::Delete(key) => (c::RGC_OP_DELETE, parts(key), (null(), 0)),
                Op::DeleteRange(start, end) => (c::RGC_OP_DELETE_RANGE, parts(start), parts(end)),
            };
            c::rgc_write_t { op: op as c_int, cf: cf(write.family), key, key_len, value, value_len }
        };
        let batch: Vec<_> = writes.iter().map(to_c).collect();
        let flag = |on, flag| if on { flag } else { 0 };
        let flags = flag(how.sync, c::RGC_WRITE_FLAG_SYNC) | flag(how.no_slowdown, c::RGC_WRITE_FLAG_NO_SLOWDOWN);
        // SAFETY: a function of the host's, with its state; `batch`, and the bytes of `writes` to
        // which it points, live until it returns.
        unsafe { checked(|error| write(self.state, batch.as_ptr(), batch.len(), flags as c_int, error)) }
    }

    fn scan(
        &self,
        family: Family,
        (start, end): (&[u8], &[u8]),
        direction: Direction,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ScanStep,
    ) -> Result<(), Error> {
        let (iterate, next, destroy) = (function!(self.iterate), function!(self.next), function!(self.iterator_destroy));
        let ((start, start_len), (end, end_len)) = (parts(start), parts(end));
        let backwards = u8::from(direction == Direction::Backwards);
        let mut text = null_mut();
        // SAFETY: functions of the host's, with its state. The range lives until `iterate` returns.
        // The iterator is the host's, not NULL, used by this thread alone, and destroyed once, at
        // the end. The host keeps a key and its value until the next call of `next`; `each` has
        // returned by then.
        unsafe {
            let iterator = iterate(self.state, cf(family), start, start_len, end, end_len, backwards, &mut text);
            if iterator.is_null() {
                let said = take_text(text).unwrap_or_else(|| "the engine made no iterator and gave no error text".into());
                return Err(Error::of_store(&said));
            }
            let _destroyed = OnDrop(|| destroy(iterator));
            loop {
                let (mut key, mut key_len, mut value, mut value_len) = (null(), 0, null(), 0);
                checked(|error| next(iterator, &mut key, &mut key_len, &mut value, &mut value_len, error))?;
                if key.is_null() {
                    return Ok(());
                }
                let shown = |data: Bytes| {
                    slice(data.0.cast::<u8>(), data.1)
                        .ok_or_else(|| Error::new(ErrorKind::IoError, "the engine returned a length without bytes"))
                };
                if each(shown((key, key_len))?, shown((value, value_len))?).is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn delete_files(&self, family: Family, (start, end): (&[u8], &[u8])) -> Result<(), Error> {
        let delete_files = function!(self.delete_files);
        let ((start, start_len), (end, end_len)) = (parts(start), parts(end));
        // SAFETY: a function of the host's, with its state; the range lives until it returns.
        unsafe { checked(|error| delete_files(self.state, cf(family), start, start_len, end, end_len, error)) }
    }

    fn compact(&self, family: Family, (start, end): (&[u8], &[u8]), last_level_too: bool) -> Result<(), Error> {
        let compact = function!(self.compact);
        let ((start, start_len), (end, end_len)) = (parts(start), parts(end));
        // SAFETY: a function of the host's, with its state; the range lives until it returns.
        unsafe { checked(|error| compact(self.state, cf(family), start, start_len, end, end_len, u8::from(last_level_too), error)) }
    }

    fn try_flush(&self, family: Family, progress: &mut u64) -> Result<Flush, Error> {
        let Some(try_flush) = self.table.try_flush else { return self.flush(family).map(|()| Flush::Finished) };
        // SAFETY: a function of the host's, with its state; `progress` is this call's alone.
        match unsafe { checked(|error| try_flush(self.state, cf(family), progress, error)) } {
            Ok(()) => Ok(Flush::Finished),
            Err(error) if error.kind() == ErrorKind::Busy => Ok(Flush::Unfinished),
            Err(error) => Err(error),
        }
    }

    fn files(&self, family: Family, range: Option<(&[u8], &[u8])>) -> Result<Vec<File>, Error> {
        let Some((start, end)) = range else { return self.files_with_properties(family) };
        let Some(files) = self.table.files_in_range else {
            let mut found = self.files_with_properties(family)?;
            found.retain(|file| file.overlaps(start, end));
            return Ok(found);
        };
        let ((start, start_len), (end, end_len)) = (parts(start), parts(end));
        let mut found: Vec<File> = Vec::new();
        let into = lend(&mut found);
        // SAFETY: a function of the host's, with its state. The range lives until it returns, and
        // so does `found`, which only `gather` uses meanwhile.
        unsafe { checked(|error| files(self.state, cf(family), start, start_len, end, end_len, Some(gather), into, error)) }?;
        Ok(found)
    }

    fn files_with_properties(&self, family: Family) -> Result<Vec<File>, Error> {
        let files = function!(self.files);
        let mut found: Vec<File> = Vec::new();
        // SAFETY: a function of the host's, with its state. `found` lives until it returns, and
        // only `gather` uses it meanwhile.
        unsafe { checked(|error| files(self.state, cf(family), Some(gather), lend(&mut found), error)) }?;
        Ok(found)
    }

    fn cancel(&self) {
        if let Some(cancel) = self.table.cancel {
            // SAFETY: a function of the host's, with its state.
            unsafe { cancel(self.state) }
        }
    }

    fn write_stalled(&self) -> bool {
        // SAFETY: a function of the host's, with its state.
        self.table.write_stalled.is_some_and(|write_stalled| unsafe { write_stalled(self.state) } != 0)
    }
}

/// Calls a function when it is dropped, also during a panic.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
