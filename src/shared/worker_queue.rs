//! Rows on their way from runs to the worker: what a run cannot finish, because it takes a look at the whole database.
//!
//! A run keeps its rows to itself, so that handing one over costs a compaction no lock, and gives them up when it ends. Only then
//! may the worker start on them. All together are bounded, by number and by bytes.

use super::FilterKind;
use super::rows::{HandedOverRows, Room};
use crate::callback::lock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
pub struct WorkerQueue {
    most: usize,
    room: Arc<Room>,
    default: AtomicU64,
    write: AtomicU64,
    /// Handed over and not finished, also by runs that are on.
    pending: AtomicUsize,
    /// About schemas, not carried out.
    orders: AtomicUsize,
    ready: Mutex<VecDeque<HandedOverRows>>,
    woken: Condvar,
    idle: Condvar,
}

impl WorkerQueue {
    /// With no store yet, for so many rows, and so many bytes of rows.
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            most,
            room: Room::new(most_bytes),
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

    fn serves(&self, kind: FilterKind, family: Option<u32>) -> bool {
        let served = match kind {
            FilterKind::Default => self.default.load(SeqCst),
            FilterKind::Write => self.write.load(SeqCst),
            FilterKind::DroppedOnly | FilterKind::TtlV1 => ServedFamily::NONE,
        };
        match (served, family) {
            (ServedFamily::NONE, _) => false,
            (ServedFamily::SOME_ID, _) | (_, None) => true,
            (served, Some(id)) => served == u64::from(id),
        }
    }

    /// Adds a row to those of a run, in this family if that is known, which the run must [`WorkerQueue::give`] at its end. False = it is
    /// not added: nobody serves it, or there is no room or no memory.
    pub fn add(&self, rows: &mut HandedOverRows, family: Option<u32>, row: &[u8]) -> bool {
        let one_more = |n| (n < self.most).then_some(n + 1);
        if !self.serves(rows.kind, family) || self.pending.fetch_update(SeqCst, SeqCst, one_more).is_err() {
            return false;
        }
        let added = rows.push(&self.room, row);
        if !added {
            self.finish(1);
        }
        added
    }

    /// A run has ended. Returns how many of its rows are not taken: nobody serves them any more, or there is no memory.
    pub fn give(&self, rows: HandedOverRows) -> usize {
        let n = rows.len();
        if n == 0 {
            return 0;
        }
        let mut ready = lock(&self.ready);
        if self.serves(rows.kind, None) && ready.try_reserve(1).is_ok() {
            ready.push_back(rows);
            self.woken.notify_all();
            return 0;
        }
        drop(ready);
        self.finish(n);
        n
    }

    /// The worker takes some rows of one run, as soon as there are any, and waits so long for them.
    pub fn take(&self, wait: Duration) -> Option<HandedOverRows> {
        let mut ready = lock(&self.ready);
        if ready.is_empty() && !self.has_orders() {
            // Once: whoever wakes the worker for another reason must not have to wait.
            ready = self.woken.wait_timeout(ready, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        let of_a_run = ready.front_mut()?;
        let some = of_a_run.split_first();
        if of_a_run.is_empty() {
            ready.pop_front();
        }
        some
    }

    /// The worker gives back what it does not get to.
    pub fn give_back<'r>(&self, kind: FilterKind, rows: impl Iterator<Item = &'r [u8]> + Clone) {
        let rows = HandedOverRows::back(&self.room, kind, rows);
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
        let n = std::mem::take(&mut *lock(&self.ready)).iter().map(HandedOverRows::len).sum();
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

    const PLENTY: usize = 1 << 20;

    #[test]
    fn only_what_is_served_is_taken_and_only_so_much() {
        let worker_queue = WorkerQueue::new(2, PLENTY);
        let (mut rows, mut of_write) = (HandedOverRows::new(FilterKind::Default), HandedOverRows::new(FilterKind::Write));
        assert!(!worker_queue.add(&mut rows, None, b"a"), "no store");
        worker_queue.serve(Served { default: Some(ServedFamily::Id(0)), write: None });
        assert!(!worker_queue.add(&mut of_write, None, b"a") && !worker_queue.add(&mut rows, Some(1), b"a"), "not its families");
        assert!(worker_queue.add(&mut rows, None, b"a") && worker_queue.add(&mut rows, Some(0), b"b"));
        assert!(!worker_queue.add(&mut rows, None, b"c"), "full");
        assert_eq!(worker_queue.give(rows), 0);
        assert_eq!((worker_queue.pending(), worker_queue.drain(Duration::ZERO)), (2, 2));
        let taken = worker_queue.take(Duration::ZERO).unwrap();
        assert!(taken.iter().eq([b"a", b"b"]));
        worker_queue.finish(taken.len());
        assert_eq!(worker_queue.drain(Duration::from_secs(60)), 0);
        let mut rows = HandedOverRows::new(FilterKind::Default);
        assert!(worker_queue.add(&mut rows, None, b"c"));
        worker_queue.serve(Served::default());
        assert_eq!(worker_queue.give(rows), 1, "the store is gone");
        assert_eq!(worker_queue.pending(), 0);
    }

    #[test]
    fn rows_that_find_no_room_are_not_pending() {
        let worker_queue = WorkerQueue::new(PLENTY, 1000);
        worker_queue.serve(Served { default: Some(ServedFamily::SomeId), write: None });
        let mut rows = HandedOverRows::new(FilterKind::Default);
        assert!(!worker_queue.add(&mut rows, None, &[0; 1000]), "longer than the room");
        assert_eq!(worker_queue.pending(), 0);
        assert!(worker_queue.add(&mut rows, None, &[0; 500]) && !worker_queue.add(&mut rows, None, &[0; 500]));
        assert_eq!(worker_queue.pending(), 1);
        worker_queue.give(rows);
        let taken = worker_queue.take(Duration::ZERO).unwrap();
        worker_queue.give_back(taken.kind, taken.iter().collect::<Vec<_>>().into_iter());
        drop(taken);
        let taken = worker_queue.take(Duration::ZERO).unwrap();
        worker_queue.finish(taken.len());
        drop(taken);
        assert!(worker_queue.add(&mut HandedOverRows::new(FilterKind::Default), None, &[0; 500]), "there is room again");
    }
}
