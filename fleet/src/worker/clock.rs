//! The clock, and how far it is trusted.
//!
//! A clock that is an hour ahead does harm: T goes an hour ahead and never comes back, so that no
//! transaction may write for an hour; and a barrier with an hour to live seems to have ended. A
//! clock that is behind does none: T waits. So the worker takes the **least** of all clocks: its
//! own, and what every other live process (worker or node) last wrote. A process writes its clock
//! under its lease, so that the value of a dead one goes.
//!
//! | worker A, an hour ahead | worker B | time that A uses |
//! |---|---|---|
//! | | writes 12:00:00 | |
//! | leads; its clock says 13:00:05 | | 12:00:00, the least: T waits for 10 s at most |
//! | | writes 12:00:10 | 12:00:10 |
//!
//! Without another process nothing tells the right time. Then the worker trusts its clock only as
//! far as its monotonic clock went on since the last round. A step ahead is held until the worker
//! is restarted or another process comes:
//!
//! | its clock | monotonic | time that it uses |
//! |---|---|---|
//! | 12:00:00 | 100 s | 12:00:00 |
//! | 13:00:10, after a step | 110 s | 12:00:11 |
//!
//! What is not noticed: a lone worker whose clock was wrong when it began. Run two workers.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// How much faster than the monotonic clock the clock may go: a second, and a thousandth.
const MARGIN_MS: u64 = 1000;
const FASTER: u64 = 1000;
/// A clock that is so far behind is named. Less is the age of what it wrote.
const WORTH_A_NAME_MS: u64 = 30_000;

/// Tells the time. A test gives another one.
pub trait Clock: Send + Sync {
    /// Unix milliseconds.
    fn unix_ms(&self) -> u64;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The time that a worker uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    /// Unix milliseconds.
    pub unix_ms: u64,
    /// Whose clock holds the time back, by 30 s or more.
    pub held_by: Option<String>,
}

/// Remembers the last trusted time.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    last: Option<(u64, Instant)>,
}

impl Trust {
    /// The time to use, of the own clock, the monotonic clock, and the clocks of others.
    pub fn time(&mut self, own_ms: u64, monotonic: Instant, others: &BTreeMap<String, u64>) -> Now {
        let limit = match others.iter().min_by_key(|(_, unix_ms)| **unix_ms) {
            Some((name, least)) => Some((*least, name.clone())),
            None => self.last.map(|(last, at)| (last + allowed_ms(monotonic.duration_since(at)), "a step of this worker's clock".into())),
        };
        let unix_ms = limit.as_ref().map_or(own_ms, |(limit, _)| own_ms.min(*limit));
        self.last = Some((unix_ms, monotonic));
        let held_by = limit.filter(|_| own_ms - unix_ms >= WORTH_A_NAME_MS).map(|(_, name)| name);
        Now { unix_ms, held_by }
    }
}

fn allowed_ms(elapsed: Duration) -> u64 {
    let elapsed = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX / 4);
    elapsed + elapsed / FASTER + MARGIN_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(clocks: &[(&str, u64)]) -> BTreeMap<String, u64> {
        clocks.iter().map(|(name, unix_ms)| ((*name).to_owned(), *unix_ms)).collect()
    }

    const NOON: u64 = 1_700_000_000_000;
    const HOUR: u64 = 3_600_000;

    #[test]
    fn a_clock_ahead_of_others_is_held_at_the_least() {
        let (mut trust, at) = (Trust::default(), Instant::now());
        let now = trust.time(NOON + HOUR, at, &others(&[("worker b", NOON), ("node n", NOON + 5)]));
        assert_eq!(now, Now { unix_ms: NOON, held_by: Some("worker b".into()) });
        let later = trust.time(NOON + HOUR + 10_000, at + Duration::from_secs(10), &BTreeMap::new());
        assert_eq!(later.unix_ms, NOON + 10_000 + 10 + 1000, "the other is gone: on from there by the monotonic clock");
    }

    #[test]
    fn a_clock_behind_others_is_used_and_names_nobody() {
        let now = Trust::default().time(NOON, Instant::now(), &others(&[("worker b", NOON + HOUR)]));
        assert_eq!(now, Now { unix_ms: NOON, held_by: None });
    }

    #[test]
    fn a_lone_clock_is_trusted_as_far_as_the_monotonic_clock_went() {
        let (mut trust, at) = (Trust::default(), Instant::now());
        assert_eq!(trust.time(NOON, at, &BTreeMap::new()).unix_ms, NOON);
        let ten = at + Duration::from_secs(10);
        assert_eq!(trust.time(NOON + 10_000, ten, &BTreeMap::new()), Now { unix_ms: NOON + 10_000, held_by: None });
        let stepped = trust.time(NOON + 20_000 + HOUR, at + Duration::from_secs(20), &BTreeMap::new());
        assert_eq!(stepped.unix_ms, NOON + 20_000 + 10 + 1000);
        assert!(stepped.held_by.is_some());
        let back = trust.time(NOON - HOUR, at + Duration::from_secs(30), &BTreeMap::new());
        assert_eq!(back, Now { unix_ms: NOON - HOUR, held_by: None });
    }

    #[test]
    fn another_process_ends_the_hold() {
        let (mut trust, at) = (Trust::default(), Instant::now());
        trust.time(NOON, at, &BTreeMap::new());
        let stepped = trust.time(NOON + HOUR, at, &others(&[("node n", NOON + HOUR - 1)]));
        assert_eq!(stepped, Now { unix_ms: NOON + HOUR - 1, held_by: None });
    }
}
