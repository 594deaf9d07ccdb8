//! What a filter counts and logs.

use super::dropping::Dropping;
use crate::error::hex;
use crate::layout::{KeyOwner, KeyspaceId};
use crate::log::{Level, log};
use crate::rule::Verdict;
use crate::shared::{FilterKind, KeyspaceCounts, Notice, Shared};
use crate::stats::FilterCounters;
use std::sync::Arc;

/// The number of keyspaces whose counts are added up at once. Only then memory may be allocated.
const KEYSPACES_AT_ONCE: usize = 64;

/// The counters of one filter.
pub struct Counting {
    /// The counters.
    pub counters: Arc<FilterCounters>,
    first_unknown: Option<KeyspaceId>,
    /// The keyspace of the last row, and the counts of all keyspaces before it.
    keyspace: Option<KeyspaceId>,
    before: KeyspaceCounts,
    /// The counts of the last keyspaces, which are not yet added to those of all filters.
    left: Vec<(KeyspaceId, KeyspaceCounts)>,
    shared: Arc<Shared>,
}

impl Counting {
    /// Counts a new filter.
    pub fn new(shared: Arc<Shared>, kind: FilterKind) -> Self {
        let counters = shared.stats.begin_run(kind.mode());
        counters.runs_started.bump();
        Self {
            counters,
            first_unknown: None,
            keyspace: None,
            before: KeyspaceCounts::default(),
            left: Vec::with_capacity(KEYSPACES_AT_ONCE),
            shared,
        }
    }

    /// Counts a decision.
    #[inline]
    pub fn count(&self, verdict: Verdict) {
        match verdict {
            Verdict::Keep => self.counters.kept.bump(),
            Verdict::Remove => self.counters.removed.bump(),
        }
    }

    /// Adds up the counts of a keyspace when the keys of another owner follow.
    #[inline]
    pub fn enter(&mut self, owner: KeyOwner) {
        let keyspace = match owner {
            KeyOwner::Keyspace(_, keyspace) => Some(keyspace),
            _ => None,
        };
        if keyspace != self.keyspace {
            self.leave_keyspace();
            self.keyspace = keyspace;
        }
    }

    /// Ends the counts of the last keyspace.
    fn leave_keyspace(&mut self) {
        let (c, before) = (&self.counters, self.before);
        let dropped = c.dropped.get();
        let now = KeyspaceCounts {
            kept: c.kept.get(),
            // A dropped key counts as removed or skipped too.
            removed: (c.removed.get() + c.skipped.get()).saturating_sub(dropped),
            dropped,
            filters_not_needed: 0,
        };
        self.before = now;
        if let Some(keyspace) = self.keyspace.take()
            && now != before
        {
            let here = KeyspaceCounts {
                kept: now.kept - before.kept,
                removed: now.removed.saturating_sub(before.removed),
                dropped: now.dropped - before.dropped,
                filters_not_needed: 0,
            };
            self.left.push((keyspace, here));
            if self.left.len() == KEYSPACES_AT_ONCE {
                self.add_up();
            }
        }
    }

    /// Adds the counts of the last keyspaces to those of all filters.
    fn add_up(&mut self) {
        for (keyspace, here) in self.left.drain(..) {
            self.shared.of_keyspaces.count(keyspace, |counts| counts.add(&here));
        }
    }

    /// Ends all counts.
    pub fn end(&mut self) {
        self.leave_keyspace();
        self.add_up();
        self.log_summary();
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

    /// Counts a version that is kept for a reason that is logged once.
    pub fn count_told(&self, notice: Notice, owner: KeyOwner) {
        match notice {
            Notice::NoOwnSafePoint => self.counters.kept_no_own_safe_point.bump(),
            Notice::Disabled => self.counters.kept_disabled.bump(),
            Notice::OtherKind => self.counters.kept_other_kind.bump(),
            // It is no reason of a filter.
            Notice::TooNew => {}
        }
        self.shared.notices.tell(notice, owner);
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
    fn log_summary(&self) {
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
