//! Writes, compactions, the worker, and a clock that is wrong meanwhile.

use super::Host;
use crate::model::{LATER, NOW, ROWS, Record, Version};
use rand::RngExt;
use rand::seq::IndexedRandom;
use std::sync::atomic::Ordering::SeqCst;

impl Host {
    /// Not in a destroyed range (H3), at or above the effective safe point (H1), upwards in a row.
    pub(super) fn write(&mut self) -> bool {
        for _ in 0..self.rng.random_range(1..8) {
            let (family, keyspace, row) = (self.some_family(), self.some_keyspace(), self.rng.random_range(0..ROWS));
            let owner = self.owner(family);
            if self.is_dead(family, keyspace, row) {
                continue;
            }
            let last = self.model.families[family].get(&(keyspace, row)).and_then(|row| row.last_key_value()).map(|(ts, _)| *ts);
            let at_safe_point = self.contexts[owner].safe_points.get(&keyspace).copied().unwrap_or(1);
            self.next_ts = self.next_ts.max(at_safe_point) + self.rng.random_range(1..4);
            // Above what was deleted or destroyed of the row (H2, H3).
            let ts = match last {
                Some(last) if self.rng.random_ratio(1, 4) => at_safe_point.max(last + 1),
                _ => self.next_ts,
            };
            let value = self.value(ts);
            let key = self.contexts[owner].gc.raw_key(keyspace, &[row], ts);
            if self.has_wal {
                self.store().put(family, &key, &value);
            } else {
                self.store().put_without_wal(family, &key, &value);
            }
            self.trace.push(format!("put {family}: {keyspace}/{row} @{ts} {value:?}"));
            self.model.families[family].entry((keyspace, row)).or_default().insert(ts, Version { value, gone: false });
        }
        true
    }

    pub(super) fn value(&mut self, ts: u64) -> Vec<u8> {
        let expiry = |at: u64| [&at.to_be_bytes()[..], &[1]].concat();
        let tail = match self.rng.random_range(0..10) {
            0..3 => vec![2],
            3 => expiry(NOW - 1),
            4..6 => expiry(LATER),
            _ => vec![0],
        };
        [format!("v{ts}").as_bytes(), &tail].concat()
    }

    /// H2: a row may be deleted as a whole.
    pub(super) fn delete_a_row(&mut self) -> bool {
        let family = self.some_family();
        let rows: Vec<_> = self.model.families[family].keys().copied().collect();
        let Some(&(keyspace, row)) = rows.choose(&mut self.rng) else { return false };
        for ts in self.model.families[family].remove(&(keyspace, row)).unwrap().into_keys() {
            let key = self.contexts[0].gc.raw_key(keyspace, &[row], ts);
            if self.has_wal {
                self.store().delete(family, &key);
            } else {
                self.store().delete_without_wal(family, &key);
            }
        }
        self.trace.push(format!("delete {family}: {keyspace}/{row}"));
        true
    }

    pub(super) fn flush(&mut self) -> bool {
        let family = self.some_family();
        self.store().flush(family);
        true
    }

    pub(super) fn compact_a_range(&mut self) -> bool {
        let (family, keyspace, row) = (self.some_family(), self.some_keyspace(), self.rng.random_range(0..ROWS));
        let record = Record { context: 0, keyspace, rows: Some((row, self.rng.random_range(row..ROWS) + 1)) };
        let (start, end) = record.ranges(self.contexts[0].gc).remove(0);
        self.store().engine_compact(family, (&start, &end));
        true
    }

    /// RocksDB refuses what it cannot.
    pub(super) fn compact_a_level(&mut self) -> bool {
        let (family, from) = (self.some_family(), self.rng.random_range(0..6));
        let to = self.rng.random_range(from.max(1)..7);
        self.store().compact_files(family, from, to).is_ok()
    }

    pub(super) fn compact_everything(&mut self) -> bool {
        self.live_families().for_each(|family| self.store().compact(family));
        true
    }

    pub(super) fn drain(&mut self) -> bool {
        for context in self.contexts.iter().filter(|context| context.is_attached) {
            assert_eq!(context.gc.drain(60_000), Ok(0));
        }
        true
    }

    pub(super) fn collect(&mut self) -> bool {
        let (place, budget) = (self.some_context(), *[0, 0, 2000, 100_000].choose(&mut self.rng).unwrap());
        let context = &self.contexts[place];
        if context.is_attached {
            context.gc.collect(budget).expect("collects");
        }
        context.is_attached
    }

    /// The clock is wrong while everything is compacted and the worker is busy.
    pub(super) fn leap(&mut self) -> bool {
        self.contexts.iter().for_each(|context| context.gc.look_at_the_clock());
        self.clock.store(*[1, NOW * 100, NOW + 10 * 365 * 86_400, 1_700_000_000_000].choose(&mut self.rng).unwrap(), SeqCst);
        self.compact_everything();
        self.drain();
        self.clock.store(NOW, SeqCst);
        self.contexts.iter().for_each(|context| context.gc.look_at_the_clock());
        true
    }
}
