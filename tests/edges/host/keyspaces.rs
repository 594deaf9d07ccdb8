//! Safe points, and which keyspaces are registered or paused.

use super::{Host, gc_type};
use crate::model::{GLOBAL, KEYSPACES};
use rand::RngExt;

impl Host {
    pub(super) fn advance(&mut self) -> bool {
        let (place, keyspace, ts) = (self.some_context(), self.some_keyspace(), self.rng.random_range(1..self.next_ts + 2));
        self.advance_to(place, keyspace, ts);
        self.trace.push(format!("safe point of {keyspace} in context {place}: {ts}"));
        true
    }

    pub(super) fn advance_to(&mut self, place: usize, keyspace: u32, ts: u64) {
        let context = &mut self.contexts[place];
        if keyspace == GLOBAL {
            context.gc.advance_global(ts);
        } else {
            context.gc.advance(keyspace, ts).unwrap();
        }
        self.note_safe_points(place);
    }

    pub(super) fn note_safe_points(&mut self, place: usize) {
        let context = &mut self.contexts[place];
        for keyspace in KEYSPACES {
            let highest = context.safe_points.entry(keyspace).or_default();
            *highest = context.gc.effective(keyspace).max(*highest);
        }
    }

    /// Everything that is there when the call returns is kept.
    pub(super) fn pause(&mut self) -> bool {
        let (place, keyspace) = (self.some_context(), self.some_keyspace());
        self.contexts[place].gc.remove(keyspace);
        self.check(false);
        self.contexts[place].paused.insert(keyspace);
        self.trace.push(format!("pause {keyspace} in context {place}"));
        true
    }

    pub(super) fn name_again(&mut self) -> bool {
        let (place, keyspace) = (self.some_context(), self.some_keyspace());
        self.name(place, keyspace)
    }

    pub(super) fn name(&mut self, place: usize, keyspace: u32) -> bool {
        if place > 0 && self.model.extra_is_dropped {
            return false;
        }
        let named = self.contexts[place].gc.name(keyspace, gc_type(keyspace));
        if self.is_destroyed(place, keyspace) {
            assert!(named.is_err_and(|text| text.contains("is destroyed")));
            return false;
        }
        named.expect("names");
        self.trace.push(format!("name {keyspace} in context {place}"));
        let highest = self.contexts[place].safe_points.get(&keyspace).copied().unwrap_or(0);
        if highest > 0 {
            self.advance_to(place, keyspace, highest);
        }
        // The global one holds at once.
        self.note_safe_points(place);
        self.contexts[place].paused.remove(&keyspace)
    }

    /// What the host says to a new context; `all` = names of destroyed keyspaces, too.
    pub(super) fn tell(&mut self, place: usize, all: bool) {
        let highest = self.contexts[place].safe_points.clone();
        for keyspace in KEYSPACES {
            if self.contexts[place].paused.contains(&keyspace) {
                self.contexts[place].gc.remove(keyspace);
            } else if all || !self.is_destroyed(place, keyspace) {
                self.contexts[place].gc.name(keyspace, gc_type(keyspace)).expect("nothing is attached");
            }
        }
        highest.into_iter().filter(|(_, ts)| *ts > 0).for_each(|(keyspace, ts)| self.advance_to(place, keyspace, ts));
    }
}
