//! Breadth first over all states, so that a trace that breaks something is a shortest one.

use super::invariants::broken;
use super::model::{SMALL, State, World};
use super::steps::{Label, Steps};
use crate::protocol::etcd::Key;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// What an exploration finds.
pub struct Found {
    pub states: usize,
    pub broken: Option<(&'static str, Vec<Label>)>,
    /// States from which no step leads to the goal.
    pub lost: usize,
}

/// Explores until something breaks, or to the end. States are kept as hashes of 64 bits.
pub fn explore(world: &World, goal: Option<fn(&State) -> bool>) -> Found {
    let hash = |state: &State| BuildHasherDefault::<DefaultHasher>::default().hash_one(state);
    let first = State::first(world);
    let mut seen = HashMap::from([(hash(&first), 0)]);
    let mut parents: Vec<(u32, Label)> = vec![(0, ("begin", 0, 0))];
    let (mut edges, mut goals) = (Vec::new(), Vec::new());
    let mut queue = VecDeque::from([(0, first)]);
    while let Some((number, state)) = queue.pop_front() {
        if goal.is_some_and(|goal| goal(&state)) {
            goals.push(number);
        }
        for (label, next) in Steps::of(world, &state) {
            let broken = broken(world, &state, label, &next);
            let fresh = parents.len() as u32;
            let to = *seen.entry(hash(&next)).or_insert(fresh);
            if goal.is_some() {
                edges.push((to, number));
            }
            if let Some(what) = broken {
                let mut trace = vec![label];
                let mut at = number;
                while at != 0 {
                    let (parent, label) = parents[at as usize];
                    trace.push(label);
                    at = parent;
                }
                trace.reverse();
                return Found { states: parents.len(), broken: Some((what, trace)), lost: 0 };
            }
            if to == fresh {
                parents.push((number, label));
                queue.push_back((fresh, next));
            }
        }
    }
    let states = parents.len();
    let lost = if goal.is_some() { states - reaching(goals, edges, states) } else { 0 };
    Found { states, broken: None, lost }
}

/// How many states lead to a goal.
fn reaching(mut goals: Vec<u32>, mut edges: Vec<(u32, u32)>, states: usize) -> usize {
    edges.sort_unstable();
    let mut reaches = vec![false; states];
    while let Some(number) = goals.pop() {
        if !std::mem::replace(&mut reaches[number as usize], true) {
            let from = edges.partition_point(|edge| edge.0 < number);
            goals.extend(edges[from..].iter().take_while(|edge| edge.0 == number).map(|edge| edge.1));
        }
    }
    reaches.iter().filter(|reaches| **reaches).count()
}

pub const WORLDS: [World; 8] = [
    World { name: "no node", nodes: 0, ..SMALL },
    World { name: "barrier", barrier: Some(Some(0)), workers: 2, lapses: 1, crashes: 1, late_clock: true, last_second: 3, ..SMALL },
    World { name: "barrier of all", barrier: Some(None), scopes: 2, nodes: 0, late_clock: true, last_second: 3, ..SMALL },
    World { name: "PD", pd: true, barrier: Some(Some(0)), ..SMALL },
    World { name: "TiDB", tidb: true, last_second: 3, ..SMALL },
    World { name: "locks", nodes: 2, locks: 1, lapses: 1, crashes: 1, copies: 1, ..SMALL },
    World { name: "everything, a crash", crashes: 1, ..EVERYTHING },
    World { name: "everything, a lapse", lapses: 1, ..EVERYTHING },
];

const EVERYTHING: World = World {
    name: "everything, a crash and a lapse",
    scopes: 2,
    nodes: 2,
    workers: 2,
    last_second: 1,
    barrier: Some(Some(0)),
    fine: false,
    locks: 1,
    ..SMALL
};

fn holds(world: &World) {
    let begin = std::time::Instant::now();
    let found = explore(world, None);
    println!("{}: {} states, {:?}", world.name, found.states, begin.elapsed());
    assert!(found.broken.is_none(), "{}: {:?}", world.name, found.broken);
}

#[test]
fn nothing_breaks() {
    WORLDS.iter().for_each(holds);
}

#[test]
#[ignore = "explores five million states, which takes minutes; the smaller worlds run by default"]
fn nothing_breaks_with_two_faults() {
    holds(&World { crashes: 1, lapses: 1, ..EVERYTHING });
}

pub const STUCK: World = World { name: "stuck", crashes: 1, stuck: true, ..EVERYTHING };

/// F3: from every state, G of scope 1 can still reach the clock.
pub fn scope_1_is_collected(state: &State) -> bool {
    state.etcd.number(Key::Gc(1)) == STUCK.last_second
}

#[test]
fn a_stuck_scope_holds_up_no_other() {
    let found = explore(&STUCK, Some(scope_1_is_collected));
    println!("stuck: {} states", found.states);
    assert!(found.broken.is_none(), "{:?}", found.broken);
    assert_eq!(found.lost, 0);
}
