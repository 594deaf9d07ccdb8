//! Decides about one version: parses its value and applies the rule of its kind.

use super::{CompactionFilter, Current, ValueView};
use crate::error::hex;
use crate::layout::raw_value::RawValue;
use crate::layout::write_record::WriteRecord;
use crate::layout::{KeyOwner, Timestamp, split_timestamp};
use crate::log::{Level, log};
use crate::rule::Verdict;
use crate::rule::raw::Death;
use crate::rule::txn::Record;

impl CompactionFilter {
    /// Decides about the next version of the current row.
    pub(super) fn judge_version(&mut self, key: &[u8], shown: ValueView<'_>) -> Verdict {
        let Some((_, ts)) = split_timestamp(key) else { return Verdict::Keep };
        match self.current {
            Current::Raw(_) | Current::RawOneByOne(_) => self.judge_raw(ts, shown),
            Current::Txn(_) if ts <= self.stretch.safe_point => self.judge_record(ts, shown),
            _ => Verdict::Keep,
        }
    }

    fn judge_raw(&mut self, ts: Timestamp, shown: ValueView<'_>) -> Verdict {
        let (Current::Raw(row) | Current::RawOneByOne(row)) = &mut self.current else { return Verdict::Keep };
        self.last_ts = ts;
        let death = match shown {
            ValueView::Value(value) => match RawValue::parse_v2(value) {
                Ok(value) => Death::of(value.delete_mark, value.expire_ts, self.expired),
                Err(_) => return self.close_row(),
            },
            ValueView::ValueElsewhere => None,
            ValueView::Other => return Verdict::Keep,
        };
        row.judge(ts, death, self.stretch.safe_point, self.history)
    }

    /// Decides about a write record at or below the safe point. A record whose value was not read
    /// is kept, and shadows nothing.
    fn judge_record(&mut self, commit_ts: Timestamp, shown: ValueView<'_>) -> Verdict {
        let (Current::Txn(row), ValueView::Value(bytes)) = (&mut self.current, shown) else { return Verdict::Keep };
        let Ok(parsed) = WriteRecord::parse(bytes) else { return self.close_row() };
        let fate = row.judge(commit_ts, Record::of(&parsed, self.stretch.safe_point));
        if parsed.has_unknown_tag {
            self.count_unparsed_value();
        }
        fate.verdict()
    }

    /// Decides about a TTL v1 value: every key is a row, and no safe point is needed.
    pub(super) fn judge_ttl(&self, key: &[u8], shown: ValueView<'_>) -> Verdict {
        match (self.shared.layout.body(key), shown) {
            (Ok(_), ValueView::Value(value)) if self.shared.enabled() => match RawValue::parse_v1_ttl(value) {
                Ok(value) if self.expired.covers(value.expire_ts) => {
                    self.counters.expired.bump();
                    return Verdict::Remove;
                }
                Ok(_) => {}
                Err(_) => self.count_unparsed_value(),
            },
            (Err(KeyOwner::Foreign), _) => self.count_foreign(key),
            _ => {}
        }
        Verdict::Keep
    }

    /// Counts a key that does not match the layout.
    pub(super) fn count_foreign(&self, key: &[u8]) {
        self.counters.unparsed_keys.bump();
        self.shared.tell_foreign_key(key);
    }

    /// Closes the row after a value that does not parse: its remaining versions are kept.
    fn close_row(&mut self) -> Verdict {
        self.current = Current::Closed;
        self.count_unparsed_value();
        Verdict::Keep
    }

    #[cold]
    fn count_unparsed_value(&self) {
        if self.counters.unparsed_values.get() == 0 {
            log(Level::Warn, || format!("a value does not parse, or has extra bytes; key {}", hex(&self.last_key)));
        }
        self.counters.unparsed_values.bump();
    }
}
