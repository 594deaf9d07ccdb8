//! From a registration to the end of a watch: register, list everything, watch, answer.
//!
//! T is read after the registration, never before. Else a T that moved before, when no worker
//! waited for this node, would let a lock in below it:
//!
//! | this node | etcd |
//! |---|---|
//! | lists: T = 3 | |
//! | | T = 5, G = 5: no node is registered |
//! | registers | |
//! | may lock at 4, if it does not list again | G = 5 is above a lock |
//!
//! What it owes meanwhile, locks resolved and orders answered, is in `duties`.

mod duties;

use super::answers::Answers;
use super::host::Host;
use super::knowledge::Knowledge;
use super::local::Local;
use super::locks::{Locks, Order};
use super::registration::{Identity, Registration};
use super::seen::Seen;
use super::standing::Standing;
use super::{facts, status::Status};
use crate::error::{Error, Result};
use crate::etcd::{Change, Client, Watch};
use crate::layout::id::Scope;
use crate::layout::own_value::Role;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{MissedTickBehavior, interval};

/// How often orders, ranges and refused locks are looked at again.
const TICK: Duration = Duration::from_millis(500);

/// What follows etcd for one process.
pub struct Session<L, H> {
    /// The client.
    pub client: Client,
    /// Who this is.
    pub identity: Identity,
    /// The library.
    pub local: Arc<L>,
    /// The host.
    pub host: Arc<H>,
    /// The locks, if the host holds transactions.
    pub locks: Option<Arc<Locks>>,
    /// Up to which sequence number of its primary's a standby has replicated.
    pub replicated: Arc<AtomicU64>,
    /// What others may ask at any time.
    pub status: Arc<Status>,
    /// Whether the node may serve.
    pub standing: Arc<Standing>,
    /// The keys that etcd holds.
    pub seen: Seen,
    /// What etcd says.
    pub knowledge: Knowledge,
    registration: Option<Arc<Registration>>,
    /// Every epoch of this process: if one is fenced, the process is.
    epochs: Vec<u64>,
    resolves: JoinSet<(Order, bool)>,
    /// What is resolved, and etcd does not know yet.
    untold: BTreeMap<Scope, u64>,
    answers: Answers,
}

/// Why a session ended.
#[derive(Debug)]
pub enum Ended {
    /// A registration of this process was fenced.
    Fenced(String),
    /// The registration does not stand any more.
    Unregistered(&'static str),
    /// To try again.
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<L: Local, H: Host> Session<L, H> {
    /// A session that knows nothing yet. A standby holds no transactions of its own.
    pub fn new(client: Client, mut identity: Identity, local: Arc<L>, host: Arc<H>) -> Self {
        identity.holds_transactions &= identity.role == Role::Primary;
        Self {
            answers: Answers::new(identity.lease),
            locks: identity.holds_transactions.then(Arc::default),
            client,
            identity,
            local,
            host,
            replicated: Arc::default(),
            status: Arc::default(),
            standing: Arc::default(),
            seen: Seen::default(),
            knowledge: Knowledge::default(),
            registration: None,
            epochs: Vec::new(),
            resolves: JoinSet::new(),
            untold: BTreeMap::new(),
        }
    }

    /// A store with locks whose host resolves none: the node counts as one that never answers. So
    /// nothing is collected that a lock may need, and a worker names the node.
    pub fn look_for_locks(&mut self) {
        let may_hold = self.identity.role == Role::Primary && !self.identity.holds_transactions;
        if may_hold && self.local.has_lock_family() {
            tracing::error!(
                "a column family with role RGC_CF_LOCK is attached, and the host gave no `resolve`: node {:?} never answers, \
                 and holds its fleet up",
                self.identity.name
            );
            self.identity.holds_transactions = true;
            self.locks = Some(Arc::default());
        }
    }

    /// Lists everything, gives it to the library, and returns the revision.
    pub async fn list(&mut self) -> Result<i64> {
        let (client, keys) = (self.client.clone(), self.keys()?);
        let listed = client.list_parts(&keys, |part| {
            let changes = self.seen.take(part);
            self.take(&changes);
        });
        let revision = listed.await?;
        let vanished = self.seen.vanished(revision);
        self.take(&vanished);
        self.settle(revision);
        Ok(revision)
    }

    fn keys(&self) -> Result<Vec<crate::etcd::Keys>> {
        facts::keys(self.client.cluster(), &self.identity.name, self.identity.holds_transactions)
    }

    /// The library may block on its store: the runtime's other tasks must go on.
    fn take(&mut self, changes: &[Change]) {
        let (cluster, node) = (self.client.cluster(), &self.identity.name);
        block_in_place(|| self.knowledge.take(cluster, node, changes, &*self.local, self.locks.as_deref()));
    }

    fn settle(&mut self, revision: i64) {
        block_in_place(|| self.knowledge.settle(&*self.local, self.locks.as_deref()));
        self.status.knows(revision, self.knowledge.counts());
        self.tell_unresolved();
    }

    fn tell_unresolved(&self) {
        self.locks.iter().for_each(|locks| self.status.unresolved(locks.unresolved()));
    }

    /// Registers, unless a registration stands.
    pub async fn register(&mut self) -> Result<()> {
        if self.registration.as_ref().is_some_and(|registration| registration.is_alive()) {
            return Ok(());
        }
        self.unregister().await;
        let before = self.epochs.last().copied();
        let registration = Arc::new(Registration::new(&self.client, &self.identity, before).await?);
        let epoch = registration.epoch();
        self.epochs.push(epoch);
        self.standing.begin(Box::new({
            let registration = registration.clone();
            move || registration.is_alive()
        }));
        self.locks.iter().for_each(|locks| locks.begin(epoch));
        block_in_place(|| self.knowledge.schemas.answer_anew(&*self.local));
        self.knowledge.ranges.answer_anew();
        self.answers.begin();
        self.untold.clear();
        self.registration = Some(registration);
        self.status.registered(Some(epoch));
        Ok(())
    }

    /// Ends the registration, if there is one: the node serves no more.
    pub async fn unregister(&mut self) {
        self.standing.end();
        self.status.registered(None);
        if let Some(registration) = self.registration.take() {
            let _ = registration.end().await;
        }
    }

    /// Follows etcd until something ends it.
    pub async fn run(&mut self) -> Ended {
        match self.begin().await {
            Ok(watch) => self.follow(watch).await,
            Err(ended) => ended,
        }
    }

    /// Registers, reads everything, and serves.
    async fn begin(&mut self) -> Result<Watch, Ended> {
        self.register().await?;
        let revision = self.list().await?;
        self.check_registration()?;
        if let Some(locks) = &self.locks {
            self.knowledge.tell_every_txn_safe_point(locks);
        }
        self.tell_resolved().await?;
        self.answer().await?;
        self.standing.serve();
        Ok(self.client.watch(&self.keys()?, revision + 1).await?)
    }

    /// Has a registration of this process been fenced, or the present one replaced?
    fn check_registration(&self) -> Result<(), Ended> {
        if let Some((_, why)) = self.knowledge.fenced.as_ref().filter(|(epoch, _)| self.epochs.contains(epoch)) {
            return Err(Ended::Fenced(why.clone()));
        }
        if self.knowledge.registered == self.epochs.last().copied() { Ok(()) } else { Err(Ended::Unregistered("its key is gone")) }
    }

    async fn follow(&mut self, mut watch: Watch) -> Ended {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.status.connected(true);
        let ended = loop {
            self.resolve();
            let Some(registration) = self.registration.clone() else { break Ended::Unregistered("it has ended") };
            let done = tokio::select! {
                biased;
                () = registration.lost() => Err(Ended::Unregistered("its lease could not be renewed in time")),
                batch = watch.next() => match batch {
                    Ok(batch) => {
                        self.seen.note(&batch);
                        self.take(&batch.changes);
                        self.settle(batch.revision);
                        self.check_registration()
                    }
                    Err(ended) => Err(Error(ended.to_string()).into()),
                },
                Some(resolved) = self.resolves.join_next() => match resolved {
                    Ok((order, resolved)) => self.resolved(order, resolved).await,
                    Err(panicked) => Err(Error(format!("the host's function that resolves locks failed: {panicked}")).into()),
                },
                _ = tick.tick() => self.answer().await,
            };
            if let Err(ended) = done {
                break ended;
            }
        };
        self.status.connected(false);
        ended
    }
}
