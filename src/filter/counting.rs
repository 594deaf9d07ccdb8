//! What a filter counts and logs.

use super::dropping::Dropping;
use crate::error::hex;
use crate::layout::{KeyOwner, KeyspaceId};
use crate::log::{Level, log};
use crate::rule::Verdict;
use crate::shared::Shared;
use crate::stats::FilterCounters;
use std::sync::Arc;

/// The counters of one filter.
pub struct Counting {
    /// The counters.
    pub counters: Arc<FilterCounters>,
    first_unknown: Option<KeyspaceId>,
    shared: Arc<Shared>,
}

impl Counting {
    /// Counts a new filter.
    pub fn new(shared: Arc<Shared>) -> Self {
        let counters = shared.stats.begin_run();
        counters.runs_started.bump();
        Self { counters, first_unknown: None, shared }
    }

    /// Counts a decision.
    #[inline]
    pub fn count(&self, verdict: Verdict) {
        match verdict {
            Verdict::Keep => self.counters.kept.bump(),
            Verdict::Remove => self.counters.removed.bump(),
        }
    }

    /// Counts a dropped key.
    pub fn count_dropped(&self, dropping: &Dropping, key: &[u8]) {
        self.counters.dropped.bump();
        if let Some(is_first) = dropping.count_late() {
            self.counters.late_dropped.bump();
            if is_first {
                log(Level::Warn, || dropping.late_warning(key));
            }
        }
    }

    /// Counts a kept version of a keyspace that the host never registered.
    pub fn count_unknown_keyspace(&mut self, owner: KeyOwner) {
        if let KeyOwner::Keyspace(_, keyspace) = owner {
            self.first_unknown.get_or_insert(keyspace);
        }
        self.counters.kept_unknown_keyspace.bump();
    }

    /// Counts a key that does not match the layout.
    pub fn count_foreign(&self, key: &[u8]) {
        self.counters.unparsed_keys.bump();
        self.shared.tell_foreign_key(key);
    }

    /// Counts a value that does not parse.
    #[cold]
    pub fn count_unparsed_value(&self, key: &[u8]) {
        if self.counters.unparsed_values.get() == 0 {
            log(Level::Warn, || format!("a value does not parse, or has extra bytes; key {}", hex(key)));
        }
        self.counters.unparsed_values.bump();
    }

    /// Logs what the filter did.
    pub fn log_summary(&self) {
        if let Some(keyspace) = self.first_unknown {
            let versions = self.counters.kept_unknown_keyspace.get();
            log(Level::Warn, || {
                format!(
                    "a filter kept {versions} versions of keyspaces that were never registered, the first is keyspace {keyspace}; \
                     register them with rgc_set_keyspace_gc_type"
                )
            });
        }
        log(Level::Debug, || {
            let c = &self.counters;
            let (queued, left) = (c.rows_queued.get(), c.rows_deferred.get());
            format!("a filter ended: kept {}, removed {}, rows handed over {queued}, rows deferred {left}", c.kept.get(), c.removed.get())
        });
    }
}
