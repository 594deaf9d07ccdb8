//! What a follower knows of itself, for the host to ask at any time.

use super::knowledge::Counts;
use crate::layout::id::Scope;
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state of a follower.
#[derive(Debug, Default)]
pub struct Status(Mutex<State>);

/// The state of a follower, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// Whether a watch is running.
    pub is_connected: bool,
    /// The newest revision that is known.
    pub revision: i64,
    /// The epoch of the registration, if one stands.
    pub epoch: Option<u64>,
    /// Whether this node was fenced.
    pub is_fenced: bool,
    /// Scopes whose locks are not resolved.
    pub unresolved: Vec<String>,
    /// Why the last session ended.
    pub last_error: Option<String>,
    /// Figures.
    #[serde(flatten)]
    pub counts: Option<Counts>,
}

impl Status {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy.
    pub fn get(&self) -> State {
        self.state().clone()
    }

    pub(super) fn connected(&self, is_connected: bool) {
        self.state().is_connected = is_connected;
    }

    pub(super) fn registered(&self, epoch: Option<u64>) {
        self.state().epoch = epoch;
    }

    pub(super) fn fenced(&self) {
        self.state().is_fenced = true;
    }

    pub(super) fn unresolved(&self, scopes: Vec<Scope>) {
        self.state().unresolved = scopes.iter().map(Scope::to_string).collect();
    }

    pub(super) fn failed(&self, error: String) {
        self.state().last_error = Some(error);
    }

    pub(super) fn knows(&self, revision: i64, counts: Counts) {
        let mut state = self.state();
        state.revision = state.revision.max(revision);
        state.counts = Some(counts);
    }
}
