//! Transactions of several scopes in one. A fleet with 10,000 scopes needs 200 transactions a round
//! then, not 20,000.
//!
//! All of them come from one reading, so each compares the same revision, and counts it up by one.
//! Together they compare it once and count it up once: all pass, or none. Scopes are independent,
//! so what holds for each alone holds for all at once.

use crate::etcd::txn::MOST_OPERATIONS;
use crate::layout::id::Scope;
use crate::protocol::etcd::Txn;

/// Transactions in one, and whose they are.
#[derive(Debug, Default)]
pub struct Batch {
    txn: Txn,
    scopes: Vec<Scope>,
}

impl Batch {
    /// Adds the transaction of a scope. `false`: it does not fit any more, and is left out.
    pub fn add(&mut self, scope: Scope, txn: &Txn) -> bool {
        let mut both = self.txn.clone();
        both.compares.extend(txn.compares.iter().filter(|compare| !self.txn.compares.contains(compare)).cloned());
        both.writes.extend(txn.writes.iter().filter(|write| !self.txn.writes.contains(write)));
        if both.compares.len().max(both.writes.len()) > MOST_OPERATIONS {
            return false;
        }
        self.txn = both;
        self.scopes.push(scope);
        true
    }

    /// The transaction and the scopes; `None`: nothing was added.
    pub fn take(&mut self) -> Option<(Txn, Vec<Scope>)> {
        let Self { txn, scopes } = std::mem::take(self);
        (!scopes.is_empty()).then_some((txn, scopes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::layout::id::KeyspaceId;
    use crate::protocol::etcd::{Key, Snapshot, Value};
    use crate::protocol::worker::advance_txn;

    #[test]
    fn a_batch_compares_and_counts_the_revision_once_and_fits_etcd() {
        let mut read = Snapshot::default();
        read.write(Key::Leader, Some(Value::Epoch(1)));
        let (mut batch, mut added) = (Batch::default(), 0);
        for id in 0..1000 {
            let txn = advance_txn(&read, 1, id, 9, 5).txn.unwrap();
            if !batch.add(Scope::Keyspace(KeyspaceId::new(id).unwrap()), &txn) {
                break;
            }
            added += 1;
        }
        let (txn, scopes) = batch.take().unwrap();
        assert!(added > 100 && scopes.len() == added, "{added}");
        assert!(txn.compares.len() <= MOST_OPERATIONS && txn.writes.len() <= MOST_OPERATIONS);
        assert!(read.commit(&txn));
        assert_eq!(read.number(Key::Revision), 1);
        assert!((0..added as u32).all(|id| read.number(Key::Txn(id)) == 9));
        assert!(batch.take().is_none());
    }
}
