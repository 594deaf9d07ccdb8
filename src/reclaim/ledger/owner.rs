//! A ledger belongs to one context. A second context on the same ledger would carry out the first
//! one's orders, and its filters would remove the keys that these orders name.
//!
//! Two checks find such a ledger. Each record of the ledger must cover one of the families that are
//! given. And no store that is attached in this process may have the same ledger. For this,
//! attaching writes a mark. A store that reads the mark in its own ledger has the same ledger. (The
//! copy of a store has a ledger of its own, with the same records.)

use super::covered_families::CoveredFamilies;
use super::record::NamedFamily;
use super::storage::{Records, Storage};
use crate::callback::lock;
use crate::engine::{Op, Write, WriteOptions};
use crate::error::{Error, ErrorKind};
use crate::reclaim::store::{ClosableEngine, ColumnFamily};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, Weak};
use std::thread::sleep;
use std::time::Duration;

/// A ledger that is in use.
struct Owned {
    engine: Weak<ClosableEngine>,
    storage: Storage,
}

/// The ownership of a ledger, which ends when this is dropped. Then no attach of another store calls
/// the engine any more, so the host may close the DB.
pub struct Ownership {
    engine: Arc<ClosableEngine>,
}

impl Drop for Ownership {
    fn drop(&mut self) {
        // A thread that calls the engines of others holds the lock meanwhile.
        lock(&OWNED).retain(|owned| !std::ptr::eq(owned.engine.as_ptr(), Arc::as_ptr(&self.engine)));
    }
}

/// The ledgers that are in use in this process.
static OWNED: Mutex<Vec<Owned>> = Mutex::new(Vec::new());

/// The pause before the next attempt while the store stalls writes.
const STALL: Duration = Duration::from_millis(10);

/// Checks that every record covers a family that is given.
pub fn check_families(records: &Records, attached: &[ColumnFamily]) -> Result<(), Error> {
    let destroyed = records.destroyed.values().map(|record| &record.families);
    let foreign = |families: &&Vec<NamedFamily>| {
        let covers = CoveredFamilies::new(families, attached);
        covers.places.is_empty() && !covers.missing.is_empty()
    };
    let schemas = records.schemas.values().map(|record| &record.families);
    let dropped_ids = records.dropped_ids.values().map(|record| &record.families);
    let Some(owned) = destroyed.chain(schemas).chain(dropped_ids).find(foreign) else { return Ok(()) };
    let owned: Vec<_> = owned.iter().map(|family| family.name.as_str()).collect();
    let given: Vec<_> = attached.iter().map(|family| family.name.as_str()).collect();
    Err(Error::invalid(format!(
        "the ledger belongs to a context with the families {}, and none of them is among {}; give them too, or give this context a ledger \
         family of its own",
        owned.join(", "),
        given.join(", ")
    )))
}

/// Takes a ledger for one store. It is an error if another store has the ledger. The caller must not
/// have written anything there before.
pub fn take(engine: &Arc<ClosableEngine>, storage: &Storage) -> Result<Ownership, Error> {
    loop {
        match try_take(engine, storage) {
            // The list is not locked during the pause, because other stores may not stall.
            Err(error) if error.kind() == ErrorKind::Busy => sleep(STALL),
            taken => return taken,
        }
    }
}

/// An error of kind Busy means that the store stalls writes.
fn try_take(engine: &Arc<ClosableEngine>, storage: &Storage) -> Result<Ownership, Error> {
    let mut owned = lock(&OWNED);
    // Declared after the lock, so that these references are dropped before it is released. They are
    // never the last ones: an `Ownership` has one until it has had the lock.
    let others: Vec<(Arc<ClosableEngine>, Storage)> =
        owned.iter().filter_map(|other| Some((other.engine.upgrade()?, other.storage.clone()))).collect();
    let is_shared = others.iter().any(|(other, _)| !other.is_stopping()) && {
        let how = WriteOptions { sync: false, no_slowdown: true };
        let (family, key, mark) = (storage.home, engine.new_probe(), new_mark());
        engine.write(&[Write { family, op: Op::Put(key.clone(), mark.clone()) }], how)?;
        // A ledger that cannot be read is treated as the same one.
        let is_same = |(other, its): &(Arc<ClosableEngine>, Storage)| match other.get(its.home, &key) {
            Ok(found) => its.prefix == storage.prefix && found.as_ref() == Some(&mark),
            Err(_) => !other.is_closed(),
        };
        let is_shared = others.iter().any(|other| !other.0.is_stopping() && is_same(other));
        // If this delete fails, the next attach deletes the mark.
        let _ = engine.write(&[Write { family, op: Op::Delete(key) }], how);
        is_shared
    };
    if is_shared {
        return Err(Error::invalid(
            "another rgc_t of this process has attached the same ledger, and a ledger is one context's; give each a family of its own with \
             role RGC_CF_LEDGER",
        ));
    }
    owned.push(Owned { engine: Arc::downgrade(engine), storage: storage.clone() });
    Ok(Ownership { engine: engine.clone() })
}

fn new_mark() -> Vec<u8> {
    let random = || RandomState::new().build_hasher().finish().to_be_bytes();
    [random(), random()].concat()
}
