//! The obvious answer: what was written, by whom it may be read, and so what must still be there.

use std::collections::BTreeMap;

/// Which versions readers want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    Latest,
    Snapshot,
    /// Records of transactions, read at a timestamp.
    Txn,
}

/// Is it a put or a delete, and is its value elsewhere? For write records.
fn data(record: &[u8]) -> Option<bool> {
    match record {
        [b'P', _, rest @ ..] => Some(rest.first() != Some(&b'v')),
        [b'D', ..] => Some(false),
        _ => None,
    }
}

/// A row: keyspace and user key.
pub type RowKey = (u32, Vec<u8>);

/// A written version.
#[derive(Debug, Clone)]
pub struct Version {
    pub stored_key: Vec<u8>,
    pub value: Vec<u8>,
    /// A look at the DB did not find it: it must never come back.
    pub gone: bool,
    /// What the host deleted under this key before it wrote a rollback there.
    pub beneath: Option<Vec<u8>>,
}

/// Everything that was written and not deleted by the host.
pub struct Model {
    pub history: History,
    /// Versions by timestamp.
    pub rows: BTreeMap<RowKey, BTreeMap<u64, Version>>,
    /// The highest effective safe point that a keyspace ever had.
    pub safe_points: BTreeMap<u32, u64>,
}

impl Model {
    pub fn new(history: History) -> Self {
        Self { history, rows: BTreeMap::new(), safe_points: BTreeMap::new() }
    }

    pub fn safe_point(&self, keyspace: u32) -> u64 {
        self.safe_points.get(&keyspace).copied().unwrap_or(0)
    }

    pub fn saw_safe_point(&mut self, keyspace: u32, effective: u64) {
        let highest = self.safe_points.entry(keyspace).or_default();
        *highest = effective.max(*highest);
    }

    /// Must this version be there? Versions that nobody can read may be gone.
    pub fn must_stay(&self, keyspace: u32, row: &BTreeMap<u64, Version>, ts: u64) -> bool {
        let safe_point = self.safe_point(keyspace);
        match self.history {
            History::Latest => ts >= safe_point || row.range(ts + 1..).next().is_none(),
            History::Snapshot => row.range(ts + 1..safe_point.max(ts + 1)).next().is_none(),
            History::Txn if ts > safe_point => true,
            History::Txn => match data(&row[&ts].value) {
                None => false,
                Some(long_value) => long_value || !row.range(ts + 1..safe_point + 1).any(|(_, newer)| data(&newer.value).is_some()),
            },
        }
    }

    /// Is there, in a transaction's row, a newer put or delete at or below the safe point that
    /// every reader finds first?
    fn is_shadowed(&self, keyspace: u32, row: &BTreeMap<u64, Version>, ts: u64) -> bool {
        let eligible = row.range(ts + 1..(self.safe_point(keyspace) + 1).max(ts + 1));
        self.history == History::Txn && eligible.into_iter().any(|(_, newer)| !newer.gone && data(&newer.value).is_some())
    }

    /// Compares with what the DB shows. Returns how many versions exist that could be gone.
    pub fn check(&mut self, found: &[(Vec<u8>, Vec<u8>)]) -> Result<usize, String> {
        let mut found: BTreeMap<&[u8], &[u8]> = found.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
        let mut spare = 0;
        let mut lost = Vec::new();
        let mut revealed = Vec::new();
        for ((keyspace, user_key), row) in &self.rows {
            for (ts, version) in row {
                let must_stay = self.must_stay(*keyspace, row, *ts);
                let name = format!("keyspace {keyspace} row {user_key:02x?} @{ts}");
                match found.remove(version.stored_key.as_slice()) {
                    Some(_) if version.gone => return Err(format!("{name} came back")),
                    // A skip over a shadowed rollback may uncover an older value of the same key,
                    // which is shadowed before and after.
                    Some(value) if version.beneath.as_deref() == Some(value) && self.is_shadowed(*keyspace, row, *ts) => {
                        revealed.push(((*keyspace, user_key.clone()), *ts));
                        spare += usize::from(!must_stay);
                    }
                    Some(value) if value != version.value => return Err(format!("{name} has another value")),
                    Some(_) => spare += usize::from(!must_stay),
                    None if must_stay => return Err(format!("{name} is lost; safe point {}", self.safe_point(*keyspace))),
                    None => lost.push(((*keyspace, user_key.clone()), *ts)),
                }
            }
        }
        if let Some(key) = found.keys().next() {
            return Err(format!("{key:02x?} is there, though the host deleted it or never wrote it"));
        }
        for (row, ts) in lost {
            self.rows.get_mut(&row).and_then(|row| row.get_mut(&ts)).unwrap().gone = true;
        }
        for (row, ts) in revealed {
            let version = self.rows.get_mut(&row).and_then(|row| row.get_mut(&ts)).unwrap();
            version.value = version.beneath.take().unwrap();
        }
        Ok(spare)
    }
}
