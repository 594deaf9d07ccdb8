//! Waiting for a flush, with a bound on the time.
//!
//! RocksDB's own wait cannot be cancelled, and does not end while the host has paused background
//! work. So the library begins a flush without a wait, and watches the number of immutable
//! memtables. RocksDB flushes the oldest memtables first. Suppose n memtables were immutable when
//! the flush began. After RocksDB has flushed n memtables, it has flushed these n.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// The result of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushWait {
    /// The memtables that existed when the flush began are in files.
    Finished,
    /// The flush is not finished.
    Unfinished,
    /// The store has had a background error since.
    Failed,
}

/// The longest time of one wait.
const WAIT: Duration = Duration::from_secs(1);
/// The interval between two checks.
const LOOK: Duration = Duration::from_millis(1);
/// The highest number of memtables or errors that fits into the packed progress. No store reaches
/// it.
const MOST: u64 = 0xffff;

/// The state between two waits, packed into a number that is never 0.
struct Progress {
    /// The number of memtables that are still to be flushed.
    left: u64,
    /// The number of immutable memtables at the last check.
    last: u64,
    /// The number of background errors when the flush began.
    errors: u64,
}

impl Progress {
    fn unpack(packed: u64) -> Self {
        Self { left: packed & MOST, last: packed >> 16 & MOST, errors: packed >> 32 & MOST }
    }

    fn pack(&self) -> u64 {
        1 << 48 | self.errors.min(MOST) << 32 | self.last.min(MOST) << 16 | self.left.min(MOST)
    }
}

/// Whether a flush may begin. A flush makes one more memtable immutable. If others are immutable
/// already, that could stop the host's writes, and RocksDB would wait until it has flushed them. So
/// a flush begins only if there is no immutable memtable, or if RocksDB flushes one within about a
/// second, which shows that background work runs.
pub fn begin_flush(immutable: impl Fn() -> u64) -> bool {
    let (begun, mut last) = (Instant::now(), immutable());
    while last > 0 && begun.elapsed() < WAIT {
        sleep(LOOK);
        let now = immutable();
        if now < last {
            return true;
        }
        last = now;
    }
    last == 0
}

/// Waits about a second at most. `progress` is 0 when the flush has just begun.
pub fn wait_for_flush(progress: &mut u64, immutable: impl Fn() -> u64, background_errors: impl Fn() -> u64) -> FlushWait {
    let mut seen = match *progress {
        0 => {
            let now = immutable();
            Progress { left: now, last: now, errors: background_errors() }
        }
        packed => Progress::unpack(packed),
    };
    let begun = Instant::now();
    loop {
        let now = immutable();
        seen.left = seen.left.saturating_sub(seen.last.saturating_sub(now)).min(now);
        seen.last = now;
        *progress = seen.pack();
        if seen.left == 0 {
            return FlushWait::Finished;
        }
        if background_errors().min(MOST) > seen.errors {
            return FlushWait::Failed;
        }
        if begun.elapsed() >= WAIT {
            return FlushWait::Unfinished;
        }
        sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Returns these numbers one after the other, and then always the last one.
    fn shows(numbers: &'static [u64]) -> impl Fn() -> u64 {
        let at = Cell::new(0);
        move || {
            let now = at.get();
            at.set((now + 1).min(numbers.len() - 1));
            numbers[now]
        }
    }

    #[test]
    fn memtables_that_come_later_are_not_waited_for() {
        for numbers in [&[0][..], &[2, 2, 1, 0], &[2, 2, 3, 2, 3, 2, 9]] {
            assert_eq!(wait_for_flush(&mut 0, shows(numbers), || 0), FlushWait::Finished, "{numbers:?}");
        }
    }

    #[test]
    fn a_wait_goes_on_where_the_one_before_ended() {
        let mut progress = 0;
        assert_eq!(wait_for_flush(&mut progress, || 2, || 0), FlushWait::Unfinished);
        assert_eq!(wait_for_flush(&mut progress, || 1, || 0), FlushWait::Unfinished);
        assert_eq!(wait_for_flush(&mut progress, || 0, || 0), FlushWait::Finished);
    }

    #[test]
    fn a_new_background_error_ends_the_wait_and_an_old_one_does_not() {
        let mut progress = 0;
        assert_eq!(wait_for_flush(&mut progress, || 1, || 7), FlushWait::Unfinished);
        assert_eq!(wait_for_flush(&mut progress, || 1, || 8), FlushWait::Failed);
    }

    #[test]
    fn a_flush_begins_where_background_work_runs() {
        assert!(begin_flush(|| 0) && begin_flush(shows(&[2, 3, 2])));
        assert!(!begin_flush(|| 1), "nothing moves: the host may have paused background work");
    }
}
