//! The recorded types of keyspaces. Attaching compares them with the types that the host
//! registered. The worker records the types that the host registers later.

use super::storage::{Records, Storage};
use super::types::TypesPage;
use crate::callback::lock;
use crate::error::Error;
use crate::layout::KeyspaceId;
use crate::reclaim::store::{Role, Store};
use crate::safe_point::{GcType, KeepReason, Registration};
use crate::shared::{Shared, keep_for_conflict};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// The most keyspaces that an error names.
const MOST_NAMED: usize = 10;

/// Compares the keyspaces that the host registered with the ledger. It is an error if the ledger
/// says that such a keyspace is destroyed, or that it has another type.
pub fn check(shared: &Shared, records: &Records) -> Result<(), Error> {
    let is_used = |keyspace: &KeyspaceId| {
        let in_use = shared.keyspaces.state(*keyspace).map(|state| state.is_in_use());
        match shared.safe_points.known(*keyspace).registration {
            Registration::Kept(KeepReason::Paused, _) => false,
            // Loading the metadata of an archived keyspace also registers its type.
            Registration::Registered(_) => in_use != Some(false),
            _ => in_use == Some(true),
        }
    };
    let in_force = records.destroyed.values().filter(|record| record.is_in_force());
    let mut destroyed: Vec<_> = in_force.filter_map(|record| record.keyspace).filter(is_used).collect();
    destroyed.sort_unstable();
    destroyed.dedup();
    if !destroyed.is_empty() {
        return Err(Error::invalid(format!(
            "the host registered keyspace {}, and the ledger says that it is destroyed: new keys there would be removed; pause it \
             (rgc_pause_keyspace), attach, and use another id, or release the destroyed ranges (rgc_release_destroyed) and register it again",
            list(&destroyed)
        )));
    }
    let recorded = records.types.values().flat_map(|page| &page.types).map(|(keyspace, gc_type)| (*keyspace, *gc_type));
    let other = |(keyspace, recorded): &(KeyspaceId, GcType)| registered(shared, *keyspace).is_some_and(|gc_type| gc_type != *recorded);
    let conflicts: Vec<_> = recorded.clone().filter(other).collect();
    let Some((_, gc_type)) = conflicts.first().copied() else {
        shared.recorded_types.replace(recorded.collect());
        return Ok(());
    };
    let keyspaces: Vec<_> = conflicts.into_iter().map(|(keyspace, _)| keyspace).collect();
    keep_for_conflict(shared, &keyspaces);
    Err(Error::invalid(format!(
        "the ledger has recorded keyspace {} as {gc_type}, and the host registered the other type: all its keys are kept; restart, and \
         register the type that it was created with",
        list(&keyspaces)
    )))
}

fn list(keyspaces: &[KeyspaceId]) -> String {
    let named: Vec<_> = keyspaces.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    let more = keyspaces.len().saturating_sub(MOST_NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

/// The type that the host has registered.
fn registered(shared: &Shared, keyspace: KeyspaceId) -> Option<GcType> {
    match shared.safe_points.known(keyspace).registration {
        Registration::Registered(gc_type) => Some(gc_type),
        _ => None,
    }
}

/// The types of keyspaces that are in the ledger.
pub struct KeyspaceTypes {
    storage: Storage,
    pages: Mutex<BTreeMap<u32, TypesPage>>,
}

impl KeyspaceTypes {
    /// The types that were read from the ledger.
    pub fn new(storage: Storage, pages: impl Iterator<Item = TypesPage>) -> Self {
        Self { storage, pages: Mutex::new(pages.map(|page| (page.first, page)).collect()) }
    }

    /// Stops recording until the guard is dropped.
    pub fn stop(&self) -> StoppedTypes<'_> {
        StoppedTypes(lock(&self.pages))
    }

    /// Whether types are recorded. They are recorded only if the ledger has a family of its own, so
    /// that scans of the host do not see the records.
    pub fn are_recorded(&self, store: &Store) -> bool {
        store.families.role(self.storage.home) == Some(Role::Ledger)
    }

    /// Records the newly registered types, if types are recorded.
    pub fn record(&self, store: &Store) -> Result<(), Error> {
        if !self.are_recorded(store) {
            return Ok(());
        }
        let shared = &store.shared;
        let mut recorded = lock(&self.pages);
        let mut pages = recorded.clone();
        let mut from = KeyspaceId::new(0);
        while let Some(keyspace) = from.and_then(|from| shared.safe_points.first_known(from)) {
            if let Some(gc_type) = registered(shared, keyspace) {
                let first = TypesPage::first_of(keyspace);
                let page = pages.entry(first).or_insert_with(|| TypesPage { first, types: BTreeMap::new(), families: Vec::new() });
                page.types.entry(keyspace).or_insert(gc_type);
            }
            from = KeyspaceId::new(keyspace.get() + 1);
        }
        let changed: Vec<_> = pages.into_values().filter(|page| recorded.get(&page.first) != Some(page)).collect();
        if changed.is_empty() {
            return Ok(());
        }
        self.storage.put(&store.engine, &changed)?;
        for page in changed {
            recorded.insert(page.first, page);
        }
        let types = recorded.values().flat_map(|page| &page.types).map(|(keyspace, gc_type)| (*keyspace, *gc_type)).collect();
        shared.recorded_types.replace(types);
        Ok(())
    }
}

/// The recorded types, while no thread records any.
pub struct StoppedTypes<'t>(MutexGuard<'t, BTreeMap<u32, TypesPage>>);

impl StoppedTypes<'_> {
    /// Replaces the types by those that were read from the ledger.
    pub fn replace(&mut self, pages: impl Iterator<Item = TypesPage>) {
        *self.0 = pages.map(|page| (page.first, page)).collect();
    }
}
