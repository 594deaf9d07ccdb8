//! The RawKV rule. A version goes if it lies below the safe point and is not the newest of its row. (Dead newest versions go
//! too in the end, but not by a run: their older versions must be gone first, wherever they lie.)
//!
//! A run sees a row from newest to oldest, perhaps not all of it. The first version it sees is kept and *shadows* those
//! behind it, whatever lies elsewhere:
//!
//! ```text
//!   safe point 80        latest                     snapshot: readers at 80 and above
//!   a @ 100              keep, shadows              keep
//!   a @ 90               keep: not below            keep
//!   a @ 70               remove: shadowed by 100    keep, shadows: what a reader at 80 finds
//!   a @ 60               remove                     remove: shadowed by 70
//! ```
//!
//! The shadow is remembered by its timestamp: the same key shown again is not older than its own shadow, so it is judged as
//! the first time.

use super::Verdict;
use super::expiry::ExpiredUpTo;

/// Which versions readers want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// The newest.
    Latest,
    /// The newest at or below a timestamp that is not below the safe point.
    Snapshot,
}

/// What a row's newest version died of.
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

/// What a run has seen of a row. 0 stands for nothing yet: no version is older than 0, and every one is as new.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row {
    newest: u64,
    shadow: u64,
    dead: Option<Death>,
}

impl Row {
    /// A row whose first version is this one, which is kept. `death` says whether its value is dead.
    #[inline]
    pub fn begin(ts: u64, death: Option<Death>, safe_point: u64, history: History) -> Self {
        let below = ts < safe_point;
        let shadows = below || history == History::Latest;
        Self { newest: ts, shadow: if shadows { ts } else { 0 }, dead: if below { death } else { None } }
    }

    /// Judges the next version. `death` says whether its value is dead, as far as that is known.
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

    /// Judges the next version if it is shadowed, which changes nothing of the row.
    #[inline]
    pub fn judge_shadowed(&self, ts: u64, safe_point: u64) -> Option<Verdict> {
        (ts < self.shadow).then_some(if ts < safe_point { Verdict::Remove } else { Verdict::Keep })
    }

    /// Must the value be known? A version at or above the safe point stays, and a shadowed one goes, by the key alone.
    pub fn needs_value(&self, ts: u64, safe_point: u64) -> bool {
        ts < safe_point && ts >= self.shadow
    }

    /// Is the newest version, as far as this run saw, dead and below the safe point?
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
