//! TiKV's properties of a table file: numbers of 8 bytes, big-endian. They describe the whole file,
//! as TiKV's collectors do, so that TiKV's tools read the files of this library, and this library
//! reads TiKV's files.
//!
//! One difference, a known defect of TiKV's collector: values of other key modes do not count in the
//! column family of RawKV.

use super::figures::{Figures, Span};
use super::file_figures::Property;
use super::row::TikvSpans;
use crate::shared::FilterKind;

/// The rows between two points of the index of rows.
const ROWS_OF_A_POINT: u64 = 10_000;

/// What TiKV's properties say of a file.
#[derive(Debug, Default)]
pub struct WholeFile {
    /// The figures of the owners whose versions are judged.
    figures: Figures,
    /// The spans that the figures lack.
    pub spans: TikvSpans,
    /// The timestamps of tombstones.
    pub tombstones: Span,
    /// The number of keys that do not match the layout.
    pub errors: u64,
    /// For a row of every ten thousand: the length of its key, the key, the rows since the last
    /// point, and all rows so far.
    rows_index: Vec<u8>,
    rows: u64,
    last_point: u64,
    last_row: Vec<u8>,
}

impl WholeFile {
    /// Adds a judged row.
    #[inline]
    pub fn add_row(&mut self, key: &[u8]) {
        self.rows += 1;
        if self.rows == 1 || self.rows - self.last_point >= ROWS_OF_A_POINT {
            self.add_point(key);
        }
    }

    /// Adds the figures of an owner whose versions are judged. `key` is that of its last row.
    pub fn end_owner(&mut self, figures: &Figures, key: &[u8]) {
        self.figures.merge(figures);
        self.last_row.clear();
        if self.last_row.try_reserve(key.len()).is_ok() {
            self.last_row.extend_from_slice(key);
        }
    }

    fn add_point(&mut self, key: &[u8]) {
        let numbers = [key.len() as u64, self.rows - self.last_point, self.rows].map(u64::to_be_bytes);
        let [len, size, offset] = &numbers;
        if self.rows_index.try_reserve(key.len() + 3 * size_of::<u64>()).is_ok() {
            [len.as_slice(), key, size, offset].into_iter().for_each(|part| self.rows_index.extend_from_slice(part));
        }
        self.last_point = self.rows;
    }

    /// Passes the name and the value of each property to `emit`.
    pub fn write(mut self, kind: FilterKind, emit: &mut impl FnMut(&[u8], &[u8])) {
        let f = self.figures;
        let mut number = |name: &str, number: u64| emit(name.as_bytes(), &number.to_be_bytes());
        if !f.expiry.is_empty() {
            number("tikv.max_expire_ts", f.expiry.greatest);
            number("tikv.min_expire_ts", f.expiry.least);
        }
        if !matches!(kind, FilterKind::Default | FilterKind::Write) {
            return;
        }
        let mut timestamps = f.timestamps;
        timestamps.merge(self.tombstones);
        number("tikv.min_ts", timestamps.least);
        number("tikv.max_ts", timestamps.greatest);
        number("tikv.num_rows", f.rows);
        number("tikv.num_puts", f.puts);
        number("tikv.num_deletes", f.delete_marks);
        number("tikv.num_versions", f.versions);
        number("tikv.max_row_versions", f.max_row_versions);
        number("tikv.num_errors", self.errors + f.unparsed);
        number("tikv.oldest_stale_version_ts", self.spans.shadowed.least);
        number("tikv.newest_stale_version_ts", self.spans.shadowed.greatest);
        number("tikv.oldest_delete_ts", self.spans.deletes.least);
        number("tikv.newest_delete_ts", self.spans.deletes.greatest);
        if self.rows > self.last_point {
            let last_row = std::mem::take(&mut self.last_row);
            self.add_point(&last_row);
        }
        emit(b"tikv.rows_index", &self.rows_index);
    }
}

/// Reads the figures of a file from TiKV's properties, if the file has them. Their sizes are
/// unknown, so they are 0. A TiKV property that is missing has TiKV's own default.
pub fn read<'p>(properties: impl Iterator<Item = Property<'p>> + Clone) -> Option<Figures> {
    let number = |name: &str| {
        let (_, value) = properties.clone().find(|(known, _)| *known == name.as_bytes())?;
        value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    };
    let timestamps = Span::new(number("tikv.min_ts")?, number("tikv.max_ts")?);
    let (rows, versions, puts) = (number("tikv.num_rows")?, number("tikv.num_versions")?, number("tikv.num_puts")?);
    let span =
        |least: &str, greatest: &str, or: Span| Span::new(number(least).unwrap_or(or.least), number(greatest).unwrap_or(or.greatest));
    let stale_since = span("tikv.oldest_stale_version_ts", "tikv.newest_stale_version_ts", timestamps);
    let expiry = Span::new(number("tikv.min_expire_ts").unwrap_or(u64::MAX), number("tikv.max_expire_ts").unwrap_or(0));
    if rows > versions || puts > versions || (timestamps.is_empty() && versions > 0) {
        return None;
    }
    let delete_marks = number("tikv.num_deletes").unwrap_or(versions - puts);
    // Versions without a value may be stale since their own timestamps, which TiKV does not tell.
    let without_value = versions - puts;
    let stale_since = if without_value > 0 { timestamps } else { stale_since };
    Some(Figures {
        rows,
        versions,
        puts,
        delete_marks,
        max_row_versions: number("tikv.max_row_versions")?,
        timestamps,
        stale: versions.min((versions - rows).saturating_add(without_value)),
        stale_since,
        deleted_since: span("tikv.oldest_delete_ts", "tikv.newest_delete_ts", timestamps),
        expiry,
        expiring_rows: if expiry.is_empty() { 0 } else { rows },
        // TiKV counts neither them nor the versions whose value is in a blob file.
        long_values: versions.max(1),
        ..Figures::default()
    })
}
