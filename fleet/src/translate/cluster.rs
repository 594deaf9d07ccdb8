//! Is this the right cluster, and does no PD lead?

use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Keys};
use crate::layout::id::decimal;
use crate::layout::pd_key::PdKey;
use std::collections::BTreeSet;

/// Refuses a cluster's id of which etcd holds nothing, if it holds another cluster. An etcd without
/// any cluster is the beginning of a new fleet. One etcd holds one cluster: T of the global scope
/// has no cluster's id in its key.
pub async fn check(client: &Client) -> Result<()> {
    let mut others = clusters(client, "/pd/").await?;
    others.extend(clusters(client, "/rocks-gc/").await?);
    if others.is_empty() || others.contains(&client.cluster()) {
        return Ok(());
    }
    let others: Vec<String> = others.iter().map(u64::to_string).collect();
    Err(Error(format!(
        "etcd holds nothing of cluster {}, but of cluster {}; correct the cluster's id",
        client.cluster(),
        others.join(", ")
    )))
}

/// The ids that follow the prefix. One look-up for each.
async fn clusters(client: &Client, prefix: &str) -> Result<BTreeSet<u64>> {
    let (mut found, mut from) = (BTreeSet::new(), prefix.to_owned());
    while let Some(key) = client.first_key(prefix, &from).await? {
        let text = String::from_utf8_lossy(&key);
        let part = text.strip_prefix(prefix).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        found.extend(decimal::<u64>(part).ok().filter(|_| text.len() > prefix.len() + part.len()));
        // The slash is before 0: on to the first key that does not begin with this part and a
        // slash.
        from = if text.len() > prefix.len() + part.len() { format!("{prefix}{part}0") } else { format!("{text}\0") };
    }
    Ok(found)
}

/// No PD leads.
pub(crate) fn no_pd(client: &Client) -> Compare {
    Compare::Absent(PdKey::Leader.build(client.cluster()))
}

/// Why a transaction was refused.
pub(crate) async fn refused(client: &Client, what: &str) -> Error {
    let leader = PdKey::Leader.build(client.cluster());
    match client.list(&[Keys::One(leader)]).await {
        Ok(listing) if !listing.entries.is_empty() => Error(format!("{what}: a PD leads in this cluster; ask PD to do it")),
        Ok(_) => Error(format!("{what}: another writer changed it at the same time; look at it, and try again")),
        Err(error) => error,
    }
}
