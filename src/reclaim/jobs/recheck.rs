//! Rechecking destroyed ranges: some time after a destroy its range is destroyed once more, for late
//! keys, and its record is deleted.

use super::cut_row::cut_rows;
use super::erase::erase;
use super::report::DestroyReport;
use crate::error::{Error, hex_range};
use crate::log::{Level, log};
use crate::reclaim::ledger::{CoveredFamilies, Destroyed, Ledger};
use crate::reclaim::store::Store;

/// Destroys again the ranges whose recheck is due, and deletes their records. Returns their
/// number.
pub fn run(store: &Store, ledger: &Ledger, now: u64, report: &mut DestroyReport) -> Result<usize, Error> {
    let mut rechecked = 0;
    if now == 0 {
        return Ok(rechecked);
    }
    let due = ledger.destroyed.done_by(now.checked_sub(store.shared.deleting.recheck_seconds));
    for range in due {
        if store.is_stopping() {
            break;
        }
        let _turn = store.range_lock.take(std::slice::from_ref(&range));
        // The previous holder of the lock may have released or destroyed the range.
        let Some(record) = ledger.destroyed.records_of(std::slice::from_ref(&range)).pop().flatten().filter(|record| record.done) else {
            continue;
        };
        if record.done_at == 0 {
            ledger.destroyed.put(store, &[Destroyed { done_at: now, ..record }])?;
        } else if record.done_at.saturating_add(store.shared.deleting.recheck_seconds) <= now {
            let removed = |report: &DestroyReport| (report.files_dropped, report.keys_deleted, report.range_tombstones);
            let before = removed(report);
            // A recheck that failed may have left tombstones over one half of a row.
            let again = !cut_rows(store, &range).is_empty();
            erase(store, ledger, &range, &CoveredFamilies::new(&record.families, &store.families), again, report)?;
            ledger.destroyed.erase(store, std::slice::from_ref(&record))?;
            let (level, late) =
                if removed(report) == before { (Level::Info, "") } else { (Level::Warn, "; the recheck removed late keys") };
            log(level, || format!("the recheck of {} is done, and its record is deleted{late}", hex_range(&range)));
            rechecked += 1;
        }
    }
    Ok(rechecked)
}
