//! What a scrape sees. Scopes are many; the 100 with the oldest G are shown.

use super::round::{Held, Report};
use crate::error::{Error, Result};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

const MOST_SCOPES: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfScope {
    scope: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfBlocker {
    scope: String,
    blocker: String,
}

/// Counters and gauges of a worker.
#[derive(Default)]
pub struct Metrics {
    registry: Registry,
    txn_age: Family<OfScope, Gauge>,
    gc_age: Family<OfScope, Gauge>,
    blocked: Family<OfBlocker, Gauge>,
    scopes: Gauge,
    unreadable: Gauge,
    pub(super) leads: Gauge,
    pub(super) gives_way: Gauge,
    pub(super) rounds: Counter,
    pub(super) failed_rounds: Counter,
    pub(super) refused: Counter,
    pub(super) went_back: Counter,
}

impl Metrics {
    /// All at 0.
    pub fn new() -> Self {
        let mut of = Self::default();
        let Self { registry, txn_age, gc_age, blocked, scopes, unreadable, leads, gives_way, rounds, failed_rounds, refused, went_back } =
            &mut of;
        let own = registry.sub_registry_with_prefix("rocks_gc_worker");
        own.register("txn_safe_point_age_seconds", "Age of the transaction safe point, of the 100 oldest scopes", txn_age.clone());
        own.register("gc_safe_point_age_seconds", "Age of the GC safe point, of the 100 oldest scopes", gc_age.clone());
        own.register("blocked", "1 for each blocker of one of the 100 oldest scopes", blocked.clone());
        own.register("scopes", "Scopes with safe points of their own", scopes.clone());
        own.register("unreadable_scopes", "Scopes that a value in etcd that cannot be read holds up", unreadable.clone());
        own.register("leads", "1 while this worker leads", leads.clone());
        own.register("gives_way_to_pd", "1 while a PD leads, so that no worker writes", gives_way.clone());
        own.register("rounds", "Rounds that this worker led", rounds.clone());
        own.register("failed_rounds", "Rounds that ended with an error", failed_rounds.clone());
        own.register("refused_transactions", "Transactions that etcd refused, because another writer came first", refused.clone());
        own.register("safe_points_went_back", "Safe points that were lower in etcd than after the round before", went_back.clone());
        of
    }

    /// The text of OpenMetrics.
    pub fn text(&self) -> Result<String> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| Error(format!("the metrics cannot be written: {error}")))?;
        Ok(text)
    }

    pub(super) fn show(&self, report: &Report) {
        self.txn_age.clear();
        self.gc_age.clear();
        self.blocked.clear();
        let mut oldest: Vec<_> = report.scopes.iter().collect();
        oldest.sort_by_key(|(_, of)| of.gc_safe_point);
        for (scope, of) in oldest.into_iter().take(MOST_SCOPES) {
            let scope = scope.to_string();
            let age = |timestamp: u64| i64::try_from(report.now.unix_ms.saturating_sub(timestamp >> 18) / 1000).unwrap_or(i64::MAX);
            self.txn_age.get_or_create(&OfScope { scope: scope.clone() }).set(age(of.txn_safe_point));
            self.gc_age.get_or_create(&OfScope { scope: scope.clone() }).set(age(of.gc_safe_point));
            for blocker in of.held.iter().map(Held::to_string) {
                self.blocked.get_or_create(&OfBlocker { scope: scope.clone(), blocker }).set(1);
            }
        }
        self.scopes.set(count(report.scopes.len()));
        let unreadable = report.scopes.values().filter(|of| of.held.iter().any(|held| matches!(held, Held::Unreadable(_))));
        self.unreadable.set(count(unreadable.count()));
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
