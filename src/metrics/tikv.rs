//! The counters under TiKV's names, for its dashboards. They are gauges here, because OpenMetrics adds
//! a suffix to the names of counters, and TiKV's dashboards read names without one.

use crate::shared::Shared;
use crate::stats::{Counters, Mode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;

/// The counters of both modes.
#[derive(Debug)]
pub struct Tikv {
    modes: [(&'static str, Counters); 2],
    global_safe_point: u64,
    rows_done: u64,
}

/// The counters of both modes at this moment.
pub fn of(shared: &Shared) -> Tikv {
    Tikv {
        modes: [("raw", shared.stats.sums_of(Mode::Raw)), ("txn", shared.stats.sums_of(Mode::Txn))],
        global_safe_point: shared.safe_points.global(),
        rows_done: shared.stats.sums().rows_done.get(),
    }
}

/// A metric with a label for the mode: its name, its help text and its value.
type OfMode = (&'static str, &'static str, fn(&Counters) -> u64);

const OF_MODE: [OfMode; 5] = [
    ("tikv_gc_compaction_filtered", "Versions that filters removed", |c| c.removed.get() + c.skipped.get()),
    ("tikv_gc_compaction_filter_skip", "Compactions that needed no filter", |c| c.filters_not_needed.get()),
    ("tikv_gc_compaction_filter_perform", "Compactions that got a filter", |c| c.runs_started.get()),
    ("tikv_gc_compaction_filter_mvcc_deletion_met", "Newest versions of a row that were deletes", |c| c.delete_marked.get()),
    ("tikv_gc_compaction_filter_mvcc_deletion_wasted", "Rows left to a later filter", |c| c.rows_deferred.get()),
];

impl Collector for Tikv {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, value) in OF_MODE {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (mode, counters) in &self.modes {
                ConstGauge::new(value(counters)).encode(family.encode_family(&[("key_mode", *mode)])?)?;
            }
        }
        let single = [
            ("tikv_gc_compaction_filter_mvcc_deletion_handled", "Rows that the worker has finished", self.rows_done),
            ("tikv_gcworker_autogc_safe_point", "The global safe point", self.global_safe_point),
        ];
        for (name, help, value) in single {
            ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}
