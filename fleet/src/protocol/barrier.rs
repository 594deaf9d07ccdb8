//! Setting and deleting barriers. Nothing at or above a barrier is collected while it lives.

use super::etcd::{Key, Name, Scope, Snapshot, Timestamp, Txn, Value};
use super::guard::{Guard, keeps};
use crate::error::{Error, Result};

/// The number of the name `gc_worker`, which is PD's own in each scope.
pub const GC_WORKER: Name = 0;

/// The last second of a barrier that does not end by itself.
pub const NEVER: u64 = i64::MAX as u64;

/// A barrier is alive at exactly its last second.
pub fn is_alive(until: u64, now: u64) -> bool {
    now < until || now == until && keeps(Guard::LastSecondIsAlive)
}

/// Sets a barrier of the scope, or of all scopes. `ttl` is in seconds.
pub fn set(read: &Snapshot, scope: Option<Scope>, name: Name, timestamp: Timestamp, ttl: i64, now: u64) -> Result<Txn> {
    check_name(scope, name)?;
    let ttl = u64::try_from(ttl).ok().filter(|ttl| *ttl > 0);
    let ttl = ttl.ok_or_else(|| Error("a barrier's time to live must be above 0".into()))?;
    let txn_safe_point = highest_txn_safe_point(read, scope);
    if timestamp < txn_safe_point && keeps(Guard::BarriersAreNotBelowTxn) {
        return Err(Error(format!("barrier {timestamp} is behind the transaction safe point {txn_safe_point}")));
    }
    let until = now.saturating_add(ttl).min(NEVER);
    let mut txn = Txn::on_state(read);
    txn.writes.push((Key::Barrier(scope, name), Some(Value::Barrier(timestamp, until))));
    Ok(txn)
}

/// Deletes a barrier; one that is not there too.
pub fn delete(read: &Snapshot, scope: Option<Scope>, name: Name) -> Result<Txn> {
    check_name(scope, name)?;
    let mut txn = Txn::on_state(read);
    txn.writes.push((Key::Barrier(scope, name), None));
    Ok(txn)
}

fn check_name(scope: Option<Scope>, name: Name) -> Result<()> {
    if name == GC_WORKER && scope.is_some() {
        return Err(Error("barrier name \"gc_worker\" is reserved".into()));
    }
    Ok(())
}

fn highest_txn_safe_point(read: &Snapshot, scope: Option<Scope>) -> Timestamp {
    let of = read.txn_safe_points().filter(|(of, _)| scope.is_none_or(|scope| scope == *of));
    of.map(|(_, timestamp)| timestamp).max().unwrap_or(0)
}
