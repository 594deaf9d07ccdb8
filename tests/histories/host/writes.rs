//! Writes and deletes.

use super::{Host, NOW};
use crate::support::model::{History, RowKey, Version};
use crate::support::rocksdb::Write;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rocks_gc::ffi::c;

impl Host {
    pub(super) fn value(&mut self, ts: u64) -> Vec<u8> {
        if self.model.history == History::Txn {
            return self.record(ts);
        }
        let expiry = |at: u64| [&at.to_be_bytes()[..], &[1]].concat();
        let tail = match self.rng.random_range(0..10) {
            0..2 => vec![2],
            2 => expiry(NOW - 1),
            3 => expiry(NOW + 1),
            _ => vec![0],
        };
        [format!("v{ts}").as_bytes(), &tail].concat()
    }

    /// Every record is its own, for its timestamp stands in it as a last change.
    pub(super) fn record(&mut self, ts: u64) -> Vec<u8> {
        let head: &[u8] = match self.rng.random_range(0..12) {
            0..2 => b"D\x05",
            2..4 => b"R\x05",
            4 => b"L\x05",
            5..7 => b"P\x05",
            _ => b"P\x05v\x05value",
        };
        let fence = if self.rng.random_ratio(1, 8) { [&b"RF"[..], &(ts + 3).to_be_bytes()].concat() } else { Vec::new() };
        [head, &fence, b"l", &ts.to_be_bytes(), b"\x01"].concat()
    }

    /// Writes at or above the effective safe point (H1) and above what a whole-row delete covers
    /// (H2), and never twice at one timestamp.
    pub(super) fn write_versions(&mut self) {
        for _ in 0..self.rng.random_range(1..6) {
            let row = self.row();
            // H1 forbids a transaction to commit at the safe point; the library does not lose it.
            let lowest = self.model.safe_point(row.0).max(self.deleted_up_to.get(&row).map_or(1, |ts| ts + 1));
            self.next_ts += self.rng.random_range(0..3);
            let ts = match self.rng.random_range(0..10) {
                0..2 => self.rng.random_range(lowest..self.next_ts.max(lowest + 1)),
                2 => lowest,
                _ => self.next_ts.max(lowest),
            };
            if self.model.rows.get(&row).is_some_and(|versions| versions.contains_key(&ts)) {
                continue;
            }
            let (stored_key, value) = (self.stored_key(&row, ts), self.value(ts));
            self.db.write(&[Write::Put(&stored_key, &value)]);
            self.at_safe_point += usize::from(ts == self.model.safe_point(row.0));
            self.model.rows.entry(row).or_default().insert(ts, Version { stored_key, value, gone: false, beneath: None });
        }
    }

    /// A rollback holds no data, so the host may write it at any timestamp, also where a deleted
    /// version was.
    pub(super) fn write_late_rollback(&mut self) {
        if self.model.history != History::Txn {
            return;
        }
        let (row, ts) = match self.deleted.choose(&mut self.rng) {
            Some((row, ts, _)) if self.rng.random() => (row.clone(), *ts),
            _ => (self.row(), self.rng.random_range(1..self.next_ts)),
        };
        let beneath = self.deleted.iter().rfind(|(deleted, at, _)| (deleted, *at) == (&row, ts)).map(|(_, _, value)| value.clone());
        if self.model.rows.get(&row).and_then(|versions| versions.get(&ts)).is_some_and(|version| !version.gone) {
            return;
        }
        let (stored_key, value) = (self.stored_key(&row, ts), [b"R\x06l", &ts.to_be_bytes()[..], b"\x01"].concat());
        self.db.write(&[Write::Put(&stored_key, &value)]);
        self.model.rows.entry(row).or_default().insert(ts, Version { stored_key, value, gone: false, beneath });
    }

    pub(super) fn write_a_file_of_tombstones(&mut self) {
        self.db.flush();
        self.delete_an_older_version();
        self.delete_a_row();
        self.db.flush();
    }

    pub(super) fn write_foreign(&mut self) {
        let key = if self.plain || self.rng.random() {
            (0..self.rng.random_range(0..7)).map(|_| *b"z\0r\xff".choose(&mut self.rng).unwrap()).collect()
        } else {
            let (keyspace, user_key) = self.row();
            let (mode, keyspace) = if self.model.history == History::Txn {
                (c::RGC_MODE_RAW, keyspace)
            } else {
                *[(c::RGC_MODE_TXN, keyspace), (c::RGC_MODE_TIDB_TABLE, c::RGC_KEYSPACE_NONE)].choose(&mut self.rng).unwrap()
            };
            self.gc.key(mode, keyspace, &user_key, self.rng.random_range(0..self.next_ts))
        };
        let value = vec![self.rng.random(); 3];
        self.db.write(&[Write::Put(&key, &value)]);
        self.foreign.insert(key, value);
    }

    pub(super) fn some_row(&mut self) -> Option<RowKey> {
        let rows: Vec<_> = self.model.rows.keys().cloned().collect();
        rows.choose(&mut self.rng).cloned()
    }

    /// Not the newest, and with snapshots nothing that anybody reads: H2.
    pub(super) fn delete_an_older_version(&mut self) {
        let Some(row) = self.some_row() else { return };
        let versions = &self.model.rows[&row];
        let Some((&newest, _)) = versions.last_key_value() else { return };
        let may_go = |ts: &u64| *ts < newest && (self.model.history == History::Latest || !self.model.must_stay(row.0, versions, *ts));
        let older: Vec<u64> = versions.keys().copied().filter(may_go).collect();
        let Some(&ts) = older.choose(&mut self.rng) else { return };
        let version = self.model.rows.get_mut(&row).unwrap().remove(&ts).unwrap();
        self.db.write(&[Write::Delete(&version.stored_key)]);
        self.deleted.push((row, ts, version.value));
    }

    pub(super) fn delete_a_row(&mut self) {
        let Some(row) = self.some_row() else { return };
        let versions = self.model.rows.remove(&row).unwrap();
        let Some((&newest, _)) = versions.last_key_value() else { return };
        if self.rng.random() {
            let (start, end) = (self.stored_key(&row, u64::MAX), [self.stored_key(&row, 0), vec![0]].concat());
            self.db.write(&[Write::DeleteRange(&start, &end)]);
        } else {
            let keys: Vec<_> = versions.values().map(|version| Write::Delete(&version.stored_key)).collect();
            self.db.write(&keys);
            self.deleted.extend(versions.iter().map(|(ts, version)| (row.clone(), *ts, version.value.clone())));
        }
        self.deleted_up_to.insert(row, newest);
    }
}
