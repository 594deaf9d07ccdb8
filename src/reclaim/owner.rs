//! A ledger is one context's. A second context on the same ledger would carry out, and drop by, what the first one was told.
//!
//! Two checks find it out. The families that the ledger's owner attached must have one in common with those that are given now. And
//! no store that is attached in this process may have the same ledger: each attach writes a new mark, and whoever reads that mark in
//! its own ledger has the same one. (The copy of a store has a ledger of its own, with the same records.)

use super::covers::{is_same, names};
use super::ledger::{Ledger, NamedFamily, Owner, Record};
use super::store::{ColumnFamily, Role, Store};
use crate::callback::lock;
use crate::error::{Error, Kind, hex};
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

/// Makes the ledger this context's, unless it is another one's.
pub(super) fn take(store: &Store, before: Option<&Owner>) -> Result<(), Error> {
    if let Some(before) = before {
        check_families(before, &store.families, &store.ledger)?;
    }
    let ours = Owner { mark: new_mark(), families: names(&store.families) };
    store.ledger.put(&store.engine, std::slice::from_ref(&ours))?;
    let others: Vec<_> = lock(&ATTACHED).iter().filter_map(Weak::upgrade).collect();
    if others.iter().any(|other| reads(other, &ours)) {
        if let Some(before) = before {
            store.ledger.put(&store.engine, std::slice::from_ref(before))?;
        }
        return Err(Error::new(
            Kind::InvalidArgument,
            "another rgc_t of this process has attached the same ledger; a ledger is one context's: give each a family of its own with role \
             RGC_CF_LEDGER",
        ));
    }
    Ok(())
}

fn check_families(before: &Owner, attached: &[ColumnFamily], ledger: &Ledger) -> Result<(), Error> {
    let home = attached.get(ledger.home);
    let is_home = |named: &NamedFamily| home.is_some_and(|home| home.role == Role::Ledger && is_same(named, home));
    let owned: Vec<_> = before.families.iter().filter(|named| !is_home(named)).collect();
    if owned.is_empty() || attached.iter().any(|family| owned.iter().any(|named| is_same(named, family))) {
        return Ok(());
    }
    let owned: Vec<_> = owned.iter().map(|family| family.name.as_str()).collect();
    let given: Vec<_> = attached.iter().map(|family| family.name.as_str()).collect();
    Err(Error::invalid(format!(
        "the ledger belongs to a context with the families {}, and none of them is among {}; give this context a ledger family of its own, or, if \
         the other context is no more, delete the key {} from the family {}",
        owned.join(", "),
        given.join(", "),
        hex(&before.key(&ledger.prefix)),
        home.map_or("", |family| family.name.as_str())
    )))
}

/// Does an attached store find this owner in its ledger? Of one that cannot be read nothing is known: then it is taken for the same.
fn reads(store: &Store, owner: &Owner) -> bool {
    let key = owner.key(&store.ledger.prefix);
    match store.engine.get(store.ledger.home, &key) {
        Ok(found) => found.as_deref().and_then(|value| Owner::parse(&key, value, &store.ledger.prefix)).as_ref() == Some(owner),
        Err(_) => !store.engine.is_closed(),
    }
}

fn new_mark() -> u128 {
    let random = || u128::from(RandomState::new().build_hasher().finish());
    random() << 64 | random()
}
