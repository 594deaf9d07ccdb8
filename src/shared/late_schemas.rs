//! The dropped schemas that have late keys: keys that were written after all keys of the schema had
//! been deleted.

use crate::callback::lock;
use crate::layout::SchemaId;
use std::sync::Mutex;

/// The largest number of schemas whose first late key is logged.
const MOST: usize = 64;

/// The first schemas that have late keys.
#[derive(Debug)]
pub struct LateSchemas(Mutex<Vec<SchemaId>>);

impl Default for LateSchemas {
    fn default() -> Self {
        // Filters add ids in callbacks of the host, where they must not allocate.
        Self(Mutex::new(Vec::with_capacity(MOST)))
    }
}

impl LateSchemas {
    /// Whether a late key is the first one of its schema, and must be logged.
    pub fn is_first(&self, id: SchemaId) -> bool {
        let mut told = lock(&self.0);
        let is_first = told.len() < MOST && !told.contains(&id);
        if is_first {
            told.push(id);
        }
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_late_key_of_the_first_schemas_is_told() {
        let late = LateSchemas::default();
        assert!(late.is_first(1) && !late.is_first(1) && late.is_first(2));
        assert_eq!((3..1000).filter(|id| late.is_first(*id)).count(), MOST - 2);
        assert!(!late.is_first(2) && !late.is_first(2000));
    }
}
