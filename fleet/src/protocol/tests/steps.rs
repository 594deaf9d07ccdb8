//! Every step that some actor can take next.

use super::model::{Barrier, Holder, State, Tidb, World};
use crate::protocol::etcd::{Key, Name, Scope, Txn, Value};
use crate::protocol::{barrier, worker};

/// What was done, by whom, and a number: a scope or a timestamp.
pub type Label = (&'static str, u32, u64);

/// Collects the states after one step.
pub struct Steps<'a> {
    world: &'a World,
    from: &'a State,
    pub to: Vec<(Label, State)>,
}

const BARRIER: Name = 1;

impl<'a> Steps<'a> {
    pub fn of(world: &'a World, from: &'a State) -> Vec<(Label, State)> {
        let mut steps = Self { world, from, to: Vec::new() };
        if from.now < world.last_second {
            steps.add(("clock ticks", 0, from.now + 1), |state| state.now += 1);
        }
        (0..world.workers).for_each(|number| steps.worker(number));
        if world.pd {
            steps.add(("PD leads", 0, 0), |state| state.etcd.write(Key::PdLeader, Some(Value::Epoch(0))));
        }
        steps.leader_lapses();
        (0..world.nodes).for_each(|name| steps.node(name));
        steps.holder();
        steps.tidb();
        steps.to
    }

    fn add(&mut self, label: Label, step: impl FnOnce(&mut State)) {
        let mut state = self.from.clone();
        step(&mut state);
        state.settle(self.world);
        if state != *self.from {
            self.to.push((label, state));
        }
    }

    fn worker(&mut self, number: u32) {
        let (at, from) = (number as usize, self.from);
        let me = &from.workers[at];
        let Some(term) = me.term else {
            if from.etcd.get(Key::Leader).is_none() {
                self.add(("worker is elected", number, from.epoch + 1), |state| {
                    state.epoch += 1;
                    state.etcd.commit(&worker::campaign(state.epoch));
                    state.workers[at].term = Some(state.epoch);
                });
            }
            return;
        };
        if from.etcd.get(Key::Leader) != Some(Value::Epoch(term)) {
            self.add(("worker sees that it lost", number, term), |state| state.workers[at] = Default::default());
        }
        if from.crashes > 0 {
            self.add(("worker crashes", number, term), |state| {
                state.crashes -= 1;
                state.workers[at] = Default::default();
            });
        }
        if let Some(txn) = &me.pending {
            self.add(("worker commits", number, term), |state| {
                state.workers[at].pending = None;
                state.etcd.commit(txn);
            });
            return;
        }
        for scope in 0..self.world.scopes {
            for late in 0..=u64::from(self.world.late_clock) {
                let now = from.now.saturating_sub(late);
                let txn = worker::advance_txn(&from.etcd, term, scope, now, now).txn;
                self.add(("worker reads for T", number, scope.into()), |state| state.workers[at].pending = txn);
            }
            let txn = worker::advance_gc(&from.etcd, term, scope).txn;
            self.add(("worker reads for G", number, scope.into()), |state| state.workers[at].pending = txn);
        }
    }

    fn leader_lapses(&mut self) {
        let Some(Value::Epoch(term)) = self.from.etcd.get(Key::Leader) else { return };
        let lives = self.from.workers.iter().any(|worker| worker.term == Some(term));
        self.lapse(("leader's lease runs out", 0, term), lives, |state| state.etcd.write(Key::Leader, None));
    }

    /// A dead process's lease may run out at any time, a living one's as often as the world says.
    fn lapse(&mut self, label: Label, lives: bool, step: impl FnOnce(&mut State)) {
        if !lives || self.from.lapses > 0 {
            self.add(label, |state| {
                state.lapses -= u8::from(lives);
                step(state);
            });
        }
    }

    fn node(&mut self, name: Name) {
        let (at, from) = (name as usize, self.from);
        let lives = from.stores[at].process.as_ref().is_some_and(|node| node.is_registered(&from.etcd));
        if let Some(Value::Epoch(epoch)) = from.etcd.get(Key::Node(name)) {
            self.lapse(("node's lease runs out", name, epoch), lives, |state| state.unregister(name));
            self.lapse(("node is fenced", name, epoch), true, |state| {
                state.etcd.commit(&worker::fence(name, epoch));
                state.unregister(name);
            });
        }
        let Some(node) = &from.stores[at].process else {
            self.add(("node starts", name, from.epoch + 1), |state| state.start(name));
            if from.copies > 0 {
                self.add(("node starts from a copy", name, from.epoch + 1), |state| {
                    state.copies -= 1;
                    state.stores[at].locks = state.stores[at].ever;
                    state.start(name);
                });
            }
            return;
        };
        if !lives {
            self.add(("node sees that it lost", name, node.epoch()), |state| state.stores[at].process = None);
        }
        if from.crashes > 0 {
            self.add(("node crashes", name, node.epoch()), |state| {
                state.crashes -= 1;
                state.stores[at].process = None;
            });
        }
        for scope in 0..self.world.scopes {
            self.locks(name, scope);
        }
    }

    fn locks(&mut self, name: Name, scope: Scope) {
        let (at, from, fine) = (name as usize, self.from, self.world.fine);
        let Some(node) = &from.stores[at].process else { return };
        if !(self.world.stuck && name == 0 && scope == 0) {
            self.add(("node learns T", name, scope.into()), |state| {
                state.learn(at, scope);
                if !fine {
                    state.resolve(at, scope);
                }
            });
            self.add(("node resolves", name, scope.into()), |state| state.resolve(at, scope));
        }
        if let Some(txn) = node.answer(&from.etcd, scope) {
            self.add(("node answers", name, scope.into()), |state| {
                state.etcd.commit(&txn);
            });
        }
        for start in 1..=from.now {
            if from.locks > 0 && node.may_lock(scope, start) {
                self.add(("node locks", name, start), |state| {
                    state.locks -= 1;
                    state.stores[at].locks[scope as usize] |= 1 << start;
                    state.stores[at].ever[scope as usize] |= 1 << start;
                });
            }
        }
    }

    fn holder(&mut self) {
        let (Some(scope), from) = (self.world.barrier, self.from) else { return };
        match &from.holder {
            Holder::Without => {
                for timestamp in 0..=self.world.last_second {
                    if let Ok(txn) = barrier::set(&from.etcd, scope, BARRIER, timestamp, 1, from.now) {
                        let barrier = Barrier { timestamp, until: from.now + 1 };
                        self.add(("holder reads", 0, timestamp), |state| state.holder = Holder::Setting(barrier, txn));
                    }
                }
            }
            Holder::Setting(barrier, txn) => self.hold(("holder sets", 0, barrier.timestamp), txn, Holder::Holds(*barrier)),
            Holder::Holds(barrier) => {
                let barrier = *barrier;
                if let Ok(txn) = crate::protocol::barrier::delete(&from.etcd, scope, BARRIER) {
                    self.add(("holder reads", 0, 0), |state| state.holder = Holder::Deleting(barrier, txn));
                }
            }
            Holder::Deleting(_, txn) => self.hold(("holder deletes", 0, 0), txn, Holder::Done),
            Holder::Done => {}
        }
    }

    fn hold(&mut self, label: Label, txn: &Txn, next: Holder) {
        self.add(label, |state| {
            state.etcd.commit(txn);
            state.holder = next;
        });
    }

    fn tidb(&mut self) {
        if !self.world.tidb || self.from.tidb != Tidb::Before {
            return;
        }
        for start in 1..=self.from.now {
            self.add(("TiDB writes its start", 0, start), |state| {
                let passed = state.etcd.number(Key::Txn(0)) > start;
                state.tidb = if passed { Tidb::TooLate } else { Tidb::InTime(start) };
                state.etcd.write(Key::MinStart(0, 0), Some(Value::Number(start)));
            });
        }
    }
}

impl State {
    fn learn(&mut self, at: usize, scope: Scope) {
        if let Some(node) = &mut self.stores[at].process {
            node.learn(&self.etcd, scope);
        }
    }

    fn resolve(&mut self, at: usize, scope: Scope) {
        let store = &mut self.stores[at];
        let Some(node) = &mut store.process else { return };
        if let Some(up_to) = node.to_resolve(scope) {
            store.locks[scope as usize] &= !((2 << up_to) - 1);
            node.has_resolved(scope, up_to);
        }
    }
}
