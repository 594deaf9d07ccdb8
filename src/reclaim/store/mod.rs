//! An open store of the host: its engine, its column families, and the lock of the ranges in which
//! a thread deletes.
//!
//! It also has the rates of deletes and compactions, because calls and worker share them.
//!
//! Lock order of an attached store: range lock, rows in hand, types of keyspaces, order book.
//!
//! A thread that destroys a range takes the range lock first. Then it publishes the destroyed
//! range, and waits until the worker has no rows in hand. The worker takes the range lock for a
//! recheck, for a due destroy, and to record a paid debt. It has no rows in hand then. With rows in
//! hand it takes the lock of the order book. A thread that holds that lock waits for no other lock.
//! While the library calls the engine, it holds no lock that a filter takes.

mod batch;
mod closable_engine;
mod families;
mod range_lock;
mod rate_limiter;

pub use batch::Batch;
pub use closable_engine::{ClosableEngine, closed};
pub use families::{ColumnFamily, Families, Role};
pub use range_lock::{RangeLock, overlap};
pub use rate_limiter::RateLimiter;

use crate::engine::{Direction, Engine, Family, File};
use crate::error::Error;
use crate::properties::FileFigures;
use crate::shared::{FilterKind, Shared};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

/// The time after which a waiting thread checks again whether the store is being detached.
pub const SHORT_LOOK: Duration = Duration::from_millis(20);

/// An open store, with the state that it shares with the filters.
pub struct Store {
    /// The state that filters and worker share.
    pub shared: Arc<Shared>,
    /// The host's RocksDB.
    pub engine: Arc<ClosableEngine>,
    /// The column families of the store.
    pub families: Families,
    /// Only one thread at a time deletes in ranges that overlap: it holds this lock.
    pub range_lock: RangeLock,
    /// The rate of all deletes.
    pub delete_rate: RateLimiter,
    /// The rate of all compactions.
    pub compact_rate: RateLimiter,
    /// The size of all debts when they were last measured.
    pub debt: Mutex<DebtSize>,
}

/// The size of all debts, that is, of the files that may still hold deleted keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DebtSize {
    /// The number of destroyed ranges, and of dropped or truncated schemas.
    pub debts: u64,
    /// The number of files that may still hold their keys.
    pub files: u64,
    /// The size of these files, in bytes.
    pub bytes: u64,
}

impl DebtSize {
    /// Adds the files of a family.
    pub fn add(&mut self, files: &[File]) {
        self.files += files.len() as u64;
        self.bytes = files.iter().fold(self.bytes, |sum, file| sum.saturating_add(file.bytes));
    }
}

impl Store {
    /// A store whose engine writes its probes under the prefix `probe`.
    pub fn new(shared: Arc<Shared>, engine: Box<dyn Engine>, families: Families, probe: Vec<u8>) -> Self {
        let names = families.iter().map(|family| family.name.clone());
        let engine = Arc::new(ClosableEngine::new(engine, names, probe));
        let (delete_rate, compact_rate) =
            (RateLimiter::new(shared.deleting.bytes_per_second), RateLimiter::new(shared.deleting.compact_bytes_per_second));
        Self { shared, engine, families, range_lock: RangeLock::default(), delete_rate, compact_rate, debt: Mutex::default() }
    }

    /// The kind of a family's filters.
    pub fn kind_of(&self, family: Family) -> FilterKind {
        match self.families.role(family) {
            Some(Role::Default) if self.shared.kinds.has(FilterKind::TtlV1) && !self.shared.kinds.has(FilterKind::Default) => {
                FilterKind::TtlV1
            }
            Some(Role::Default) => FilterKind::Default,
            Some(Role::Write) => FilterKind::Write,
            _ => FilterKind::DroppedOnly,
        }
    }

    /// The figures of a file of a family, if its properties tell them.
    pub fn figures_of(&self, family: Family, file: &File) -> Option<FileFigures> {
        let properties = file.properties.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        FileFigures::read(&self.shared.layout, self.kind_of(family), properties)
    }

    /// Whether a range has at least this number of keys.
    pub fn has_keys(&self, family: Family, range: (&[u8], &[u8]), many: u64) -> Result<bool, Error> {
        let mut keys = 0;
        if range.0 < range.1 {
            self.engine.scan(family, range, Direction::Forwards, &mut |_, _| {
                keys += 1;
                if keys < many { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        Ok(keys >= many)
    }

    /// Waits until a rate allows more work. It is an error if the store is detached meanwhile.
    pub fn wait_for(&self, rate: &RateLimiter) -> Result<(), Error> {
        loop {
            let time = rate.free_in();
            if time.is_zero() {
                return Ok(());
            }
            self.engine.check_stopping()?;
            sleep(time.min(SHORT_LOOK));
        }
    }

    /// Whether waiting calls and the worker must end.
    pub fn is_stopping(&self) -> bool {
        self.engine.is_stopping()
    }
}
