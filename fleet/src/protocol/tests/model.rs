//! What is explored: etcd, two workers, nodes with stores, a holder of a barrier, a TiDB instance.
//!
//! Three reductions keep it small, and hide nothing:
//! - Filters take G at once when it is there. Later would be less, so at once is the worst case.
//! - The revision is 1 after each commit, and what compares an older one is dropped: it would fail.
//! - Seconds and timestamps are one clock. A worker may read it one late.

use crate::protocol::etcd::{Compare, Key, Name, Scope, Snapshot, Txn, Value};
use crate::protocol::node::Node;

/// Who takes part, and how often something may go wrong.
#[derive(Clone, Copy, Debug)]
pub struct World {
    pub name: &'static str,
    pub scopes: Scope,
    pub nodes: Name,
    pub workers: u32,
    pub last_second: u64,
    /// The scope of the one barrier; `Some(None)`: of all scopes.
    pub barrier: Option<Option<Scope>>,
    /// A TiDB instance writes a start timestamp without comparing anything.
    pub tidb: bool,
    /// A PD may begin to lead.
    pub pd: bool,
    /// Learning T, resolving and answering are three steps, not two.
    pub fine: bool,
    /// Locks that are written in all.
    pub locks: u8,
    /// Processes of any kind that end.
    pub crashes: u8,
    /// Leases that run out under a living process, and fences.
    pub lapses: u8,
    /// Stores that come back from an older copy, with the locks they had then.
    pub copies: u8,
    /// A worker may see a clock that went back.
    pub late_clock: bool,
    /// Node 0 never resolves in scope 0.
    pub stuck: bool,
}

pub const SMALL: World = World {
    name: "small",
    scopes: 1,
    nodes: 1,
    workers: 1,
    last_second: 2,
    barrier: None,
    tidb: false,
    pd: false,
    fine: true,
    locks: 0,
    crashes: 0,
    lapses: 0,
    copies: 0,
    late_clock: false,
    stuck: false,
};

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub etcd: Snapshot,
    pub now: u64,
    pub workers: Vec<Worker>,
    pub stores: Vec<Store>,
    pub holder: Holder,
    pub tidb: Tidb,
    /// The last epoch or term given.
    pub epoch: u64,
    pub locks: u8,
    pub crashes: u8,
    pub lapses: u8,
    pub copies: u8,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Worker {
    /// The term in which it believes that it leads.
    pub term: Option<u64>,
    /// What it has computed from what it read.
    pub pending: Option<Txn>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Store {
    pub process: Option<Node>,
    /// A bit for each start timestamp that has a lock, by scope.
    pub locks: [u8; 2],
    /// All locks that ever were: an older copy may have them.
    pub ever: [u8; 2],
}

/// What the holder relies on, whatever etcd holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Barrier {
    pub timestamp: u64,
    pub until: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    Without,
    Setting(Barrier, Txn),
    Holds(Barrier),
    Deleting(Barrier, Txn),
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tidb {
    Before,
    /// Its start timestamp, registered before T passed it.
    InTime(u64),
    TooLate,
}

impl State {
    /// All nodes are registered, worker 0 leads.
    pub fn first(world: &World) -> Self {
        let mut etcd = Snapshot::default();
        etcd.write(Key::Revision, Some(Value::Number(1)));
        for scope in 0..world.scopes {
            etcd.write(Key::Txn(scope), Some(Value::Number(0)));
            etcd.write(Key::Gc(scope), Some(Value::Number(0)));
        }
        let mut state = Self {
            etcd,
            now: 0,
            workers: vec![Worker::default(); world.workers as usize],
            stores: vec![Store::default(); world.nodes as usize],
            holder: Holder::Without,
            tidb: Tidb::Before,
            epoch: 1,
            locks: world.locks,
            crashes: world.crashes,
            lapses: world.lapses,
            copies: world.copies,
        };
        state.etcd.write(Key::Leader, Some(Value::Epoch(1)));
        state.workers[0].term = Some(1);
        for name in 0..world.nodes {
            state.start(name);
        }
        state
    }

    /// A process of the node begins, and registers.
    pub fn start(&mut self, name: Name) {
        self.epoch += 1;
        let (node, txn) = Node::start(name, self.epoch);
        self.etcd.commit(&txn);
        self.stores[name as usize].process = Some(node);
    }

    /// The registration ends, and what is under its lease.
    pub fn unregister(&mut self, name: Name) {
        self.etcd.write(Key::Node(name), None);
        (0..2).for_each(|scope| self.etcd.write(Key::Resolved(name, scope), None));
    }

    /// After each step: what must happen at once, and what makes equal states look equal.
    pub fn settle(&mut self, world: &World) {
        for store in &mut self.stores {
            for scope in 0..world.scopes {
                if let Some(node) = &mut store.process {
                    node.follow(&self.etcd, scope);
                }
            }
        }
        let etcd = &self.etcd;
        let lost = |txn: &Txn| {
            txn.compares.iter().any(|compare| match compare {
                Compare::Is(key @ (Key::Revision | Key::Leader), value) => etcd.get(*key) != *value,
                _ => false,
            })
        };
        for worker in &mut self.workers {
            worker.pending.take_if(|txn| lost(txn));
        }
        match &self.holder {
            Holder::Setting(_, txn) if lost(txn) => self.holder = Holder::Without,
            Holder::Deleting(barrier, txn) if lost(txn) => self.holder = Holder::Holds(*barrier),
            _ => {}
        }
        self.etcd.write(Key::Revision, Some(Value::Number(1)));
    }
}
