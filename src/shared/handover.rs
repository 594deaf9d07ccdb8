//! Rows on their way from runs to the worker: what a run cannot finish, because it takes a look at the whole database.
//!
//! A run keeps its rows to itself, so that handing one over costs a compaction no lock, and gives them up when it ends. Only then
//! may the worker start on them. All together are bounded.

use super::Kind;
use crate::callback::lock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Rows of one run: stored keys without timestamps.
#[derive(Debug)]
pub struct Rows {
    /// What the run judged them as.
    pub kind: Kind,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    /// None yet.
    pub fn new(kind: Kind) -> Self {
        Self { kind, bytes: Vec::new(), ends: Vec::new() }
    }

    /// One more.
    pub fn push(&mut self, row: &[u8]) {
        self.bytes.extend_from_slice(row);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// In the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }
}

/// The families that an attached store has, as far as runs hand rows over to it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Served {
    /// The one for runs of kind default.
    pub default: Option<ServedFamily>,
    /// The one for runs of kind write.
    pub write: Option<ServedFamily>,
}

/// A family that the worker serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServedFamily {
    /// RocksDB's id of it.
    Id(u32),
    /// Its id is not known.
    SomeId,
}

impl ServedFamily {
    const SOME_ID: u64 = u64::MAX;
    /// Stands for no family.
    const NONE: u64 = u64::MAX - 1;

    fn number(family: Option<Self>) -> u64 {
        match family {
            Some(Self::Id(id)) => u64::from(id),
            Some(Self::SomeId) => Self::SOME_ID,
            None => Self::NONE,
        }
    }
}

/// The way from all runs of a context to its worker.
#[derive(Debug)]
pub struct Handover {
    most: usize,
    default: AtomicU64,
    write: AtomicU64,
    /// Handed over and not finished, also by runs that are on.
    pending: AtomicUsize,
    /// About schemas, not carried out.
    orders: AtomicUsize,
    ready: Mutex<VecDeque<Rows>>,
    woken: Condvar,
    idle: Condvar,
}

impl Handover {
    /// With no store yet, for so many rows.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            default: AtomicU64::new(ServedFamily::NONE),
            write: AtomicU64::new(ServedFamily::NONE),
            pending: AtomicUsize::new(0),
            orders: AtomicUsize::new(0),
            ready: Mutex::new(VecDeque::new()),
            woken: Condvar::new(),
            idle: Condvar::new(),
        }
    }

    /// From now on runs hand over to these families; none = to nobody.
    pub fn serve(&self, served: Served) {
        self.default.store(ServedFamily::number(served.default), SeqCst);
        self.write.store(ServedFamily::number(served.write), SeqCst);
    }

    fn serves(&self, kind: Kind, family: Option<u32>) -> bool {
        let served = match kind {
            Kind::Default => self.default.load(SeqCst),
            Kind::Write => self.write.load(SeqCst),
            Kind::DroppedOnly | Kind::TtlV1 => ServedFamily::NONE,
        };
        match (served, family) {
            (ServedFamily::NONE, _) => false,
            (ServedFamily::SOME_ID, _) | (_, None) => true,
            (served, Some(id)) => served == u64::from(id),
        }
    }

    /// Room for one row of a run of this kind, in this family if that is known. Whoever got it must [`Handover::give`] the row.
    pub fn reserve(&self, kind: Kind, family: Option<u32>) -> bool {
        self.serves(kind, family) && self.pending.fetch_update(SeqCst, SeqCst, |n| (n < self.most).then_some(n + 1)).is_ok()
    }

    /// A run has ended. Returns how many of its rows nobody serves any more.
    pub fn give(&self, rows: Rows) -> usize {
        let n = rows.len();
        let mut ready = lock(&self.ready);
        if n == 0 || self.serves(rows.kind, None) {
            if n > 0 {
                ready.push_back(rows);
                self.woken.notify_all();
            }
            return 0;
        }
        drop(ready);
        self.finish(n);
        n
    }

    /// The worker takes the rows of one run, as soon as there are some, and waits so long for them.
    pub fn take(&self, wait: Duration) -> Option<Rows> {
        let mut ready = lock(&self.ready);
        if ready.is_empty() && !self.has_orders() {
            // Once: whoever wakes the worker for another reason must not have to wait.
            ready = self.woken.wait_timeout(ready, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        ready.pop_front()
    }

    /// The worker gives back what it does not get to.
    pub fn give_back(&self, rows: Rows) {
        if !rows.is_empty() {
            lock(&self.ready).push_front(rows);
        }
    }

    /// So many rows are finished, or given up.
    pub fn finish(&self, n: usize) {
        if self.pending.fetch_sub(n, SeqCst) == n {
            let _ready = lock(&self.ready);
            self.idle.notify_all();
        }
    }

    /// So many orders about schemas are to be carried out. Wakes the worker, or who waits for it.
    pub fn set_orders(&self, n: usize) {
        self.orders.store(n, SeqCst);
        let _ready = lock(&self.ready);
        self.woken.notify_all();
        self.idle.notify_all();
    }

    /// Is any order to be carried out?
    pub fn has_orders(&self) -> bool {
        self.orders.load(SeqCst) > 0
    }

    /// Nobody serves what waits. Returns how many rows that were.
    pub fn give_up(&self) -> usize {
        let n = std::mem::take(&mut *lock(&self.ready)).iter().map(Rows::len).sum();
        self.finish(n);
        n
    }

    /// Rows handed over and not finished yet, and orders.
    pub fn pending(&self) -> usize {
        self.pending.load(SeqCst) + self.orders.load(SeqCst)
    }

    /// Waits until none is pending, at most so long. Returns how many still are.
    pub fn drain(&self, timeout: Duration) -> usize {
        let deadline = Instant::now().checked_add(timeout);
        let mut ready = lock(&self.ready);
        while self.pending() > 0 {
            let left = deadline.map_or(Duration::from_secs(3600), |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            ready = self.idle.wait_timeout(ready, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.pending()
    }

    /// Ends a wait of the worker's early.
    pub fn wake(&self) {
        let _ready = lock(&self.ready);
        self.woken.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(kind: Kind, rows: &[&[u8]]) -> Rows {
        let mut all = Rows::new(kind);
        rows.iter().for_each(|row| all.push(row));
        all
    }

    #[test]
    fn rows_come_as_they_went() {
        let some: [&[u8]; 3] = [b"a", b"", b"longer"];
        assert_eq!(rows(Kind::Write, &some).iter().collect::<Vec<_>>(), some);
    }

    #[test]
    fn only_what_is_served_is_taken_and_only_so_much() {
        let handover = Handover::new(2);
        assert!(!handover.reserve(Kind::Default, None), "no store");
        handover.serve(Served { default: Some(ServedFamily::Id(0)), write: None });
        assert!(!handover.reserve(Kind::Write, None) && !handover.reserve(Kind::Default, Some(1)), "not its families");
        assert!(handover.reserve(Kind::Default, None) && handover.reserve(Kind::Default, Some(0)));
        assert!(!handover.reserve(Kind::Default, None), "full");
        assert_eq!(handover.give(rows(Kind::Default, &[b"a", b"b"])), 0);
        assert_eq!((handover.pending(), handover.drain(Duration::ZERO)), (2, 2));
        let taken = handover.take(Duration::ZERO).unwrap();
        handover.finish(taken.len());
        assert_eq!(handover.drain(Duration::from_secs(60)), 0);
        assert!(handover.reserve(Kind::Default, None));
        handover.serve(Served::default());
        assert_eq!(handover.give(rows(Kind::Default, &[b"c"])), 1, "the store is gone");
        assert_eq!(handover.pending(), 0);
    }
}
