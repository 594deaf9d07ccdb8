//! The plausibility check of a clock. The time follows the clock backwards at once, and forwards
//! only if the step is small or lasts. A wrong high time would let values expire, which loses them.
//! A wrong low time only keeps values longer.

use std::fmt;
use std::time::Duration;

/// The library follows a clock at once if it is at most this many seconds ahead of the expected
/// time.
const TOLERATED: u64 = 3600;
/// The time for which a clock must keep a larger step forward before the library follows it.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// The highest plausible time in seconds: the year 5138.
const SECONDS_MAX: u64 = 100_000_000_000;

/// The expected time of one clock, extrapolated by a monotonic clock.
#[derive(Debug)]
pub(super) struct Trusted {
    /// The time that was accepted last, in Unix seconds.
    time: u64,
    /// The time of the monotonic clock when `time` was accepted.
    at: Duration,
    /// The last returned time that was not 0, in Unix seconds.
    answered: u64,
    leap: Option<Leap>,
    has_told_unit: bool,
    has_told_unknown: bool,
}

/// A step forward that is not accepted yet.
#[derive(Debug, Clone, Copy)]
struct Leap {
    /// The clock's lead over the expected time, in seconds.
    lead: u64,
    since: Duration,
}

/// An event that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClockNotice {
    Back { from: u64, to: u64 },
    Ahead { clock: u64, used: u64 },
    Kept { clock: u64 },
    NoSeconds { clock: u64 },
    Unknown,
}

impl Trusted {
    /// Accepts `time` as the time at `at`.
    pub(super) fn new(time: u64, at: Duration) -> Self {
        Self { time, at, answered: 0, leap: None, has_told_unit: false, has_told_unknown: false }
    }

    /// The time to use when the clock says `clock`, in Unix seconds; 0 means unknown.
    pub(super) fn look(&mut self, clock: u64, at: Duration) -> (u64, Option<ClockNotice>) {
        if clock > SECONDS_MAX {
            let is_told = std::mem::replace(&mut self.has_told_unit, true);
            return (0, (!is_told).then_some(ClockNotice::NoSeconds { clock }));
        }
        if clock == 0 {
            let is_told = std::mem::replace(&mut self.has_told_unknown, true);
            return (0, (!is_told).then_some(ClockNotice::Unknown));
        }
        let expected = self.time.saturating_add(at.saturating_sub(self.at).as_secs());
        let (time, notice) = if clock.saturating_sub(expected) > TOLERATED {
            self.suspect(clock, expected, at)
        } else {
            (clock, self.follow(clock, expected, at))
        };
        self.answered = time;
        (time, notice)
    }

    /// Only a clock that is behind moves the expected time, so that many short steps forward cannot
    /// replace one long step.
    fn follow(&mut self, clock: u64, expected: u64, at: Duration) -> Option<ClockNotice> {
        self.leap = None;
        if clock < expected {
            (self.time, self.at) = (clock, at);
        }
        // Two threads that read the clock at the same time may differ by a second.
        (clock.saturating_add(1) < self.answered).then_some(ClockNotice::Back { from: self.answered, to: clock })
    }

    fn suspect(&mut self, clock: u64, expected: u64, at: Duration) -> (u64, Option<ClockNotice>) {
        let lead = clock - expected;
        match self.leap {
            Some(leap) if leap.lead.abs_diff(lead) <= TOLERATED => {
                if at.saturating_sub(leap.since) < KEPT_FOR {
                    return (expected, None);
                }
                *self = Self { time: clock, at, leap: None, ..*self };
                (clock, Some(ClockNotice::Kept { clock }))
            }
            before => {
                self.leap = Some(Leap { lead, since: at });
                (expected, before.is_none().then_some(ClockNotice::Ahead { clock, used: expected }))
            }
        }
    }
}

impl fmt::Display for ClockNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept_for = KEPT_FOR.as_secs();
        match self {
            Self::Back { from, to } => write!(f, "the clock went back from {from} to {to}; it is followed at once"),
            Self::Ahead { clock, used } => write!(
                f,
                "the clock answers {clock}, {} seconds ahead of the expected {used}; the expected time is used until the clock has kept \
                 this lead for {kept_for} seconds",
                clock.saturating_sub(*used)
            ),
            Self::Kept { clock } => write!(f, "the clock has kept its step forward for {kept_for} seconds; {clock} is used from now on"),
            Self::Unknown => f.write_str("the clock does not know the time; until it does nothing expires"),
            Self::NoSeconds { clock } => {
                let unit = match clock {
                    0..100_000_000_000_000 => "milliseconds",
                    100_000_000_000_000..100_000_000_000_000_000 => "microseconds",
                    _ => "nanoseconds",
                };
                write!(f, "the clock answers {clock}; that looks like {unit}; return seconds. Until then the time is unknown")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEARS: u64 = 10 * 365 * 86_400;

    fn at(seconds: u64) -> Duration {
        Duration::from_millis(seconds * 1000 + 400)
    }

    /// The returned times for each (clock, monotonic seconds), if the time was 1000 at 0.
    fn times<const N: usize>(looks: [(u64, u64); N]) -> [u64; N] {
        let mut trusted = Trusted::new(1000, at(0));
        looks.map(|(clock, seconds)| trusted.look(clock, at(seconds)).0)
    }

    #[test]
    fn a_leap_of_one_look_is_never_used() {
        assert_eq!(times([(1000, 0), (1000 + YEARS, 1), (1002, 2), (1003, 3)]), [1000, 1001, 1002, 1003]);
        assert_eq!(times([(1001, 0), (5000, 1), (1002, 2)]), [1001, 1001, 1002], "a fake clock is guarded alike");
        assert_eq!(times([(1000 + YEARS, 0), (1001, 1)]), [1000, 1001], "the first look too");
    }

    #[test]
    fn the_clock_is_followed_down_at_once() {
        let mut trusted = Trusted::new(1000, at(0));
        assert_eq!(trusted.look(1500, at(0)), (1500, None));
        assert_eq!(trusted.look(900, at(1)), (900, Some(ClockNotice::Back { from: 1500, to: 900 })));
        assert_eq!(trusted.look(901, at(2)), (901, None), "one line a step");
        assert_eq!(trusted.look(900, at(2)), (900, None), "threads that look at the same time");
        assert_eq!(trusted.look(0, at(3)), (0, Some(ClockNotice::Unknown)));
        assert_eq!(trusted.look(0, at(3)), (0, None));
        assert_eq!(trusted.look(890, at(4)), (890, Some(ClockNotice::Back { from: 900, to: 890 })));
    }

    #[test]
    fn a_step_of_up_to_an_hour_is_used_at_once_and_a_longer_one_when_it_was_kept() {
        assert_eq!(times([(4600, 0), (4601, 0)]), [4600, 1000]);
        let kept = times([(1000 + YEARS, 0), (1000 + YEARS + 599, 599), (1000 + YEARS + 600, 600), (1000 + YEARS + 601, 601)]);
        assert_eq!(kept, [1000, 1599, 1000 + YEARS + 600, 1000 + YEARS + 601]);
    }

    #[test]
    fn a_leap_that_goes_and_comes_or_grows_begins_anew() {
        let far = 1000 + YEARS;
        assert_eq!(
            times([(far, 0), (1300, 300), (far + 601, 601), (far + 1200, 1200), (far + 1201, 1201)]),
            [1000, 1300, 1601, 2200, far + 1201]
        );
        assert_eq!(times([(far, 0), (far + YEARS, 601), (far + YEARS, 1200), (far + YEARS, 1201)]), [1000, 1601, 2200, far + YEARS]);
    }

    #[test]
    fn many_short_steps_are_no_way_around() {
        let mut trusted = Trusted::new(1000, at(0));
        let highest = (1..200).map(|step| trusted.look(1000 + step * 3000, at(step)).0).max();
        assert!(highest <= Some(1200 + TOLERATED), "{highest:?}");
    }

    #[test]
    fn many_looks_a_second_do_not_stop_the_time() {
        let mut trusted = Trusted::new(1000, Duration::ZERO);
        for look in 0..40_000u64 {
            let millis = look * 250;
            let now = 1000 + millis / 1000;
            assert_eq!(trusted.look(now, Duration::from_millis(millis)), (now, None));
        }
    }

    #[test]
    fn a_leap_is_told_once_and_again_when_it_is_used() {
        let mut trusted = Trusted::new(1000, at(0));
        let notices: Vec<_> = [(9000, 0), (9001, 1), (19_000, 2), (29_000, 3), (29_600, 604), (1605, 605)]
            .into_iter()
            .filter_map(|(clock, seconds)| trusted.look(clock, at(seconds)).1)
            .collect();
        assert_eq!(
            notices,
            [
                ClockNotice::Ahead { clock: 9000, used: 1000 },
                ClockNotice::Kept { clock: 29_600 },
                ClockNotice::Back { from: 29_600, to: 1605 }
            ]
        );
    }

    #[test]
    fn milliseconds_are_no_seconds() {
        let mut trusted = Trusted::new(1_700_000_000, at(0));
        for (clock, unit) in [(1_700_000_000_000, "milliseconds"), (1_700_000_000_000_000, "microseconds"), (u64::MAX, "nanoseconds")] {
            let (time, notice) = trusted.look(clock, at(1));
            assert_eq!(time, 0);
            trusted.has_told_unit = false;
            let text = notice.unwrap().to_string();
            assert!(text.contains(&format!("{clock}; that looks like {unit}; return seconds")), "{text}");
        }
        assert!(trusted.look(SECONDS_MAX + 1, at(1)).1.is_some());
        assert_eq!(trusted.look(SECONDS_MAX + 1, at(1)), (0, None), "once");
        assert_eq!(trusted.look(1_700_000_001, at(1)).0, 1_700_000_001);
    }
}
