//! The store against what the host knows.

use super::{History, Host, Test};
use std::collections::{BTreeMap, BTreeSet};

impl Test {
    /// What a reader finds: of RawKV latest the newest, else the newest at or below a timestamp.
    fn read(history: History, versions: &BTreeMap<u64, Vec<u8>>, at: u64) -> Option<Vec<u8>> {
        let mut older = versions.range(..=if history == History::Latest { u64::MAX } else { at }).rev();
        let found = match history {
            History::Txn => older.find(|(_, record)| matches!(record[0], b'P' | b'D')),
            _ => older.next(),
        };
        found.map(|(_, value)| value.clone()).filter(|value| match history {
            History::Txn => value[0] == b'P',
            _ => value[value.len() - 1] == 0,
        })
    }

    pub fn check(&self, at_the_end: bool) -> Result<(), String> {
        let host = self.host.lock().unwrap();
        let history = host.history;
        let found: BTreeMap<_, _> = self.store.scan(usize::from(history == History::Txn)).into_iter().collect();
        let mut known = BTreeSet::new();
        for (row, written) in &host.rows {
            let mut there: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
            for (ts, value) in written {
                let key = self.key(history, *row, *ts);
                if let Some(shown) = found.get(&key) {
                    if shown != value {
                        return Err(format!("{row:?}@{ts} has another value"));
                    }
                    there.insert(*ts, value.clone());
                }
                known.insert(key);
            }
            if host.destroying.as_ref().is_some_and(|(range, _)| self.touches(history, *row, range)) {
                continue;
            }
            let safe_point = host.safe_points.get(&row.0).copied().unwrap_or(0);
            // Between two versions all timestamps read the same.
            let moments = written.keys().copied().filter(|ts| *ts >= safe_point).chain([safe_point.max(1), host.next_ts + 1]);
            for at in moments {
                let (expected, read) = (Self::read(history, written, at), Self::read(history, &there, at));
                if expected != read {
                    return Err(format!("{row:?} read at {at}, safe point {safe_point}: {read:02x?} instead of {expected:02x?}"));
                }
                if history == History::Latest {
                    break;
                }
            }
            // A row that a standing record cuts is left to when it is gone.
            let cut = host.destroyed.iter().any(|range| self.touches(history, *row, range));
            if at_the_end && !cut {
                let spare: Vec<_> = there.keys().filter(|ts| !Self::must_stay(history, written, **ts, safe_point)).collect();
                if !spare.is_empty() {
                    return Err(format!("{row:?}, safe point {safe_point}: {spare:?} could be gone, of {written:02x?}"));
                }
            }
        }
        if let Some(strange) = found.keys().find(|key| !known.contains(*key) && key[0] != 1 && !self.is_being_destroyed(&host, key)) {
            return Err(format!("{strange:02x?} is there, though it was destroyed or never written"));
        }
        if history != History::Txn || self.check_values(&host, &found).is_ok() {
            return Ok(());
        }
        // The worker may have been between the two families; let it finish what it has.
        self.gc.drain(10_000)?;
        self.check_values(&host, &self.store.scan(1).into_iter().collect())
    }

    fn is_being_destroyed(&self, host: &Host, key: &[u8]) -> bool {
        host.destroying.as_ref().is_some_and(|((start, end), _)| start.as_slice() <= key && key < end.as_slice())
    }

    /// Every long value has its record, and every record its value.
    fn check_values(&self, host: &Host, records: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), String> {
        if host.destroying.is_some() {
            return Ok(());
        }
        let long = records.iter().filter(|(_, record)| record.len() == 4 && record[0] == b'P');
        let named: BTreeSet<Vec<u8>> = long
            .map(|(key, record)| {
                let start_ts = u64::from(record[1] & 0x7f) | u64::from(record[2] & 0x7f) << 7 | u64::from(record[3]) << 14;
                [&key[..key.len() - 8], &(!start_ts).to_be_bytes()].concat()
            })
            .collect();
        let values: BTreeSet<Vec<u8>> = self.store.keys(0).into_iter().filter(|key| key[0] != 1).collect();
        let cut_rows = host.rows.keys().filter(|row| host.destroyed.iter().any(|range| self.touches(History::Txn, **row, range)));
        let cut_rows: BTreeSet<Vec<u8>> = cut_rows.map(|row| row_of(&self.key(History::Txn, *row, 0)).to_vec()).collect();
        let of_cut_rows = |key: &Vec<u8>| cut_rows.contains(row_of(key));
        let orphan = values.iter().find(|key| !named.contains(*key) && !host.locked.contains(*key) && !of_cut_rows(key));
        let missing =
            named.iter().find(|key| !values.contains(*key) && !of_cut_rows(key)).or(host.locked.iter().find(|key| !values.contains(*key)));
        match (orphan, missing) {
            (None, None) => Ok(()),
            _ => Err(format!("values without records {orphan:02x?}, without values {missing:02x?}")),
        }
    }

    fn must_stay(history: History, row: &BTreeMap<u64, Vec<u8>>, ts: u64, safe_point: u64) -> bool {
        let alive = |value: &Vec<u8>| value[value.len() - 1] == 0;
        let newest = *row.last_key_value().unwrap().0;
        match history {
            History::Latest => ts >= safe_point || ts == newest && alive(&row[&ts]),
            History::Snapshot => {
                ts >= safe_point || row.range(ts + 1..safe_point.max(ts + 1)).next().is_none() && (ts != newest || alive(&row[&ts]))
            }
            History::Txn => {
                let newest_data = row.range(..=safe_point).rev().find(|(_, record)| matches!(record[0], b'P' | b'D'));
                ts > safe_point || newest_data.is_some_and(|(newest, record)| *newest == ts && record[0] == b'P')
            }
        }
    }
}

/// A stored key without its timestamp.
fn row_of(key: &[u8]) -> &[u8] {
    &key[..key.len() - 8]
}
