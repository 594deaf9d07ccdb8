//! Counters.

use super::c;
use super::export::guarded;
use super::handles::{Context, context};
use super::memory::{Sized1, malloc_text, struct_size, write_sized};
use crate::metrics::openmetrics;
use std::ffi::c_char;
use std::mem::size_of;
use std::ptr::null_mut;

// SAFETY: a generated `repr(C)` struct that begins with struct_size; zero bytes are valid.
unsafe impl Sized1 for c::rgc_stats_t {
    const VERSION_1: usize = 192;
}

/// Fills in the counters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_stats(gc: *const c::rgc_t, out: *mut c::rgc_stats_t) {
    // SAFETY: `gc` is alive, `out` is writable.
    guarded("rgc_stats", (), || unsafe {
        if struct_size("out", out.cast_const(), size_of::<usize>()).is_ok() {
            write_sized(out, &context(gc).map_or_else(c::rgc_stats_t::default, to_c));
        }
    })
}

/// Returns the counters as OpenMetrics text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rgc_metrics(gc: *const c::rgc_t) -> *mut c_char {
    // SAFETY: `gc` is alive.
    guarded("rgc_metrics", null_mut(), || unsafe {
        let Some(found) = context(gc) else { return null_mut() };
        let shared = &found.shared;
        let debt = found.attached.debt();
        shared.let_ended_barriers_go_if_free();
        let (barriers, held) = shared.safe_points.holding();
        let gauges = vec![
            ("barriers", "Barriers that live", barriers as u64),
            ("safe_points_held", "Safe points that barriers hold back", held as u64),
            ("global_safe_point", "The global safe point; 0 means that none was set yet", shared.safe_points.global()),
            (
                "pending",
                "Rows handed over and not finished, unfinished drops and truncations of schemas, due destroys, and open debts",
                shared.worker_queue.pending() as u64,
            ),
            ("destroyed_records", "Records of destroyed ranges in the ledger", found.attached.records() as u64),
            ("debts", "Destroyed ranges and schemas whose files are not compacted; when the debt was last measured", debt.debts),
            ("debt_files", "Files that may still hold deleted keys; when the debt was last measured", debt.files),
            ("debt_bytes", "The size of these files in bytes", debt.bytes),
            ("cache_bytes", "Memory of the safe points in bytes", shared.safe_points.bytes() as u64),
        ];
        let garbage = found.attached.get().and_then(|store| store.garbage());
        openmetrics(shared, gauges, garbage).map_or(null_mut(), |text| malloc_text(&text))
    })
}

fn to_c(context: &Context) -> c::rgc_stats_t {
    let shared = &context.shared;
    let sums = shared.stats.sums();
    c::rgc_stats_t {
        runs_started: sums.runs_started.get(),
        filters_not_needed: sums.filters_not_needed.get(),
        runs_closed: sums.runs_closed.get(),
        kept: sums.kept.get(),
        removed: sums.removed.get(),
        skipped: sums.skipped.get(),
        expired: sums.expired.get(),
        delete_marked: sums.delete_marked.get(),
        unparsed_keys: sums.unparsed_keys.get(),
        unparsed_values: sums.unparsed_values.get(),
        kept_unknown_keyspace: sums.kept_unknown_keyspace.get(),
        kept_unknown_schema: sums.kept_unknown_schema.get(),
        safe_points_refused: sums.safe_points_refused.get(),
        gc_types_refused: sums.gc_types_refused.get(),
        dropped: sums.dropped.get(),
        late_dropped: sums.late_dropped.get(),
        rows_queued: sums.rows_queued.get(),
        rows_done: sums.rows_done.get(),
        rows_deferred: sums.rows_deferred.get(),
        rows_left_unparsed: sums.rows_left_unparsed.get(),
        pending: shared.worker_queue.pending() as u64,
        destroyed_records: context.attached.records() as u64,
        cache_bytes: shared.safe_points.bytes() as u64,
        kept_no_own_safe_point: sums.kept_no_own_safe_point.get(),
        kept_other_kind: sums.kept_other_kind.get(),
        kept_disabled: sums.kept_disabled.get(),
        own_safe_points_unused: sums.own_safe_points_unused.get(),
        not_needed_no_safe_point: sums.not_needed_no_safe_point.get(),
        not_needed_nothing_dropped: sums.not_needed_nothing_dropped.get(),
        not_needed_too_new: sums.not_needed_too_new.get(),
        not_needed_little_garbage: sums.not_needed_little_garbage.get(),
        not_needed_nothing_expired: sums.not_needed_nothing_expired.get(),
        struct_size: 0,
    }
}
