//! The current row of the collector: its figures, version by version from the newest.
//!
//! ```text
//!   RawKV        a @ 9  put     newest
//!                a @ 7  put     stale since 9
//!                b @ 8  delete  newest, a delete mark: stale since 8, and the row is deleted since 8
//!   transactions c @ 9  lock    stale since 9: it holds no data
//!                c @ 7  put     newest with data
//!                c @ 5  put     stale since 7
//! ```

use super::figures::{Figures, Span};
use crate::layout::Timestamp;
use crate::layout::raw_value::RawValue;
use crate::layout::write_record::{WriteRecord, WriteType};
use crate::rule::expiry::ExpiredUpTo;

/// The meaning of the values of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Values of RawKV.
    Raw,
    /// Records of transactions.
    Records,
    /// Values with an expiry and without a timestamp.
    TtlV1,
    /// Values that a record of another column family names, locks, and others. None is stale.
    NotJudged,
}

/// The value of an entry.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'v> {
    /// A value.
    Value(&'v [u8]),
    /// A value in a blob file, of which the entry has a reference of this length.
    Blob(usize),
    /// A merge operand, wide columns, or another entry of this length.
    Other(usize),
}

impl Shown<'_> {
    fn len(self) -> usize {
        match self {
            Self::Value(value) => value.len(),
            Self::Blob(len) | Self::Other(len) => len,
        }
    }
}

/// The spans of timestamps that only TiKV's properties have.
#[derive(Debug, Clone, Copy, Default)]
pub struct TikvSpans {
    /// The timestamps of the second to the last version of rows.
    pub shadowed: Span,
    /// The timestamps of transaction records of type delete.
    pub deletes: Span,
}

/// The current row. The versions of a RawKV row add most of their figures when the row ends.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    contents: Contents,
    versions: u64,
    first: Timestamp,
    second: Timestamp,
    /// The timestamp before the last one.
    before_last: Timestamp,
    last: Timestamp,
    /// The timestamp of the last version with data.
    last_data: Option<Timestamp>,
}

impl Row {
    /// A row without versions.
    #[inline]
    pub fn new(contents: Contents) -> Self {
        Self { contents, versions: 0, first: 0, second: 0, before_last: 0, last: 0, last_data: None }
    }

    /// Whether the row has versions.
    pub fn has_versions(&self) -> bool {
        self.versions > 0
    }

    /// The meaning of the row's values.
    #[inline]
    pub fn contents(&self) -> Contents {
        self.contents
    }

    /// Adds the next version of a RawKV row that has one already. Its value has no flags.
    #[inline(always)]
    pub fn add_live_version(&mut self, ts: Timestamp, bytes: usize, figures: &mut Figures) -> bool {
        if self.versions == 0 {
            return false;
        }
        figures.bytes += bytes as u64;
        figures.stale_bytes += bytes as u64;
        figures.puts += 1;
        self.next(ts);
        true
    }

    /// A RawKV row with its first version, whose value has no flags.
    #[inline(always)]
    pub fn begin_live(ts: Timestamp, bytes: usize, figures: &mut Figures) -> Self {
        figures.bytes += bytes as u64;
        figures.puts += 1;
        let mut row = Self::new(Contents::Raw);
        row.next(ts);
        row
    }

    /// Moves on to the next version.
    #[inline(always)]
    fn next(&mut self, ts: Timestamp) {
        match self.versions {
            0 => self.first = ts,
            1 => self.second = ts,
            _ => {}
        }
        self.versions += 1;
        self.before_last = self.last;
        self.last = ts;
    }

    /// Adds the next version.
    pub fn add(
        &mut self,
        ts: Timestamp,
        key_len: usize,
        shown: Shown<'_>,
        expired: ExpiredUpTo,
        figures: &mut Figures,
        spans: &mut TikvSpans,
    ) {
        let bytes = (key_len + shown.len()) as u64;
        self.next(ts);
        figures.bytes += bytes;
        match self.contents {
            Contents::Raw => self.add_raw(bytes, shown, expired, figures),
            Contents::Records => self.add_record(bytes, shown, figures, spans),
            Contents::TtlV1 => add_ttl(bytes, shown, expired, figures),
            Contents::NotJudged => figures.puts += 1,
        }
    }

    fn add_raw(&self, bytes: u64, shown: Shown<'_>, expired: ExpiredUpTo, figures: &mut Figures) {
        let is_newest = self.versions == 1;
        if !is_newest {
            figures.stale_bytes += bytes;
        }
        let Shown::Value(value) = shown else {
            figures.puts += 1;
            return;
        };
        let Ok(value) = RawValue::parse_v2(value) else {
            figures.unparsed += 1;
            return;
        };
        if value.delete_mark || expired.covers(value.expire_ts) {
            figures.delete_marks += 1;
        } else {
            figures.puts += 1;
        }
        if is_newest && value.delete_mark {
            stale(self.last, bytes, figures);
            deleted(self.last, figures);
        }
        expires(value.expire_ts, is_newest && !value.delete_mark, bytes, figures);
    }

    fn add_record(&mut self, bytes: u64, shown: Shown<'_>, figures: &mut Figures, spans: &mut TikvSpans) {
        let record = match shown {
            Shown::Value(value) => match WriteRecord::parse(value) {
                Ok(record) => record,
                Err(_) => {
                    figures.unparsed += 1;
                    return;
                }
            },
            Shown::Blob(_) | Shown::Other(_) => {
                figures.puts += 1;
                figures.long_values += 1;
                return;
            }
        };
        match record.write_type {
            WriteType::Lock | WriteType::Rollback => {
                stale(self.last, bytes, figures);
                return;
            }
            WriteType::Put => {
                figures.puts += 1;
                figures.long_values += u64::from(!record.has_short_value);
            }
            WriteType::Delete => {
                figures.delete_marks += 1;
                spans.deletes.add(self.last);
            }
        }
        match self.last_data.replace(self.last) {
            Some(newer) => stale(newer, bytes, figures),
            None if record.write_type == WriteType::Delete => {
                stale(self.last, bytes, figures);
                deleted(self.last, figures);
            }
            None => {}
        }
    }

    /// Ends the row.
    #[inline]
    pub fn end(&mut self, figures: &mut Figures, spans: &mut TikvSpans) {
        if self.versions == 0 {
            return;
        }
        figures.rows += 1;
        figures.versions += self.versions;
        figures.max_row_versions = figures.max_row_versions.max(self.versions);
        figures.timestamps.merge(Span::new(self.last, self.first));
        if self.versions > 1 {
            if self.contents == Contents::Raw {
                figures.stale += self.versions - 1;
                figures.stale_since.merge(Span::new(self.before_last, self.first));
            }
            if matches!(self.contents, Contents::Raw | Contents::Records) {
                spans.shadowed.merge(Span::new(self.last, self.second));
            }
        }
        self.versions = 0;
    }
}

fn add_ttl(bytes: u64, shown: Shown<'_>, expired: ExpiredUpTo, figures: &mut Figures) {
    let Shown::Value(value) = shown else {
        figures.puts += 1;
        return;
    };
    match RawValue::parse_v1_ttl(value) {
        Ok(value) => {
            expires(value.expire_ts, true, bytes, figures);
            if expired.covers(value.expire_ts) {
                figures.delete_marks += 1;
            } else {
                figures.puts += 1;
            }
        }
        Err(_) => figures.unparsed += 1,
    }
}

fn stale(since: Timestamp, bytes: u64, figures: &mut Figures) {
    figures.stale += 1;
    figures.stale_bytes += bytes;
    figures.stale_since.add(since);
}

fn deleted(since: Timestamp, figures: &mut Figures) {
    figures.deleted_rows += 1;
    figures.deleted_since.add(since);
}

fn expires(at: Option<u64>, is_newest: bool, bytes: u64, figures: &mut Figures) {
    let Some(at) = at else { return };
    figures.expiry.add(at);
    if is_newest {
        figures.expiring_rows += 1;
        figures.expiring_bytes += bytes;
    }
}
