//! The figures of some versions of one file.

/// The least and the greatest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The least number; the maximum if there are none.
    pub least: u64,
    /// The greatest number; 0 if there are none.
    pub greatest: u64,
}

impl Default for Span {
    fn default() -> Self {
        Self { least: u64::MAX, greatest: 0 }
    }
}

impl Span {
    /// The span of two numbers, in this order.
    pub fn new(least: u64, greatest: u64) -> Self {
        Self { least, greatest }
    }

    /// Whether there are no numbers.
    pub fn is_empty(self) -> bool {
        self.least > self.greatest
    }

    /// Adds a number.
    #[inline]
    pub fn add(&mut self, number: u64) {
        self.least = self.least.min(number);
        self.greatest = self.greatest.max(number);
    }

    /// Adds the numbers of another span.
    #[inline]
    pub fn merge(&mut self, other: Self) {
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }

    /// How many of `count` numbers, spread evenly over the span, are at or below a limit. It is at
    /// least 1 if the least number is.
    fn up_to(self, limit: u64, count: u64) -> u64 {
        if self.is_empty() || self.least > limit {
            return 0;
        }
        if self.greatest <= limit {
            return count;
        }
        let (reached, width) = (u128::from(limit - self.least), u128::from(self.greatest - self.least));
        let part = u128::from(count) * reached / width;
        u64::try_from(part).unwrap_or(count).max(count.min(1))
    }
}

/// The figures of some versions of one file: of a keyspace, of a schema, or of the whole file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// The number of rows.
    pub rows: u64,
    /// The number of versions.
    pub versions: u64,
    /// The size of the versions: keys and values.
    pub bytes: u64,
    /// The versions that hold a value: RawKV values that neither are delete marks nor have expired;
    /// records of type put.
    pub puts: u64,
    /// The versions that are delete marks, or had expired when the file was written.
    pub delete_marks: u64,
    /// The puts of transactions whose value is not in the record, or was not read.
    pub long_values: u64,
    /// The versions whose value does not parse.
    pub unparsed: u64,
    /// RocksDB's tombstones.
    pub tombstones: u64,
    /// The most versions of one row.
    pub max_row_versions: u64,
    /// The timestamps of the versions.
    pub timestamps: Span,
    /// The stale versions: those that have a newer version of their row in the file, delete marks
    /// that are the newest version, and rollbacks and locks.
    pub stale: u64,
    /// The size of the stale versions.
    pub stale_bytes: u64,
    /// The timestamps since which versions are stale: that of the next newer version, or the
    /// version's own.
    pub stale_since: Span,
    /// The rows whose newest version is a delete mark.
    pub deleted_rows: u64,
    /// The timestamps since which rows are deleted.
    pub deleted_since: Span,
    /// The rows whose newest version expires at some time.
    pub expiring_rows: u64,
    /// The size of these newest versions.
    pub expiring_bytes: u64,
    /// The times of expiry of all versions, in Unix seconds.
    pub expiry: Span,
}

impl Figures {
    /// Adds other figures.
    pub fn merge(&mut self, other: &Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.rows, other.rows);
        add(&mut self.versions, other.versions);
        add(&mut self.bytes, other.bytes);
        add(&mut self.puts, other.puts);
        add(&mut self.delete_marks, other.delete_marks);
        add(&mut self.long_values, other.long_values);
        add(&mut self.unparsed, other.unparsed);
        add(&mut self.tombstones, other.tombstones);
        self.max_row_versions = self.max_row_versions.max(other.max_row_versions);
        self.timestamps.merge(other.timestamps);
        add(&mut self.stale, other.stale);
        add(&mut self.stale_bytes, other.stale_bytes);
        self.stale_since.merge(other.stale_since);
        add(&mut self.deleted_rows, other.deleted_rows);
        self.deleted_since.merge(other.deleted_since);
        add(&mut self.expiring_rows, other.expiring_rows);
        add(&mut self.expiring_bytes, other.expiring_bytes);
        self.expiry.merge(other.expiry);
    }

    /// Whether a version is at or below a safe point.
    pub fn reaches(&self, safe_point: u64) -> bool {
        safe_point > 0 && self.timestamps.least <= safe_point
    }

    /// The stale versions that a safe point makes garbage, and their size: an estimate, which takes
    /// them as spread evenly over the time. With `own_timestamp` a stale version is garbage if its
    /// own timestamp is below the safe point; else if that of the next newer version is at or below
    /// it.
    pub fn stale_at(&self, safe_point: u64, own_timestamp: bool) -> (u64, u64) {
        if safe_point == 0 {
            return (0, 0);
        }
        let (mut since, mut limit) = (self.stale_since, safe_point);
        if own_timestamp && !since.is_empty() {
            since.least = since.least.min(self.timestamps.least);
            limit -= 1;
        }
        (since.up_to(limit, self.stale), since.up_to(limit, self.stale_bytes))
    }

    /// The rows that have expired at a time, and the size of their newest versions: an estimate, as
    /// [`Figures::stale_at`].
    pub fn expired_at(&self, now: u64) -> (u64, u64) {
        (self.expiry.up_to(now, self.expiring_rows), self.expiry.up_to(now, self.expiring_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stale_grows_with_the_safe_point() {
        let figures = Figures { stale: 10, stale_bytes: 1000, stale_since: Span::new(100, 200), ..Figures::default() };
        for (safe_point, expected) in
            [(0, (0, 0)), (99, (0, 0)), (100, (1, 1)), (150, (5, 500)), (199, (9, 990)), (200, (10, 1000)), (u64::MAX, (10, 1000))]
        {
            assert_eq!(figures.stale_at(safe_point, false), expected, "{safe_point}");
        }
        let one = Figures { stale_since: Span::new(7, 7), ..figures };
        assert_eq!((one.stale_at(6, false), one.stale_at(7, false)), ((0, 0), (10, 1000)), "all since one timestamp");
        assert_eq!(Figures::default().stale_at(u64::MAX, true), (0, 0));
        let shadowed = Figures { timestamps: Span::new(50, 200), ..figures };
        assert_eq!(
            (shadowed.stale_at(50, true), shadowed.stale_at(51, true), shadowed.stale_at(99, false)),
            ((0, 0), (1, 1), (0, 0)),
            "by their own timestamps"
        );
        let huge = Figures { stale: u64::MAX, stale_since: Span::new(0, u64::MAX), ..figures };
        assert!(huge.stale_at(1 << 63, false).0 > 1 << 62, "no overflow");
    }
}
