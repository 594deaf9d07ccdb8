//! A library and a host that only remember what they were told.
#![allow(dead_code)] // Each test file uses a part.

use rocks_gc_fleet::error::{Error, Result};
use rocks_gc_fleet::follower::host::Host;
use rocks_gc_fleet::follower::local::{Bounds, GcType, Keyspace, Left, Local, Schema, SchemaProgress};
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

type OwnedBounds = (Vec<u8>, Vec<u8>);

/// What the library was told.
#[derive(Clone, Debug)]
pub struct Known {
    pub keyspaces: BTreeMap<KeyspaceId, Keyspace>,
    pub loads: Vec<Keyspace>,
    pub registered: Vec<(KeyspaceId, GcType)>,
    pub paused: BTreeSet<KeyspaceId>,
    pub global: u64,
    pub own: BTreeMap<KeyspaceId, u64>,
    pub lists: BTreeMap<KeyspaceId, (Vec<u32>, u32)>,
    pub dropped: BTreeSet<Schema>,
    pub truncated: Vec<(Schema, u64)>,
    pub left_of_schemas: Left,
    pub ranges: BTreeMap<OwnedBounds, (u64, Left)>,
    pub has_locks: bool,
    /// How many schemas, and how many ranges, each walk of the ledger was asked for.
    pub walks_of_schemas: Vec<usize>,
    pub walks_of_ranges: Vec<usize>,
}

type Act = Box<dyn FnOnce() + Send>;

/// The library.
#[derive(Clone)]
pub struct Remembering {
    known: Arc<Mutex<Known>>,
    before_answer: Arc<Mutex<Option<Act>>>,
    after_registration: Arc<Mutex<Option<Act>>>,
}

impl Default for Remembering {
    fn default() -> Self {
        let known = Known {
            keyspaces: BTreeMap::new(),
            loads: Vec::new(),
            registered: Vec::new(),
            paused: BTreeSet::new(),
            global: 0,
            own: BTreeMap::new(),
            lists: BTreeMap::new(),
            dropped: BTreeSet::new(),
            truncated: Vec::new(),
            left_of_schemas: Left::Visible,
            ranges: BTreeMap::new(),
            has_locks: false,
            walks_of_schemas: Vec::new(),
            walks_of_ranges: Vec::new(),
        };
        Self { known: Arc::new(Mutex::new(known)), before_answer: Arc::default(), after_registration: Arc::default() }
    }
}

impl Remembering {
    pub fn get(&self) -> Known {
        self.known.lock().unwrap().clone()
    }

    pub fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.lock().unwrap());
    }

    /// What happens in etcd when the library has looked how far schemas are, and the follower has
    /// not answered yet.
    pub fn before_next_answer(&self, act: impl FnOnce() + Send + 'static) {
        *self.before_answer.lock().unwrap() = Some(Box::new(act));
    }

    /// What happens in etcd when the follower has registered anew, and done nothing else yet.
    pub fn after_next_registration(&self, act: impl FnOnce() + Send + 'static) {
        *self.after_registration.lock().unwrap() = Some(Box::new(act));
    }
}

impl Local for Remembering {
    fn load_keyspace(&self, keyspace: &Keyspace) -> Result<()> {
        let mut known = self.known.lock().unwrap();
        if let Some(before) = known.keyspaces.get(&keyspace.id)
            && !before.state.may_become(keyspace.state)
        {
            return Err(Error("a move that PD does not make".into()));
        }
        known.keyspaces.insert(keyspace.id, keyspace.clone());
        known.loads.push(keyspace.clone());
        Ok(())
    }

    fn register(&self, id: KeyspaceId, gc_type: GcType) -> Result<()> {
        let mut known = self.known.lock().unwrap();
        known.registered.push((id, gc_type));
        known.paused.remove(&id);
        known.own.remove(&id);
        Ok(())
    }

    fn pause(&self, id: KeyspaceId) -> Result<()> {
        self.known.lock().unwrap().paused.insert(id);
        Ok(())
    }

    fn advance_global(&self, safe_point: u64) {
        let mut known = self.known.lock().unwrap();
        known.global = known.global.max(safe_point);
    }

    fn advance(&self, safe_points: &[(KeyspaceId, u64)]) -> Result<()> {
        let mut known = self.known.lock().unwrap();
        for (id, safe_point) in safe_points {
            let own = known.own.entry(*id).or_default();
            *own = (*own).max(*safe_point);
        }
        Ok(())
    }

    fn load_schemas(&self, keyspace: KeyspaceId, valid: &[u32], highest: u32) -> Result<()> {
        self.known.lock().unwrap().lists.insert(keyspace, (valid.to_vec(), highest));
        Ok(())
    }

    fn drop_schema(&self, schema: Schema) -> Result<()> {
        self.known.lock().unwrap().dropped.insert(schema);
        Ok(())
    }

    fn is_dropped(&self, schema: Schema) -> bool {
        self.known.lock().unwrap().dropped.contains(&schema)
    }

    fn truncate_schema(&self, schema: Schema, up_to: u64) -> Result<()> {
        self.known.lock().unwrap().truncated.push((schema, up_to));
        Ok(())
    }

    fn has_lock_family(&self) -> bool {
        self.known.lock().unwrap().has_locks
    }

    fn highest_dropped(&self) -> Vec<Schema> {
        if let Some(act) = self.after_registration.lock().unwrap().take() {
            act();
        }
        self.known.lock().unwrap().dropped.iter().next_back().copied().into_iter().collect()
    }

    fn progress_of_schemas(&self, schemas: &[Schema]) -> Vec<SchemaProgress> {
        let mut known = self.known.lock().unwrap();
        known.walks_of_schemas.push(schemas.len());
        let truncated = |schema: &Schema| known.truncated.iter().filter(|(of, _)| of == schema).map(|(_, up_to)| *up_to).max();
        let progress = |schema| SchemaProgress { left: known.left_of_schemas, truncated_up_to: truncated(schema).unwrap_or(0) };
        let answers = schemas.iter().map(progress).collect();
        drop(known);
        if let Some(act) = self.before_answer.lock().unwrap().take() {
            act();
        }
        answers
    }

    fn destroy_after(&self, start: &[u8], end: &[u8], timestamp: u64) -> Result<()> {
        self.known.lock().unwrap().ranges.insert((start.to_vec(), end.to_vec()), (timestamp, Left::Visible));
        Ok(())
    }

    fn left_of_ranges(&self, ranges: &[Bounds<'_>]) -> Vec<Option<Left>> {
        let mut known = self.known.lock().unwrap();
        known.walks_of_ranges.push(ranges.len());
        let left = |(start, end): &Bounds<'_>| known.ranges.get(&(start.to_vec(), end.to_vec())).map(|(_, left)| *left);
        ranges.iter().map(left).collect()
    }
}

/// The host.
#[derive(Clone, Default)]
pub struct RememberingHost(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    stuck: BTreeSet<Scope>,
    fenced: Vec<String>,
    lost: Vec<(Scope, String)>,
}

impl RememberingHost {
    pub fn set_stuck(&self, scope: Scope, is_stuck: bool) {
        let stuck = &mut self.0.lock().unwrap().stuck;
        if is_stuck {
            stuck.insert(scope)
        } else {
            stuck.remove(&scope)
        };
    }

    pub fn fenced(&self) -> Vec<String> {
        self.0.lock().unwrap().fenced.clone()
    }

    pub fn lost(&self) -> Vec<(Scope, String)> {
        self.0.lock().unwrap().lost.clone()
    }
}

impl Host for RememberingHost {
    fn holds_transactions(&self) -> bool {
        true
    }

    fn resolve(&self, scope: Scope, _: u64) -> bool {
        !self.0.lock().unwrap().stuck.contains(&scope)
    }

    fn fenced(&self, why: &str) {
        self.0.lock().unwrap().fenced.push(why.into());
    }

    fn hold_lost(&self, scope: Scope, name: &str) {
        self.0.lock().unwrap().lost.push((scope, name.into()));
    }
}
