//! What must hold after every step.

use super::model::{Holder, State, Tidb, World};
use super::steps::Label;
use crate::protocol::etcd::{Key, Scope, Value};

/// The invariant that the step breaks.
pub fn broken(world: &World, from: &State, label: Label, to: &State) -> Option<&'static str> {
    if let Some(broken) = (0..world.scopes).find_map(|scope| broken_in(world, from, to, scope)) {
        return Some(broken);
    }
    let commits = ["worker commits", "holder sets", "holder deletes"].contains(&label.0) && from.etcd != to.etcd;
    if commits && from.etcd.get(Key::PdLeader).is_some() {
        return Some("F0: only PD writes while it leads");
    }
    let leads = || from.etcd.get(Key::Leader) == from.workers[label.1 as usize].term.map(Value::Epoch);
    (commits && label.0 == "worker commits" && !leads()).then_some("F0: only the worker that leads writes")
}

fn broken_in(world: &World, from: &State, to: &State, scope: Scope) -> Option<&'static str> {
    let number = |state: &State, key| state.etcd.number(key);
    let (t, g) = (number(to, Key::Txn(scope)), number(to, Key::Gc(scope)));
    let filters = |store: &super::model::Store| store.process.as_ref().map_or(0, |node| node.filters(scope));
    let highest = to.stores.iter().map(filters).max().unwrap_or(0).max(g);
    if highest > t {
        return Some("F1: G is above T");
    }
    let blocks = world.barrier.is_some_and(|of| of.is_none_or(|of| of == scope));
    if let Holder::Holds(barrier) | Holder::Deleting(barrier, _) = &to.holder
        && blocks
        && to.now <= barrier.until
        && barrier.timestamp < t
    {
        return Some("F1: T is above a live barrier");
    }
    if matches!(to.tidb, Tidb::InTime(start) if scope == 0 && start < t) {
        return Some("F1: T is above a start timestamp");
    }
    let g_before = number(from, Key::Gc(scope));
    if t < number(from, Key::Txn(scope)) || g < g_before {
        return Some("F2: T or G went back");
    }
    for (name, store) in (0..).zip(&to.stores) {
        let Some(node) = &store.process else { continue };
        let locked = |up_to: u64| store.locks[scope as usize] & ((2 << up_to) - 1) != 0;
        if locked(node.filters(scope)) {
            return Some("F4: filters pass a lock");
        }
        if g > g_before && locked(g) && to.etcd.get(Key::Node(name)) == Some(Value::Epoch(node.epoch())) {
            return Some("F4: G passes a lock of a node that is registered");
        }
    }
    None
}
