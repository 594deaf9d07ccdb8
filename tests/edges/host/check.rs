//! The store against the model.

use super::Host;
use crate::model::KEYSPACES;
use std::collections::BTreeMap;

/// The prefixes of the two contexts' ledgers.
const LEDGERS: [&[u8]; 2] = [b"\x01rocks_gc/", b"second/"];

impl Host {
    /// What must stay is there, and nothing that must not be; `exact`: nothing else.
    pub(super) fn check(&mut self, exact: bool) {
        for family in self.live_families() {
            let mut found: BTreeMap<_, _> =
                self.store().scan(family).into_iter().filter(|(key, _)| !LEDGERS.iter().any(|own| key.starts_with(own))).collect();
            let owner = self.owner(family);
            let (context, served) = (&self.contexts[owner], owner == family);
            // While the record of a destroyed keyspace exists, a new process cannot register the
            // keyspace. Then it keeps the keyspace's rows in families that the record does not cover.
            let destroyed: Vec<_> = KEYSPACES.into_iter().filter(|keyspace| self.is_destroyed(owner, *keyspace)).collect();
            for ((keyspace, row), versions) in &mut self.model.families[family] {
                let safe_point = context.safe_points.get(keyspace).copied().unwrap_or(0);
                let newest = *versions.last_key_value().unwrap().0;
                for (ts, version) in versions.iter_mut() {
                    let name = format!("family {family}: {keyspace}/{row} @{ts}, safe point {safe_point}, newest {newest}");
                    let is_paused = context.paused.contains(keyspace) && !version.gone;
                    let must_stay = is_paused || *ts >= safe_point || (*ts == newest && !version.is_dead());
                    match found.remove(&context.gc.raw_key(*keyspace, &[*row], *ts)) {
                        Some(_) if version.gone => panic!("{name} came back"),
                        Some(value) => {
                            assert_eq!(value, version.value, "{name} has another value");
                            let may_stay = must_stay || destroyed.contains(keyspace) || (*ts == newest && !served);
                            assert!(!exact || may_stay || !self.has_extra, "{name} could be gone");
                        }
                        None if must_stay => panic!("{name} is lost: {:?}", version.value),
                        None => version.gone = true,
                    }
                }
                let is_dead = versions[&newest].gone;
                assert!(
                    !is_dead || versions.values().all(|version| version.gone),
                    "family {family}: dead row {keyspace}/{row} is alive again"
                );
            }
            assert!(found.is_empty(), "family {family}: deleted, destroyed or never written: {found:02x?}");
        }
        for (place, context) in
            self.contexts.iter().enumerate().filter(|(place, context)| context.is_attached && (*place == 0 || !self.model.extra_is_dropped))
        {
            let records = self.model.records.keys().filter(|record| record.context == place);
            assert_eq!(context.gc.destroyed_count(), records.map(|record| 2 - usize::from(record.rows.is_some())).sum::<usize>());
        }
    }
}
