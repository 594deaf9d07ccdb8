//! The RawKV rule. A filter removes a version if it is below the safe point and is not the newest
//! of its row. (A dead newest version is removed too in the end, but not by a filter: its older
//! versions must be removed first, at every level.)
//!
//! A filter sees a row from the newest version to the oldest, perhaps not all of it. It keeps the
//! first version that it sees. That version *shadows* the versions behind it, whatever other levels
//! hold:
//!
//! ```text
//!   safe point 80   latest                      snapshot: readers at 80 and above
//!   a @ 100         keep, shadows               keep
//!   a @ 90          keep: not below             keep
//!   a @ 70          remove: shadowed by 100     keep, shadows: a reader at 80 sees it
//!   a @ 60          remove                      remove: shadowed by 70
//! ```
//!
//! The shadow is stored as its timestamp. The same key seen again is not older than its own shadow,
//! so the decision is the same as the first time.

use super::Verdict;
use super::expiry::ExpiredUpTo;

/// The reads that the host serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Reads of the newest version.
    Latest,
    /// Reads of the newest version at or below a timestamp that is not below the safe point.
    Snapshot,
}

/// The reason why a row's newest version is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// A delete mark.
    Deleted,
    /// Its expiry.
    Expired,
}

impl Death {
    /// Whether a value with this mark and expiry is dead.
    #[inline]
    pub fn of(delete_mark: bool, expire_ts: Option<u64>, expired: ExpiredUpTo) -> Option<Self> {
        if delete_mark {
            Some(Self::Deleted)
        } else if expired.covers(expire_ts) {
            Some(Self::Expired)
        } else {
            None
        }
    }
}

/// The part of a row that a filter has seen. 0 means that no version was seen: no version is older
/// than 0, and every version is at least as new.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row {
    newest: u64,
    shadow: u64,
    dead: Option<Death>,
}

impl Row {
    /// The state after the first version of a row, which is kept. `death` says whether its value is
    /// dead.
    #[inline]
    pub fn begin(ts: u64, death: Option<Death>, safe_point: u64, history: History) -> Self {
        if ts < safe_point {
            Self { newest: ts, shadow: ts, dead: death }
        } else {
            Self { newest: ts, shadow: if history == History::Latest { ts } else { 0 }, dead: None }
        }
    }

    /// Decides about the next version. `death` says whether its value is dead, if the value is
    /// known.
    #[inline]
    pub fn judge(&mut self, ts: u64, death: Option<Death>, safe_point: u64, history: History) -> Verdict {
        if let Some(verdict) = self.judge_shadowed(ts, safe_point) {
            return verdict;
        }
        let seen = Self::begin(ts, death, safe_point, history);
        if ts >= self.newest {
            (self.newest, self.dead) = (ts, seen.dead);
        }
        self.shadow = self.shadow.max(seen.shadow);
        Verdict::Keep
    }

    /// Decides about the next version if it is shadowed. That changes nothing in the row.
    #[inline]
    pub fn judge_shadowed(&self, ts: u64, safe_point: u64) -> Option<Verdict> {
        (ts < self.shadow).then_some(if ts < safe_point { Verdict::Remove } else { Verdict::Keep })
    }

    /// Whether the decision needs the value. A version at or above the safe point is kept by its
    /// key alone, and a shadowed version is removed by its key alone.
    pub fn needs_value(&self, ts: u64, safe_point: u64) -> bool {
        ts < safe_point && ts >= self.shadow
    }

    /// Whether the newest version that this filter saw is dead and below the safe point.
    pub fn dead(&self) -> Option<Death> {
        self.dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Keep, Remove};

    /// TiKV's worked scenarios, and whether the row is handed over.
    #[test]
    fn worked_scenarios() {
        let (alive, deleted, expired) = (None, Some(Death::Deleted), Some(Death::Expired));
        for (name, versions, safe_point, verdicts, dead) in [
            ("R1", &[(100, alive), (90, alive), (70, alive)][..], 80, &[Keep, Keep, Remove][..], None),
            ("R2", &[(100, alive), (90, alive), (70, alive)], 90, &[Keep, Keep, Remove], None),
            ("R4", &[(9, deleted), (5, alive), (1, alive)], 500, &[Keep, Remove, Remove], deleted),
            ("R6", &[(9, expired), (5, expired)], 500, &[Keep, Remove], expired),
        ] {
            let mut row = Row::default();
            let judged: Vec<_> = versions.iter().map(|&(ts, death)| row.judge(ts, death, safe_point, History::Latest)).collect();
            assert_eq!((judged, row.dead()), (verdicts.to_vec(), dead), "{name}");
        }
    }
}
