//! Access to the engine of an attached store. A thread that calls the engine counts as inside a
//! callback. A family that the host dropped is treated as empty.

use crate::callback::Inside;
use crate::engine::{Direction, Engine, Family, File, Flush, Op, ScanStep, Write, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::log::{Level, log};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

/// The engine of an attached store.
pub struct ClosableEngine {
    engine: Box<dyn Engine>,
    /// The name of each family, and whether the library knows that the host dropped it.
    families: Vec<(String, AtomicBool)>,
    /// The prefix of the library's probe keys, which are written, read and deleted.
    probe: Vec<u8>,
    /// Whether the store reported that it is being closed. Then the engine is never called again.
    closed: AtomicBool,
    /// Whether waiting calls must end.
    stopping: AtomicBool,
}

/// The error of every use of a store that is being closed.
pub fn closed() -> Error {
    Error::new(ErrorKind::Aborted, "the DB is being closed before rgc_detach; detach, open it again, and attach it")
}

impl ClosableEngine {
    pub fn new(engine: Box<dyn Engine>, families: impl Iterator<Item = String>, probe: Vec<u8>) -> Self {
        let families = families.map(|name| (name, AtomicBool::new(false))).collect();
        Self { engine, families, probe, closed: AtomicBool::new(false), stopping: AtomicBool::new(false) }
    }

    /// A probe key that no other call of this process uses, so that calls never read each other's
    /// probes.
    pub fn new_probe(&self) -> Vec<u8> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        [self.probe.as_slice(), &NEXT.fetch_add(1, SeqCst).to_be_bytes()].concat()
    }

    /// Makes waiting calls end soon. Reads and writes continue.
    pub fn stop(&self) {
        self.stopping.store(true, SeqCst);
        if !self.closed.load(SeqCst) {
            let _inside = Inside::enter();
            self.engine.cancel();
        }
    }

    /// Whether waiting calls must end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    /// Whether the store reported that it is being closed.
    pub fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Whether the library knows that the host dropped this family.
    pub fn is_dropped(&self, family: Family) -> bool {
        self.families.get(family).is_some_and(|(_, dropped)| dropped.load(SeqCst))
    }

    /// Calls the engine for one family. For a family that the host dropped the result is empty.
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
                log(Level::Error, || format!("{error}: the library no longer uses the store; call rgc_detach before the DB closes"));
            }
            closed()
        })
    }

    fn note_dropped(&self, family: Family) {
        if let Some((name, dropped)) = self.families.get(family)
            && !dropped.swap(true, SeqCst)
        {
            log(Level::Warn, || format!("the host dropped the column family {name:?}; the library treats it as empty"));
        }
    }

    pub fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.call(family, |engine| engine.get(family, key))
    }

    pub fn get_durable(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.call(family, |engine| engine.get_durable(family, key))
    }

    pub fn write(&self, writes: &[Write], how: WriteOptions) -> Result<(), Error> {
        self.call_any(|engine| engine.write(writes, how))
    }

    pub fn scan(
        &self,
        family: Family,
        range: (&[u8], &[u8]),
        direction: Direction,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ScanStep,
    ) -> Result<(), Error> {
        self.call(family, |engine| engine.scan(family, range, direction, each))
    }

    pub fn delete_files(&self, family: Family, range: (&[u8], &[u8])) -> Result<(), Error> {
        self.call(family, |engine| engine.delete_files(family, range))
    }

    pub fn compact(&self, family: Family, range: (&[u8], &[u8]), last_level_too: bool) -> Result<(), Error> {
        self.check_stopping()?;
        self.call(family, |engine| engine.compact(family, range, last_level_too))
    }

    /// Flushes the memtables and waits until that is done or the store is detached.
    pub fn flush(&self, family: Family) -> Result<(), Error> {
        let mut progress = 0;
        loop {
            self.check_stopping()?;
            match self.call(family, |engine| engine.try_flush(family, &mut progress)) {
                Ok(Flush::Finished) => return Ok(()),
                // RocksDB flushes nothing of a family that the host dropped, and does not report
                // that.
                Ok(Flush::Unfinished) => self.look_for_family(family)?,
                Err(error) => return Err(error),
            }
        }
    }

    pub fn files(&self, family: Family, range: (&[u8], &[u8])) -> Result<Vec<File>, Error> {
        self.call(family, |engine| engine.files(family, Some(range)))
    }

    pub fn files_with_properties(&self, family: Family) -> Result<Vec<File>, Error> {
        self.call(family, |engine| engine.files_with_properties(family))
    }

    /// A number that identifies the snapshots that are held, if the engine reports them.
    pub fn snapshots(&self) -> Option<u64> {
        self.call_any(|engine| Ok(engine.snapshots())).ok().flatten()
    }

    pub fn write_stalled(&self) -> bool {
        self.call_any(|engine| Ok(engine.write_stalled())).unwrap_or(false)
    }

    /// An error if waiting calls must end.
    pub fn check_stopping(&self) -> Result<(), Error> {
        if self.is_stopping() {
            return Err(Error::new(ErrorKind::Aborted, "the store is being detached; attach it again, and repeat the call"));
        }
        Ok(())
    }

    /// Whether all visible writes would survive a crash. It writes a probe with the WAL, and asks
    /// the engine for its durable value. The engine returns the value if all earlier writes were
    /// logged too, or if a flush happened in between. Because of such a flush it asks twice. Both
    /// times it must get the value.
    pub fn all_is_logged(&self, family: Family) -> Result<bool, Error> {
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

    /// Checks whether a family exists. RocksDB ignores a write to a dropped family, so a key that
    /// was written and cannot be read shows that the family is dropped.
    pub fn look_for_family(&self, family: Family) -> Result<(), Error> {
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
            // The next attach deletes the probe.
            Err(error) if error.kind() == ErrorKind::Busy => Ok(()),
            written => written,
        }
    }
}
