//! Counters that need no shared cache line: each filter counts in a block of its own, and readers
//! add the blocks up.

use crate::callback::lock;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, ThreadId};

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl PartialEq for Counter {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Counter {
    /// Adds one. Only one thread may write the counter, so no locked instruction is needed.
    #[inline]
    pub fn bump(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    /// Adds `n`. Many threads may write the counter.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! counters {
    ($($name:ident: $help:literal,)*) => {
        /// A block of counters: of one filter, or of all ended filters.
        #[derive(Debug, Default, PartialEq)]
        #[expect(missing_docs, reason = "the texts below document the fields and are the help texts of the metrics")]
        pub struct Counters {
            $(pub $name: Counter,)*
        }

        impl Counters {
            fn add(&self, other: &Counters) {
                $(self.$name.add(other.$name.get());)*
            }

            /// The name, help text and value of each counter.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), $help, self.$name.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    runs_started: "Compactions that got a filter",
    filters_not_needed: "Compactions that needed no filter",
    not_needed_no_safe_point: "Of these: no keyspace has an effective safe point above 0",
    not_needed_nothing_dropped: "Of these: nothing is destroyed or dropped, in a column family whose versions are not judged",
    not_needed_too_new: "Of these: by their properties the input files hold no version at or below the safe point of its keyspace",
    not_needed_little_garbage: "Of these: above the bottommost level, and by their properties the input files hold little garbage",
    not_needed_nothing_expired: "Of these: by their properties the input files hold no value that has expired",
    runs_closed: "Filters that kept everything from some key on: keys out of order, a second thread, a panic",
    kept: "Decisions to keep",
    removed: "Decisions to remove",
    skipped: "Decisions to remove and skip",
    expired: "Newest versions of a row that had expired; with TTL v1, removed values",
    delete_marked: "Newest versions of a row that were deletes",
    unparsed_keys: "Keys kept because they do not match the key layout",
    unparsed_values: "Values kept because they do not parse",
    kept_unknown_keyspace: "Versions kept because their keyspace was never registered",
    kept_no_own_safe_point: "Versions kept because their keyspace is keyspace level and has no safe point of its own, while a global one is set",
    kept_other_kind: "Versions kept because the filters of their column family judge keys of other modes",
    kept_disabled: "Versions kept because collecting is switched off",
    own_safe_points_unused: "Safe points of keyspaces that are not registered as keyspace level, each counted once",
    kept_unknown_schema: "Versions kept although their schema is unknown",
    safe_points_refused: "Safe points refused: lower than before, 0, the maximum, too far ahead, or of a paused keyspace",
    gc_types_refused: "GC types refused because another one was registered, or registered too late",
    dropped: "Keys removed because they were destroyed, or because their schema is invalid",
    late_dropped: "Of these: late keys, removed after all keys of their range or schema had been deleted",
    rows_queued: "Rows handed over to the worker",
    rows_done: "Rows that the worker has finished",
    rows_deferred: "Rows left to a later filter: no store, another column family, a full queue, or a refused write",
    rows_left_unparsed: "Rows that the worker kept because a value does not parse",
}

/// What the counters of a filter belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// RawKV rows, and values with a TTL.
    Raw,
    /// Records of transactions.
    Txn,
    /// Column families whose versions are not judged.
    Other,
}

/// The counters of a running filter, and its thread.
#[derive(Debug)]
pub struct FilterCounters {
    counters: Counters,
    mode: Mode,
    thread: OnceLock<ThreadId>,
}

impl Deref for FilterCounters {
    type Target = Counters;

    fn deref(&self) -> &Counters {
        &self.counters
    }
}

impl FilterCounters {
    /// Binds the filter to this thread.
    pub fn is_here(&self) {
        self.thread.get_or_init(|| thread::current().id());
    }
}

/// All counters of a context.
#[derive(Debug, Default)]
pub struct Stats {
    /// The counters of the context itself.
    own: Counters,
    /// The counters of ended filters, and of compactions that needed none.
    raw: Counters,
    txn: Counters,
    other: Counters,
    running: Mutex<Vec<Arc<FilterCounters>>>,
}

impl Stats {
    /// The counters of the context itself; many threads write them, with [`Counter::add`].
    pub fn shared(&self) -> &Counters {
        &self.own
    }

    /// The counters of all ended filters of a mode; many threads write them, with
    /// [`Counter::add`].
    pub fn of_mode(&self, mode: Mode) -> &Counters {
        match mode {
            Mode::Raw => &self.raw,
            Mode::Txn => &self.txn,
            Mode::Other => &self.other,
        }
    }

    /// A block for a filter that begins.
    pub fn begin_run(&self, mode: Mode) -> Arc<FilterCounters> {
        let block = Arc::new(FilterCounters { counters: Counters::default(), mode, thread: OnceLock::new() });
        lock(&self.running).push(block.clone());
        block
    }

    /// Adds the counts of a filter that ended.
    pub fn end_run(&self, block: &Arc<FilterCounters>) {
        let mut running = lock(&self.running);
        running.retain(|b| !Arc::ptr_eq(b, block));
        self.of_mode(block.mode).add(block);
    }

    /// Whether a filter of this context runs on this thread.
    pub fn is_running_here(&self) -> bool {
        let here = thread::current().id();
        lock(&self.running).iter().any(|run| run.thread.get() == Some(&here))
    }

    /// The sums at this moment.
    pub fn sums(&self) -> Counters {
        // With the lock a filter that ends meanwhile is counted exactly once.
        let running = lock(&self.running);
        let sums = Counters::default();
        [&self.own, &self.raw, &self.txn, &self.other].into_iter().for_each(|ended| sums.add(ended));
        running.iter().for_each(|block| sums.add(block));
        sums
    }

    /// The sums of all filters of a mode at this moment.
    pub fn sums_of(&self, mode: Mode) -> Counters {
        let running = lock(&self.running);
        let sums = Counters::default();
        sums.add(self.of_mode(mode));
        running.iter().filter(|block| block.mode == mode).for_each(|block| sums.add(block));
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_hold_running_and_ended_runs() {
        let stats = Stats::default();
        let (one, two) = (stats.begin_run(Mode::Raw), stats.begin_run(Mode::Txn));
        one.kept.bump();
        two.kept.bump();
        two.kept.bump();
        assert_eq!(stats.sums().kept.get(), 3);
        assert_eq!([Mode::Raw, Mode::Txn, Mode::Other].map(|mode| stats.sums_of(mode).kept.get()), [1, 2, 0]);
        stats.end_run(&two);
        assert_eq!(stats.sums().kept.get(), 3);
        assert_eq!([Mode::Raw, Mode::Txn, Mode::Other].map(|mode| stats.sums_of(mode).kept.get()), [1, 2, 0]);
        stats.shared().safe_points_refused.add(5);
        assert_eq!(stats.sums().safe_points_refused.get(), 5);
    }
}
