//! One round of the worker that leads: T of every scope, then G of every scope.
//!
//! The round reads etcd once, and commits the steps of about 100 scopes in one transaction. After
//! each it changes what it has read as etcd did, and goes on. A refused transaction means that
//! another writer came first: then it reads anew, and each of these scopes gets transactions of its
//! own, so that one in which others write all the time holds up none but itself.

use super::batch::Batch;
use super::clock::Now;
use super::metrics::Metrics;
use crate::error::{Error, Result};
use crate::etcd::{Client, Lease};
use crate::layout::id::Scope;
use crate::protocol::etcd::{Key, Scope as Number, Snapshot, Timestamp, Txn, Value};
use crate::protocol::worker::{Step, advance_gc, advance_txn};
use crate::translate::{Details, Reading, number};
use std::collections::BTreeMap;
use std::fmt;

const ATTEMPTS: usize = 5;

/// Who or what holds a scope up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// A barrier of the scope holds T.
    Barrier(String),
    /// A barrier of all scopes holds T.
    GlobalBarrier(String),
    /// A TiDB instance with an old transaction holds T.
    Instance(String),
    /// A node that has not resolved its locks holds G.
    Node(String),
    /// A clock that is behind holds T.
    Clock(String),
    /// A value that cannot be read holds both.
    Unreadable(String),
    /// Other writers were always faster, in this round.
    Contended,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barrier(name) => write!(f, "barrier {name}"),
            Self::GlobalBarrier(name) => write!(f, "global barrier {name}"),
            Self::Instance(name) => write!(f, "start timestamp of {name}"),
            Self::Node(name) => write!(f, "node {name}"),
            Self::Clock(name) => write!(f, "clock of {name}"),
            Self::Unreadable(error) => f.write_str(error),
            Self::Contended => f.write_str("other writers of safe points"),
        }
    }
}

/// A scope after a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfScope {
    /// T.
    pub txn_safe_point: Timestamp,
    /// G.
    pub gc_safe_point: Timestamp,
    /// What holds T or G up; empty if nothing does.
    pub held: Vec<Held>,
}

/// What a round found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The time that it used.
    pub now: Now,
    /// Each scope.
    pub scopes: BTreeMap<Scope, OfScope>,
}

/// Is this worker the one that may write?
pub fn leads(reading: &Reading, term: u64) -> Result<()> {
    if reading.snapshot.get(Key::PdLeader).is_some() {
        return Err(Error("a PD leads now; only PD writes safe points".into()));
    }
    if reading.snapshot.get(Key::Leader) != Some(Value::Epoch(term)) {
        return Err(Error("another worker leads now".into()));
    }
    Ok(())
}

/// A round.
pub struct Round<'a> {
    /// Of etcd.
    pub client: &'a Client,
    /// The leader's.
    pub lease: &'a Lease,
    /// What was read last.
    pub reading: Reading,
    /// Counts what is refused.
    pub metrics: &'a Metrics,
}

impl Round<'_> {
    /// Advances every scope as far as it may go. An error ends the round: this worker does not lead
    /// any more, or etcd is away. A scope that is held up is no error.
    pub async fn run(&mut self, now: &Now, gc_life_time_ms: u64) -> Result<Report> {
        let target = crate::protocol::worker::target(now.unix_ms, gc_life_time_ms);
        let (term, seconds) = (self.term(), now.unix_ms / 1000);
        let scopes = self.reading.scopes();
        let mut held = self.advance_all(&scopes, |read, of| advance_txn(read, term, of, target, seconds)).await?;
        for (scope, more) in self.advance_all(&scopes, |read, of| advance_gc(read, term, of)).await? {
            held.entry(scope).or_default().extend(more);
        }
        let scopes = scopes.into_iter().map(|scope| {
            let mut held = held.remove(&scope).unwrap_or_default();
            held.extend(now.held_by.clone().map(Held::Clock));
            held.sort();
            held.dedup();
            (scope, self.now_at(scope, held))
        });
        Ok(Report { now: now.clone(), scopes: scopes.collect() })
    }

    fn term(&self) -> u64 {
        self.lease.id().unsigned_abs()
    }

    fn now_at(&self, scope: Scope, held: Vec<Held>) -> OfScope {
        let of = number(scope);
        let [txn_safe_point, gc_safe_point] = [Key::Txn(of), Key::Gc(of)].map(|key| self.reading.snapshot.number(key));
        OfScope { txn_safe_point, gc_safe_point, held }
    }

    /// Commits a step of each scope, many at once.
    async fn advance_all(&mut self, scopes: &[Scope], step: impl Fn(&Snapshot, Number) -> Step) -> Result<BTreeMap<Scope, Vec<Held>>> {
        let (mut held, mut batch) = (BTreeMap::new(), Batch::default());
        for scope in scopes {
            loop {
                let (found, txn) = self.look(*scope, &step)?;
                held.insert(*scope, found);
                if txn.is_none_or(|txn| batch.add(*scope, &txn)) {
                    break;
                }
                self.commit_batch(&mut batch, &mut held, &step).await?;
            }
        }
        self.commit_batch(&mut batch, &mut held, &step).await?;
        Ok(held)
    }

    async fn commit_batch(
        &mut self,
        batch: &mut Batch,
        held: &mut BTreeMap<Scope, Vec<Held>>,
        step: &impl Fn(&Snapshot, Number) -> Step,
    ) -> Result<()> {
        let Some((txn, scopes)) = batch.take() else { return Ok(()) };
        if !self.commit(&txn).await? {
            for scope in scopes {
                held.insert(scope, self.advance(scope, step).await?);
            }
        }
        Ok(())
    }

    /// Commits steps of one scope until nothing would change.
    async fn advance(&mut self, scope: Scope, step: &impl Fn(&Snapshot, Number) -> Step) -> Result<Vec<Held>> {
        let mut held = Vec::new();
        for _ in 0..ATTEMPTS {
            let txn;
            (held, txn) = self.look(scope, step)?;
            let Some(txn) = txn else { return Ok(held) };
            if !self.commit(&txn).await? {
                held.push(Held::Contended);
            }
        }
        Ok(held)
    }

    /// What holds the scope up, and what to commit.
    fn look(&self, scope: Scope, step: &impl Fn(&Snapshot, Number) -> Step) -> Result<(Vec<Held>, Option<Txn>)> {
        if let Err(Error(why)) = self.reading.check(scope) {
            return Ok((vec![Held::Unreadable(why)], None));
        }
        let Step { txn, blockers } = step(&self.reading.snapshot, number(scope));
        let held = blockers.into_iter().map(|key| held_by(&self.reading, key)).collect::<Result<Vec<Held>>>()?;
        Ok((held, txn))
    }

    /// Commits, and changes the reading as etcd did; or reads anew, and returns `false`.
    async fn commit(&mut self, txn: &Txn) -> Result<bool> {
        if !self.lease.is_alive() {
            return Err(Error("the leader's lease was not renewed in time".into()));
        }
        if self.client.commit(&self.reading.txn(txn, &Details::default())?).await? {
            self.reading.snapshot.commit(txn);
            return Ok(true);
        }
        self.metrics.refused.inc();
        self.reading = Reading::take(self.client).await?;
        leads(&self.reading, self.term())?;
        Ok(false)
    }
}

/// The blocker's name.
pub fn held_by(reading: &Reading, key: Key) -> Result<Held> {
    let name = |number| reading.names.name(number).map(str::to_owned);
    Ok(match key {
        Key::Barrier(Some(_), number) => Held::Barrier(name(number)?),
        Key::Barrier(None, number) => Held::GlobalBarrier(name(number)?),
        Key::MinStart(_, number) => Held::Instance(name(number)?),
        Key::Node(number) => Held::Node(name(number)?),
        other => return Err(Error(format!("{other:?} is no blocker"))),
    })
}
