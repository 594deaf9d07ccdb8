//! The metrics of a context as OpenMetrics text.
//!
//! | file | content |
//! |---|---|
//! | `keyspaces` | the figures of the keyspaces that matter most, and of all others together |
//! | `tikv` | the same counters under TiKV's names |

#![forbid(unsafe_code)]

mod keyspaces;
mod tikv;

use crate::layout::KeyspaceId;
use crate::shared::Shared;
use crate::stats::Counters;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::fmt;

/// The name, the help text and the value of a gauge.
pub type Gauge = (&'static str, &'static str, u64);

/// The bytes of garbage in the files of each keyspace; `None` if the files were not looked at.
pub type Garbage = Option<HashMap<KeyspaceId, u64>>;

/// All metrics.
pub fn openmetrics(shared: &Shared, gauges: Vec<Gauge>, garbage: Garbage) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let mut registry = Registry::with_prefix("rocks_gc");
    registry.register_collector(Box::new(Totals { sums: shared.stats.sums(), gauges }));
    registry.register_collector(Box::new(keyspaces::of(shared, garbage)));
    text::encode_registry(&mut out, &registry)?;
    if shared.metrics_tikv {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(tikv::of(shared)));
        text::encode_registry(&mut out, &registry)?;
    }
    text::encode_eof(&mut out)?;
    Ok(out)
}

#[derive(Debug)]
struct Totals {
    sums: Counters,
    gauges: Vec<Gauge>,
}

impl Collector for Totals {
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
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::safe_point::GcType;
    use crate::stats::Mode;

    fn shared(options: &str) -> Shared {
        let mut chosen = Options::default();
        chosen.parse(options).unwrap();
        let shared = Shared::new(&chosen).unwrap();
        shared.clock.set_host(Box::new(|| 1_700_000_100));
        shared
    }

    fn id(keyspace: u32) -> KeyspaceId {
        KeyspaceId::new(keyspace).unwrap()
    }

    #[test]
    fn metrics_are_openmetrics() {
        let shared = shared("");
        shared.stats.begin_run(Mode::Raw).removed.bump();
        let text = openmetrics(&shared, vec![("cache_bytes", "Memory of the safe points", 42)], None).unwrap();
        assert!(text.contains("# TYPE rocks_gc_removed counter\n"), "{text}");
        assert!(text.contains("\nrocks_gc_removed_total 1\n"), "{text}");
        assert!(text.contains("\nrocks_gc_cache_bytes 42\n"), "{text}");
        assert!(text.ends_with("# EOF\n") && !text.contains("tikv"), "{text}");
    }

    #[test]
    fn a_million_keyspaces_are_a_hundred_lines_and_a_sum() {
        let shared = shared("metrics_keyspaces=2");
        shared.safe_points.register([id(5), id(6)].into_iter(), GcType::KeyspaceLevel).unwrap();
        shared.safe_points.advance([(id(5), (1_700_000_000 * 1000) << 18), (id(6), 7)]);
        for keyspace in 0..1000 {
            shared.of_keyspaces.count(id(keyspace), |counts| counts.kept += 1);
        }
        shared.of_keyspaces.count(id(6), |counts| counts.removed += 10);
        let text = openmetrics(&shared, Vec::new(), Some(HashMap::from([(id(5), 300), (id(6), 200), (id(7), 100), (id(8), 50)]))).unwrap();
        for line in [
            "rocks_gc_keyspace_kept_total{keyspace=\"5\"} 1",
            "rocks_gc_keyspace_kept_total{keyspace=\"others\"} 998",
            "rocks_gc_keyspace_removed_total{keyspace=\"6\"} 10",
            "rocks_gc_keyspace_garbage_bytes{keyspace=\"5\"} 300",
            "rocks_gc_keyspace_garbage_bytes{keyspace=\"others\"} 150",
            "rocks_gc_keyspace_safe_point_age_seconds{keyspace=\"5\"} 100",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line} is not in {text}");
        }
        assert!(!text.contains("keyspace=\"7\""), "{text}");
        assert!(!text.contains("age_seconds{keyspace=\"6\"}"), "its safe point is no time: {text}");
        let without = openmetrics(&shared, Vec::new(), None).unwrap();
        assert!(!without.contains("garbage_bytes{"), "{without}");
    }

    #[test]
    fn tikv_has_its_own_names() {
        let shared = shared("metrics_tikv=on");
        shared.stats.begin_run(Mode::Txn).removed.bump();
        shared.stats.of_mode(Mode::Raw).filters_not_needed.add(3);
        let text = openmetrics(&shared, Vec::new(), None).unwrap();
        for line in [
            "tikv_gc_compaction_filtered{key_mode=\"txn\"} 1",
            "tikv_gc_compaction_filter_skip{key_mode=\"raw\"} 3",
            "tikv_gcworker_autogc_safe_point 0",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line} is not in {text}");
        }
        assert_eq!(text.matches("# EOF").count(), 1);
    }
}
