//! Ranges whose timestamp G has reached: nodes delete them and answer; then the worker moves them
//! from `todo` to `done`.
//!
//! A range is due when its timestamp is at or below G of its scope: nodes and worker see that
//! alike. It is done when every live primary has swept it under its present registration. Without a
//! live primary it waits: then no node has deleted it.

use crate::error::{Error, Result};
use crate::etcd::{Client, Compare, Keys, Lease, Put, Txn};
use crate::layout::gc_management::GcManagement;
use crate::layout::id::{KeyspaceId, Scope};
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{Answer, OwnValue, Progress, Range, Role};
use crate::layout::stored_range;
use crate::protocol::etcd::Key;
use crate::translate::read::{Registration, named};
use crate::translate::{Reading, number};
use std::collections::BTreeMap;

/// A range that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Todo {
    /// Job and element.
    pub name: (String, String),
    /// What to delete.
    pub range: Range,
    /// The revision that wrote it.
    pub mod_revision: i64,
    /// Answers, by node.
    pub answers: BTreeMap<String, Answer>,
}

impl Todo {
    /// All ranges that are not done, and errors about those that cannot be read. An answer that
    /// cannot be read is none.
    pub async fn list(client: &Client) -> Result<(Vec<Self>, Vec<Error>)> {
        let prefix = format!("/rocks-gc/{}/ranges/todo/", client.cluster());
        let mut todo: BTreeMap<(String, String), Self> = BTreeMap::new();
        let mut errors = Vec::new();
        for entry in client.list(&[Keys::Prefix(prefix)]).await?.entries {
            // `todo/job/1` comes before `todo/job/1/answers/n`: a prefix sorts first.
            let mut read = || match OwnKey::parse(client.cluster(), &entry.key)? {
                Some(OwnKey::RangeTodo(job, element)) => {
                    let (name, range) = ((job, element), Range::parse(&entry.value)?);
                    todo.insert(name.clone(), Self { name, range, mod_revision: entry.mod_revision, answers: BTreeMap::new() });
                    Ok(())
                }
                Some(OwnKey::RangeAnswer(job, element, node)) => {
                    let answer = Answer::parse(&entry.value)?;
                    if let Some(todo) = todo.get_mut(&(job, element)) {
                        todo.answers.insert(node, answer);
                    }
                    Ok(())
                }
                _ => Ok(()),
            };
            if let Err(error) = read() {
                errors.push(named(&entry, error));
            }
        }
        Ok((todo.into_values().collect(), errors))
    }

    /// May nodes delete it?
    pub fn is_due(&self, reading: &Reading) -> bool {
        scope(reading, &self.range)
            .is_some_and(|scope| reading.check(scope).is_ok() && self.range.timestamp <= reading.snapshot.number(Key::Gc(number(scope))))
    }

    /// Has every live primary swept it?
    pub fn is_swept(&self, reading: &Reading) -> bool {
        have_swept(reading, &self.answers)
    }
}

/// Has every live primary answered "swept", under its present registration? No live primary: no.
pub(super) fn have_swept(reading: &Reading, answers: &BTreeMap<String, Answer>) -> bool {
    let mut primaries = primaries(reading).peekable();
    primaries.peek().is_some()
        && primaries
            .all(|(name, registered)| answers.get(name) == Some(&Answer { progress: Progress::Swept, epoch: registered.node.epoch }))
}

fn primaries(reading: &Reading) -> impl Iterator<Item = (&String, &Registration)> {
    reading.nodes.iter().filter(|(_, registered)| registered.node.role == Role::Primary)
}

/// The scope whose G counts. `None`: it is unclear, so the range stays.
fn scope(reading: &Reading, range: &Range) -> Option<Scope> {
    match stored_range::keyspace(&range.start, &range.end).ok()? {
        None => Some(Scope::Global),
        Some(id) => of_keyspace(reading, id),
    }
}

fn of_keyspace(reading: &Reading, id: KeyspaceId) -> Option<Scope> {
    match reading.keyspaces.get(&id)?.gc_management() {
        GcManagement::Keyspace => Some(Scope::Keyspace(id)),
        GcManagement::Global => Some(Scope::Global),
        GcManagement::Unknown(_) => None,
    }
}

/// Moves what is due and swept, and notes who has swept. A node that was away finds that it has not.
/// Returns how many moved.
pub async fn move_done(client: &Client, lease: &Lease, reading: &Reading) -> Result<usize> {
    let mut moved = 0;
    let (todo, errors) = Todo::list(client).await?;
    errors.iter().for_each(|error| tracing::error!("{error}"));
    for todo in todo.iter().filter(|todo| todo.is_due(reading) && todo.is_swept(reading)) {
        let (job, element) = &todo.name;
        let from = OwnKey::RangeTodo(job.clone(), element.clone()).build(client.cluster())?;
        let to = OwnKey::RangeDone(job.clone(), element.clone()).build(client.cluster())?;
        let mut compares = of_leader(client, lease, reading)?;
        compares.push(Compare::ModRevision(from.clone(), todo.mod_revision));
        let deletes = vec![Keys::Prefix(format!("{from}/answers/")), Keys::One(from)];
        let swept_by = primaries(reading).map(|(name, _)| name.clone()).collect();
        let range = Range { swept_by, ..todo.range.clone() };
        let txn = Txn { compares, puts: vec![Put::new(to, range.build()?)], deletes };
        moved += usize::from(client.commit(&txn).await?);
    }
    Ok(moved)
}

/// The lease leads, and no node has registered since the reading.
pub(super) fn of_leader(client: &Client, lease: &Lease, reading: &Reading) -> Result<Vec<Compare>> {
    let leader = OwnKey::WorkerLeader.build(client.cluster())?;
    let nodes = Keys::Prefix(format!("/rocks-gc/{}/nodes/", client.cluster()));
    Ok(vec![Compare::Lease(leader, lease.id()), Compare::NotWrittenSince(nodes, reading.revision)])
}
