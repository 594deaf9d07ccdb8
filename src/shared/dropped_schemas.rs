//! The schemas of a tenant that the host dropped by their ids. A tenant may have very many dropped
//! schemas whose keys are all deleted, so their ids are in sets. The other dropped schemas are few.

use super::id_page::IdPage;
use super::id_set::IdSet;
use super::late_schemas::LateSchemas;
use super::tree_map::TreeMap;
use crate::layout::SchemaId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What filters must know of a schema that the host dropped by its id.
#[derive(Debug)]
pub struct DroppedSchema {
    /// The places of the attached families in which it is dropped.
    pub covers: Vec<usize>,
    /// The schemas of its set that have late keys. `None` if the schema may have keys, and so is in
    /// no set.
    pub late: Option<LateSchemas>,
}

/// The schemas that are dropped in the same families, and whose keys have been deleted.
#[derive(Debug, Clone)]
struct Done {
    dropped: Arc<DroppedSchema>,
    ids: IdSet,
}

/// The schemas that the host dropped by their ids. A copy shares all ids with the original.
#[derive(Debug, Clone, Default)]
pub struct DroppedSchemas {
    /// The schemas that may have keys.
    open: TreeMap<SchemaId, Arc<DroppedSchema>>,
    /// The other schemas, by the places of the families. An id is in one set at most.
    done: BTreeMap<Vec<usize>, Done>,
}

impl DroppedSchemas {
    /// Whether no schema is dropped.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.done.is_empty()
    }

    /// A dropped schema.
    pub fn get(&self, id: SchemaId) -> Option<&Arc<DroppedSchema>> {
        self.open.get(&id).or_else(|| self.done.values().find(|done| done.ids.contains(id)).map(|done| &done.dropped))
    }

    /// The first dropped schema with this id or a higher one.
    pub fn first_from(&self, id: SchemaId) -> Option<SchemaId> {
        let done = self.done.values().filter_map(|done| done.ids.first_from(id));
        done.chain(self.open.first_from(&id).map(|(id, _)| *id)).min()
    }

    /// Adds a schema that may have keys, also if it was dropped before.
    pub fn insert_open(&mut self, id: SchemaId, covers: &[usize]) {
        let covers = self.with_earlier(id, covers);
        self.open.insert(id, Arc::new(DroppedSchema { covers, late: None }));
    }

    /// Adds a schema whose keys have been deleted.
    pub fn insert_done(&mut self, id: SchemaId, covers: &[usize]) {
        let covers = self.with_earlier(id, covers);
        self.open.remove(&id);
        for (_, other) in self.done.iter_mut().filter(|(places, _)| **places != covers) {
            other.ids.remove(id);
        }
        self.done_in(covers).insert(id);
        self.done.retain(|_, done| !done.ids.is_empty());
    }

    /// Adds the ids of a page, whose keys have been deleted.
    pub fn insert_page(&mut self, number: u16, page: &Arc<IdPage>, covers: &[usize]) {
        let others = self.done.iter().filter(|(places, _)| *places != covers);
        let mut others = others.filter_map(|(_, done)| done.ids.page(number));
        if !self.open.is_empty() || others.any(|other| !other.is_disjoint(page)) {
            page.ids().for_each(|id| self.insert_done(SchemaId::from(number) << 16 | SchemaId::from(id), covers));
            return;
        }
        let ids = self.done_in(covers.to_vec());
        let page = ids.page(number).map_or_else(|| page.clone(), |known| Arc::new(known.union(page)));
        ids.put_page(number, page);
    }

    /// These families, and those in which the schema was dropped before. A drop is permanent.
    fn with_earlier(&self, id: SchemaId, covers: &[usize]) -> Vec<usize> {
        let mut all = covers.to_vec();
        all.extend(self.get(id).iter().flat_map(|dropped| &dropped.covers));
        all.sort_unstable();
        all.dedup();
        all
    }

    fn done_in(&mut self, covers: Vec<usize>) -> &mut IdSet {
        let done = self.done.entry(covers).or_insert_with_key(|covers| Done {
            dropped: Arc::new(DroppedSchema { covers: covers.clone(), late: Some(LateSchemas::default()) }),
            ids: IdSet::default(),
        });
        &mut done.ids
    }
}
