//! What collecting knows of files from the calls before: without it a budget would be spent on reading the same files again and again,
//! and what cannot go would be rewritten by every call.
//!
//! A file is remembered by all that is known of it, so a rewritten one is another; and as of the safe points, and of what is destroyed
//! and dropped, at that time. What was compacted in vain (a RocksDB snapshot keeps what it sees) is tried again when the snapshots
//! change, where the engine tells of them, else after 1, 2, 4 ... calls, and after 64 in any case: nothing is left for ever.

use crate::engine::{Family, File};
use std::collections::{HashMap, HashSet};

/// The longest pause of a file that was compacted in vain, in calls.
const LONGEST_PAUSE: u32 = 64;

/// What a file was looked at by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LookedAtUnder {
    /// Of its keyspaces, added up: they only move forward. `None` = it holds too many keyspaces to look at.
    pub(super) safe_points: Option<u64>,
    /// Of what is destroyed, dropped and removed.
    pub(super) generation: u64,
}

/// What was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It holds some.
    Garbage,
    /// It holds none, before anything expires at this time.
    Nothing {
        /// Unix seconds.
        next_expiry: Option<u64>,
    },
    /// A compaction has removed nothing of it.
    InVain {
        /// Calls that leave it alone.
        pause: u32,
        /// Of these: to come.
        left: u32,
        /// As the engine told of them.
        snapshots: Option<u64>,
    },
}

/// Of all families.
#[derive(Debug, Default)]
pub(super) struct KnownFiles {
    files: HashMap<(Family, File), (LookedAtUnder, Found)>,
    /// Families in which a compaction made no filter, and how many runs there had been then.
    unfiltered: HashMap<Family, u64>,
}

impl KnownFiles {
    /// Forgets the files of a family that are no more.
    pub(super) fn keep(&mut self, family: Family, all: &[File]) {
        let live: HashSet<File> = all.iter().map(File::bare).collect();
        self.files.retain(|(of, file), _| *of != family || live.contains(file));
    }

    /// What is known of a file, if it is still so.
    pub(super) fn of(&self, family: Family, file: &File, as_of: LookedAtUnder) -> Option<Found> {
        as_of.safe_points?;
        self.files.get(&(family, file.bare())).filter(|(then, _)| *then == as_of).map(|(_, found)| *found)
    }

    /// Something was found out.
    pub(super) fn note(&mut self, family: Family, file: &File, as_of: LookedAtUnder, found: Found) {
        self.files.insert((family, file.bare()), (as_of, found));
    }

    /// Does this call leave the file alone, because it was compacted in vain?
    pub(super) fn pauses(&mut self, family: Family, file: &File, as_of: LookedAtUnder, now: Option<u64>) -> bool {
        match self.files.get_mut(&(family, file.bare())) {
            Some((then, Found::InVain { left, snapshots, .. })) if *then == as_of && *snapshots == now => {
                let pauses = *left > 0;
                *left = left.saturating_sub(1);
                pauses
            }
            _ => false,
        }
    }

    /// The pause after one more compaction in vain; `before` = what was known of the files that it has rewritten. Where the engine tells
    /// of snapshots, that is what ends it.
    pub(super) fn next_pause(before: impl Iterator<Item = Found>, snapshots: Option<u64>) -> u32 {
        if snapshots.is_some() {
            return LONGEST_PAUSE;
        }
        let pause = |found| if let Found::InVain { pause, .. } = found { pause } else { 0 };
        before.map(pause).max().map_or(1, |longest| (2 * longest).clamp(1, LONGEST_PAUSE))
    }

    /// A compaction of this family made no filter.
    pub(super) fn note_unfiltered(&mut self, family: Family, runs: u64) {
        self.unfiltered.insert(family, runs);
    }

    /// Has there been no run since a compaction of this family made no filter?
    pub(super) fn is_unfiltered(&self, family: Family, runs: u64) -> bool {
        self.unfiltered.get(&family) == Some(&runs)
    }
}
