//! Compares and writes: all at once, or nothing.

use super::client::{Client, kv};
use super::list::Keys;
use crate::error::{Error, Result};
use etcd_client::{CompareOp, DeleteOptions, PutOptions, TxnOp};

/// etcd's limit, for compares and for writes.
pub const MOST_OPERATIONS: usize = 128;

/// What must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The key has this value.
    Value(String, Vec<u8>),
    /// The key is not there.
    Absent(String),
    /// The revision that wrote the value.
    ModRevision(String, i64),
    /// The revision that made the key.
    CreateRevision(String, i64),
    /// The key lies under this lease.
    Lease(String, i64),
    /// No key of these was written after this revision. A deletion is not seen: where it matters,
    /// compare the key's own revision too.
    NotWrittenSince(Keys, i64),
}

/// A key that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// The id of the lease with which the key ends.
    pub lease: Option<i64>,
}

/// A transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    /// All must hold.
    pub compares: Vec<Compare>,
    /// Each key at most once, in puts and deletes together.
    pub puts: Vec<Put>,
    /// What goes.
    pub deletes: Vec<Keys>,
}

impl Put {
    /// Without a lease.
    pub fn new(key: String, value: impl Into<Vec<u8>>) -> Self {
        Self { key, value: value.into(), lease: None }
    }
}

impl Client {
    /// Commits, if all compares hold; else writes nothing and returns `false`. After an error that
    /// names a timeout or a broken connection the transaction may have happened: read again.
    pub async fn commit(&self, txn: &Txn) -> Result<bool> {
        let operations = txn.compares.len().max(txn.puts.len() + txn.deletes.len());
        if operations > MOST_OPERATIONS {
            return Err(Error(format!("a transaction has {operations} operations; etcd takes {MOST_OPERATIONS}")));
        }
        let compares: Vec<_> = txn.compares.iter().map(Compare::build).collect();
        let puts = txn
            .puts
            .iter()
            .map(|put| TxnOp::put(put.key.as_str(), put.value.as_slice(), put.lease.map(|id| PutOptions::new().with_lease(id))));
        let writes: Vec<_> = puts.chain(txn.deletes.iter().map(delete)).collect();
        let request = etcd_client::Txn::new().when(compares).and_then(writes);
        let call = |client: etcd_client::Client| async move { kv(&client).txn(request).await };
        let answer = self.once(&format!("write {}", txn.keys()), call).await;
        answer.map(|answer| answer.succeeded()).map_err(|(failure, Error(text))| {
            Error(if failure.is_of_the_member() { format!("{text}; the write may have happened") } else { text })
        })
    }
}

impl Txn {
    /// The keys that it writes, for errors.
    fn keys(&self) -> String {
        let keys: Vec<&str> = self.puts.iter().map(|put| put.key.as_str()).chain(self.deletes.iter().map(Keys::text)).collect();
        keys.join(", ")
    }
}

impl Compare {
    fn build(&self) -> etcd_client::Compare {
        match self {
            Self::Value(key, value) => etcd_client::Compare::value(key.as_str(), CompareOp::Equal, value.as_slice()),
            Self::Absent(key) => etcd_client::Compare::create_revision(key.as_str(), CompareOp::Equal, 0),
            Self::ModRevision(key, revision) => etcd_client::Compare::mod_revision(key.as_str(), CompareOp::Equal, *revision),
            Self::CreateRevision(key, revision) => etcd_client::Compare::create_revision(key.as_str(), CompareOp::Equal, *revision),
            Self::Lease(key, lease) => etcd_client::Compare::lease(key.as_str(), CompareOp::Equal, *lease),
            Self::NotWrittenSince(keys, revision) => {
                let (from, end) = keys.bounds();
                let compare = etcd_client::Compare::mod_revision(from, CompareOp::Less, revision + 1);
                end.into_iter().fold(compare, etcd_client::Compare::with_range)
            }
        }
    }
}

fn delete(keys: &Keys) -> TxnOp {
    let (from, end) = keys.bounds();
    TxnOp::delete(from, end.map(|end| DeleteOptions::new().with_range(end)))
}
