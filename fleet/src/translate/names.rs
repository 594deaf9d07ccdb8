//! Names as numbers, and back. A table serves one reading and the transactions on it.

use crate::error::{Error, Result};
use crate::protocol::barrier::GC_WORKER;
use crate::protocol::etcd::Name;
use std::collections::BTreeMap;

/// Names of nodes, barriers and instances, in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    numbers: BTreeMap<String, Name>,
    names: Vec<String>,
}

impl Default for Names {
    /// Has the one name that `protocol` knows by its number.
    fn default() -> Self {
        Self { numbers: BTreeMap::from([("gc_worker".into(), GC_WORKER)]), names: vec!["gc_worker".into()] }
    }
}

impl Names {
    /// The number of a name; a new one for a new name.
    pub fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as Name;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The number of a name that was read.
    pub fn find(&self, name: &str) -> Option<Name> {
        self.numbers.get(name).copied()
    }

    /// The name of a number.
    pub fn name(&self, number: Name) -> Result<&str> {
        self.names.get(number as usize).map(String::as_str).ok_or_else(|| Error(format!("number {number} has no name in this reading")))
    }
}
