//! What one node knows of the fleet: it reads etcd, and feeds the library of its process.
//!
//! | module | content |
//! |---|---|
//! | [`facts`] | what a change in etcd says |
//! | [`seen`] | a new listing becomes changes |
//! | [`keyspaces`], [`safe_points`], [`schemas`], [`ranges`] | what was said, and is given to the library |
//! | [`failures`] | logged once |
//! | [`knowledge`] | all of it: facts in, calls of the library out |
//! | [`directory`], [`standing`] | for host threads: a keyspace's scope; may the node serve |
//! | [`locks`] | which locks are refused and resolved; how far filters may go |
//! | [`answers`] | what the node tells etcd |
//! | [`registration`] | the node's key under its lease |
//! | [`session`] | register, list, watch, answer, until something ends it |
//! | [`holds`] | barriers for readers of this node |
//! | [`local`], [`host`] | the library and the host of this process, as traits |
//! | [`status`] | the follower's state, for the host |
//!
//! [`Follower`] runs sessions one after the other. Away from etcd a node keeps the safe points that
//! it has: they were safe when they came, and stay so.

pub mod answers;
pub mod directory;
pub mod facts;
pub mod failures;
pub mod holds;
pub mod host;
pub mod keyspaces;
pub mod knowledge;
pub mod local;
pub mod locks;
pub mod ranges;
pub mod registration;
pub mod safe_points;
pub mod schemas;
pub mod seen;
pub mod session;
pub mod standing;
pub mod status;

use crate::error::{Error, Result};
use crate::etcd::backoff::reconnects;
use crate::etcd::{Client, Settings};
use crate::layout::id::{KeyspaceId, Scope};
use crate::translate::cluster;
use directory::Directory;
use holds::Holds;
use host::Host;
use local::Local;
use locks::Locks;
use registration::Identity;
use session::{Ended, Session};
use standing::Standing;
use status::{State, Status};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// A session that lasted so long was a good one: the next attempt may come soon.
const GOOD_SESSION: Duration = Duration::from_secs(10);
/// How long the last calls to etcd may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// Follows etcd for one process, on threads of its own.
pub struct Follower<L: Local, H: Host> {
    runtime: Option<Runtime>,
    /// Until it follows.
    idle: Mutex<Option<Session<L, H>>>,
    client: Client,
    host: Arc<H>,
    locks: Option<Arc<Locks>>,
    standing: Arc<Standing>,
    directory: Arc<Directory>,
    holds: Arc<Holds>,
    status: Arc<Status>,
    replicated: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
}

impl<L: Local, H: Host> Follower<L, H> {
    /// Connects, lists everything, and gives it to the library: before the host opens its DB, so
    /// that recovery and the first compactions know what was dropped. Each thread calls `on_thread`
    /// first. Blocks, at most for `limit`.
    pub fn load(settings: &Settings, identity: Identity, local: L, host: H, on_thread: fn(), limit: Duration) -> Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_name("rocks_gc_fleet").on_thread_start(on_thread).enable_all().build();
        let runtime = runtime.map_err(|error| Error(format!("no thread could be started: {error}")))?;
        let session = runtime.block_on(within(limit, "load", async {
            let client = Client::connect(settings).await?;
            cluster::check(&client).await?;
            let mut session = Session::new(client, identity, Arc::new(local), Arc::new(host));
            tokio::spawn(async move { session.list().await.map(|_| session) })
                .await
                .map_err(|failed| Error(format!("the follower failed: {failed}")))?
        }))?;
        Ok(Self {
            runtime: Some(runtime),
            client: session.client.clone(),
            host: session.host.clone(),
            locks: session.locks.clone(),
            standing: session.standing.clone(),
            directory: session.knowledge.directory(),
            holds: Arc::default(),
            status: session.status.clone(),
            replicated: session.replicated.clone(),
            idle: Mutex::new(Some(session)),
            stop: watch::channel(false).0,
        })
    }

    /// Registers the node and follows etcd from now on: after the host has attached its store.
    /// Blocks until the node may serve, at most for `limit`. May be called again after an error.
    pub fn follow(&self, limit: Duration) -> Result<()> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let end = Instant::now() + limit;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut session) = idle {
            session.look_for_locks();
            let mut last = None;
            let registered = runtime.block_on(within(limit, "register the node", async {
                let mut waits = reconnects();
                // The process before this one may have ended without a word: its lease has to run out.
                while let Err(error) = session.register().await {
                    last = Some(error);
                    tokio::time::sleep(waits.next().unwrap_or(GOOD_SESSION).min(Duration::from_secs(1))).await;
                }
                Ok(())
            }));
            if let Err(error) = registered {
                *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
                return Err(last.unwrap_or(error));
            }
            runtime.spawn(keep_following(session, self.holds.clone(), self.stop.subscribe()));
        }
        let serving = async {
            self.standing.serving().await;
            Ok(())
        };
        let read = runtime.block_on(within(end - Instant::now(), "read what etcd holds", serving));
        read.map_err(|Error(late)| Error(self.status().last_error.map_or(late.clone(), |why| format!("{late}; {why}"))))
    }

    /// May the host serve, for certain, now?
    pub fn may_serve(&self) -> bool {
        self.standing.may_serve()
    }

    /// May a transaction of this start timestamp write a lock in this keyspace, or outside of
    /// keyspaces? `false` on a node that holds no transactions.
    pub fn may_lock(&self, keyspace: Option<KeyspaceId>, start: u64) -> bool {
        match (&self.locks, self.directory.scope(keyspace)) {
            (Some(locks), Some(scope)) => self.standing.may_serve() && locks.may_lock(scope, start),
            _ => false,
        }
    }

    /// A standby has replicated up to this sequence number of its primary's.
    pub fn has_replicated(&self, sequence: u64) {
        self.replicated.fetch_max(sequence, Ordering::SeqCst);
    }

    /// Sets a barrier for readers of this node. Blocks, at most for `limit`.
    pub fn hold(&self, keyspace: Option<KeyspaceId>, name: &str, ts: u64, ttl: Duration, limit: Duration) -> Result<()> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let named = (self.scope(keyspace)?, name.to_owned());
        runtime.block_on(within(limit, "set the barrier", self.holds.hold(&self.client, &self.host, named, ts, ttl)))
    }

    /// Does a hold stand for certain, now?
    pub fn is_held(&self, keyspace: Option<KeyspaceId>, name: &str) -> bool {
        self.scope(keyspace).is_ok_and(|scope| self.holds.stands(&(scope, name.to_owned())))
    }

    /// Ends a hold. Blocks, at most for `limit`.
    pub fn release(&self, keyspace: Option<KeyspaceId>, name: &str, limit: Duration) -> Result<()> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        let named = (self.scope(keyspace)?, name.to_owned());
        runtime.block_on(within(limit, "delete the barrier", self.holds.release(&self.client, &named)))
    }

    fn scope(&self, keyspace: Option<KeyspaceId>) -> Result<Scope> {
        let scope = self.directory.scope(keyspace);
        scope.ok_or_else(|| {
            let id = keyspace.map_or(0, KeyspaceId::get);
            Error(format!("keyspace {id} is not known, or everything of it is kept: no barrier is needed, and none is set"))
        })
    }

    /// The follower's state.
    pub fn status(&self) -> State {
        self.status.get()
    }
}

impl<L: Local, H: Host> Drop for Follower<L, H> {
    /// Ends the registration. Blocks until the threads have ended, also on a callback of the host.
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.standing.end();
        self.stop.send_replace(true);
        runtime.block_on(async {
            let _ = timeout(FAREWELL, self.holds.end(&self.client)).await;
            // The task has a receiver until it ends.
            self.stop.closed().await;
        });
    }
}

async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(Error(format!("could not {what} within {} ms; is etcd there?", limit.as_millis()))),
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn keep_following<L: Local, H: Host>(mut session: Session<L, H>, holds: Arc<Holds>, mut stop: watch::Receiver<bool>) {
    let mut waits = reconnects();
    let node = session.identity.name.clone();
    loop {
        let begun = Instant::now();
        let ended = tokio::select! {
            () = stopped(&mut stop) => break,
            ended = session.run() => ended,
        };
        let why = match ended {
            Ended::Fenced(why) => {
                tracing::error!("node {node:?} is fenced: {why}");
                session.standing.end();
                session.status.fenced();
                let host = session.host.clone();
                let told = tokio::task::spawn_blocking(move || host.fenced(&why));
                let _ = tokio::join!(timeout(FAREWELL, holds.end(&session.client)), told);
                break;
            }
            Ended::Unregistered(why) => {
                session.unregister().await;
                format!("the registration does not stand any more: {why}")
            }
            Ended::Failed(Error(why)) => why,
        };
        tracing::warn!("{why}; node {node:?} keeps its safe points, and lists everything anew");
        session.status.failed(why);
        if begun.elapsed() > GOOD_SESSION {
            waits = reconnects();
        }
        tokio::select! {
            () = stopped(&mut stop) => break,
            () = tokio::time::sleep(waits.next().unwrap_or(GOOD_SESSION)) => {}
        }
    }
    let _ = timeout(FAREWELL, session.unregister()).await;
    // The session must be gone before the receiver: `drop` waits for the receiver, then frees the host.
    drop(session);
    drop(stop);
}
