//! Counters.

use crate::abi;
use crate::gc::Gc;

macro_rules! stats {
    ($($field:ident,)*) => {
        /// Counters since the context was created. They are those of `rgc_stats_t`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[allow(missing_docs, reason = "the header documents the counters")]
        pub struct Stats {
            $(pub $field: u64,)*
        }

        impl Gc {
            /// The counters of this moment, running filters included.
            pub fn stats(&self) -> Stats {
                let mut stats = abi::Stats { struct_size: size_of::<abi::Stats>(), $($field: 0,)* };
                // SAFETY: the context lives.
                unsafe { (self.library().functions().rgc_stats)(self.as_ptr(), &raw mut stats) };
                Stats { $($field: stats.$field,)* }
            }
        }
    };
}

stats! {
    runs_started, filters_not_needed, runs_closed, kept, removed, skipped, dropped,
    late_dropped, expired, delete_marked, unparsed_keys, unparsed_values,
    kept_unknown_keyspace, kept_unknown_schema, safe_points_refused, gc_types_refused,
    rows_queued, rows_done, rows_deferred, rows_left_unparsed, pending, destroyed_records,
    cache_bytes, not_needed_no_safe_point, not_needed_nothing_dropped, not_needed_too_new,
    not_needed_little_garbage, not_needed_nothing_expired, kept_no_own_safe_point,
    kept_other_kind, kept_disabled, own_safe_points_unused,
}

impl Gc {
    /// The counters as OpenMetrics text, for a scrape endpoint.
    pub fn metrics(&self) -> String {
        // SAFETY: the context lives, and the library returns a text for rgc_free.
        unsafe { self.library().take_text((self.library().functions().rgc_metrics)(self.as_ptr())) }
    }
}
