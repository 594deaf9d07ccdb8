//! The barriers of a context, without their effect: the cache applies them. The caller brings the
//! time.

use crate::layout::{KeyspaceId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The end of a barrier that never ends.
pub const NEVER: u64 = u64::MAX;

/// The safe points that a barrier holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A keyspace's own safe point.
    Keyspace(KeyspaceId),
    /// The global safe point.
    Global,
    /// Every safe point.
    All,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyspace(keyspace) => write!(f, "of keyspace {keyspace}"),
            Self::Global => f.write_str("of the global safe point"),
            Self::All => f.write_str("of all safe points"),
        }
    }
}

/// A barrier: nothing that a reader at `ts` needs may be collected while it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Barrier {
    /// What it holds back.
    pub scope: Scope,
    /// Its name, which is unique within the scope.
    pub name: Arc<str>,
    /// The highest safe point that it allows.
    pub ts: Timestamp,
    /// The last second of its life in Unix seconds, or [`NEVER`].
    pub expires_at: u64,
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "barrier {:?} {} at {}", self.name, self.scope, self.ts)
    }
}

#[derive(Debug, Clone, Copy)]
struct Terms {
    ts: Timestamp,
    expires_at: u64,
    /// Whether the log names the barrier as one that holds back.
    is_told: bool,
}

/// The barriers of one scope; there is at least one.
#[derive(Debug, Default)]
struct Scoped {
    by_name: BTreeMap<Arc<str>, Terms>,
    by_ts: BTreeSet<(Timestamp, Arc<str>)>,
}

impl Scoped {
    fn least(&self) -> Timestamp {
        self.by_ts.first().map_or(Timestamp::MAX, |(ts, _)| *ts)
    }
}

/// All barriers.
#[derive(Debug, Default)]
pub(super) struct Barriers {
    scopes: BTreeMap<Scope, Scoped>,
    by_expiry: BTreeSet<(u64, Scope, Arc<str>)>,
    number: usize,
}

impl Barriers {
    /// The number of barriers.
    pub(super) fn len(&self) -> usize {
        self.number
    }

    /// The highest safe point that the barriers of a scope allow.
    pub(super) fn least(&self, scope: Scope) -> Timestamp {
        self.scopes.get(&scope).map_or(Timestamp::MAX, Scoped::least)
    }

    /// Whether a keyspace has barriers of its own.
    pub(super) fn any_of_keyspaces(&self) -> bool {
        matches!(self.scopes.first_key_value(), Some((Scope::Keyspace(_), _)))
    }

    /// The keyspaces with barriers of their own, in order, and what these allow.
    pub(super) fn of_keyspaces(&self) -> impl Iterator<Item = (KeyspaceId, Timestamp)> {
        self.scopes
            .iter()
            .map_while(|(scope, scoped)| if let Scope::Keyspace(keyspace) = scope { Some((*keyspace, scoped.least())) } else { None })
    }

    /// The barrier with the least timestamp of a scope.
    pub(super) fn first(&self, scope: Scope) -> Option<Barrier> {
        let scoped = self.scopes.get(&scope)?;
        let (ts, name) = scoped.by_ts.first()?;
        let expires_at = scoped.by_name.get(name)?.expires_at;
        Some(Barrier { scope, name: name.clone(), ts: *ts, expires_at })
    }

    /// The barrier that holds back the safe points of a scope first: one of its own, or one of all.
    pub(super) fn holder(&self, scope: Scope) -> Option<Barrier> {
        self.first(self.holding(scope))
    }

    /// The scope whose first barrier holds back the safe points of a scope.
    fn holding(&self, scope: Scope) -> Scope {
        let [own, all] = [scope, Scope::All].map(|scope| self.least(scope));
        if own <= all { scope } else { Scope::All }
    }

    /// [`Self::holder`], if it was not told yet; now it is.
    pub(super) fn holder_untold(&mut self, scope: Scope) -> Option<Barrier> {
        let scope = self.holding(scope);
        let scoped = self.scopes.get_mut(&scope)?;
        let (_, name) = scoped.by_ts.first()?;
        if std::mem::replace(&mut scoped.by_name.get_mut(name)?.is_told, true) {
            return None;
        }
        self.first(scope)
    }

    /// Every barrier, in the order of scopes and names.
    pub(super) fn all(&self) -> Vec<Barrier> {
        let barriers = |(&scope, scoped): (&Scope, &'_ Scoped)| -> Vec<Barrier> {
            scoped
                .by_name
                .iter()
                .map(|(name, terms)| Barrier { scope, name: name.clone(), ts: terms.ts, expires_at: terms.expires_at })
                .collect()
        };
        self.scopes.iter().flat_map(barriers).collect()
    }

    /// Adds a barrier, or replaces the one of this name.
    pub(super) fn put(&mut self, Barrier { scope, name, ts, expires_at }: Barrier) {
        self.remove(scope, &name);
        if expires_at != NEVER {
            self.by_expiry.insert((expires_at, scope, name.clone()));
        }
        let scoped = self.scopes.entry(scope).or_default();
        scoped.by_ts.insert((ts, name.clone()));
        scoped.by_name.insert(name, Terms { ts, expires_at, is_told: false });
        self.number += 1;
    }

    /// Removes a barrier. Returns whether it was there.
    pub(super) fn remove(&mut self, scope: Scope, name: &str) -> bool {
        let Some(scoped) = self.scopes.get_mut(&scope) else { return false };
        let Some((name, terms)) = scoped.by_name.remove_entry(name) else { return false };
        scoped.by_ts.remove(&(terms.ts, name.clone()));
        if scoped.by_name.is_empty() {
            self.scopes.remove(&scope);
        }
        self.by_expiry.remove(&(terms.expires_at, scope, name));
        self.number -= 1;
        true
    }

    /// The last second in the life of the barrier that ends first.
    pub(super) fn next_expiry(&self) -> u64 {
        self.by_expiry.first().map_or(NEVER, |(expires_at, ..)| *expires_at)
    }

    /// Removes a barrier whose last second is over.
    pub(super) fn remove_expired(&mut self, now: u64) -> Option<Barrier> {
        let (_, scope, name) = self.by_expiry.first().filter(|(expires_at, ..)| *expires_at < now)?.clone();
        let terms = *self.scopes.get(&scope)?.by_name.get(&name)?;
        self.remove(scope, &name);
        Some(Barrier { scope, name, ts: terms.ts, expires_at: terms.expires_at })
    }
}
