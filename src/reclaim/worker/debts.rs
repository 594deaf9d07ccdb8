//! The worker pays debts: it compacts the files that may still hold deleted keys. First it waits
//! until a burst of destroys is over, so that it pays all their debts together. It does one
//! compaction at a time, at the rate of all compactions, and none while the store stalls writes.

use super::failures;
use super::pauses::{LONGEST_WAIT, SHORT_LOOK};
use crate::error::Error;
use crate::log::log;
use crate::reclaim::jobs::debt::{self, DebtKey, Payment};
use crate::reclaim::ledger::Ledger;
use crate::reclaim::store::Store;
use crate::shared::JobKind;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A burst is over when the number of debts has been the same for this time.
const QUIET: Duration = Duration::from_millis(200);
/// The longest wait for the end of a burst.
const LONGEST_BURST: Duration = Duration::from_secs(5);
/// The first pause of a debt that could not be paid. Each further pause is twice as long, up to the
/// longest.
const AGAIN: Duration = Duration::from_secs(1);
const LONGEST_AGAIN: Duration = Duration::from_secs(60);

/// The worker's progress with debts.
pub struct Debts {
    /// The current burst: the number of debts, the time of its last change, and the time when the
    /// burst began.
    burst: Option<(usize, Instant, Instant)>,
    payment: Option<Payment>,
    /// Debts that are paused: the end and the length of the pause.
    waiting: BTreeMap<DebtKey, (Instant, Duration)>,
    next_look: Instant,
}

impl Debts {
    /// No progress.
    pub fn new() -> Self {
        Self { burst: None, payment: None, waiting: BTreeMap::new(), next_look: Instant::now() }
    }

    /// The time until the next compaction or check; `None` means that there is no debt.
    pub fn wait(&self, store: &Store) -> Option<Duration> {
        let queue = &store.shared.worker_queue;
        let any = self.payment.is_some() || queue.has(JobKind::RangeToCompact) || queue.has(JobKind::SchemaToCompact);
        any.then(|| self.next_look.saturating_duration_since(Instant::now()).max(self.rate_pause(store).min(LONGEST_WAIT)))
    }

    /// The pause before the next compaction; zero without a next one.
    fn rate_pause(&self, store: &Store) -> Duration {
        let compacts = self.payment.as_ref().is_some_and(Payment::has_steps);
        if compacts { store.compact_rate.free_in() } else { Duration::ZERO }
    }

    /// Begins a payment, does its next compaction, or finishes it, if it is time for that.
    pub fn carry_on(&mut self, store: &Store, ledger: &Ledger) {
        if self.wait(store).is_none() {
            (self.burst, self.waiting) = (None, BTreeMap::new());
            return;
        }
        if self.next_look > Instant::now() && !store.shared.worker_queue.is_waited_for() || !self.rate_pause(store).is_zero() {
            return;
        }
        self.next_look = Instant::now();
        if store.engine.write_stalled() {
            self.next_look += LONGEST_WAIT;
            return;
        }
        if let Err(error) = self.work(store, ledger) {
            self.payment = None;
            self.next_look += failures::pause(&error, AGAIN);
            log(failures::level(&error), || {
                format!("files that hold deleted keys cannot be compacted now, and the worker tries again: {error}")
            });
        }
    }

    fn work(&mut self, store: &Store, ledger: &Ledger) -> Result<(), Error> {
        let Some(payment) = &mut self.payment else { return self.begin(store, ledger) };
        if payment.step(store)? {
            return Ok(());
        }
        let Some(payment) = self.payment.take() else { return Ok(()) };
        let ended = payment.finish(store, ledger)?;
        debt::measure(store, ledger)?;
        ended.paid.iter().for_each(|key| _ = self.waiting.remove(key));
        for key in ended.left {
            let pause = self.waiting.get(&key).map_or(AGAIN, |(_, pause)| LONGEST_AGAIN.min(2 * *pause));
            self.waiting.insert(key, (Instant::now() + pause, pause));
        }
        self.burst = None;
        Ok(())
    }

    /// Begins a payment of all debts that are not paused, if the burst is over.
    fn begin(&mut self, store: &Store, ledger: &Ledger) -> Result<(), Error> {
        let now = Instant::now();
        let mut debts = debt::open(store, ledger);
        debts.retain(|debt| self.waiting.get(&debt.key()).is_none_or(|(until, _)| *until <= now));
        if debts.is_empty() {
            self.next_look = now + SHORT_LOOK.max(QUIET);
            return Ok(());
        }
        let (number, changed, first) = self.burst.unwrap_or((0, now, now));
        let changed = if number == debts.len() { changed } else { now };
        self.burst = Some((debts.len(), changed, first));
        let is_over = changed + QUIET <= now || first + LONGEST_BURST <= now;
        if is_over || store.shared.worker_queue.is_waited_for() {
            self.payment = Some(Payment::begin(store, debts)?);
        } else {
            self.next_look = now + QUIET;
        }
        Ok(())
    }
}
