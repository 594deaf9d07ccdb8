//! Schemas: lists into the library, orders to drop and truncate, and how far they are.
//!
//! What is not in a list is dropped, so a list must be whole. It counts only with the highest id of the
//! same revision, and if each of its ids has its name, and each name its id. The control plane writes
//! both in one transaction, so the node notices a lost key. And it
//! counts only if the highest id did not go back: a list restored from a backup lacks ids that are in
//! use.

use super::failures::Failures;
use super::local::{Left, Local, Schema, SchemaProgress};
use crate::error::Result;
use crate::layout::id::KeyspaceId;
use crate::layout::own_value::{Action, Order, Progress, Truncation};
use std::collections::{BTreeMap, BTreeSet};

/// The schemas of one keyspace.
#[derive(Debug, Default)]
struct Schemas {
    highest: Option<u32>,
    /// As etcd has it, also if it went back.
    highest_in_etcd: u32,
    valid: BTreeSet<u32>,
    names: BTreeMap<String, u32>,
    /// Ids that left the list, and that the library must still be told of.
    vanished: BTreeSet<u32>,
    is_changed: bool,
    /// The highest id is below one that this node has seen: etcd was restored from a backup.
    went_back: bool,
}

impl Schemas {
    fn is_whole(&self) -> bool {
        let named: BTreeSet<u32> = self.names.values().copied().collect();
        !self.went_back && self.names.len() == self.valid.len() && named == self.valid
    }

    /// The list for the library, and its highest id. An empty list says nothing to the library, so
    /// the next id, which is not in use, makes it one that says that all others are dropped.
    fn list(&self) -> Option<(Vec<u32>, u32)> {
        let highest = self.highest.filter(|_| self.is_whole())?;
        let valid: Vec<u32> = self.valid.iter().copied().filter(|id| *id <= highest).collect();
        if !valid.is_empty() {
            return Some((valid, highest));
        }
        let next = highest.checked_add(1)?;
        Some((vec![next], next))
    }
}

/// An order that is in etcd.
#[derive(Debug)]
struct Open {
    action: Action,
    revision: i64,
    /// Whether the library has taken it.
    is_given: bool,
    /// What etcd was told.
    answered: Option<Progress>,
}

/// An answer for etcd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The schema.
    pub schema: Schema,
    /// How far this node is.
    pub progress: Progress,
    /// The revision that wrote the order.
    pub revision: i64,
}

/// The schemas of all keyspaces, and the open orders.
#[derive(Debug, Default)]
pub struct SchemaBook {
    keyspaces: BTreeMap<KeyspaceId, Schemas>,
    orders: BTreeMap<Schema, Open>,
    /// Truncations whose orders may be gone, and that this node may have missed.
    truncated: BTreeMap<Schema, Truncation>,
    /// Ids that etcd calls valid, and that were dropped here.
    dropped_and_valid: BTreeSet<Schema>,
    /// The highest id that this node has seen, by keyspace, and what etcd was told of it.
    seen: BTreeMap<KeyspaceId, (u32, u32)>,
    failures: Failures,
}

impl SchemaBook {
    /// The highest id ever vended.
    pub fn highest(&mut self, keyspace: KeyspaceId, highest: Option<u32>) {
        let schemas = self.keyspaces.entry(keyspace).or_default();
        schemas.went_back = highest < schemas.highest;
        schemas.highest_in_etcd = highest.unwrap_or(0);
        see(&mut self.seen, keyspace, schemas.highest_in_etcd);
        if schemas.went_back {
            let highest = highest.map_or("nothing".to_owned(), |highest| highest.to_string());
            tracing::error!("keyspace {keyspace}: the highest schema id went back to {highest}; no schema is dropped because of that list");
            schemas.vanished.clear();
            return;
        }
        schemas.is_changed |= schemas.highest != highest;
        schemas.highest = highest;
    }

    /// A schema came, with its last truncation, or left the list.
    pub fn valid(&mut self, keyspace: KeyspaceId, id: u32, valid: Option<Option<Truncation>>) {
        let (schemas, schema) = (self.keyspaces.entry(keyspace).or_default(), Schema { keyspace, id });
        match valid {
            Some(truncation) => {
                schemas.vanished.remove(&id);
                schemas.is_changed |= schemas.valid.insert(id);
                if let Some(truncation) = truncation {
                    self.truncated.insert(schema, truncation);
                }
            }
            None if !schemas.went_back && schemas.valid.remove(&id) => {
                schemas.vanished.insert(id);
                schemas.is_changed = true;
                self.truncated.remove(&schema);
            }
            None => {}
        }
    }

    /// A name came, or went.
    pub fn name(&mut self, keyspace: KeyspaceId, name: String, id: Option<u32>) {
        let schemas = self.keyspaces.entry(keyspace).or_default();
        schemas.is_changed = true;
        match id {
            Some(id) => schemas.names.insert(name, id),
            None => schemas.names.remove(&name),
        };
    }

    /// An order came, or went.
    pub fn order(&mut self, schema: Schema, order: Option<(Order, i64)>) {
        match order {
            Some((Order { action, .. }, revision)) => {
                self.orders.insert(schema, Open { action, revision, is_given: false, answered: None });
            }
            None => {
                self.orders.remove(&schema);
            }
        }
    }

    /// A new registration answers anew. The store is attached, so its ledger is known.
    pub fn answer_anew(&mut self, local: &impl Local) {
        self.orders.values_mut().for_each(|open| open.answered = None);
        self.seen.values_mut().for_each(|(_, told)| *told = 0);
        local.highest_dropped().into_iter().for_each(|Schema { keyspace, id }| see(&mut self.seen, keyspace, id));
    }

    /// The highest ids that etcd is to be told, because its own are below: etcd was restored from a
    /// backup, and would vend them again. Each until [`SchemaBook::told_seen`].
    pub fn unseen(&self) -> Vec<Schema> {
        let in_etcd = |keyspace| self.keyspaces.get(keyspace).map_or(0, |schemas: &Schemas| schemas.highest_in_etcd);
        let untold = self.seen.iter().filter(|(keyspace, (highest, told))| highest > told && *highest > in_etcd(keyspace));
        untold.map(|(keyspace, (id, _))| Schema { keyspace: *keyspace, id: *id }).collect()
    }

    /// etcd has it.
    pub fn told_seen(&mut self, Schema { keyspace, id }: Schema) {
        self.seen.entry(keyspace).or_default().1 = id;
    }

    /// Ids that etcd calls valid, and that were dropped on this node: etcd was restored from a
    /// backup, and vends ids that were used before.
    pub fn conflicts(&self) -> usize {
        self.dropped_and_valid.len()
    }

    /// Gives the lists to the library. Before a store is attached only lists can be given.
    pub fn give_lists(&mut self, local: &impl Local) {
        for (keyspace, schemas) in &mut self.keyspaces {
            let Some((valid, highest)) = schemas.list().filter(|_| schemas.is_changed) else { continue };
            match local.load_schemas(*keyspace, &valid, highest) {
                Ok(()) => schemas.is_changed = false,
                Err(error) => tracing::error!("keyspace {keyspace}: the library does not take the list of schemas: {error}"),
            }
            for schema in valid.into_iter().map(|id| Schema { keyspace: *keyspace, id }) {
                if local.is_dropped(schema) && self.dropped_and_valid.insert(schema) {
                    tracing::error!(
                        "{schema} is valid in etcd, and was dropped on this node for good: filters remove what is written there; \
                         give the schema a new id"
                    );
                }
            }
        }
    }

    /// Gives drops and truncations to the library, whose store is attached, and returns what etcd
    /// is to be told: each answer until [`SchemaBook::told`]. `replicated` is the sequence number up
    /// to which this node has all data: a truncation waits for its own.
    pub fn carry_out(&mut self, local: &impl Local, replicated: u64) -> Vec<Answered> {
        for (keyspace, schemas) in &mut self.keyspaces {
            if !schemas.is_whole() && schemas.is_changed {
                self.failures
                    .note(format!("keyspace {keyspace}: names and ids of schemas differ, so no schema is dropped because of them"));
                continue;
            }
            let dropped = |id: &u32| local.drop_schema(Schema { keyspace: *keyspace, id: *id });
            schemas.vanished.retain(|id| !has_done(&mut self.failures, "dropped", Schema { keyspace: *keyspace, id: *id }, dropped(id)));
        }
        let truncate = |failures: &mut Failures, schema: Schema, Truncation { timestamp, sequence }: Truncation| {
            sequence <= replicated && has_done(failures, "truncated", schema, local.truncate_schema(schema, timestamp))
        };
        let missed: Vec<Schema> = self.truncated.keys().copied().collect();
        if !missed.is_empty() {
            let progress = missed.iter().zip(local.progress_of_schemas(&missed));
            let known: BTreeMap<Schema, u64> = progress.map(|(schema, progress)| (*schema, progress.truncated_up_to)).collect();
            self.truncated.retain(|schema, truncation| {
                let is_known = known.get(schema).is_some_and(|up_to| *up_to >= truncation.timestamp);
                !is_known && !truncate(&mut self.failures, *schema, *truncation)
            });
        }
        for (schema, open) in self.orders.iter_mut().filter(|(_, open)| !open.is_given) {
            open.is_given = match open.action {
                Action::Drop => has_done(&mut self.failures, "dropped", *schema, local.drop_schema(*schema)),
                Action::Truncate { timestamp, sequence } => truncate(&mut self.failures, *schema, Truncation { timestamp, sequence }),
            };
        }
        self.failures.end_round();
        self.answers(local)
    }

    fn answers(&self, local: &impl Local) -> Vec<Answered> {
        let open = self.orders.iter().filter(|(_, open)| open.is_given && open.answered != Some(Progress::Swept));
        let open: Vec<(Schema, &Open)> = open.map(|(schema, open)| (*schema, open)).collect();
        if open.is_empty() {
            return Vec::new();
        }
        let left = local.progress_of_schemas(&open.iter().map(|(schema, _)| *schema).collect::<Vec<_>>());
        let answer = |((schema, open), SchemaProgress { left, .. }): ((Schema, &Open), SchemaProgress)| {
            let progress = match (left, open.action) {
                (Left::Visible, Action::Truncate { .. }) => return None,
                (Left::Nothing, _) => Progress::Swept,
                (Left::Visible | Left::InFiles, _) => Progress::Removed,
            };
            (open.answered != Some(progress)).then_some(Answered { schema, progress, revision: open.revision })
        };
        open.into_iter().zip(left).filter_map(answer).collect()
    }

    /// etcd has the answer.
    pub fn told(&mut self, answer: &Answered) {
        if let Some(open) = self.orders.get_mut(&answer.schema).filter(|open| open.revision == answer.revision) {
            open.answered = Some(answer.progress);
        }
    }
}

fn see(seen: &mut BTreeMap<KeyspaceId, (u32, u32)>, keyspace: KeyspaceId, id: u32) {
    let (highest, _) = seen.entry(keyspace).or_default();
    *highest = id.max(*highest);
}

fn has_done(failures: &mut Failures, what: &str, schema: Schema, done: Result<()>) -> bool {
    match done {
        Ok(()) => true,
        Err(error) => {
            failures.note(format!("{schema} could not be {what}: {error}"));
            false
        }
    }
}
