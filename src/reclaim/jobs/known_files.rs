//! What a collect call remembers of files for later calls. Otherwise every call would spend its
//! budget on reading the same files again, and would rewrite garbage that cannot be removed.
//!
//! A file is remembered by all its metadata, so a rewritten file is a new one. A finding is valid
//! for the safe points, destroyed ranges and schema states under which it was made. A RocksDB
//! snapshot can keep garbage, so that a compaction of a file removes nothing. If the engine reports
//! snapshots, a later call compacts such a file again when the snapshots have changed. Otherwise
//! the next 1, 2, 4 ... calls skip it. No file is skipped by more than 64 calls.

use crate::engine::{Family, File};
use std::collections::{HashMap, HashSet};

/// The longest pause of a file whose compaction removed nothing, in calls.
const LONGEST_PAUSE: u32 = 64;

/// The state under which a file was examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookedAtUnder {
    /// The sum of the safe points of its keyspaces; safe points only increase. `None` means that
    /// the file holds too many keyspaces.
    pub safe_points: Option<u64>,
    /// The generation of destroyed ranges, schema states and paused keyspaces.
    pub generation: u64,
}

/// What was found out about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The file holds garbage.
    Garbage,
    /// The file holds no garbage until a value expires.
    Nothing {
        /// The time when the next value expires, in Unix seconds.
        next_expiry: Option<u64>,
    },
    /// A compaction of the file removed nothing.
    InVain {
        /// The number of calls that skip the file.
        pause: u32,
        /// The number of these calls that are still to come.
        left: u32,
        /// The snapshots at that time, as the engine reported them.
        snapshots: Option<u64>,
    },
}

/// The known files of all families.
#[derive(Debug, Default)]
pub struct KnownFiles {
    files: HashMap<(Family, File), (LookedAtUnder, Found)>,
    /// The families that RocksDB compacted without a filter, each with the number of filters that
    /// had been made by then.
    unfiltered: HashMap<Family, u64>,
}

impl KnownFiles {
    /// Forgets the files of a family that no longer exist.
    pub fn keep(&mut self, family: Family, all: &[File]) {
        let live: HashSet<File> = all.iter().map(File::bare).collect();
        self.files.retain(|(of, file), _| *of != family || live.contains(file));
    }

    /// What is known of a file, if it is still valid.
    pub fn of(&self, family: Family, file: &File, as_of: LookedAtUnder) -> Option<Found> {
        as_of.safe_points?;
        self.files.get(&(family, file.bare())).filter(|(then, _)| *then == as_of).map(|(_, found)| *found)
    }

    /// Remembers a finding.
    pub fn note(&mut self, family: Family, file: &File, as_of: LookedAtUnder, found: Found) {
        self.files.insert((family, file.bare()), (as_of, found));
    }

    /// Whether this call skips the file, because its last compaction removed nothing. `counts` means
    /// that the call counts among those that skip it.
    pub fn pauses(&mut self, family: Family, file: &File, as_of: LookedAtUnder, now: Option<u64>, counts: bool) -> bool {
        match self.files.get_mut(&(family, file.bare())) {
            Some((then, Found::InVain { left, snapshots, .. })) if *then == as_of && *snapshots == now => {
                let pauses = *left > 0;
                *left = left.saturating_sub(u32::from(counts));
                pauses
            }
            _ => false,
        }
    }

    /// The pause after another compaction that removed nothing. `before` holds the findings on the
    /// files that it rewrote. If the engine reports snapshots, a change of them ends the pause.
    pub fn next_pause(before: impl Iterator<Item = Found>, snapshots: Option<u64>) -> u32 {
        if snapshots.is_some() {
            return LONGEST_PAUSE;
        }
        let pause = |found| if let Found::InVain { pause, .. } = found { pause } else { 0 };
        before.map(pause).max().map_or(1, |longest| (2 * longest).clamp(1, LONGEST_PAUSE))
    }

    /// Remembers that RocksDB compacted this family without a filter.
    pub fn note_unfiltered(&mut self, family: Family, runs: u64) {
        self.unfiltered.insert(family, runs);
    }

    /// Whether RocksDB compacted this family without a filter, and no filter was made since.
    pub fn is_unfiltered(&self, family: Family, runs: u64) -> bool {
        self.unfiltered.get(&family) == Some(&runs)
    }
}
