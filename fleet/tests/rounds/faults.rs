//! What breaks.

use super::workers::Clock;
use super::{LEASE, World};
use rand::RngExt;
use rand::rngs::StdRng;
use rocks_gc_fleet::etcd::Keys;
use std::thread::sleep;
use std::time::Duration;

#[derive(Debug)]
pub enum Fault {
    Nothing,
    NodeIsKilled(usize),
    NodeStopsPastItsLease(usize),
    /// From etcd; it runs on.
    NodeIsCutOff(usize),
    MemberIsKilled(usize),
    MemberStops(usize),
    WorkerIsKilled(usize),
    WorkerStopsPastItsLease(usize),
    /// What a stopped node would watch is compacted.
    WatchIsCompacted(usize),
    /// The clock of a worker's machine is off by an hour.
    ClockIsOff(usize, &'static str),
    /// All nodes at once.
    EveryNodeIsKilled,
}

impl Fault {
    pub fn any(random: &mut StdRng, nodes: usize) -> Self {
        let (node, member, worker) = (random.random_range(0..nodes), random.random_range(0..3), random.random_range(0..2));
        match random.random_range(0..13) {
            0 | 1 => Self::NodeIsKilled(node),
            2 => Self::NodeStopsPastItsLease(node),
            3 => Self::MemberIsKilled(member),
            4 => Self::MemberStops(member),
            5 => Self::WorkerIsKilled(worker),
            6 => Self::WorkerStopsPastItsLease(worker),
            7 => Self::WatchIsCompacted(node),
            8 => Self::ClockIsOff(worker, if random.random() { "+1h" } else { "-1h" }),
            9 => Self::EveryNodeIsKilled,
            10 | 11 => Self::NodeIsCutOff(node),
            _ => Self::Nothing,
        }
    }

    /// Breaks it, and mends it.
    pub fn happen(&self, world: &mut World) {
        let past_the_lease = LEASE + Duration::from_millis(1500);
        match *self {
            Self::Nothing => {}
            Self::NodeIsKilled(node) => {
                world.nodes[node].kill();
                world.oracle.died(node);
                world.nodes[node].run();
            }
            Self::EveryNodeIsKilled => {
                world.nodes.iter_mut().for_each(super::NodeHost::kill);
                (0..world.nodes.len()).for_each(|node| world.oracle.died(node));
                world.nodes.iter_mut().for_each(super::NodeHost::run);
            }
            Self::NodeStopsPastItsLease(node) => {
                world.nodes[node].signal("STOP");
                sleep(past_the_lease);
                world.nodes[node].signal("CONT");
            }
            Self::NodeIsCutOff(node) => world.drop_while_cut_off(node),
            Self::MemberIsKilled(member) => {
                world.etcd.kill(member);
                sleep(Duration::from_millis(700));
                world.etcd.run(member);
            }
            Self::MemberStops(member) => {
                world.etcd.stop(member);
                sleep(past_the_lease);
                world.etcd.go_on(member);
            }
            Self::WorkerIsKilled(worker) => {
                world.workers.kill(worker);
                world.workers.run(worker, Clock::Right);
            }
            Self::WorkerStopsPastItsLease(worker) => {
                world.workers.signal(worker, "STOP");
                sleep(past_the_lease);
                world.workers.signal(worker, "CONT");
            }
            Self::WatchIsCompacted(node) => {
                world.nodes[node].signal("STOP");
                sleep(past_the_lease);
                compact(world);
                world.nodes[node].signal("CONT");
            }
            Self::ClockIsOff(worker, by) => {
                world.workers.kill(worker);
                world.workers.run(worker, Clock::Off(by));
                // Long enough to lead, if the other one is killed.
                world.workers.kill(1 - worker);
                sleep(past_the_lease);
                world.workers.run(1 - worker, Clock::Right);
                sleep(Duration::from_millis(700));
                world.workers.kill(worker);
                world.workers.run(worker, Clock::Right);
            }
        }
    }
}

fn compact(world: &World) {
    world.runtime.block_on(async {
        let newest = world.client.list(&[Keys::One("/".into())]).await.unwrap().revision;
        world.etcd.raw().await.compact(newest, None).await.unwrap();
    });
}
