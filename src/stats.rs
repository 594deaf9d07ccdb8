//! Counters that cost a run no shared cache line: each run counts in a block of its own, and readers add the blocks up.

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
    /// Adds one, where only one thread writes: no locked instruction.
    #[inline]
    pub fn bump(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    /// Adds `n`, where many threads write.
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
        /// A block of counters: a run's, or those of all runs that ended.
        #[derive(Debug, Default, PartialEq)]
        #[expect(missing_docs, reason = "the texts below are the documentation, and the help texts of the metrics")]
        pub struct Counters {
            $(pub $name: Counter,)*
        }

        impl Counters {
            fn add(&self, other: &Counters) {
                $(self.$name.add(other.$name.get());)*
            }

            /// Name, help text and value of each.
            fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), $help, self.$name.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    runs_started: "AllowedFilters that got a filter",
    filters_not_needed: "AllowedFilters that needed no filter: no effective safe point above 0 anywhere",
    runs_closed: "AllowedFilters that kept everything from some key on: keys out of order, a foreign thread, a panic",
    kept: "Decisions to keep",
    removed: "Decisions to remove",
    skipped: "Decisions to remove and skip",
    expired: "Newest versions seen expired; TTL v1: removed by expiry",
    delete_marked: "Newest versions seen delete-marked",
    unparsed_keys: "Keys kept because they are not of the layout",
    unparsed_values: "Values kept because they do not parse",
    kept_unknown_keyspace: "Versions kept because their keyspace was never named",
    kept_unknown_schema: "Versions kept though nobody told their schema",
    safe_points_refused: "Safe points refused: steps back, 0, the maximum, too far ahead, of removed keyspaces",
    gc_types_refused: "GC types refused because another one stood, or that came too late",
    dropped: "Keys removed because they were destroyed, or of an invalid schema",
    late_dropped: "Of these: after their range or schema was done",
    rows_queued: "Rows handed to the worker",
    rows_done: "Rows that the worker has finished",
    rows_deferred: "Rows left for a later run: no store, another column family, the queue full, a write refused",
    rows_left_unparsed: "Rows that the worker left because a value does not parse",
}

/// The counters of a run that is on, and where it is.
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
    /// The run belongs to this thread from now on.
    pub fn is_here(&self) {
        self.thread.get_or_init(|| thread::current().id());
    }
}

/// All counters of a context.
#[derive(Debug, Default)]
pub struct Stats {
    /// Counts of the context itself, and of the runs that ended.
    ended: Counters,
    running: Mutex<Vec<Arc<FilterCounters>>>,
}

impl Stats {
    /// The counters that no run owns; many threads write them, with [`Counter::add`].
    pub fn shared(&self) -> &Counters {
        &self.ended
    }

    /// A block for a run that begins.
    pub fn begin_run(&self) -> Arc<FilterCounters> {
        let block = Arc::new(FilterCounters::default());
        lock(&self.running).push(block.clone());
        block
    }

    /// Takes over what an ended run has counted.
    pub fn end_run(&self, block: &Arc<FilterCounters>) {
        let mut running = lock(&self.running);
        running.retain(|b| !Arc::ptr_eq(b, block));
        self.ended.add(block);
    }

    /// Is this thread inside a run?
    pub fn is_running_here(&self) -> bool {
        let here = thread::current().id();
        lock(&self.running).iter().any(|run| run.thread.get() == Some(&here))
    }

    /// The sums as of now.
    pub fn sums(&self) -> Counters {
        // The lock keeps a run that ends meanwhile from being counted twice or not at all.
        let running = lock(&self.running);
        let sums = Counters::default();
        sums.add(&self.ended);
        running.iter().for_each(|block| sums.add(block));
        sums
    }

    /// OpenMetrics text: every counter, and the given gauges (name, help, value).
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
