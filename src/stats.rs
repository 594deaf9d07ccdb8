//! Counters that need no shared cache line: each filter counts in a block of its own, and readers
//! add the blocks up.

use crate::callback::lock;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
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
            fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), $help, self.$name.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    runs_started: "Compactions that got a filter",
    filters_not_needed: "Compactions that needed no filter, because no keyspace has an effective safe point above 0",
    runs_closed: "Filters that kept everything from some key on: keys out of order, a second thread, a panic",
    kept: "Decisions to keep",
    removed: "Decisions to remove",
    skipped: "Decisions to remove and skip",
    expired: "Newest versions of a row that had expired; with TTL v1, removed values",
    delete_marked: "Newest versions of a row that were deletes",
    unparsed_keys: "Keys kept because they do not match the key layout",
    unparsed_values: "Values kept because they do not parse",
    kept_unknown_keyspace: "Versions kept because their keyspace was never registered",
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

/// The counters of a running filter, and its thread.
#[derive(Debug, Default)]
pub struct FilterCounters {
    counters: Counters,
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
    /// The counters of the context itself, and of ended filters.
    ended: Counters,
    running: Mutex<Vec<Arc<FilterCounters>>>,
}

impl Stats {
    /// The counters of the context itself; many threads write them, with [`Counter::add`].
    pub fn shared(&self) -> &Counters {
        &self.ended
    }

    /// A block for a filter that begins.
    pub fn begin_run(&self) -> Arc<FilterCounters> {
        let block = Arc::new(FilterCounters::default());
        lock(&self.running).push(block.clone());
        block
    }

    /// Adds the counts of a filter that ended.
    pub fn end_run(&self, block: &Arc<FilterCounters>) {
        let mut running = lock(&self.running);
        running.retain(|b| !Arc::ptr_eq(b, block));
        self.ended.add(block);
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
        sums.add(&self.ended);
        running.iter().for_each(|block| sums.add(block));
        sums
    }

    /// OpenMetrics text with every counter and the given gauges (name, help, value).
    pub fn openmetrics(&self, gauges: Vec<(&'static str, &'static str, u64)>) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("rocks_gc");
        registry.register_collector(Box::new(Snapshot { sums: self.sums(), gauges }));
        let mut out = String::new();
        text::encode(&mut out, &registry)?;
        Ok(out)
    }
}

#[derive(Debug)]
struct Snapshot {
    sums: Counters,
    gauges: Vec<(&'static str, &'static str, u64)>,
}

impl prometheus_client::collector::Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, value) in self.sums.each() {
            let metric = ConstCounter::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        for &(name, help, value) in &self.gauges {
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_hold_running_and_ended_runs() {
        let stats = Stats::default();
        let (one, two) = (stats.begin_run(), stats.begin_run());
        one.kept.bump();
        two.kept.bump();
        two.kept.bump();
        assert_eq!(stats.sums().kept.get(), 3);
        stats.end_run(&two);
        assert_eq!(stats.sums().kept.get(), 3);
        stats.shared().safe_points_refused.add(5);
        assert_eq!(stats.sums().safe_points_refused.get(), 5);
    }

    #[test]
    fn metrics_are_openmetrics() {
        let stats = Stats::default();
        stats.begin_run().removed.bump();
        let text = stats.openmetrics(vec![("cache_bytes", "Memory of the safe points", 42)]);
        let text = text.unwrap_or_default();
        assert!(text.contains("# TYPE rocks_gc_removed counter\n"), "{text}");
        assert!(text.contains("\nrocks_gc_removed_total 1\n"), "{text}");
        assert!(text.contains("\nrocks_gc_cache_bytes 42\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
