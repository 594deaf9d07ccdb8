//! Reads the keys of a table file, and judges whether the file holds garbage under the current safe
//! points. It judges as a filter does that begins at the file's first key. A key that such a filter
//! keeps is not garbage. If the file begins inside a row, a filter keeps one version more of that
//! row. No collect call picks the file for that version.

use super::known_files::Found;
use crate::engine::{Direction, Family, File};
use crate::error::Error;
use crate::filter::{RowWalk, ValueView};
use crate::layout::raw_value::RawValue;
use crate::layout::split_timestamp;
use crate::reclaim::store::Store;
use crate::rule::Verdict;
use crate::shared::{FilterKind, KeyDropState, Lookup, Segments, Shared};
use std::ops::ControlFlow;

/// Reads the keys in a file's range.
pub fn read(store: &Store, family: Family, file: &File) -> Result<Found, Error> {
    let behind = [file.largest.as_slice(), b"\0"].concat();
    let generation = store.shared.generation();
    let kind = store.kind_of(family);
    let mut reader = Reader {
        shared: &store.shared,
        dropped: store.shared.dropped().in_family(family),
        schemas: Lookup::new(vec![family]),
        generation,
        kind,
        walk: RowWalk::new(&store.shared, kind, generation),
        next_expiry: None,
        is_whole: !begins_inside_a_row(store, family, &file.smallest)?,
    };
    let mut garbage = false;
    store.engine.scan(family, (&file.smallest, &behind), Direction::Forwards, &mut |key, value| {
        garbage = reader.see(key, value);
        if garbage { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let nothing = Found::Nothing { next_expiry: reader.next_expiry };
    Ok(if garbage || reader.ends_in_garbage() { Found::Garbage } else { nothing })
}

/// Whether the row of this key has newer versions.
fn begins_inside_a_row(store: &Store, family: Family, key: &[u8]) -> Result<bool, Error> {
    let mut newer = false;
    if let Some((row, _)) = split_timestamp(key) {
        store.engine.scan(family, (row, key), Direction::Backwards, &mut |found, _| {
            newer = found.len() == key.len();
            ControlFlow::Break(())
        })?;
    }
    Ok(newer)
}

/// Judges the keys of a file's range as a filter would, and removes nothing.
struct Reader<'s> {
    shared: &'s Shared,
    dropped: Segments,
    schemas: Lookup,
    /// The generation of the state that is used.
    generation: u64,
    kind: FilterKind,
    walk: RowWalk,
    /// The time when the next value of the file expires, in Unix seconds.
    next_expiry: Option<u64>,
    /// Whether the newest version of the current row has been seen.
    is_whole: bool,
}

impl Reader<'_> {
    /// Whether the next key, or the row before it, is garbage.
    fn see(&mut self, key: &[u8], value: &[u8]) -> bool {
        let schema = self.schemas.drop_state(&self.shared.layout, &self.shared.schemas, key, self.generation);
        if self.dropped.cover(key) || matches!(schema, KeyDropState::Invalid(_)) {
            return true;
        }
        match self.kind {
            FilterKind::DroppedOnly => false,
            FilterKind::TtlV1 => self.see_ttl(key, value),
            FilterKind::Default | FilterKind::Write => self.see_version(key, value),
        }
    }

    fn see_ttl(&mut self, key: &[u8], value: &[u8]) -> bool {
        let value = self.shared.layout.body(key).ok().and_then(|_| RawValue::parse_v1_ttl(value).ok());
        value.is_some_and(|value| {
            self.note_expiry(value.expire_ts);
            self.walk.expired().covers(value.expire_ts)
        })
    }

    fn see_version(&mut self, key: &[u8], value: &[u8]) -> bool {
        // A store shows its keys in order.
        let Some(shared) = self.walk.compare(key) else { return false };
        let same_row = self.walk.is_same_row(key, shared);
        if !same_row {
            if self.ends_in_garbage() {
                return true;
            }
            // Only the first row may have begun before the file.
            self.is_whole |= !self.walk.last_key().is_empty();
        }
        if !self.walk.remember(key, shared) {
            self.walk.forget_row();
            return false;
        }
        if !same_row {
            self.walk.begin_row(self.shared, self.generation);
        }
        if self.walk.is_in_raw_row()
            && let Ok(value) = RawValue::parse_v2(value)
        {
            self.note_expiry(value.expire_ts);
        }
        let judged = self.walk.judge(ValueView::Value(value));
        judged.verdict == Verdict::Remove || judged.left_to_worker
    }

    /// Remembers the expiry of a value that has not expired.
    fn note_expiry(&mut self, expire_ts: Option<u64>) {
        let later = expire_ts.filter(|_| !self.walk.expired().covers(expire_ts));
        self.next_expiry = self.next_expiry.into_iter().chain(later).min();
    }

    /// Ends the row, and returns whether the worker will remove the rest of it.
    fn ends_in_garbage(&mut self) -> bool {
        self.walk.end_row().death.is_some() && self.is_whole
    }
}
