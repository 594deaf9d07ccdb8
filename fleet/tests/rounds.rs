//! Real processes: three nodes on RocksDB, two workers, three members of etcd. Each round writes,
//! locks, holds, breaks something, and asks an oracle that has seen every write whether a read that
//! is legal has lost anything.
//!
//! It needs a compiler for C++, RocksDB, `librocks_gc.so`, and `faketime`. `make fleet-rounds` runs
//! two hundred rounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "rounds/drops.rs"]
mod drops;
#[path = "rounds/faults.rs"]
mod faults;
#[path = "rounds/node.rs"]
mod node;
#[path = "rounds/oracle.rs"]
mod oracle;
mod support;
#[path = "rounds/workers.rs"]
mod workers;

use drops::Drops;
use faults::Fault;
use node::NodeHost;
use oracle::Oracle;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rocks_gc_fleet::control::create_keyspace::Creator;
use rocks_gc_fleet::etcd::Client;
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::Etcd;
use tokio::runtime::Runtime;
use workers::Workers;

/// How long a registration outlives its process.
const LEASE: Duration = Duration::from_secs(2);
const ROWS: usize = 4;

struct World {
    runtime: Runtime,
    etcd: Etcd,
    client: Client,
    workers: Workers,
    nodes: Vec<NodeHost>,
    keyspaces: Vec<u32>,
    oracle: Oracle,
    drops: Drops,
    random: StdRng,
    last: u64,
}

impl World {
    fn start(seed: u64) -> Self {
        let runtime = Runtime::new().unwrap();
        let etcd = runtime.block_on(Etcd::start(3));
        let client = runtime.block_on(etcd.client());
        // The third one follows the global safe point.
        let kinds = [("one", "keyspace_level"), ("two", "keyspace_level"), ("three", "unified")];
        let keyspaces = kinds.map(|(name, kind)| {
            let config: HashMap<_, _> = [("gc_management_type".to_owned(), kind.to_owned())].into();
            let created = runtime.block_on(Creator::default().create(&client, name, config, 1));
            created.unwrap().id.get()
        });
        let workers = Workers::start(&etcd);
        let host = NodeHost::compile(&etcd.folder());
        let nodes = (1..=3).map(|i| NodeHost::start(&format!("n{i}"), &host, &etcd, &runtime)).collect();
        let random = StdRng::seed_from_u64(seed);
        Self {
            runtime,
            etcd,
            client,
            workers,
            nodes,
            keyspaces: keyspaces.to_vec(),
            oracle: Oracle::default(),
            drops: Drops::default(),
            random,
            last: 0,
        }
    }

    /// A timestamp of now, never the same twice.
    fn timestamp(&mut self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        self.last = (now << 18).max(self.last + 1);
        self.last
    }

    fn write(&mut self, round: usize) {
        for place in 0..self.nodes.len() {
            for keyspace in self.keyspaces.clone() {
                for row in 0..ROWS {
                    let (ts, value) = (self.timestamp(), format!("{round}-{place}-{row}"));
                    self.nodes[place].ok(&format!("put {keyspace} row{row} {ts} {value}"));
                    self.oracle.wrote(place, keyspace, row, ts, value);
                }
                // A transaction that began up to three seconds ago. Below T it is refused.
                let start = self.timestamp() - (self.random.random_range(0..3000) << 18);
                self.nodes[place].eventually_serves();
                let locked = self.nodes[place].ask(&format!("lock {keyspace} row{round} {start}"));
                self.oracle.asked_for_a_lock(&locked);
            }
        }
    }

    /// A reader on a node begins at the present, and stays there for some rounds.
    fn hold(&mut self, round: usize) {
        let place = self.random.random_range(0..self.nodes.len());
        let keyspace = self.keyspaces[self.random.random_range(0..self.keyspaces.len())];
        let (ts, name) = (self.timestamp(), format!("reader{round}"));
        let answer = self.nodes[place].ask(&format!("hold {keyspace} {name} {ts} 3"));
        if answer == "ok" {
            self.oracle.begins(place, keyspace, name, ts);
        }
    }

    fn round(&mut self, round: usize) {
        self.write(round);
        if round.is_multiple_of(2) {
            self.hold(round);
        }
        let stuck = self.random.random_range(0..6).min(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(stuck) {
            node.ok("stuck 1");
        }
        let fault = Fault::any(&mut self.random, self.nodes.len());
        println!("round {round}: {fault:?}");
        let drop = if round % 3 == 1 { self.begin_drop() } else { None };
        fault.happen(self);
        self.end_drop(drop);
        self.nodes.iter_mut().for_each(NodeHost::eventually_serves);
        std::thread::sleep(Duration::from_millis(self.random.random_range(0..800)));
        if let Some(node) = self.nodes.get_mut(stuck) {
            node.ok("stuck 0");
        }
        self.nodes.iter_mut().for_each(|node| node.ok("compact"));
        self.oracle.look(&self.runtime, &self.client, &mut self.nodes, &self.keyspaces, self.last);
        self.drops.are_gone(&mut self.nodes, self.keyspaces[0]);
    }
}

fn rounds(rounds: usize) {
    let seed = std::env::var("ROCKS_GC_TEST_SEED").map_or_else(|_| rand::rng().next_u64(), |seed| seed.parse().unwrap());
    println!("ROCKS_GC_TEST_SEED={seed}");
    let mut world = World::start(seed);
    (0..rounds).for_each(|round| world.round(round));
    // In the end nothing is in the way, so G reaches what was written, and one version of each row is left.
    let last = world.last;
    world.oracle.end_readers(&mut world.nodes);
    world.nodes.iter_mut().for_each(|node| node.eventually_safe(&world.keyspaces, last));
    world.nodes.iter_mut().for_each(|node| node.ok("compact"));
    world.oracle.look(&world.runtime, &world.client, &mut world.nodes, &world.keyspaces, last);
    for node in &mut world.nodes {
        for keyspace in &world.keyspaces {
            // One keyspace has a row of a schema, too.
            let rows = ROWS as u64 + u64::from(*keyspace == world.keyspaces[0]);
            assert_eq!(node.number(&format!("count {keyspace}")), rows, "{}: garbage is left", node.name);
        }
    }
    world.oracle.has_seen_enough();
    world.drops.has_seen_enough();
}

#[test]
fn a_few_rounds() {
    rounds(6);
}

#[test]
#[ignore = "ten minutes"]
fn two_hundred_rounds() {
    rounds(200);
}
