//! The rows that filters hand over to the worker, because a decision about them needs the whole
//! store; and the number of jobs that the ledger gives the worker.
//!
//! A filter collects its rows without a lock, so the compaction waits for no other thread. The
//! filter gives its rows to the queue when it ends. Only then may the worker begin with them. All
//! rows together are bounded by number and by bytes.

use super::FilterKind;
use super::rows::{HandedOverRows, Room};
use crate::callback::lock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The families of the attached store whose rows the worker takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Served {
    /// The family of filters of kind default.
    pub default: Option<ServedFamily>,
    /// The family of filters of kind write.
    pub write: Option<ServedFamily>,
}

/// A family that the worker serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServedFamily {
    /// RocksDB's id of the family.
    Id(u32),
    /// The family's id is unknown.
    SomeId,
}

impl ServedFamily {
    const SOME_ID: u64 = u64::MAX;
    /// The number that means "no family".
    const NONE: u64 = u64::MAX - 1;

    fn number(family: Option<Self>) -> u64 {
        match family {
            Some(Self::Id(id)) => u64::from(id),
            Some(Self::SomeId) => Self::SOME_ID,
            None => Self::NONE,
        }
    }
}

/// A kind of job that the ledger gives the worker.
#[derive(Debug, Clone, Copy)]
pub enum JobKind {
    /// Deleting the keys of a schema.
    Order,
    /// Compacting the files of a schema whose keys are deleted.
    SchemaToCompact,
    /// Compacting the files of a destroyed range.
    RangeToCompact,
    /// Carrying out a pending destroy that is due.
    Due,
}

/// The queue from all filters of a context to its worker.
#[derive(Debug)]
pub struct WorkerQueue {
    most: usize,
    room: Arc<Room>,
    default: AtomicU64,
    write: AtomicU64,
    /// The number of rows that were handed over and are not finished, including rows of running
    /// filters.
    pending: AtomicUsize,
    /// The number of open jobs of each kind.
    jobs: [AtomicUsize; 4],
    /// The number of threads inside [`WorkerQueue::drain`].
    drains: AtomicUsize,
    ready: Mutex<VecDeque<HandedOverRows>>,
    woken: Condvar,
    idle: Condvar,
}

impl WorkerQueue {
    /// A queue without a store, for this number of rows and of bytes.
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            most,
            room: Room::new(most_bytes),
            default: AtomicU64::new(ServedFamily::NONE),
            write: AtomicU64::new(ServedFamily::NONE),
            pending: AtomicUsize::new(0),
            jobs: Default::default(),
            drains: AtomicUsize::new(0),
            ready: Mutex::new(VecDeque::new()),
            woken: Condvar::new(),
            idle: Condvar::new(),
        }
    }

    /// Sets the families whose rows the worker takes. With none, filters hand over no rows.
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

    /// Adds a row to the rows of a filter, in this family if it is known. The filter must pass its
    /// rows to [`WorkerQueue::give`] when it ends. Returns false if no worker serves the row, or if
    /// there is no room or memory.
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

    /// Takes the rows of a filter that has ended. Returns the number of rows that are refused,
    /// because no worker serves them any more or there is no memory.
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

    /// Takes some rows of one filter for the worker. It waits at most `wait` for them, and not at all
    /// if `must_end` says that the worker must end. The queue is locked when it asks, so a
    /// [`wake`](Self::wake) after the answer has changed is never missed.
    pub fn take(&self, wait: Duration, must_end: impl FnOnce() -> bool) -> Option<HandedOverRows> {
        let mut ready = lock(&self.ready);
        if ready.is_empty() && !self.has(JobKind::Order) && !must_end() {
            // It waits only once, because a thread may wake the worker for another reason.
            ready = self.woken.wait_timeout(ready, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        let of_a_run = ready.front_mut()?;
        let some = of_a_run.split_first();
        if of_a_run.is_empty() {
            ready.pop_front();
        }
        some
    }

    /// Puts back rows that the worker does not finish.
    pub fn give_back<'r>(&self, kind: FilterKind, rows: impl Iterator<Item = &'r [u8]> + Clone) {
        let rows = HandedOverRows::back(&self.room, kind, rows);
        if !rows.is_empty() {
            lock(&self.ready).push_front(rows);
        }
    }

    /// Counts rows that are finished or given up.
    pub fn finish(&self, n: usize) {
        if self.pending.fetch_sub(n, SeqCst) == n {
            let _ready = lock(&self.ready);
            self.idle.notify_all();
        }
    }

    /// Sets the numbers of open jobs of these kinds, all under one lock. So a drain never misses a
    /// job whose kind changes. Wakes the worker and the threads that wait for it.
    pub fn set_jobs(&self, jobs: &[(JobKind, usize)]) {
        let _ready = lock(&self.ready);
        for (kind, n) in jobs {
            self.jobs_of(*kind).store(*n, SeqCst);
        }
        self.woken.notify_all();
        self.idle.notify_all();
    }

    /// Whether any job of a kind is open.
    pub fn has(&self, kind: JobKind) -> bool {
        self.jobs_of(kind).load(SeqCst) > 0
    }

    fn jobs_of(&self, kind: JobKind) -> &AtomicUsize {
        let [orders, schemas, ranges, due] = &self.jobs;
        match kind {
            JobKind::Order => orders,
            JobKind::SchemaToCompact => schemas,
            JobKind::RangeToCompact => ranges,
            JobKind::Due => due,
        }
    }

    /// Whether a thread waits for the worker.
    pub fn is_waited_for(&self) -> bool {
        self.drains.load(SeqCst) > 0
    }

    /// Drops all waiting rows. Returns their number.
    pub fn give_up(&self) -> usize {
        let n = std::mem::take(&mut *lock(&self.ready)).iter().map(HandedOverRows::len).sum();
        self.finish(n);
        n
    }

    /// The number of unfinished rows and jobs.
    pub fn pending(&self) -> usize {
        let _ready = lock(&self.ready);
        self.pending_now()
    }

    /// The queue must be locked.
    fn pending_now(&self) -> usize {
        self.pending.load(SeqCst) + self.jobs.iter().map(|jobs| jobs.load(SeqCst)).sum::<usize>()
    }

    /// Waits until no row and no job is pending, at most `timeout`. Returns the number that is
    /// still pending.
    pub fn drain(&self, timeout: Duration) -> usize {
        let deadline = Instant::now().checked_add(timeout);
        let mut ready = lock(&self.ready);
        self.drains.fetch_add(1, SeqCst);
        self.woken.notify_all();
        while self.pending_now() > 0 {
            let left = deadline.map_or(Duration::from_secs(3600), |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            ready = self.idle.wait_timeout(ready, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.drains.fetch_sub(1, SeqCst);
        self.pending_now()
    }

    /// Ends a wait of the worker early.
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
        let taken = worker_queue.take(Duration::ZERO, || false).unwrap();
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
        let taken = worker_queue.take(Duration::ZERO, || false).unwrap();
        worker_queue.give_back(taken.kind, taken.iter().collect::<Vec<_>>().into_iter());
        drop(taken);
        let taken = worker_queue.take(Duration::ZERO, || false).unwrap();
        worker_queue.finish(taken.len());
        drop(taken);
        assert!(worker_queue.add(&mut HandedOverRows::new(FilterKind::Default), None, &[0; 500]), "there is room again");
    }

    #[test]
    fn a_wake_after_the_worker_has_looked_is_not_missed() {
        const LONG: Duration = Duration::from_secs(60);
        let queue = WorkerQueue::new(1, 1 << 20);
        assert!(queue.take(LONG, || true).is_none(), "a worker that must end does not wait");
        std::thread::scope(|scope| {
            let began = Instant::now();
            let stops = || {
                scope.spawn(|| queue.wake());
                false
            };
            assert!(queue.take(LONG, stops).is_none());
            assert!(began.elapsed() < LONG, "the worker slept through the wake");
        });
    }
}
