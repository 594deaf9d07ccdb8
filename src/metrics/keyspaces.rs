//! The figures of each keyspace, for the keyspaces that matter most.

use super::Garbage;
use crate::callback;
use crate::layout::{KeyspaceId, Timestamp};
use crate::shared::{KeyspaceCounts, Shared};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::cmp::Reverse;
use std::fmt;

/// A timestamp of PD: milliseconds since 1970, and 18 bits that count within a millisecond.
const LOGICAL_BITS: u32 = 18;
/// Timestamps whose physical part is before September 2001 are no times.
const FIRST_TIME_MS: u64 = 1_000_000_000_000;

/// The figures of one keyspace, or of all others together.
#[derive(Debug, Clone, Default)]
struct Line {
    keyspace: String,
    counts: KeyspaceCounts,
    garbage: u64,
    /// The age of the effective safe point, if there is one and it is a time.
    age: Option<u64>,
}

/// The keyspaces that matter most, and the rest.
#[derive(Debug)]
pub struct Keyspaces {
    lines: Vec<Line>,
    knows_garbage: bool,
}

/// The keyspaces with the most garbage; among equals those with the most decisions of filters.
pub fn of(shared: &Shared, garbage: Garbage) -> Keyspaces {
    let knows_garbage = garbage.is_some();
    let garbage = garbage.unwrap_or_default();
    let (mut counts, others) = shared.of_keyspaces.all();
    garbage.keys().for_each(|keyspace| _ = counts.entry(*keyspace).or_default());
    let mut all: Vec<(KeyspaceId, KeyspaceCounts, u64)> =
        counts.into_iter().map(|(keyspace, counts)| (keyspace, counts, garbage.get(&keyspace).copied().unwrap_or_default())).collect();
    all.sort_unstable_by_key(|(keyspace, counts, garbage)| (Reverse((*garbage, counts.kept + counts.removed + counts.dropped)), *keyspace));
    let rest = all.split_off(shared.metrics_keyspaces.min(all.len()));
    // The host's clock may itself ask for the metrics.
    let now = if callback::inside() { 0 } else { shared.clock.now() };
    let mut lines: Vec<Line> = all
        .into_iter()
        .map(|(keyspace, counts, garbage)| Line {
            keyspace: keyspace.to_string(),
            counts,
            garbage,
            age: age(shared.safe_points.effective(keyspace).safe_point, now),
        })
        .collect();
    let mut sum = Line { keyspace: "others".into(), counts: others, ..Line::default() };
    for (_, counts, garbage) in rest {
        sum.counts.add(&counts);
        sum.garbage = sum.garbage.saturating_add(garbage);
    }
    lines.push(sum);
    Keyspaces { lines, knows_garbage }
}

/// The age of a safe point in seconds.
fn age(safe_point: Timestamp, now: u64) -> Option<u64> {
    let milliseconds = safe_point >> LOGICAL_BITS;
    (milliseconds >= FIRST_TIME_MS && now > 0).then(|| now.saturating_sub(milliseconds / 1000))
}

/// The name, the help text and the value of a counter.
type OfKeyspace = (&'static str, &'static str, fn(&KeyspaceCounts) -> u64);

impl Collector for Keyspaces {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counters: [OfKeyspace; 4] = [
            ("keyspace_kept", "Decisions to keep, per keyspace", |counts| counts.kept),
            ("keyspace_removed", "Versions removed, per keyspace", |counts| counts.removed),
            ("keyspace_dropped", "Keys removed because they were destroyed or their schema is invalid, per keyspace", |counts| {
                counts.dropped
            }),
            ("keyspace_filters_not_needed", "Compactions that held keys of the keyspace and needed no filter", |counts| {
                counts.filters_not_needed
            }),
        ];
        for (name, help, value) in counters {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for line in &self.lines {
                ConstCounter::new(value(&line.counts)).encode(family.encode_family(&line.labels())?)?;
            }
        }
        if self.knows_garbage {
            let help = "Garbage in the files by their properties in bytes, per keyspace; at the worker's last survey";
            let mut family = encoder.encode_descriptor("keyspace_garbage_bytes", help, None, MetricType::Gauge)?;
            for line in &self.lines {
                ConstGauge::new(line.garbage).encode(family.encode_family(&line.labels())?)?;
            }
        }
        let help = "The age of the effective safe point, per keyspace; only for safe points that are timestamps of PD";
        let mut family = encoder.encode_descriptor("keyspace_safe_point_age_seconds", help, None, MetricType::Gauge)?;
        for (line, age) in self.lines.iter().filter_map(|line| Some((line, line.age?))) {
            ConstGauge::new(age).encode(family.encode_family(&line.labels())?)?;
        }
        Ok(())
    }
}

impl Line {
    fn labels(&self) -> [(&'static str, &str); 1] {
        [("keyspace", &self.keyspace)]
    }
}
