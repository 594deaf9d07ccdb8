//! The figures of a table file, as its properties say.

use super::by_owner::ByOwner;
use super::figures::Figures;
use super::owner::OwnerNumber;
use super::{stored, tikv};
use crate::layout::{Layout, SchemaId};
use crate::shared::FilterKind;

/// The name and the value of a property.
pub type Property<'p> = (&'p [u8], &'p [u8]);

/// The figures of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFigures {
    /// The figures of each keyspace and mode.
    pub owners: ByOwner<OwnerNumber>,
    /// The figures of each schema.
    pub schemas: ByOwner<(OwnerNumber, SchemaId)>,
    /// The number of keys that do not match the layout.
    pub foreign: u64,
}

impl FileFigures {
    /// Reads a file's figures: from this library's property, else from TiKV's. `None` means that
    /// they are unknown: there are none, they are damaged, or they were written for another kind of
    /// filter, for another layout, or by a later version.
    pub fn read<'p>(layout: &Layout, kind: FilterKind, properties: impl Iterator<Item = Property<'p>> + Clone) -> Option<Self> {
        match properties.clone().find(|(name, _)| *name == stored::NAME) {
            Some((_, value)) => stored::decode(value, kind, layout),
            None => {
                let whole = tikv::read(properties)?;
                Some(Self { owners: ByOwner { each: Vec::new(), rest: Some(whole) }, ..Self::default() })
            }
        }
    }

    /// The figures of the whole file, if they name no owner.
    pub fn only_unnamed(&self) -> Option<&Figures> {
        self.owners.rest.as_ref().filter(|_| self.owners.each.is_empty())
    }

    /// Whether every key and every record of a transaction in the file parses, and each record holds
    /// its value.
    pub fn all_values_are_in_records(&self) -> bool {
        let all = self.owners.rest.iter().chain(self.owners.each.iter().map(|(_, figures)| figures));
        self.foreign == 0 && all.into_iter().all(|figures| figures.long_values == 0 && figures.unparsed == 0)
    }

    /// Whether the file may hold keys whose owner the figures do not name.
    pub fn has_unnamed(&self) -> bool {
        self.owners.rest.is_some() || self.foreign > 0
    }
}
