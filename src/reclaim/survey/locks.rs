//! The oldest lock of a keyspace.

use crate::engine::{Direction, Family};
use crate::error::{Error, ErrorKind, hex};
use crate::layout::{KeyForm, KeyMode, KeyOwner, KeyRange, Tenant, Timestamp, lock};
use crate::reclaim::store::{Role, Store};
use std::ops::ControlFlow;

/// Longer than any plain key of a fixed length.
const LONGEST_BOUND: usize = (1 << 20) + 1;
/// After so many locks the scan looks whether the store is being detached.
const LOOK: u64 = 1024;

/// The least start timestamp at or below `up_to` of a lock of a keyspace, or of the keys in no
/// keyspace.
pub fn oldest(store: &Store, tenant: Tenant, up_to: Timestamp) -> Result<Option<Timestamp>, Error> {
    let families: Vec<Family> = (0..store.families.len()).filter(|family| store.families.role(*family) == Some(Role::Lock)).collect();
    if families.is_empty() {
        return Err(Error::new(
            ErrorKind::NotSupported,
            "no attached column family has role RGC_CF_LOCK, so locks cannot be read; attach the family of locks with this role",
        ));
    }
    let mut oldest = None;
    for family in families {
        for range in ranges(store, tenant)? {
            let found = in_range(store, family, &range)?;
            oldest = oldest.into_iter().chain(found.filter(|start_ts| *start_ts <= up_to)).min();
        }
    }
    Ok(oldest)
}

/// The ranges of keys that transactions lock.
fn ranges(store: &Store, tenant: Tenant) -> Result<Vec<KeyRange>, Error> {
    let layout = &store.shared.layout;
    let owners = match (layout.form, tenant) {
        (KeyForm::ApiV2, Some(keyspace)) => vec![KeyOwner::Keyspace(KeyMode::Txn, keyspace)],
        (KeyForm::ApiV2, None) => vec![KeyOwner::Tidb(KeyMode::TidbMeta), KeyOwner::Tidb(KeyMode::TidbTable)],
        (KeyForm::Plain(_), None) => vec![KeyOwner::Plain],
        (KeyForm::Plain(_), Some(keyspace)) => {
            return Err(Error::invalid(format!("plain keys are in no keyspace, not in {keyspace}; give RGC_KEYSPACE_NONE")));
        }
    };
    Ok(owners.into_iter().filter_map(|owner| layout.owner_range(owner)).collect())
}

fn in_range(store: &Store, family: Family, range: &KeyRange) -> Result<Option<Timestamp>, Error> {
    let layout = &store.shared.layout;
    let end = range.end.clone().unwrap_or_else(|| vec![0xff; LONGEST_BOUND]);
    let (mut oldest, mut seen, mut failed) = (None::<Timestamp>, 0, Ok(()));
    store.engine.scan(family, (&range.start, &end), Direction::Forwards, &mut |key, value| {
        seen += 1;
        if layout.owner(key) == KeyOwner::Ledger {
            return ControlFlow::Continue(());
        }
        match lock::oldest_start_ts(value) {
            Ok(start_ts) => oldest = Some(oldest.map_or(start_ts, |oldest| oldest.min(start_ts))),
            Err(_) => {
                let what = format!(
                    "the lock under key {} does not parse, so its transaction is not known; resolve or repair it, and do not move the safe \
                     point before",
                    hex(key)
                );
                failed = Err(Error::new(ErrorKind::Corruption, what));
            }
        }
        if failed.is_ok() && seen % LOOK == 0 {
            failed = store.engine.check_stopping();
        }
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    if store.engine.is_dropped(family) {
        let name = store.families.get(family).map_or("", |family| family.name.as_str());
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("the host dropped the column family {name:?} of locks; attach the present one"),
        ));
    }
    Ok(oldest)
}
