//! Counts the figures of a table file, key by key, in RocksDB's order.

use super::by_owner::ByOwner;
use super::figures::Figures;
use super::file_figures::FileFigures;
use super::owner::OwnerNumber;
use super::row::{Contents, Row, Shown};
use super::stored;
use super::tikv::WholeFile;
use crate::layout::bytes::{BLOCK, Difference, first_difference};
use crate::layout::{KeyMode, KeyOwner, Layout, SchemaId, TIMESTAMP_LEN, Timestamp, split_timestamp};
use crate::rule::expiry::ExpiredUpTo;
use crate::shared::{FilterKind, Shared};

/// What RocksDB writes under a key.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'v> {
    /// A value.
    Value(&'v [u8]),
    /// A reference of this length to a value in a blob file.
    Blob(usize),
    /// A point tombstone.
    Tombstone,
    /// A merge operand, wide columns, or an unknown entry, of this length.
    Other(usize),
    /// A range tombstone.
    RangeTombstone,
}

/// The collector of one file.
pub struct Collector {
    layout: Layout,
    kind: FilterKind,
    expired: ExpiredUpTo,
    /// Whether keys end with a timestamp.
    has_timestamps: bool,
    /// The number of leading bytes that two keys share if they have the same owner and schema, for
    /// rows of at least `two_groups_len` bytes.
    owner_len: usize,
    two_groups_len: usize,
    /// The current row's key, without the timestamp.
    row_key: Vec<u8>,
    row: Row,
    owner: Option<OwnerNumber>,
    schema: Option<SchemaId>,
    /// The figures of the current owner, without those of its current schema.
    of_owner: Figures,
    /// The figures of the current schema, or of the current owner's keys without a schema.
    current: Figures,
    owners: ByOwner<OwnerNumber>,
    schemas: ByOwner<(OwnerNumber, SchemaId)>,
    whole: WholeFile,
    foreign: u64,
    /// Whether the keys were not in order, or there was no memory for one. Then the file has no
    /// property of this library.
    is_broken: bool,
}

impl Collector {
    /// A collector for a file of a column family whose filters are of this kind.
    pub fn new(shared: &Shared, kind: FilterKind) -> Self {
        Self {
            layout: shared.layout.clone(),
            kind,
            owner_len: shared.layout.owner_len(),
            two_groups_len: shared.layout.two_groups_len(),
            has_timestamps: matches!(kind, FilterKind::Default | FilterKind::Write),
            expired: ExpiredUpTo::new(shared.clock.now(), 0),
            row_key: Vec::new(),
            row: Row::new(Contents::NotJudged),
            owner: None,
            schema: None,
            of_owner: Figures::default(),
            current: Figures::default(),
            owners: ByOwner::default(),
            schemas: ByOwner::default(),
            whole: WholeFile::default(),
            foreign: 0,
            is_broken: false,
        }
    }

    /// Adds the next entry.
    #[inline(always)]
    pub fn add(&mut self, key: &[u8], entry: Entry<'_>) {
        if let Entry::Value(value) = entry
            && let Some((row_key, ts)) = split_timestamp(key)
            && self.add_frequent(row_key, ts, value)
        {
            return;
        }
        self.add_any(key, entry);
    }

    /// Adds a RawKV value without flags, if its key has the owner and the length of the last one.
    /// That is so for nearly all keys of a file.
    #[inline(always)]
    fn add_frequent(&mut self, row_key: &[u8], ts: Timestamp, value: &[u8]) -> bool {
        let is_frequent = self.row.contents() == Contents::Raw && value.last() == Some(&0);
        if !is_frequent || row_key.len() != self.row_key.len() || row_key.len() < BLOCK {
            return false;
        }
        let bytes = row_key.len() + TIMESTAMP_LEN + value.len();
        let Some(Difference { place, is_before }) = first_difference::<false>(row_key, &self.row_key) else {
            return self.row.add_live_version(ts, bytes, &mut self.current);
        };
        // The last row was checked, so only what differs from it needs a check.
        let has_same_owner = place >= self.owner_len && row_key.len() >= self.two_groups_len;
        if !has_same_owner || is_before || !self.layout.is_row_like(row_key, place) {
            return false;
        }
        self.end_row();
        self.row_key.copy_from_slice(row_key);
        self.row = Row::begin_live(ts, bytes, &mut self.current);
        self.whole.add_row(&self.row_key);
        true
    }

    fn add_any(&mut self, key: &[u8], entry: Entry<'_>) {
        let shown = match entry {
            Entry::RangeTombstone => return,
            Entry::Value(value) => Some(Shown::Value(value)),
            Entry::Blob(len) => Some(Shown::Blob(len)),
            Entry::Other(len) => Some(Shown::Other(len)),
            Entry::Tombstone => None,
        };
        let owner = self.owner(key);
        if owner == KeyOwner::Ledger {
            return;
        }
        let (Some(number), Some((row_key, ts))) = (OwnerNumber::of(owner), self.split(key)) else {
            self.add_foreign();
            return;
        };
        if row_key == self.row_key && !self.row_key.is_empty() {
            self.add_to_row(ts, key.len(), shown);
            return;
        }
        self.end_row();
        self.begin_owner(number, self.layout.schema(key).map(|(_, id)| id));
        self.is_broken |= row_key < self.row_key.as_slice() || !remember(&mut self.row_key, row_key);
        let contents = self.contents(owner);
        if matches!(contents, Contents::Raw | Contents::Records) && self.layout.row(key).is_err() {
            self.row_key.clear();
            self.add_foreign();
            return;
        }
        self.row = Row::new(contents);
        self.add_to_row(ts, key.len(), shown);
    }

    /// The owner of a key. Keys of API V1 have no mode, so they have one owner.
    fn owner(&self, key: &[u8]) -> KeyOwner {
        match self.kind {
            FilterKind::TtlV1 => self.layout.body(key).map_or_else(|owner| owner, |_| KeyOwner::Plain),
            _ => self.layout.owner(key),
        }
    }

    /// Splits a key of the layout into its row and its timestamp.
    fn split<'k>(&self, key: &'k [u8]) -> Option<(&'k [u8], Timestamp)> {
        if self.has_timestamps { split_timestamp(key) } else { Some((key, 0)) }
    }

    /// The meaning of the values of an owner.
    fn contents(&self, owner: KeyOwner) -> Contents {
        match (self.kind, owner) {
            (FilterKind::TtlV1, _) => Contents::TtlV1,
            (FilterKind::Default, KeyOwner::Keyspace(KeyMode::Raw, _) | KeyOwner::Plain) => Contents::Raw,
            (FilterKind::Write, KeyOwner::Keyspace(KeyMode::Txn, _) | KeyOwner::Tidb(_) | KeyOwner::Plain) => Contents::Records,
            _ => Contents::NotJudged,
        }
    }

    fn add_to_row(&mut self, ts: Timestamp, key_len: usize, shown: Option<Shown<'_>>) {
        let is_judged = self.is_judged();
        let Some(shown) = shown else {
            self.current.tombstones += 1;
            if is_judged {
                self.whole.tombstones.add(ts);
            }
            return;
        };
        let had_versions = self.row.has_versions();
        self.row.add(ts, key_len, shown, self.expired, &mut self.current, &mut self.whole.spans);
        if is_judged && !had_versions {
            self.whole.add_row(&self.row_key);
        }
    }

    /// Counts a key that does not match the layout.
    #[cold]
    fn add_foreign(&mut self) {
        self.end_row();
        self.foreign += 1;
        self.whole.errors += 1;
    }

    /// Whether versions of the current row are judged.
    fn is_judged(&self) -> bool {
        matches!(self.row.contents(), Contents::Raw | Contents::Records | Contents::TtlV1)
    }

    #[inline]
    fn end_row(&mut self) {
        self.row.end(&mut self.current, &mut self.whole.spans);
    }

    fn begin_owner(&mut self, owner: OwnerNumber, schema: Option<SchemaId>) {
        if self.owner == Some(owner) && schema == self.schema {
            return;
        }
        self.end_schema();
        if self.owner != Some(owner) {
            self.end_owner();
            self.owner = Some(owner);
        }
        self.schema = schema;
    }

    fn end_schema(&mut self) {
        if let (Some(owner), Some(schema)) = (self.owner, self.schema.take()) {
            self.schemas.push((owner, schema), &self.current);
        }
        self.of_owner.merge(&self.current);
        self.current = Figures::default();
    }

    fn end_owner(&mut self) {
        if let Some(owner) = self.owner.take() {
            self.owners.push(owner, &self.of_owner);
            if self.is_judged() {
                self.whole.end_owner(&self.of_owner, &self.row_key);
            }
        }
        self.of_owner = Figures::default();
    }

    /// Ends the file, and returns its figures, unless the keys were not in order.
    pub fn into_figures(mut self) -> Option<FileFigures> {
        self.end_file();
        self.figures()
    }

    /// The figures of the file, which has ended.
    fn figures(self) -> Option<FileFigures> {
        (!self.is_broken).then_some(FileFigures { owners: self.owners, schemas: self.schemas, foreign: self.foreign })
    }

    fn end_file(&mut self) {
        self.end_row();
        self.end_schema();
        self.end_owner();
        self.owners.limit();
        self.schemas.limit();
    }

    /// Ends the file. Passes the name and the value of each property to `emit`.
    pub fn finish(mut self, mut emit: impl FnMut(&[u8], &[u8])) {
        self.end_file();
        std::mem::take(&mut self.whole).write(self.kind, &mut emit);
        let (kind, layout) = (self.kind, self.layout.clone());
        if let Some(figures) = self.figures() {
            emit(stored::NAME, &stored::encode(&figures, kind, &layout));
        }
    }
}

/// Replaces bytes; false if there is no memory for them.
fn remember(bytes: &mut Vec<u8>, by: &[u8]) -> bool {
    bytes.clear();
    let fits = bytes.try_reserve(by.len()).is_ok();
    if fits {
        bytes.extend_from_slice(by);
    }
    fits
}
