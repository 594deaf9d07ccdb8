//! A ledger is one context's. A second context on the same ledger would carry out, and drop by, what the first one was told.
//!
//! Two checks find it out. Each record of the ledger must be about one of the families that are given. And no store that is attached in
//! this process may have the same ledger: attaching writes a mark, and whoever finds that mark in its own ledger has the same one. (The
//! copy of a store has a ledger of its own, with the same records.)

use super::covers::Covers;
use super::ledger::{NamedFamily, Records};
use super::store::{ColumnFamily, Store};
use crate::callback::lock;
use crate::engine::{How, Op, Write};
use crate::error::Error;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, Weak};

/// The stores that are attached in this process.
static ATTACHED: Mutex<Vec<Weak<Store>>> = Mutex::new(Vec::new());

/// It is attached from now on.
pub(super) fn register(store: &Arc<Store>) {
    let mut attached = lock(&ATTACHED);
    attached.retain(|store| store.strong_count() > 0);
    attached.push(Arc::downgrade(store));
}

/// Is every record about a family that is given?
pub(super) fn check_families(records: &Records, attached: &[ColumnFamily]) -> Result<(), Error> {
    let destroyed = records.destroyed.values().map(|record| &record.families);
    let foreign = |families: &&Vec<NamedFamily>| Covers::new(families, attached).places.is_empty();
    let Some(owned) = destroyed.chain(records.schemas.values().map(|record| &record.families)).find(foreign) else { return Ok(()) };
    let owned: Vec<_> = owned.iter().map(|family| family.name.as_str()).collect();
    let given: Vec<_> = attached.iter().map(|family| family.name.as_str()).collect();
    Err(Error::invalid(format!(
        "the ledger belongs to a context with the families {}, and none of them is among {}; give them, too, or give this context a ledger \
         family of its own",
        owned.join(", "),
        given.join(", ")
    )))
}

/// Has no other store of this process the same ledger?
pub(super) fn check_unique(store: &Store) -> Result<(), Error> {
    let others: Vec<_> = lock(&ATTACHED).iter().filter_map(Weak::upgrade).filter(|store| !store.is_stopping()).collect();
    if others.is_empty() {
        return Ok(());
    }
    let (family, key, mark) = (store.ledger.home, store.engine.probe().to_vec(), new_mark());
    store.engine.write(&[Write { family, op: Op::Put(key.clone(), mark.clone()) }], How::default())?;
    // Of a ledger that cannot be read nothing is known: then it is taken for the same.
    let finds = |other: &Arc<Store>| match other.engine.get(other.ledger.home, other.engine.probe()) {
        Ok(found) => found.as_ref() == Some(&mark),
        Err(_) => !other.engine.is_closed(),
    };
    let is_shared = others.iter().any(finds);
    store.engine.write(&[Write { family, op: Op::Delete(key) }], How::default())?;
    if !is_shared {
        return Ok(());
    }
    Err(Error::invalid(
        "another rgc_t of this process has attached the same ledger, and a ledger is one context's; give each a family of its own with role \
         RGC_CF_LEDGER",
    ))
}

fn new_mark() -> Vec<u8> {
    let random = || RandomState::new().build_hasher().finish().to_be_bytes();
    [random(), random()].concat()
}
