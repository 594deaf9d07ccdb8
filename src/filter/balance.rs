//! The choice between two ways to remove the rest of a row: to remove it version by version, or to
//! seek to the row's end. A seek costs as much as several removes. The number of versions that are
//! left is unknown before they are read.
//!
//! Both costs are measured, as the time between a decision and the next key. Their ratio is the
//! break-even: the number of removes that cost as much as one seek. The filter seeks at once, or
//! after one or two break-evens of removes, which saves the seek if the row ends before. The
//! lengths of some rows are sampled, and they tell which of the three costs least:
//!
//! ```text
//!   break-even 20          removes before the seek    reason
//!   rows of 5              (all 4)                    the seek would cost 20
//!   rows of 1000           0                          every row saves by its seek
//!   a row of 1000          40                         among rows of 5: no single row costs much
//!                                                     more than the best
//! ```

use std::time::{Duration, Instant};

/// The break-even before the costs are known.
const FIRST_BREAK_EVEN: u32 = 32;
/// The highest break-even; a thread may sleep for seconds during a measurement.
const HIGHEST_BREAK_EVEN: u32 = 1 << 20;
/// The number of rows that are sampled before the first choice.
const FIRST_ROWS: u32 = 8;
/// Afterwards the filter samples one row in this number. It removes the versions of a sampled row
/// one by one, up to `MOST` break-evens.
const TRY_REMOVES_EVERY: u32 = 64;
/// After this number of rows some are skipped even if removes cost less. They follow each other: the
/// first seeks after many removes cost up to twice as much as later ones, because their code and
/// their blocks are not in the processor's caches. So only the last ones are measured.
const TRY_SEEKS_EVERY: u32 = 8192;
const TRIED_SEEKS: u32 = 8;
const WARM_SEEKS: u32 = 4;
/// The number of removes that are measured in a sampled row.
const MEASURED_REMOVES: u32 = 2;
/// If seeks cost less, one row in this number has its seek measured.
const MEASURE_SEEK_EVERY: u32 = 16;
/// The choices: the number of break-evens of removes before a row's seek.
const CHOICES: [u32; 3] = [MOST, 1, 0];
/// The choice for sampled rows.
const MOST: u32 = 2;
/// The number of sampled rows that are remembered.
const TRIED: usize = 16;

/// The number of measurements that make a cost.
const MEASUREMENTS: usize = 32;

/// A cost: the mean of the last measurements without the highest quarter, which may include a
/// thread switch or a read.
#[derive(Default)]
struct Price {
    last: [Duration; MEASUREMENTS],
    measured: usize,
}

impl Price {
    fn add(&mut self, time: Duration) {
        if let Some(oldest) = self.last.get_mut(self.measured % MEASUREMENTS) {
            *oldest = time;
        }
        self.measured += 1;
    }

    fn nanoseconds(&self) -> Option<u32> {
        let mut known = self.last;
        let known = known.get_mut(..self.measured.min(MEASUREMENTS)).filter(|known| known.len() > 2)?;
        known.sort_unstable();
        let usual = known.get(..known.len() - known.len().div_ceil(4))?;
        let mean = usual.iter().sum::<Duration>() / usual.len() as u32;
        Some(mean.as_nanos().clamp(1, u128::from(u32::MAX)) as u32)
    }
}

#[derive(Clone, Copy)]
enum What {
    Remove,
    Seek,
}

/// The measured costs and row lengths of one filter.
pub struct Balance {
    remove: Price,
    seek: Price,
    /// The number of removes that cost as much as one seek.
    break_even: u32,
    measuring: Option<(What, Instant)>,
    /// The current row, identified by the number of versions that the filter had kept before it.
    row: Option<u64>,
    removed_here: u32,
    rows: u32,
    /// The number of versions left in the rows that were sampled last; `u32::MAX` means too many to
    /// count.
    lengths: [u32; TRIED],
    tried: usize,
    /// The best choice for rows of such lengths.
    choice: u32,
    trying: bool,
}

impl Default for Balance {
    fn default() -> Self {
        Self {
            remove: Price::default(),
            seek: Price::default(),
            break_even: FIRST_BREAK_EVEN,
            measuring: None,
            row: None,
            removed_here: 0,
            rows: 0,
            lengths: [0; TRIED],
            tried: 0,
            choice: MOST,
            trying: false,
        }
    }
}

impl Balance {
    /// Counts the time since the last decision as its cost.
    #[inline]
    pub fn next_key(&mut self, now: impl FnOnce() -> Instant) {
        if let Some((what, since)) = self.measuring.take() {
            let time = now().saturating_duration_since(since);
            match what {
                What::Remove => self.remove.add(time),
                What::Seek => self.seek.add(time),
            }
            if let (Some(seek), Some(remove)) = (self.seek.nanoseconds(), self.remove.nanoseconds()) {
                // It is at least 1: with 0 no version would be removed, and the cost of a remove
                // never measured again.
                self.break_even = (seek / remove).clamp(1, HIGHEST_BREAK_EVEN);
                self.choose();
            }
        }
    }

    /// Whether to seek to the row's end rather than remove this version.
    pub fn seek_pays(&mut self, row: u64, now: impl FnOnce() -> Instant) -> bool {
        if self.row != Some(row) {
            self.begin_row(row);
        }
        let skip = self.removed_here >= self.removes_before_the_seek();
        // A measurement costs as much as several removes, so only some seeks and removes are
        // measured.
        let seek_is_due = match self.tried_seek() {
            Some(before) => before >= WARM_SEEKS,
            None => self.rows.is_multiple_of(MEASURE_SEEK_EVERY),
        };
        self.measuring = match (skip, self.trying) {
            (true, trying) => (trying || seek_is_due).then(|| (What::Seek, now())),
            (false, trying) => (trying && self.removed_here < MEASURED_REMOVES).then(|| (What::Remove, now())),
        };
        self.removed_here += 1;
        skip
    }

    fn begin_row(&mut self, row: u64) {
        if self.trying {
            self.learn();
        }
        (self.row, self.removed_here) = (Some(row), 0);
        self.rows = self.rows.wrapping_add(1);
        let is_sampled = self.rows <= FIRST_ROWS || self.rows.is_multiple_of(TRY_REMOVES_EVERY);
        self.trying = is_sampled && self.tried_seek().is_none();
    }

    /// In a row whose seek is tried: the number of such rows that came directly before.
    fn tried_seek(&self) -> Option<u32> {
        let row = self.rows.wrapping_sub(FIRST_ROWS + 1) % TRY_SEEKS_EVERY;
        (self.rows > FIRST_ROWS && row < TRIED_SEEKS).then_some(row)
    }

    /// Remembers the length of a sampled row.
    fn learn(&mut self) {
        if let Some(oldest) = self.lengths.get_mut(self.tried % TRIED) {
            *oldest = if self.removed_here > MOST * self.break_even { u32::MAX } else { self.removed_here };
        }
        self.tried += 1;
        self.choose();
    }

    fn choose(&mut self) {
        let lengths = self.lengths.get(..self.tried.min(TRIED)).unwrap_or_default();
        let cost = |choice: &u32| -> u64 {
            let removes = choice * self.break_even;
            let row = |&length: &u32| u64::from(if length <= removes { length } else { removes + self.break_even });
            lengths.iter().map(row).sum()
        };
        self.choice = CHOICES.into_iter().min_by_key(cost).unwrap_or(MOST);
    }

    fn removes_before_the_seek(&self) -> u32 {
        let choice = if self.tried_seek().is_some() {
            0
        } else if self.trying {
            MOST
        } else {
            self.choice
        };
        choice * self.break_even
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simulates rows with these numbers of versions to remove, with fixed costs. Returns the
    /// number of removes and of seeks.
    fn run(rows: impl Iterator<Item = u32>, seek: u64, remove: u64) -> (u32, u32) {
        let mut balance = Balance::default();
        let mut now = Instant::now();
        let (mut removes, mut seeks) = (0, 0);
        for (row, len) in rows.enumerate() {
            for _ in 0..len {
                balance.next_key(|| now);
                let skip = balance.seek_pays(row as u64, || now);
                now += Duration::from_nanos(if skip { seek } else { remove });
                if skip {
                    seeks += 1;
                    break;
                }
                removes += 1;
            }
        }
        (removes, seeks)
    }

    /// The cost, relative to the better of the two fixed choices: only removes, or only seeks.
    fn ratio(lens: &[u32], seek: u64, remove: u64) -> f64 {
        let (removes, seeks) = run(lens.iter().copied(), seek, remove);
        let paid = u64::from(removes) * remove + u64::from(seeks) * seek;
        let removing: u64 = lens.iter().map(|&len| u64::from(len) * remove).sum();
        paid as f64 / removing.min(lens.len() as u64 * seek) as f64
    }

    #[test]
    fn it_costs_little_more_than_the_better_choice() {
        for len in [1, 4, 15, 99, 999] {
            for seek in [200, 500, 1000, 2200, 5000] {
                let ratio = ratio(&vec![len; 20_000], seek, 100);
                assert!(ratio < 1.1, "rows of {len}, a seek is worth {}: {ratio}", seek / 100);
            }
        }
    }

    #[test]
    fn lengths_that_vary_are_weighed_by_what_they_cost() {
        let mixed = |long: u32, short: u32, percent: u32| -> Vec<u32> {
            (0..20_000u32).map(|row| if row.wrapping_mul(2_654_435_761) % 100 < percent { long } else { short }).collect()
        };
        for (lens, seek) in [(mixed(21, 1, 60), 2000), (mixed(10, 1, 55), 900), (mixed(1000, 1, 60), 2000), (mixed(1000, 1, 40), 2000)] {
            let ratio = ratio(&lens, seek, 100);
            assert!(ratio < 1.15, "a seek is worth {}: {ratio}", seek / 100);
        }
    }

    /// While seeks are cheap, only versions of sampled rows are removed. From them the choice must
    /// recover.
    #[test]
    fn seeks_that_were_worth_one_remove_do_not_stay_for_ever() {
        let mut balance = Balance::default();
        let mut now = Instant::now();
        let mut late_seeks = 0;
        for row in 0..30_000u64 {
            let (remove, seek) = if row < 5_000 { (5_000, 4_000) } else { (300, 3_300) };
            for _ in 0..4 {
                balance.next_key(|| now);
                if balance.seek_pays(row, || now) {
                    now += Duration::from_nanos(seek);
                    late_seeks += u32::from(row >= 10_000);
                    break;
                }
                now += Duration::from_nanos(remove);
            }
        }
        assert!(late_seeks < 1_000, "{late_seeks}");
    }

    #[test]
    fn a_long_row_among_short_ones_is_skipped() {
        let lens: Vec<u32> = (0..5000).map(|row| if row % 50 == 49 { 1000 } else { 4 }).collect();
        let (removes, seeks) = run(lens.iter().copied(), 2000, 100);
        assert!(removes < 5000 * 4 + 100 * 21 + 1000, "{removes}");
        assert!(seeks < 130, "{seeks}");
    }

    #[test]
    fn prices_that_change_change_the_choice() {
        let mut balance = Balance::default();
        let mut now = Instant::now();
        let mut seeks = [0; 2];
        for row in 0..20_000u64 {
            let seek = if row < 10_000 { 200 } else { 5000 };
            for _ in 0..15 {
                balance.next_key(|| now);
                if balance.seek_pays(row, || now) {
                    now += Duration::from_nanos(seek);
                    seeks[usize::from(row >= 10_000)] += 1;
                    break;
                }
                now += Duration::from_nanos(100);
            }
        }
        assert!(seeks[0] > 9_000 && seeks[1] < 2_000, "{seeks:?}");
    }

    #[test]
    fn seeks_of_many_seconds_are_not_too_much_to_count_with() {
        let (removes, seeks) = run(std::iter::repeat_n(4, 2_000), 1 << 40, 1);
        assert!(removes > 7_000 && seeks < 20, "{removes} removes, {seeks} seeks");
    }

    #[test]
    fn a_price_does_not_mind_one_accident() {
        let mut price = Price::default();
        assert_eq!(price.nanoseconds(), None);
        for time in [100, 100, 5_000_000, 100] {
            price.add(Duration::from_nanos(time));
        }
        assert_eq!(price.nanoseconds(), Some(100));
    }
}
