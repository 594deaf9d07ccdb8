//! The loop of a worker: a lease, the election, a round now and then.

use super::clock::{Clock, Trust};
use super::lingering::Countdowns;
use super::metrics::Metrics;
use super::round::{Report, Round};
use super::{orders, ranges};
use crate::error::{Error, Result};
use crate::etcd::{Client, Lease, Put, Txn, backoff};
use crate::layout::name::check_own_name;
use crate::layout::own_key::OwnKey;
use crate::layout::own_value::{self, Leader, OwnValue};
use crate::protocol::etcd::{Key, Value};
use crate::protocol::worker::campaign;
use crate::translate::{Details, Reading, number};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How a worker works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its name: another one for each worker.
    pub name: String,
    /// How long old versions are kept at least.
    pub gc_life_time: Duration,
    /// The pause between rounds.
    pub interval: Duration,
    /// How long after its last sign of life another worker may lead.
    pub lease: Duration,
}

/// What a worker does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Leads,
    Waits,
    GivesWay,
}

/// A worker.
pub struct Worker {
    client: Client,
    options: Options,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    trust: Trust,
    role: Option<Role>,
    report: Option<Report>,
    countdowns: Countdowns,
}

impl Worker {
    /// Refuses options with which it could not work.
    pub fn new(client: Client, options: Options, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Result<Self> {
        check_own_name(&options.name)?;
        if options.lease.is_zero() || options.interval.is_zero() {
            return Err(Error("the lease and the interval of a worker must be above 0".into()));
        }
        Ok(Self { client, options, clock, metrics, trust: Trust::default(), role: None, report: None, countdowns: Countdowns::default() })
    }

    /// Works until `stop` is ready. Then gives up its lease, so that another worker leads at once.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<()> {
        tokio::pin!(stop);
        let mut pauses = backoff::reconnects();
        loop {
            let lease = tokio::select! {
                () = &mut stop => return Ok(()),
                lease = self.client.lease(self.options.lease) => lease,
            };
            match lease {
                Ok(lease) => {
                    pauses = backoff::reconnects();
                    tokio::select! {
                        () = &mut stop => return lease.revoke().await,
                        () = self.hold(&lease) => {}
                        () = lease.lost() => tracing::warn!("worker {}: its lease ended", self.options.name),
                    }
                }
                Err(error) => {
                    tracing::error!("worker {}: {error}", self.options.name);
                    let pause = pauses.next().unwrap_or(self.options.interval);
                    tokio::select! {
                        () = &mut stop => return Ok(()),
                        () = sleep(pause) => {}
                    }
                }
            }
            self.is(Role::Waits);
        }
    }

    /// Rounds under one lease, without end.
    async fn hold(&mut self, lease: &Lease) {
        loop {
            if let Err(error) = self.turn(lease).await {
                self.metrics.failed_rounds.inc();
                tracing::error!("worker {}: {error}", self.options.name);
            }
            sleep(self.options.interval).await;
        }
    }

    /// Writes the clock, looks who leads, and does what is to do.
    async fn turn(&mut self, lease: &Lease) -> Result<()> {
        self.write_clock(lease).await?;
        let reading = Reading::take(&self.client).await?;
        if reading.snapshot.get(Key::PdLeader).is_some() {
            self.is(Role::GivesWay);
            return Ok(());
        }
        let term = lease.id().unsigned_abs();
        match reading.snapshot.get(Key::Leader) {
            Some(Value::Epoch(leading)) if leading == term => self.round(lease, reading).await,
            Some(_) => {
                self.is(Role::Waits);
                Ok(())
            }
            None => {
                if let Some(error) = reading.unreadable_everywhere.first() {
                    return Err(error.clone());
                }
                let leader = Leader { worker: self.options.name.clone(), since: self.clock.unix_ms() / 1000 };
                let details = Details { lease: Some(lease.id()), leader: Some(leader), ..Details::default() };
                if self.client.commit(&reading.txn(&campaign(term), &details)?).await? {
                    return self.round(lease, Reading::take(&self.client).await?).await;
                }
                Ok(())
            }
        }
    }

    async fn write_clock(&self, lease: &Lease) -> Result<()> {
        let key = OwnKey::WorkerClock(self.options.name.clone()).build(self.client.cluster())?;
        let value = own_value::Clock { unix_ms: self.clock.unix_ms() }.build()?;
        let puts = vec![Put { lease: Some(lease.id()), ..Put::new(key, value) }];
        self.client.commit(&Txn { puts, ..Txn::default() }).await.map(|_| ())
    }

    async fn round(&mut self, lease: &Lease, mut reading: Reading) -> Result<()> {
        self.is(Role::Leads);
        self.say_what_went_back(&reading);
        reading.clocks.remove(&format!("worker {}", self.options.name));
        let now = self.trust.time(self.clock.unix_ms(), Instant::now(), &reading.clocks);
        let life_time = u64::try_from(self.options.gc_life_time.as_millis()).unwrap_or(u64::MAX);
        let mut round = Round { client: &self.client, lease, reading, metrics: &self.metrics };
        let report = round.run(&now, life_time).await?;
        self.countdowns.turn(&self.client, &round.reading).await?;
        ranges::move_done(&self.client, lease, &round.reading).await?;
        orders::finish(&self.client, lease, &round.reading).await?;
        self.metrics.rounds.inc();
        self.metrics.show(&report);
        self.say(&report);
        self.report = Some(report);
        Ok(())
    }

    /// A safe point below the one of the last round: an operator wrote etcd by hand, or restored a
    /// backup.
    fn say_what_went_back(&self, reading: &Reading) {
        for (scope, of) in self.report.iter().flat_map(|report| &report.scopes) {
            let of_scope = number(*scope);
            for (what, key, before) in [("T", Key::Txn(of_scope), of.txn_safe_point), ("G", Key::Gc(of_scope), of.gc_safe_point)] {
                let now = reading.snapshot.number(key);
                if now < before {
                    self.metrics.went_back.inc();
                    tracing::error!(
                        "scope {scope}: {what} went back from {before} to {now} in etcd; nodes may have used {before} already: set no barrier below it"
                    );
                }
            }
        }
    }

    /// Says what holds a scope up, when it begins or changes.
    fn say(&self, report: &Report) {
        let before = |scope| self.report.as_ref().and_then(|report| report.scopes.get(scope)).map_or(&[][..], |of| &of.held);
        for (scope, of) in report.scopes.iter().filter(|(scope, of)| of.held != before(scope)) {
            let held: Vec<String> = of.held.iter().map(ToString::to_string).collect();
            match held.as_slice() {
                [] => tracing::info!("scope {scope}: nothing holds it up any more"),
                held => tracing::warn!("scope {scope} is held up: {}", held.join("; ")),
            }
        }
    }

    fn is(&mut self, role: Role) {
        self.metrics.leads.set(i64::from(role == Role::Leads));
        self.metrics.gives_way.set(i64::from(role == Role::GivesWay));
        if self.role.replace(role) != Some(role) {
            let name = &self.options.name;
            match role {
                Role::Leads => tracing::info!("worker {name} leads"),
                Role::Waits => tracing::info!("worker {name} waits until no other worker leads"),
                Role::GivesWay => tracing::warn!("worker {name} writes nothing: a PD leads, which moves the safe points itself"),
            }
        }
    }
}
