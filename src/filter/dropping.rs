//! Destroyed keys and keys of invalid schemas are removed before any GC rule is applied. Such a key
//! leaves no trace in its row: it never counts as the newest version.
//!
//! ```text
//!   destroyed: [a @ 9, a @ 5)    a bound with a timestamp cuts a row
//!   a @ 9    remove: destroyed
//!   a @ 7    remove: destroyed
//!   a @ 5    keep: the first version of its row that counts
//! ```
//!
//! If a range is destroyed while a filter runs, the filter applies it from its next key. If the
//! range cuts the current row, the row's state is reset. Otherwise a version that the filter kept,
//! and that is now destroyed, would shadow the half that is kept. The state is also reset if a
//! range is no longer destroyed. A schema never cuts a row.

use crate::error::hex;
use crate::layout::bytes::common_prefix;
use crate::layout::{NamedSchema, split_timestamp};
use crate::shared::{FilterKind, KeyDropState, Lookup, Segment, Segments, Shared};
use std::borrow::Cow;

/// The reason why the last key was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    Nothing,
    Range,
    Schema,
}

/// The fast cases that apply to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FastCases {
    /// Its next version, and the first version of the next row.
    Both,
    /// Its next version: a destroyed range is near.
    SameRowOnly,
    /// None: a part of it is destroyed, or its schema is unknown.
    Neither,
    /// The row is dropped as a whole, and has no state.
    NoRow,
}

/// The destroyed ranges and invalid schemas, as a filter sees them key by key.
pub struct Dropping {
    segments: Segments,
    /// The first segment that ends behind the last key, if there is one.
    next: Option<Segment>,
    pub generation: u64,
    /// The reason why the last key was dropped.
    pub hit: DropReason,
    schemas: Lookup,
    kind: FilterKind,
    column_family: Option<u32>,
}

impl Dropping {
    pub fn new(shared: &Shared, kind: FilterKind, column_family: Option<u32>) -> Self {
        let generation = shared.generation();
        let mut dropping = Self {
            segments: Segments::default(),
            next: None,
            generation,
            hit: DropReason::Nothing,
            schemas: Lookup::default(),
            kind,
            column_family,
        };
        dropping.take_over(shared);
        dropping
    }

    /// Reads the current destroyed ranges and attached families. Returns the earlier destroyed
    /// ranges.
    fn take_over(&mut self, shared: &Shared) -> Segments {
        let dropped = shared.dropped();
        self.schemas = Lookup::new(dropped.candidates(self.kind, self.column_family));
        let in_force = if shared.enabled() { dropped.for_run(self.kind, self.column_family) } else { Segments::default() };
        self.next = in_force.first_behind(&[]).cloned();
        std::mem::replace(&mut self.segments, in_force)
    }

    /// Reads the current destroyed ranges if anything has changed. Returns the earlier ones if they
    /// differ.
    fn refresh(&mut self, shared: &Shared) -> Option<Segments> {
        let generation = shared.generation();
        if generation == self.generation {
            return None;
        }
        let before = self.take_over(shared);
        self.generation = generation;
        (!before.is_same(&self.segments)).then_some(before)
    }

    /// The segment that holds `key`, or the next one. Keys come in order.
    fn next(&mut self, key: &[u8]) -> Option<&Segment> {
        if self.next.as_ref()?.end() <= key {
            self.next = self.segments.first_behind(key).cloned();
        }
        self.next.as_ref()
    }

    /// The end of the range or schema because of which the last key was dropped, if all keys up to
    /// that end are dropped too. The end of a schema is the data prefix and a few bytes.
    pub fn end(&self, shared: &Shared, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self.hit {
            DropReason::Nothing => None,
            DropReason::Range => self.next.as_ref().map(|segment| segment.end().into()),
            DropReason::Schema => {
                let (layout, (tenant, id)) = (&shared.layout, self.schemas.schema()?);
                let ranges = layout.schemas_are_ranges().then(|| layout.schema_ranges(tenant, id))?;
                ranges.into_iter().map(|(_, end)| end.into()).find(|end: &Cow<'_, [u8]>| **end > *key)
            }
        }
    }

    /// The state of a key's schema.
    #[inline]
    fn schema(&mut self, shared: &Shared, key: &[u8]) -> &KeyDropState {
        if shared.layout.schema_ids {
            self.schemas.drop_state(&shared.layout, &shared.schemas, key, self.generation);
        }
        self.schemas.last()
    }

    /// Whether a key is destroyed or its schema invalid.
    pub fn covers(&mut self, shared: &Shared, key: &[u8]) -> bool {
        self.segments.cover(key) || matches!(self.schema(shared, key), KeyDropState::Invalid(_)) && shared.enabled()
    }

    /// Whether the state of the last key's row must be reset, because the destroyed part of it has
    /// changed since the last key. If the part has grown, a kept version may be destroyed now. If
    /// it has shrunk, the first versions of the row left no trace.
    pub fn cuts_again(&mut self, shared: &Shared, last_key: &[u8]) -> bool {
        let Some(before) = self.refresh(shared) else { return false };
        let Some((row, _)) = split_timestamp(last_key) else { return false };
        before.touch_row(row) || self.segments.touch_row(row)
    }

    /// Finds the reason to drop a key, if there is one.
    pub fn find(&mut self, shared: &Shared, key: &[u8]) -> DropReason {
        let by_schema = matches!(self.schema(shared, key), KeyDropState::Invalid(_)) && shared.enabled();
        if self.segments.is_empty() && !by_schema {
            return DropReason::Nothing;
        }
        if self.next(key).is_some_and(|segment| segment.start() <= key) {
            self.hit = DropReason::Range;
        } else if by_schema {
            self.hit = DropReason::Schema;
        } else {
            return DropReason::Nothing;
        }
        self.hit
    }

    /// Counts the last key as a late key, if all keys of its range or schema had been deleted
    /// before. Returns whether it is the first late key.
    pub fn count_late(&self) -> Option<bool> {
        match self.hit {
            DropReason::Nothing => None,
            DropReason::Range => {
                let range = self.next.as_ref().and_then(|segment| segment.range())?;
                range.late.is_done().then(|| range.late.count())
            }
            DropReason::Schema => match (self.schemas.last(), self.schemas.schema()) {
                (KeyDropState::Invalid(Some(dropped)), Some((_, id))) => dropped.late.as_ref().map(|late| late.is_first(id)),
                _ => None,
            },
        }
    }

    /// The warning about the first late key.
    pub fn late_warning(&self, key: &[u8]) -> String {
        let key = hex(key);
        match self.next.as_ref().and_then(|segment| segment.range()) {
            Some(range) if self.hit == DropReason::Range => {
                let (start, end) = (hex(range.start()), hex(range.end()));
                format!("a filter removes late keys of the destroyed range [{start}, {end}), the first is {key}; do not write into it")
            }
            _ => {
                let schema = self.schemas.schema().map_or_else(|| "a schema".into(), |schema| NamedSchema(schema).to_string());
                format!("a filter removes late keys of {schema}, which is dropped, the first is {key}; do not write into it")
            }
        }
    }

    /// Whether the last key's schema is unknown.
    #[inline]
    pub fn is_schema_unknown(&self) -> bool {
        matches!(self.schemas.last(), KeyDropState::Unknown)
    }

    /// How the fast cases apply to the row of this key. They do not check for dropped keys, so they
    /// must not reach into a destroyed range, and must not pass keys that are to be counted.
    pub fn fast_cases(&mut self, shared: &Shared, key: &[u8], owner_len: usize) -> FastCases {
        let is_plain = match self.schemas.last() {
            KeyDropState::NoSchema | KeyDropState::Valid => true,
            KeyDropState::Invalid(_) if shared.enabled() => return FastCases::NoRow,
            KeyDropState::Unknown | KeyDropState::Invalid(_) => false,
        };
        let Some(next) = (if self.segments.is_empty() { None } else { self.next(key) }) else {
            return if is_plain { FastCases::Both } else { FastCases::Neither };
        };
        let is_near = next.start() <= key || common_prefix(next.start(), key) >= owner_len;
        // A segment of another owner cannot cut the row, so most rows need no lookup.
        let is_cut = is_near && split_timestamp(key).is_some_and(|(row, _)| self.segments.touch_row(row));
        match (is_plain && !is_cut, is_near) {
            (true, false) => FastCases::Both,
            (true, true) => FastCases::SameRowOnly,
            (false, _) => FastCases::Neither,
        }
    }
}
