//! The Rust store in memory: the trait `Engine` for tests that hold or fail a call of the worker's.
//! It has no files and no tombstones. `c_tests/every_export/mem_store.h` has both, and is C because
//! it shows that a store written against `rgc_engine_t` alone works.

use rocks_gc::engine::{Direction, Engine, Family, File, Flush, Op, ScanStep, Write, WriteOptions};
use rocks_gc::error::{Error, ErrorKind};
use rocks_gc::options::Options;
use rocks_gc::reclaim::{AttachedStore, ColumnFamily, Role, attach};
use rocks_gc::shared::Shared;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

#[derive(Default)]
pub struct State {
    families: [Mutex<BTreeMap<Vec<u8>, Vec<u8>>>; 2],
    /// Every get waits while `holds_gets`; a get that waits sets `is_getting`.
    pub holds_gets: AtomicBool,
    pub is_getting: AtomicBool,
    /// Every scan waits while `holds_scans`; a scan that waits sets `is_scanning`.
    pub holds_scans: AtomicBool,
    pub is_scanning: AtomicBool,
    /// Every write waits while `stalls`, which sets `is_stalled`. A write that may not wait is
    /// refused, which sets `is_refused`.
    pub stalls: AtomicBool,
    pub is_stalled: AtomicBool,
    pub is_refused: AtomicBool,
    /// A slow scan sleeps before each key; `shown` counts the keys.
    pub is_slow: AtomicBool,
    pub shown: AtomicUsize,
    /// A scan that starts at a key with this prefix fails.
    pub broken: Mutex<Option<Vec<u8>>>,
}

#[derive(Clone, Default)]
pub struct Memory(pub Arc<State>);

impl Memory {
    pub fn put(&self, family: Family, key: &[u8], value: &[u8]) {
        self.0.families[family].lock().unwrap().insert(key.to_vec(), value.to_vec());
    }

    pub fn keys(&self, family: Family) -> Vec<Vec<u8>> {
        self.0.families[family].lock().unwrap().keys().cloned().collect()
    }

    /// Attaches the store with its default family, and with the transactions' `write` family if
    /// asked.
    pub fn attach(&self, shared: &Arc<Shared>, with_records: bool) -> Arc<AttachedStore> {
        let family = |role, name: &str| ColumnFamily { role, name: name.into(), id: None, filter: None };
        let families = [family(Role::Default, "default"), family(Role::Write, "write")];
        let families = families.into_iter().take(1 + usize::from(with_records)).collect();
        attach(shared.clone(), Box::new(self.clone()), families, |body| thread::Builder::new().spawn(body)).expect("attaches")
    }
}

/// The state that filters and the worker share, with options as `rgc_options_parse` takes them.
pub fn shared(options: &str) -> Arc<Shared> {
    let mut chosen = Options::default();
    chosen.parse(options).expect("options");
    Arc::new(Shared::new(&chosen).expect("they go together"))
}

impl Engine for Memory {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        while self.0.holds_gets.load(SeqCst) {
            self.0.is_getting.store(true, SeqCst);
            sleep(Duration::from_micros(200));
        }
        Ok(self.0.families[family].lock().unwrap().get(key).cloned())
    }

    fn write(&self, writes: &[Write], how: WriteOptions) -> Result<(), Error> {
        while self.0.stalls.load(SeqCst) {
            if how.no_slowdown {
                self.0.is_refused.store(true, SeqCst);
                return Err(Error::new(ErrorKind::Busy, "stalled"));
            }
            self.0.is_stalled.store(true, SeqCst);
            sleep(Duration::from_micros(200));
        }
        for Write { family, op } in writes {
            let mut entries = self.0.families[*family].lock().unwrap();
            match op {
                Op::Put(key, value) => _ = entries.insert(key.clone(), value.clone()),
                Op::Delete(key) => _ = entries.remove(key),
                Op::DeleteRange(start, end) => entries.retain(|key, _| !(start <= key && key < end)),
            }
        }
        Ok(())
    }

    fn scan(
        &self,
        family: Family,
        range: (&[u8], &[u8]),
        direction: Direction,
        each: &mut dyn FnMut(&[u8], &[u8]) -> ScanStep,
    ) -> Result<(), Error> {
        if self.0.broken.lock().unwrap().as_ref().is_some_and(|broken| range.0.starts_with(broken)) {
            return Err(Error::new(ErrorKind::Corruption, "a block is damaged"));
        }
        while self.0.holds_scans.load(SeqCst) {
            self.0.is_scanning.store(true, SeqCst);
            sleep(Duration::from_micros(200));
        }
        let entries = self.0.families[family].lock().unwrap();
        let mut found: Vec<_> =
            entries.range(range.0.to_vec()..range.1.to_vec()).map(|(key, value)| (key.clone(), value.clone())).collect();
        drop(entries);
        if direction == Direction::Backwards {
            found.reverse();
        }
        _ = found.iter().try_for_each(|(key, value)| {
            if self.0.is_slow.load(SeqCst) {
                sleep(Duration::from_micros(50));
                self.0.shown.fetch_add(1, SeqCst);
            }
            each(key, value)
        });
        Ok(())
    }

    fn delete_files(&self, _: Family, _: (&[u8], &[u8])) -> Result<(), Error> {
        Ok(())
    }

    fn compact(&self, _: Family, _: (&[u8], &[u8]), _: bool) -> Result<(), Error> {
        Ok(())
    }

    fn get_durable(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.get(family, key)
    }

    fn try_flush(&self, _: Family, _: &mut u64) -> Result<Flush, Error> {
        Ok(Flush::Finished)
    }

    fn files(&self, _: Family, _: Option<(&[u8], &[u8])>) -> Result<Vec<File>, Error> {
        Ok(Vec::new())
    }

    fn files_with_properties(&self, _: Family) -> Result<Vec<File>, Error> {
        Ok(Vec::new())
    }

    fn cancel(&self) {}

    fn write_stalled(&self) -> bool {
        false
    }
}
