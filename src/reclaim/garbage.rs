//! Whether a table file holds garbage under the current safe points. The file's counts and
//! properties may decide that. Otherwise the keys of its range are read and judged as by a filter
//! that begins there. A key that such a filter would keep is not garbage. So no file is picked
//! again and again for the one version of a cut row that a filter keeps.

use super::families::Role;
use super::known_files::Found;
use super::store::Store;
use crate::engine::{Direction, Family, File};
use crate::error::Error;
use crate::layout::raw_value::RawValue;
use crate::layout::write_record::WriteRecord;
use crate::layout::{KeyMode, KeyOwner, Timestamp, split_timestamp};
use crate::rule::Verdict;
use crate::rule::expiry::ExpiredUpTo;
use crate::rule::raw::{self, Death, History};
use crate::rule::txn::{self, Record, RecordVerdict};
use crate::shared::{FilterKind, KeyDropState, Lookup, Segments, Shared};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is known of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The file holds garbage.
    Garbage,
    /// The file holds no garbage.
    None,
    /// The file must be read.
    Unknown,
}

/// Judges a file by its counts, and by TiKV's MVCC properties if it has them.
pub(super) fn by_counts(shared: &Shared, family: Family, file: &File) -> Judgement {
    let dropped = shared.dropped().in_family(family);
    let behind = [file.largest.as_slice(), b"\0"].concat();
    if file.deletions > 0 {
        return Judgement::Garbage;
    }
    if dropped.touch(&file.smallest, &behind) || shared.has_seen(FilterKind::TtlV1) || may_hold_invalid_schema(shared, file) {
        return Judgement::Unknown;
    }
    if !shared.safe_points.any_effective() {
        return Judgement::None;
    }
    let (first, last) = (shared.layout.place(&file.smallest), shared.layout.place(&file.largest));
    if first != last {
        return Judgement::Unknown;
    }
    let safe_point = shared.effective(first).safe_point;
    if safe_point == 0 { Judgement::None } else { by_properties(shared, file, first, safe_point).unwrap_or(Judgement::Unknown) }
}

fn may_hold_invalid_schema(shared: &Shared, file: &File) -> bool {
    if !shared.schemas.any_invalid() {
        return false;
    }
    match (shared.layout.place(&file.smallest), shared.layout.place(&file.largest)) {
        (KeyOwner::Keyspace(_, first), KeyOwner::Keyspace(_, last)) if first == last => {
            shared.schemas.of(Some(first)).is_some_and(|schemas| schemas.any_invalid())
        }
        _ => true,
    }
}

/// Judges a file whose keys all have one owner. `None` means that its properties do not decide.
fn by_properties(shared: &Shared, file: &File, place: KeyOwner, safe_point: Timestamp) -> Option<Judgement> {
    let number = |name: &[u8]| {
        let (_, value) = file.properties.iter().find(|(known, _)| known == name)?;
        value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    };
    let min_ts = number(b"tikv.min_ts")?;
    let (rows, puts, versions) = (number(b"tikv.num_rows")?, number(b"tikv.num_puts")?, number(b"tikv.num_versions")?);
    let raw = matches!(place, KeyOwner::Keyspace(KeyMode::Raw, _));
    if min_ts > safe_point || raw && min_ts == safe_point {
        return Some(Judgement::None);
    }
    let may_expire = number(b"tikv.min_expire_ts").is_some();
    if rows == versions && puts == versions && !may_expire {
        return Some(Judgement::None);
    }
    let stale = number(b"tikv.oldest_stale_version_ts")?;
    (raw && shared.history == History::Latest && stale < safe_point).then_some(Judgement::Garbage)
}

impl Store {
    /// Reads the keys in a file's range.
    pub(super) fn read_for_garbage(&self, family: Family, file: &File) -> Result<Found, Error> {
        let behind = [file.largest.as_slice(), b"\0"].concat();
        let mut reader = Reader {
            shared: &self.shared,
            dropped: self.shared.dropped().in_family(family),
            schemas: Lookup::new(vec![family]),
            generation: self.shared.generation(),
            kind: self.kind_of(family),
            expired: ExpiredUpTo::new(self.shared.clock.now(), self.shared.ttl_grace_seconds),
            next_expiry: None,
            row: Vec::new(),
            safe_point: 0,
            state: State::Kept,
            is_whole: !self.begins_inside_a_row(family, &file.smallest)?,
        };
        let mut garbage = false;
        self.engine.scan(family, (&file.smallest, &behind), Direction::Forwards, &mut |key, value| {
            garbage = reader.see(key, value);
            if garbage { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let nothing = Found::Nothing { next_expiry: reader.next_expiry };
        Ok(if garbage || reader.end_row() { Found::Garbage } else { nothing })
    }

    fn kind_of(&self, family: Family) -> FilterKind {
        match self.families.get(family).map(|family| family.role) {
            Some(Role::Default) if self.shared.has_seen(FilterKind::TtlV1) && !self.shared.has_seen(FilterKind::Default) => {
                FilterKind::TtlV1
            }
            Some(Role::Default) => FilterKind::Default,
            Some(Role::Write) => FilterKind::Write,
            _ => FilterKind::DroppedOnly,
        }
    }

    /// Whether the row of this key has newer versions.
    fn begins_inside_a_row(&self, family: Family, key: &[u8]) -> Result<bool, Error> {
        let mut newer = false;
        if let Some((row, _)) = split_timestamp(key) {
            self.engine.scan(family, (row, key), Direction::Backwards, &mut |found, _| {
                newer = found.len() == key.len();
                ControlFlow::Break(())
            })?;
        }
        Ok(newer)
    }
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
