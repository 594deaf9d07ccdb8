//! Schemas that are dropped, and created again under their names, while something breaks (F5).

use super::{NodeHost, World};
use rocks_gc_fleet::control::orders::{Outcome, drop_schema, wait};
use rocks_gc_fleet::control::schemas::create;
use rocks_gc_fleet::error::Error;
use rocks_gc_fleet::etcd::Client;
use rocks_gc_fleet::layout::id::KeyspaceId;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Nodes that have not answered until then are fenced.
const DEADLINE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Drops {
    /// The id of the name, if it is in use.
    live: Option<u64>,
    is_running: bool,
    dropped: Vec<u64>,
    pub fenced: usize,
}

/// A drop that runs.
pub type Running = JoinHandle<Result<Outcome, Error>>;

impl World {
    /// Begins to drop the schema, whatever breaks meanwhile.
    pub fn begin_drop(&mut self) -> Option<Running> {
        let id = self.drops.live?;
        self.drops.is_running = true;
        let client = self.client.clone();
        Some(self.runtime.spawn(async move {
            match drop_schema(&client, "one", "orders", DEADLINE).await {
                Ok(outcome) => Ok(outcome),
                Err(error) => finish(&client, id, error).await,
            }
        }))
    }

    /// The drop is acknowledged: no node serves the id, and its name may be used again.
    pub fn end_drop(&mut self, running: Option<Running>) {
        let keyspace = self.keyspaces[0];
        if let Some(running) = running {
            let outcome = self.runtime.block_on(running).unwrap().unwrap();
            self.acknowledged(&outcome);
        }
        self.nodes.iter_mut().for_each(NodeHost::eventually_serves);
        self.drops.look(&mut self.nodes, keyspace);
        if self.drops.live.is_none() {
            let id = self.runtime.block_on(create(&self.client, "one", "orders")).unwrap();
            assert!(self.drops.dropped.iter().all(|dropped| *dropped < id), "id {id} is used twice");
            for place in 0..self.nodes.len() {
                let ts = self.timestamp();
                self.nodes[place].ok(&format!("sput {keyspace} {id} order {ts} v{id}"));
            }
            self.drops.live = Some(id);
        }
    }
}

impl World {
    /// A drop while a node is cut off from etcd, and runs on. When the drop is acknowledged, the node
    /// serves nothing any more, or has dropped the schema before it was cut off.
    pub fn drop_while_cut_off(&mut self, cut_off: usize) {
        self.nodes[cut_off].cut_off();
        let running = if self.drops.is_running { None } else { self.begin_drop() };
        let Some(running) = running else {
            std::thread::sleep(super::LEASE + Duration::from_millis(500));
            assert_eq!(self.nodes[cut_off].ask("serves"), "no", "its registration has ended");
            self.nodes[cut_off].mend();
            return;
        };
        let outcome = self.runtime.block_on(running).unwrap().unwrap();
        let keyspace = self.keyspaces[0];
        for node in &mut self.nodes {
            let serves = node.ask("serves") == "yes";
            let state = node.ask(&format!("schema {keyspace} {}", outcome.id));
            assert!(!serves || state.starts_with("dropped"), "{} serves schema {}, which is dropped", node.name, outcome.id);
        }
        self.nodes[cut_off].mend();
        self.acknowledged(&outcome);
    }

    fn acknowledged(&mut self, outcome: &Outcome) {
        self.drops.is_running = false;
        self.drops.fenced += outcome.fenced.len();
        for (place, node) in self.nodes.iter_mut().enumerate().filter(|(_, node)| outcome.fenced.contains(&node.name)) {
            if come_back(node) {
                self.oracle.died(place);
            }
        }
        self.drops.dropped.push(outcome.id);
        self.drops.live = None;
    }
}

/// The command failed: something was broken. The order may have been written or not.
async fn finish(client: &Client, id: u64, first: Error) -> Result<Outcome, Error> {
    let begin = Instant::now();
    loop {
        let keyspace = KeyspaceId::new(1).unwrap();
        let again = match drop_schema(client, "one", "orders", DEADLINE).await {
            Ok(outcome) => Ok(outcome),
            // The name is gone, so the order was written.
            Err(_) => wait(client, keyspace, id, DEADLINE).await,
        };
        match again {
            Err(error) if begin.elapsed() > PATIENCE => return Err(Error(format!("{first}; then {error}"))),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            outcome => return outcome,
        }
    }
}

/// A fenced node finds out, and joins again. If its process was another one, it serves already.
fn come_back(node: &mut NodeHost) -> bool {
    let begin = Instant::now();
    while node.ask("fenced") == "no" {
        if node.ask("serves") == "yes" {
            return false;
        }
        assert!(begin.elapsed() < PATIENCE, "{} does not know that it is fenced", node.name);
        std::thread::sleep(Duration::from_millis(50));
    }
    node.kill();
    node.run();
    true
}

impl Drops {
    /// Dropped ids are dropped on every node, and the name's new id keeps its data.
    fn look(&self, nodes: &mut [NodeHost], keyspace: u32) {
        for node in nodes {
            for id in &self.dropped {
                assert!(node.ask(&format!("schema {keyspace} {id}")).starts_with("dropped"), "{}: schema {id}", node.name);
            }
            if let Some(id) = self.live {
                let value = node.ask_serving(&format!("sget {keyspace} {id} order {}", u64::MAX >> 1));
                assert_eq!(value, format!("v{id}"), "{}: schema {id}", node.name);
            }
        }
    }

    /// After a compaction no key of a dropped schema is left.
    pub fn are_gone(&self, nodes: &mut [NodeHost], keyspace: u32) {
        for node in nodes {
            for id in &self.dropped {
                assert_eq!(node.ask(&format!("schema {keyspace} {id}")), "dropped 0", "{}: schema {id}", node.name);
            }
        }
    }

    pub fn has_seen_enough(&self) {
        println!("{} schemas dropped, {} nodes fenced", self.dropped.len(), self.fenced);
        assert!(self.dropped.len() > 1);
    }
}
