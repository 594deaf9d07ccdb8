//! Barriers with the clock and the log.

use super::state::Shared;
use crate::callback;
use crate::error::{Error, ErrorKind};
use crate::layout::{KeyForm, KeyOwner, KeyspaceId, Timestamp};
use crate::log::{Level, log};
use crate::safe_point::{AdvanceOutcome, Advanced, Barrier, GcType, Holding, NEVER, Registration, Scope, SetError};

/// The most bytes of a barrier's name.
const LONGEST_NAME: usize = 255;

impl Shared {
    /// Moves the global safe point forward, as far as barriers let it.
    pub fn advance_global(&self, ts: Timestamp) -> AdvanceOutcome {
        self.let_ended_barriers_go();
        let (outcome, holder) = self.safe_points.advance_global(ts);
        let first = holder.map(|barrier| (barrier, ts));
        tell_holding(&Holding { n: usize::from(first.is_some()), first });
        outcome
    }

    /// Moves keyspaces' own safe points forward, as far as barriers let them.
    pub fn advance(&self, safe_points: impl IntoIterator<Item = (KeyspaceId, Timestamp)>) -> Advanced {
        self.let_ended_barriers_go();
        let advanced = self.safe_points.advance(safe_points);
        tell_holding(&advanced.holding);
        advanced
    }

    /// Sets a barrier, or replaces the one of this name. It lives for `ttl_seconds`, [`NEVER`]
    /// without end.
    pub fn set_barrier(&self, scope: Scope, name: &str, ts: Timestamp, ttl_seconds: u64) -> Result<(), Error> {
        check_name(name)?;
        if ts == 0 {
            return Err(Error::invalid(format!(
                "barrier {name:?} has timestamp 0, which means no timestamp; give 1 to hold everything, or call rgc_pause_keyspace"
            )));
        }
        if ttl_seconds == 0 {
            return Err(Error::invalid(format!(
                "barrier {name:?} has a ttl of 0 seconds; give the seconds that it lives, UINT64_MAX for without end, or delete it with \
                 rgc_barrier_delete"
            )));
        }
        if let (KeyForm::Plain(_), Scope::Keyspace(keyspace)) = (self.layout.form, scope) {
            return Err(Error::invalid(format!(
                "barrier {name:?} of keyspace {keyspace} would hold nothing: plain keys are in no keyspace; set it for RGC_KEYSPACE_NONE"
            )));
        }
        self.let_ended_barriers_go();
        let expires_at = if ttl_seconds == NEVER { NEVER } else { self.in_seconds(name, ttl_seconds)? };
        let barrier = Barrier { scope, name: name.into(), ts, expires_at };
        self.safe_points.set_barrier(barrier).map_err(|error| Error::invalid(refusal(scope, name, ts, error)))
    }

    fn in_seconds(&self, name: &str, ttl_seconds: u64) -> Result<u64, Error> {
        match self.clock.now() {
            0 => Err(Error::new(
                ErrorKind::Busy,
                format!("the time is unknown, so barrier {name:?} cannot end in {ttl_seconds} seconds; try again, or give UINT64_MAX"),
            )),
            now => Ok(now.saturating_add(ttl_seconds)),
        }
    }

    /// Deletes a barrier. Returns whether it was there.
    pub fn delete_barrier(&self, scope: Scope, name: &str) -> Result<bool, Error> {
        check_name(name)?;
        self.let_ended_barriers_go();
        Ok(self.safe_points.delete_barrier(scope, name))
    }

    /// Removes the barriers that have ended, and moves the safe points that they held back.
    pub fn let_ended_barriers_go(&self) {
        self.expire_barriers(true);
    }

    /// The same for callers that must not wait: nothing happens while another thread writes safe
    /// points, and inside a callback, which may be that of the clock.
    pub fn let_ended_barriers_go_if_free(&self) {
        if !callback::inside() {
            self.expire_barriers(false);
        }
    }

    fn expire_barriers(&self, may_wait: bool) {
        let Some(moment) = self.safe_points.moment(|| self.clock.now()) else { return };
        for barrier in self.safe_points.expire(moment, may_wait) {
            log(Level::Info, || format!("{barrier} has ended: its last second was {}", barrier.expires_at));
        }
    }

    /// The barrier that holds back the safe point of this owner, and what the host asked for.
    pub fn holder(&self, owner: KeyOwner) -> Option<(Barrier, Timestamp)> {
        self.safe_points.holder(match owner {
            KeyOwner::Keyspace(_, keyspace)
                if self.safe_points.known(keyspace).registration == Registration::Registered(GcType::KeyspaceLevel) =>
            {
                Scope::Keyspace(keyspace)
            }
            _ => Scope::Global,
        })
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if (1..=LONGEST_NAME).contains(&name.len()) {
        return Ok(());
    }
    Err(Error::invalid(format!("the name of a barrier has {} bytes; give 1 to {LONGEST_NAME}", name.len())))
}

fn refusal(scope: Scope, name: &str, ts: Timestamp, error: SetError) -> String {
    match error {
        SetError::Behind { scope: whose, safe_point } => {
            let whose = match whose {
                Scope::Keyspace(keyspace) => format!("the safe point of keyspace {keyspace}"),
                Scope::Global | Scope::All => "the global safe point".into(),
            };
            format!(
                "barrier {name:?} {scope} at {ts} is behind: {whose} is {safe_point}, and what a reader at {ts} needs may be collected; \
                 give {safe_point} or more"
            )
        }
        SetError::FollowsGlobal { is_registered } => {
            let why = if is_registered {
                "the keyspace is registered as global"
            } else {
                "the keyspace is not registered, and unknown_keyspace is global"
            };
            let or = if is_registered { "" } else { ", or register the keyspace first" };
            format!("barrier {name:?} {scope} at {ts} would hold nothing: {why}; set it for RGC_KEYSPACE_NONE, the global safe point{or}")
        }
    }
}

/// Logs each barrier the first time that it holds back.
fn tell_holding(Holding { n, first }: &Holding) {
    let Some((barrier, asked)) = first else { return };
    log(Level::Info, || {
        let others = if *n > 1 { format!("; so do {} more barriers", n - 1) } else { String::new() };
        format!("{barrier} holds a safe point back; the host asked for {asked}{others}")
    });
}
