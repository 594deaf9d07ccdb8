//! The way to the engine. While the engine is called the thread is inside a callback. A family that the host dropped is an empty one.

use crate::callback::Inside;
use crate::engine::{Direction, Engine, Family, File, Flush, Op, ScanStep, Write, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::log::{Level, log};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// The engine of an attached store.
pub(super) struct ClosableEngine {
    engine: Box<dyn Engine>,
    /// By family: its name, and whether the host dropped it.
    families: Vec<(String, AtomicBool)>,
    /// What the library's own keys begin with that are written to be read and deleted.
    probe: Vec<u8>,
    /// The store said that it is being closed. It is never touched again.
    closed: AtomicBool,
    /// What waits must end.
    stopping: AtomicBool,
}

/// What every use of a store is from then on.
pub fn closed() -> Error {
    Error::new(ErrorKind::Aborted, "the DB is being closed before rgc_detach; detach, open it again, and attach it")
}

impl ClosableEngine {
    pub(super) fn new(engine: Box<dyn Engine>, families: impl Iterator<Item = String>, probe: Vec<u8>) -> Self {
        let families = families.map(|name| (name, AtomicBool::new(false))).collect();
        Self { engine, families, probe, closed: AtomicBool::new(false), stopping: AtomicBool::new(false) }
    }

    /// A key to be written, read and deleted, which no other call of this process has: calls do not meet each other's probes.
    pub(super) fn new_probe(&self) -> Vec<u8> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        [self.probe.as_slice(), &NEXT.fetch_add(1, SeqCst).to_be_bytes()].concat()
    }

    /// What waits ends soon. Reads and writes go on.
    pub(super) fn stop(&self) {
        self.stopping.store(true, SeqCst);
        if !self.closed.load(SeqCst) {
            let _inside = Inside::enter();
            self.engine.cancel();
        }
    }

    /// Must what waits end?
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    /// Has the store said that it is being closed?
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Did the host drop this family, as far as is known?
    pub(super) fn is_dropped(&self, family: Family) -> bool {
        self.families.get(family).is_some_and(|(_, dropped)| dropped.load(SeqCst))
    }

    /// Calls the engine about one family; what it says of a family that the host dropped is nothing.
    fn call<R: Default>(&self, family: Family, call: impl FnOnce(&dyn Engine) -> Result<R, Error>) -> Result<R, Error> {
        if self.is_dropped(family) {
            return Ok(R::default());
        }
        match self.call_any(call) {
            Err(error) if error.kind() == ErrorKind::FamilyDropped => {
                self.note_dropped(family);
                Ok(R::default())
            }
            result => result,
        }
    }

    fn call_any<R>(&self, call: impl FnOnce(&dyn Engine) -> Result<R, Error>) -> Result<R, Error> {
        if self.is_closed() {
            return Err(closed());
        }
        let _inside = Inside::enter();
        call(self.engine.as_ref()).map_err(|error| {
            if error.kind() != ErrorKind::ShutDown {
                return error;
            }
            if !self.closed.swap(true, SeqCst) {
                log(Level::Error, || format!("{error}: the store is not used any more; call rgc_detach before the DB closes"));
            }
            closed()
        })
    }

    fn note_dropped(&self, family: Family) {
        if let Some((name, dropped)) = self.families.get(family)
            && !dropped.swap(true, SeqCst)
        {
            log(Level::Warn, || format!("the host dropped the column family {name:?}; the library takes it for an empty one"));
        }
    }

    pub(super) fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.call(family, |engine| engine.get(family, key))
    }

    pub(super) fn get_durable(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.call(family, |engine| engine.get_durable(family, key))
    }

    pub(super) fn write(&self, writes: &[Write], how: WriteOptions) -> Result<(), Error> {
        self.call_any(|engine| engine.write(writes, how))
    }

    pub(super) fn scan(
        &self,
        family: Family,
        range: (&[u8], &[u8]),
        direction: Direction,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ScanStep,
    ) -> Result<(), Error> {
        self.call(family, |engine| engine.scan(family, range, direction, each))
    }

    pub(super) fn delete_files(&self, family: Family, range: (&[u8], &[u8])) -> Result<(), Error> {
        self.call(family, |engine| engine.delete_files(family, range))
    }

    pub(super) fn compact(&self, family: Family, range: (&[u8], &[u8]), last_level_too: bool) -> Result<(), Error> {
        self.check_stopping()?;
        self.call(family, |engine| engine.compact(family, range, last_level_too))
    }

    /// Writes memtables into files, and waits, unless the store is detached.
    pub(super) fn flush(&self, family: Family) -> Result<(), Error> {
        let mut progress = 0;
        loop {
            self.check_stopping()?;
            match self.call(family, |engine| engine.try_flush(family, &mut progress)) {
                Ok(Flush::Finished) => return Ok(()),
                // RocksDB flushes nothing of a family that the host dropped, and does not say so.
                Ok(Flush::Unfinished) => self.look_for_family(family)?,
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn files(&self, family: Family, range: (&[u8], &[u8])) -> Result<Vec<File>, Error> {
        self.call(family, |engine| engine.files(family, Some(range)))
    }

    pub(super) fn files_with_properties(&self, family: Family) -> Result<Vec<File>, Error> {
        self.call(family, |engine| engine.files_with_properties(family))
    }

    /// What identifies the snapshots that are held, where the store tells.
    pub(super) fn snapshots(&self) -> Option<u64> {
        self.call_any(|engine| Ok(engine.snapshots())).ok().flatten()
    }

    pub(super) fn write_stalled(&self) -> bool {
        self.call_any(|engine| Ok(engine.write_stalled())).unwrap_or(false)
    }

    fn check_stopping(&self) -> Result<(), Error> {
        if self.is_stopping() {
            return Err(Error::new(ErrorKind::Aborted, "the store is being detached; attach it again, and repeat the call"));
        }
        Ok(())
    }

    /// Would everything that is visible survive a crash? A key that was just written, with the WAL on, is durable only if nothing was
    /// written without a WAL; or if a flush came in between, so a second one must say the same.
    pub(super) fn all_is_logged(&self, family: Family) -> Result<bool, Error> {
        if !self.engine.tells_durability() {
            return Ok(false);
        }
        let write = |op| self.write(&[Write { family, op }], WriteOptions::default());
        let probe = self.new_probe();
        let mut logged = true;
        for mark in [b"1", b"2"] {
            write(Op::Put(probe.clone(), mark.to_vec()))?;
            logged &= self.get_durable(family, &probe)?.as_deref() == Some(mark);
        }
        write(Op::Delete(probe))?;
        Ok(logged)
    }

    /// A write to a family that is not there is left out: so a key that is written and cannot be read says that.
    pub(super) fn look_for_family(&self, family: Family) -> Result<(), Error> {
        let how = WriteOptions { sync: false, no_slowdown: true };
        let write = |op| self.write(&[Write { family, op }], how);
        let probe = self.new_probe();
        match write(Op::Put(probe.clone(), Vec::new())) {
            Err(error) if error.kind() == ErrorKind::Busy => return Ok(()),
            written => written?,
        }
        if self.get(family, &probe)?.is_none() {
            self.note_dropped(family);
            return Ok(());
        }
        match write(Op::Delete(probe)) {
            // Attaching deletes it.
            Err(error) if error.kind() == ErrorKind::Busy => Ok(()),
            written => written,
        }
    }
}
