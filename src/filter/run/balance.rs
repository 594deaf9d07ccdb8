//! Remove version by version, or seek to the row's end? A seek costs as much as several removes, the more sorted runs are
//! read, and how many versions still lie in the row nobody knows before they are read.
//!
//! Both prices are measured, as the time that passes between a verdict and the next key. With them comes the break-even, the
//! number of removes that one seek is worth:
//!
//! - After that many removes in a row the rest of it is skipped: no row costs more than twice what was best.
//! - Where rows usually are that long, their first version to go is skipped from at once.
//!
//! ```text
//!   break-even 20       removes before the seek       why
//!   first rows          up to 64                      prices and lengths are not known yet
//!   rows of 5           (all 4)                       the next row's seek would cost 20
//!   rows of 1000        0                             the rows before reached 20; now and then one is tried again
//!   a row of 1000       20                            among rows of 5
//! ```

use std::time::{Duration, Instant};

/// Before the prices are known.
const FIRST_BREAK_EVEN: u32 = 64;
/// So many rows are tried before the first choice.
const FIRST_ROWS: u32 = 8;
/// Afterwards every so many rows one is removed from up to the break-even, though seeks pay.
const TRY_REMOVES_EVERY: u32 = 64;
/// And every so many rows one is skipped, though removes pay.
const TRY_SEEK_EVERY: u32 = 1024;

/// How many measurements make a price.
const MEASUREMENTS: usize = 32;

/// A price: the mean of the last measurements but the highest quarter of them, which had the bad luck of a thread switch or a read.
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

/// What a run has seen of prices and rows.
pub(super) struct Balance {
    remove: Price,
    seek: Price,
    /// How many removes a seek is worth.
    break_even: u32,
    measuring: Option<(What, Instant)>,
    /// The row in hand, by how many versions the run had kept when it was there.
    row: Option<u64>,
    removed_here: u32,
    rows: u32,
    /// Of the rows that were tried: how many, and how many of them reached the break-even.
    tried: u32,
    reached: u32,
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
            tried: 0,
            reached: 0,
            trying: false,
        }
    }
}

impl Balance {
    /// The time since the last verdict is its price.
    #[inline]
    pub(super) fn next_key(&mut self, now: impl FnOnce() -> Instant) {
        if let Some((what, since)) = self.measuring.take() {
            let time = now().saturating_duration_since(since);
            match what {
                What::Remove => self.remove.add(time),
                What::Seek => self.seek.add(time),
            }
            if let (Some(seek), Some(remove)) = (self.seek.nanoseconds(), self.remove.nanoseconds()) {
                self.break_even = seek / remove;
            }
        }
    }

    /// A version of the row goes; does a seek to its end cost less than removing what is left?
    pub(super) fn seek_pays(&mut self, row: u64, now: impl FnOnce() -> Instant) -> bool {
        if self.row != Some(row) {
            self.begin_row(row);
        }
        let skip = self.removed_here >= self.break_even || (self.removed_here == 0 && !self.trying && self.skip_at_once());
        self.measuring = match (skip, self.trying) {
            (true, _) => Some((What::Seek, now())),
            (false, true) => Some((What::Remove, now())),
            (false, false) => None,
        };
        self.removed_here += 1;
        skip
    }

    fn begin_row(&mut self, row: u64) {
        if self.trying {
            self.tried += 1;
            self.reached += u32::from(self.removed_here > self.break_even);
            if self.tried == 16 {
                (self.tried, self.reached) = (self.tried / 2, self.reached / 2);
            }
        }
        (self.row, self.removed_here) = (Some(row), 0);
        self.rows = self.rows.wrapping_add(1);
        self.trying = self.rows <= FIRST_ROWS || self.rows.is_multiple_of(TRY_REMOVES_EVERY);
    }

    /// The usual row reaches the break-even; or it is time to learn what a seek costs now.
    fn skip_at_once(&self) -> bool {
        2 * self.reached > self.tried || self.seek.measured < 3 || self.rows % TRY_SEEK_EVERY == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run over rows of so many versions to go: how many were removed, and how many seeks there were. Times are made up.
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

    /// What was paid, against the better of the two fixed choices.
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
    fn a_price_does_not_mind_one_accident() {
        let mut price = Price::default();
        assert_eq!(price.nanoseconds(), None);
        for time in [100, 100, 5_000_000, 100] {
            price.add(Duration::from_nanos(time));
        }
        assert_eq!(price.nanoseconds(), Some(100));
    }
}
