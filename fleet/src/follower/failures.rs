//! Failures of what is tried again every half second: each is logged once, until it ends or changes.

use std::collections::BTreeSet;

/// The failures of the last round, and of this one.
#[derive(Debug, Default)]
pub struct Failures {
    before: BTreeSet<String>,
    now: BTreeSet<String>,
}

impl Failures {
    /// Something failed in this round.
    pub fn note(&mut self, failure: String) {
        if !self.before.contains(&failure) {
            tracing::error!("{failure}");
        }
        self.now.insert(failure);
    }

    /// The round is over.
    pub fn end_round(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }
}
