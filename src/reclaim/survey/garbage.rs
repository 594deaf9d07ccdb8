//! The garbage of each keyspace in all files, for the metrics. The worker reads the properties of the
//! files only after a call of `rgc_metrics`, and at most once a minute.

use super::gain;
use crate::callback::lock;
use crate::error::Error;
use crate::layout::{KeyOwner, KeyspaceId};
use crate::reclaim::store::{Role, Store};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The shortest time between two surveys. A long survey is rarer: all surveys together take at most
/// a hundredth of the worker's time.
const SHORTEST: Duration = Duration::from_secs(60);
const PART_OF_THE_TIME: u32 = 100;

/// The result of the last survey.
#[derive(Debug, Default)]
pub struct GarbageSurvey(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_wanted: bool,
    next: Option<Instant>,
    /// The bytes of garbage of each keyspace that has any; `None` if no file had properties.
    found: Option<HashMap<KeyspaceId, u64>>,
}

impl GarbageSurvey {
    /// The result of the last survey. The worker makes another one later.
    pub fn ask(&self) -> Option<HashMap<KeyspaceId, u64>> {
        let mut state = lock(&self.0);
        state.is_wanted = true;
        state.found.clone()
    }

    /// Makes a survey, if the result was asked for and the last survey is old enough.
    pub fn run_if_due(&self, store: &Store) -> Result<(), Error> {
        let begun = Instant::now();
        let is_due = |state: &State| state.is_wanted && state.next.is_none_or(|next| next <= begun);
        if !is_due(&lock(&self.0)) {
            return Ok(());
        }
        let found = garbage(store);
        let mut state = lock(&self.0);
        state.is_wanted = false;
        state.next = Some(Instant::now() + SHORTEST.max(begun.elapsed() * PART_OF_THE_TIME));
        state.found = found?;
        Ok(())
    }
}

/// The bytes of garbage of each keyspace, by the properties of all files.
fn garbage(store: &Store) -> Result<Option<HashMap<KeyspaceId, u64>>, Error> {
    let mut found: Option<HashMap<KeyspaceId, u64>> = None;
    for family in [Role::Default, Role::Write].into_iter().filter_map(|role| store.families.with_role(role)) {
        let kind = store.kind_of(family);
        for file in store.engine.files_with_properties(family)? {
            let Some(figures) = store.figures_of(family, &file) else { continue };
            let found = found.get_or_insert_default();
            for (owner, figures) in figures.owners.each.iter().filter_map(|(number, figures)| Some((number.owner()?, figures))) {
                let bytes = gain::of_owner(&store.shared, kind, owner, figures).bytes;
                if let (KeyOwner::Keyspace(_, keyspace), 1..) = (owner, bytes) {
                    *found.entry(keyspace).or_default() += bytes;
                }
            }
        }
    }
    Ok(found)
}
