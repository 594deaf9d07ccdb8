//! Adding and listing ranges to delete.

use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Keys, Put, Txn};
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{OwnValue, Range};
use crate::layout::pd_key::PdKey;
use crate::layout::stored_range;
use crate::translate::cluster::{no_pd, refused};
use crate::translate::read::named;

pub use crate::worker::ranges::Todo;

/// Adds a range of stored keys, under the name of a job and an element. Nodes delete it when G of
/// its scope has reached its timestamp.
pub async fn add(client: &Client, job: &str, element: &str, range: &Range) -> Result<()> {
    let mut compares = vec![no_pd(client)];
    if let Some(keyspace) = stored_range::keyspace(&range.start, &range.end)? {
        let meta = PdKey::KeyspaceMeta(keyspace).build(client.cluster());
        let entries = client.list(&[Keys::One(meta.clone())]).await?.entries;
        let entry = entries.first().ok_or_else(|| Error(format!("the range is in keyspace {keyspace}, which does not exist")))?;
        compares.push(Compare::CreateRevision(meta, entry.create_revision));
    }
    let todo = OwnKey::RangeTodo(job.into(), element.into()).build(client.cluster())?;
    let done = OwnKey::RangeDone(job.into(), element.into()).build(client.cluster())?;
    for (key, state) in [(&todo, "to do"), (&done, "done")] {
        if !client.list(&[Keys::One(key.clone())]).await?.entries.is_empty() {
            return Err(Error(format!("range {job}/{element} is there already: it is {state}; choose another name")));
        }
    }
    compares.extend([Compare::Absent(todo.clone()), Compare::Absent(done)]);
    // An answer to an earlier range of this name must not count for this one.
    let deletes = vec![Keys::Prefix(format!("{todo}/answers/"))];
    if client.commit(&Txn { compares, puts: vec![Put::new(todo, range.build()?)], deletes }).await? {
        return Ok(());
    }
    Err(refused(client, &format!("range {job}/{element} was not added")).await)
}

/// Ranges that are done, by job and element.
pub async fn list_done(client: &Client) -> Result<Vec<((String, String), Range)>> {
    let prefix = format!("/rocks-gc/{}/ranges/done/", client.cluster());
    let mut done = Vec::new();
    for entry in client.list(&[Keys::Prefix(prefix)]).await?.entries {
        if let Some(OwnKey::RangeDone(job, element)) = OwnKey::parse(client.cluster(), &entry.key)? {
            done.push(((job, element), Range::parse(&entry.value).map_err(|error| named(&entry, error))?));
        }
    }
    Ok(done)
}
