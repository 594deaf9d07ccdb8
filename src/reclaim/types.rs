//! Recording the types of keyspaces in the ledger.

use super::ledger::TypesPage;
use super::recorded_types::registered;
use super::store::Store;
use crate::callback::lock;
use crate::error::Error;
use crate::layout::KeyspaceId;
use std::collections::BTreeMap;

impl Store {
    /// Records the newly registered types, if the ledger has its own family.
    pub(super) fn record_types(&self) -> Result<(), Error> {
        if !self.ledger_has_family() {
            return Ok(());
        }
        let mut recorded = lock(&self.types);
        let mut pages = recorded.clone();
        let mut from = KeyspaceId::new(0);
        while let Some(keyspace) = from.and_then(|from| self.shared.safe_points.first_known(from)) {
            if let Some(gc_type) = registered(&self.shared, keyspace) {
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
        self.ledger.put(&self.engine, &changed)?;
        for page in changed {
            recorded.insert(page.first, page);
        }
        let types = recorded.values().flat_map(|page| &page.types).map(|(keyspace, gc_type)| (*keyspace, *gc_type)).collect();
        self.shared.recorded_types.replace(types);
        Ok(())
    }
}
