//! Destroyed ranges and their records.

use super::Host;
use crate::model::{DEFAULT, EXTRA, NOW, ROWS, Record};
use rand::RngExt;
use rand::seq::IndexedRandom;

impl Host {
    /// Does a record that stands forbid to write there?
    pub(super) fn is_dead(&self, family: usize, keyspace: u32, row: u8) -> bool {
        let covers = |(record, in_extra): (&Record, &bool)| {
            record.has(keyspace, row) && record.context == self.owner(family) && (family == DEFAULT || *in_extra)
        };
        self.model.records.iter().any(covers)
    }

    pub(super) fn is_destroyed(&self, context: usize, keyspace: u32) -> bool {
        self.model.records.contains_key(&Record { context, keyspace, rows: None })
    }

    /// Of one context, so that it holds in that context's families only.
    pub(super) fn destroy(&mut self, flags: u32) -> bool {
        let (context, keyspace, start) = (self.some_context(), self.some_keyspace(), self.rng.random_range(0..ROWS));
        let rows = self.rng.random_ratio(3, 4).then_some((start, self.rng.random_range(start..ROWS) + 1));
        let record = Record { context, keyspace, rows };
        let gc = self.contexts[context].gc;
        let outcome = match record.rows {
            Some(_) => {
                let (start, end) = record.ranges(gc).remove(0);
                gc.destroy_range(&start, &end, flags).map(|_| ())
            }
            None => gc.destroy_keyspace(keyspace, flags),
        };
        self.trace.push(format!("destroy {record:?}, flags {flags}: {outcome:?}"));
        if self.owner(EXTRA) == context && context > 0 && self.model.extra_is_dropped {
            assert!(outcome.is_err(), "a destroy that nothing records");
            self.note("calls on a dropped family");
            return false;
        }
        if flags != 0 && self.model.records.keys().any(|other| other.overlaps(&record)) {
            assert!(outcome.is_err_and(|text| text.starts_with("Busy: ")), "another record stands");
            self.note("destroy refused");
            return false;
        }
        outcome.expect("destroys");
        let (in_extra, last) = (self.has_extra || context > 0, self.contexts.len() - 1);
        for family in (DEFAULT..=EXTRA).filter(|family| (*family).min(last) == context && (*family == DEFAULT || in_extra)) {
            self.model.families[family].retain(|(keyspace, row), _| !record.has(*keyspace, *row));
        }
        if !in_extra && !self.model.extra_is_dropped {
            self.note("destroyed in the first family only");
        }
        if flags == 0 {
            *self.model.records.entry(record).or_default() |= in_extra;
        }
        true
    }

    pub(super) fn recheck(&mut self) -> bool {
        let (place, early) = (self.some_context(), self.rng.random());
        if !self.contexts[place].is_attached || (place > 0 && self.model.extra_is_dropped) {
            return false;
        }
        let records: usize = self
            .model
            .records
            .keys()
            .filter(|record| record.context == place)
            .map(|record| record.ranges(self.contexts[place].gc).len())
            .sum();
        let (now, expected) = if early { (NOW + 99, 0) } else { (NOW + 100, records) };
        assert_eq!(self.contexts[place].gc.recheck_destroyed(now), Ok(expected));
        if !early {
            self.model.records.retain(|record, _| record.context != place);
        }
        expected > 0
    }

    pub(super) fn forget(&mut self) -> bool {
        let records: Vec<_> = self.model.records.keys().cloned().collect();
        let Some(record) = records.choose(&mut self.rng) else { return false };
        let gc = self.contexts[record.context].gc;
        record.ranges(gc).iter().for_each(|(start, end)| gc.forget_destroyed(start, end).expect("forgets"));
        self.model.records.remove(record);
        self.trace.push(format!("forget {record:?}"));
        true
    }
}
