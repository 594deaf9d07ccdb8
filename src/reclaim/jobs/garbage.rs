//! Whether a table file holds garbage under the current safe points, as its keys tell. They are
//! judged as by a filter that begins at the file's first key. A key that such a filter would keep is
//! not garbage. So no file is picked again and again for the one version of a cut row that a filter
//! keeps.

use super::known_files::Found;
use crate::engine::{Direction, Family, File};
use crate::error::Error;
use crate::layout::raw_value::RawValue;
use crate::layout::write_record::WriteRecord;
use crate::layout::{KeyMode, KeyOwner, Timestamp, split_timestamp};
use crate::reclaim::store::{Role, Store};
use crate::rule::Verdict;
use crate::rule::expiry::ExpiredUpTo;
use crate::rule::raw::{self, Death};
use crate::rule::txn::{self, Record, RecordVerdict};
use crate::shared::{FilterKind, KeyDropState, Lookup, Segments, Shared};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Reads the keys in a file's range.
pub fn read(store: &Store, family: Family, file: &File) -> Result<Found, Error> {
    let behind = [file.largest.as_slice(), b"\0"].concat();
    let mut reader = Reader {
        shared: &store.shared,
        dropped: store.shared.dropped().in_family(family),
        schemas: Lookup::new(vec![family]),
        generation: store.shared.generation(),
        kind: kind_of(store, family),
        expired: ExpiredUpTo::new(store.shared.clock.now(), store.shared.ttl_grace_seconds),
        next_expiry: None,
        row: Vec::new(),
        safe_point: 0,
        state: State::Kept,
        is_whole: !begins_inside_a_row(store, family, &file.smallest)?,
    };
    let mut garbage = false;
    store.engine.scan(family, (&file.smallest, &behind), Direction::Forwards, &mut |key, value| {
        garbage = reader.see(key, value);
        if garbage { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let nothing = Found::Nothing { next_expiry: reader.next_expiry };
    Ok(if garbage || reader.end_row() { Found::Garbage } else { nothing })
}

fn kind_of(store: &Store, family: Family) -> FilterKind {
    match store.families.role(family) {
        Some(Role::Default) if store.shared.has_seen(FilterKind::TtlV1) && !store.shared.has_seen(FilterKind::Default) => FilterKind::TtlV1,
        Some(Role::Default) => FilterKind::Default,
        Some(Role::Write) => FilterKind::Write,
        _ => FilterKind::DroppedOnly,
    }
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
    dropped: Arc<Segments>,
    schemas: Lookup,
    /// The generation of the schema states that are used.
    generation: u64,
    kind: FilterKind,
    expired: ExpiredUpTo,
    /// The time when the next value of the file expires, in Unix seconds.
    next_expiry: Option<u64>,
    row: Vec<u8>,
    safe_point: Timestamp,
    state: State,
    /// Whether the row's newest version has been seen.
    is_whole: bool,
}

enum State {
    Kept,
    Raw(raw::Row),
    Txn(txn::Row),
}

impl Reader<'_> {
    /// Whether the next key, or the row before it, is garbage.
    fn see(&mut self, key: &[u8], value: &[u8]) -> bool {
        let schema = self.schemas.standing(&self.shared.layout, &self.shared.schemas, key, self.generation);
        if self.dropped.cover(key) || matches!(schema, KeyDropState::Invalid(_)) {
            return true;
        }
        if self.kind == FilterKind::TtlV1 {
            let value = self.shared.layout.body(key).ok().and_then(|_| RawValue::parse_v1_ttl(value).ok());
            return value.is_some_and(|value| self.has_expired(value.expire_ts));
        }
        let Some((row, ts)) = split_timestamp(key) else { return false };
        if row != self.row {
            // The first row may have begun before the file.
            let was_first = self.row.is_empty();
            if self.end_row() {
                return true;
            }
            self.is_whole |= !was_first;
            self.begin_row(key, row);
        }
        let verdict = match &mut self.state {
            State::Kept => return false,
            State::Txn(_) if ts > self.safe_point => return false,
            State::Raw(state) => RawValue::parse_v2(value).ok().map(|value| {
                self.next_expiry = earlier(self.next_expiry, value.expire_ts.filter(|_| !self.expired.covers(value.expire_ts)));
                let death = Death::of(value.delete_mark, value.expire_ts, self.expired);
                state.judge(ts, death, self.safe_point, self.shared.history) == Verdict::Remove
            }),
            State::Txn(state) => {
                WriteRecord::parse(value).ok().map(|record| state.judge(ts, Record::of(&record, self.safe_point)) != RecordVerdict::Keep)
            }
        };
        // Everything behind a value that does not parse is kept, up to the end of its row.
        verdict.unwrap_or_else(|| {
            self.state = State::Kept;
            false
        })
    }

    /// Whether a value has expired. The earliest time of the others is remembered.
    fn has_expired(&mut self, expire_ts: Option<u64>) -> bool {
        let expired = self.expired.covers(expire_ts);
        self.next_expiry = earlier(self.next_expiry, expire_ts.filter(|_| !expired));
        expired
    }

    fn begin_row(&mut self, key: &[u8], row: &[u8]) {
        self.row = row.to_vec();
        let place = self.shared.layout.place(key);
        self.safe_point = self.shared.effective(place).safe_point;
        self.state = match (self.kind, place) {
            _ if self.safe_point == 0 || self.shared.layout.row(key).is_err() => State::Kept,
            (FilterKind::Default, KeyOwner::Keyspace(KeyMode::Raw, _) | KeyOwner::Plain) => State::Raw(raw::Row::default()),
            (FilterKind::Write, KeyOwner::Keyspace(KeyMode::Txn, _) | KeyOwner::Tidb(_) | KeyOwner::Plain) => {
                State::Txn(txn::Row::default())
            }
            _ => State::Kept,
        };
    }

    /// Ends the row, and returns whether the worker will remove the rest of it.
    fn end_row(&mut self) -> bool {
        match std::mem::replace(&mut self.state, State::Kept) {
            State::Raw(row) => self.is_whole && row.dead().is_some(),
            State::Txn(row) => self.is_whole && row.deleted(),
            State::Kept => false,
        }
    }
}

/// The earlier of two optional times.
fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}
