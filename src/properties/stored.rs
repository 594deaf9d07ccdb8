//! The format of this library's property: a protobuf message, and the CRC-32 of its bytes (4 bytes,
//! little-endian). Numbers are varints, and a number that is 0 takes no room. Of two numbers of a
//! span the second is stored as the difference.
//!
//! The checksum finds a message that is cut off: protobuf reads most of these as messages with
//! fewer keyspaces.

use super::by_owner::{ByOwner, MOST};
use super::figures::{Figures, Span};
use super::file_figures::FileFigures;
use super::owner::OwnerNumber;
use crate::layout::{KeyForm, Layout, PlainKeys, SchemaId};
use crate::shared::FilterKind;
use prost::Message;

/// The property's name.
pub const NAME: &[u8] = b"rocks_gc.figures";

/// The version of the format. Any other version is unknown.
const VERSION: u32 = 1;
/// The most bytes of a property that is read. The longest property that is written has about half
/// of that.
const MOST_BYTES: usize = 512 << 10;

#[derive(Clone, PartialEq, Message)]
struct StoredFile {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(uint32, tag = "2")]
    kind: u32,
    /// What the meaning of the keys depends on.
    #[prost(bytes = "vec", tag = "3")]
    layout: Vec<u8>,
    #[prost(uint64, tag = "4")]
    foreign: u64,
    #[prost(message, repeated, tag = "5")]
    owners: Vec<StoredFigures>,
    #[prost(message, optional, tag = "6")]
    other_owners: Option<StoredFigures>,
    #[prost(message, repeated, tag = "7")]
    schemas: Vec<StoredFigures>,
    #[prost(message, optional, tag = "8")]
    other_schemas: Option<StoredFigures>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct StoredFigures {
    #[prost(uint32, tag = "1")]
    owner: u32,
    #[prost(uint32, tag = "2")]
    schema: u32,
    #[prost(uint64, tag = "3")]
    rows: u64,
    #[prost(uint64, tag = "4")]
    versions: u64,
    #[prost(uint64, tag = "5")]
    bytes: u64,
    #[prost(uint64, tag = "6")]
    puts: u64,
    #[prost(uint64, tag = "7")]
    delete_marks: u64,
    #[prost(uint64, tag = "8")]
    long_values: u64,
    #[prost(uint64, tag = "9")]
    unparsed: u64,
    #[prost(uint64, tag = "10")]
    tombstones: u64,
    #[prost(uint64, tag = "11")]
    max_row_versions: u64,
    #[prost(message, optional, tag = "12")]
    timestamps: Option<StoredSpan>,
    #[prost(uint64, tag = "13")]
    stale: u64,
    #[prost(uint64, tag = "14")]
    stale_bytes: u64,
    #[prost(message, optional, tag = "15")]
    stale_since: Option<StoredSpan>,
    #[prost(uint64, tag = "16")]
    deleted_rows: u64,
    #[prost(message, optional, tag = "17")]
    deleted_since: Option<StoredSpan>,
    #[prost(uint64, tag = "18")]
    expiring_rows: u64,
    #[prost(uint64, tag = "19")]
    expiring_bytes: u64,
    #[prost(message, optional, tag = "20")]
    expiry: Option<StoredSpan>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct StoredSpan {
    #[prost(uint64, tag = "1")]
    least: u64,
    #[prost(uint64, tag = "2")]
    width: u64,
}

/// The bytes of a file's property.
pub fn encode(file: &FileFigures, kind: FilterKind, layout: &Layout) -> Vec<u8> {
    let of_owner = |(owner, figures): &(OwnerNumber, Figures)| StoredFigures { owner: owner.get(), ..stored(figures) };
    let of_schema = |((owner, schema), figures): &((OwnerNumber, SchemaId), Figures)| StoredFigures {
        owner: owner.get(),
        schema: *schema,
        ..stored(figures)
    };
    let message = StoredFile {
        version: VERSION,
        kind: kind_number(kind),
        layout: layout_bytes(layout),
        foreign: file.foreign,
        owners: file.owners.each.iter().map(of_owner).collect(),
        other_owners: file.owners.rest.as_ref().map(stored),
        schemas: file.schemas.each.iter().map(of_schema).collect(),
        other_schemas: file.schemas.rest.as_ref().map(stored),
    };
    let mut bytes = message.encode_to_vec();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Reads a file's property; `None` if anything of it is unknown, damaged or contradictory.
pub fn decode(bytes: &[u8], kind: FilterKind, layout: &Layout) -> Option<FileFigures> {
    let (message, crc) = bytes.split_last_chunk().filter(|(message, _)| message.len() <= MOST_BYTES)?;
    if crc32fast::hash(message) != u32::from_le_bytes(*crc) {
        return None;
    }
    let message = StoredFile::decode(message).ok()?;
    if message.version != VERSION || message.kind != kind_number(kind) || message.layout != layout_bytes(layout) {
        return None;
    }
    let owner = |stored: &StoredFigures| OwnerNumber::read(stored.owner);
    let schema = |stored: &StoredFigures| Some((OwnerNumber::read(stored.owner)?, stored.schema));
    let owners = by_owner(&message.owners, message.other_owners.as_ref(), owner)?;
    let schemas = by_owner(&message.schemas, message.other_schemas.as_ref(), schema)?;
    Some(FileFigures { owners, schemas, foreign: message.foreign })
}

fn by_owner<O: Copy + Ord>(
    each: &[StoredFigures],
    rest: Option<&StoredFigures>,
    owner: impl Fn(&StoredFigures) -> Option<O>,
) -> Option<ByOwner<O>> {
    if each.len() > MOST {
        return None;
    }
    let each = each.iter().map(|stored| Some((owner(stored)?, figures(stored)?))).collect::<Option<Vec<_>>>()?;
    let rest = rest.map(figures);
    (each.is_sorted_by(|one, other| one.0 < other.0) && rest != Some(None)).then(|| ByOwner { each, rest: rest.flatten() })
}

fn stored(figures: &Figures) -> StoredFigures {
    let span = |span: Span| (!span.is_empty()).then(|| StoredSpan { least: span.least, width: span.greatest - span.least });
    let Figures { rows, versions, bytes, puts, delete_marks, long_values, unparsed, tombstones, max_row_versions, .. } = *figures;
    let Figures { stale, stale_bytes, deleted_rows, expiring_rows, expiring_bytes, .. } = *figures;
    StoredFigures {
        owner: 0,
        schema: 0,
        rows,
        versions,
        bytes,
        puts,
        delete_marks,
        long_values,
        unparsed,
        tombstones,
        max_row_versions,
        timestamps: span(figures.timestamps),
        stale,
        stale_bytes,
        stale_since: span(figures.stale_since),
        deleted_rows,
        deleted_since: span(figures.deleted_since),
        expiring_rows,
        expiring_bytes,
        expiry: span(figures.expiry),
    }
}

/// The figures, unless they contradict each other.
fn figures(stored: &StoredFigures) -> Option<Figures> {
    let span = |span: Option<StoredSpan>| match span {
        None => Some(Span::default()),
        Some(span) => Some(Span::new(span.least, span.least.checked_add(span.width)?)),
    };
    let StoredFigures { rows, versions, bytes, puts, delete_marks, long_values, unparsed, tombstones, max_row_versions, .. } = *stored;
    let StoredFigures { stale, stale_bytes, deleted_rows, expiring_rows, expiring_bytes, .. } = *stored;
    let read = Figures {
        rows,
        versions,
        bytes,
        puts,
        delete_marks,
        long_values,
        unparsed,
        tombstones,
        max_row_versions,
        timestamps: span(stored.timestamps)?,
        stale,
        stale_bytes,
        stale_since: span(stored.stale_since)?,
        deleted_rows,
        deleted_since: span(stored.deleted_since)?,
        expiring_rows,
        expiring_bytes,
        expiry: span(stored.expiry)?,
    };
    let parts = [rows, stale, puts, delete_marks, unparsed, max_row_versions, expiring_rows];
    let fits = parts.iter().all(|part| *part <= versions) && deleted_rows <= rows && stale_bytes <= bytes && expiring_bytes <= bytes;
    let is_told = (stale == 0 || !read.stale_since.is_empty()) && (expiring_rows == 0 || !read.expiry.is_empty());
    let has_timestamps = versions == 0 || !read.timestamps.is_empty();
    (fits && is_told && has_timestamps).then_some(read)
}

fn kind_number(kind: FilterKind) -> u32 {
    match kind {
        FilterKind::Default => 1,
        FilterKind::Write => 2,
        FilterKind::TtlV1 => 3,
        FilterKind::DroppedOnly => 4,
    }
}

fn layout_bytes(layout: &Layout) -> Vec<u8> {
    let form = match layout.form {
        KeyForm::ApiV2 => "api_v2".into(),
        KeyForm::Plain(PlainKeys::Fixed(len)) => format!("plain {len}"),
        KeyForm::Plain(PlainKeys::PrefixFree) => "plain".into(),
    };
    let schemas = if layout.schema_ids { " schemas " } else { " " };
    [form.as_bytes(), schemas.as_bytes(), &layout.data_prefix].concat()
}
