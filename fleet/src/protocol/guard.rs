//! Every guard of the protocol, by name.
//!
//! A guard that nothing breaks without is a superstition. So a test leaves out each, and explores
//! until an invariant breaks. Outside of tests no guard can be left out: [`keeps`] is `true`.

/// What the protocol rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Writers of T, G and barriers compare the revision, and count it up.
    RevisionIsCompared,
    /// While a PD leads, only PD writes GC states.
    PdGoesFirst,
    /// A writer of T compares the minimal start timestamps: TiDB writes them without the revision.
    MinStartsAreCompared,
    /// A writer of G compares the registrations.
    NodesAreCompared,
    /// A worker compares its own leader key.
    LeaderIsCompared,
    /// T stays where it is when the clock went back.
    TxnNeverGoesBack,
    /// G stays where it is when a node that answers less comes.
    GcNeverGoesBack,
    /// T stops at barriers of its scope.
    BarriersBlock,
    /// T stops at barriers of all scopes.
    GlobalBarriersBlock,
    /// T stops at minimal start timestamps.
    MinStartsBlock,
    /// A barrier is alive at exactly its last second.
    LastSecondIsAlive,
    /// G stops at T.
    GcStopsAtTxn,
    /// G waits for the answers of all registered nodes.
    NodesAreWaitedFor,
    /// G waits for answers about its own scope only.
    ScopesAreApart,
    /// An answer counts for the registration that gave it.
    AnswersAreOfTheEpoch,
    /// A barrier below T is refused.
    BarriersAreNotBelowTxn,
    /// A node refuses locks at or below the T that it has learned.
    LocksAreRefused,
    /// A node answers when its host has resolved, not before.
    LocksAreResolvedFirst,
    /// Filters take at most what this process has resolved.
    FiltersStopAtResolved,
}

/// Is the guard in place?
#[cfg(not(test))]
pub const fn keeps(_: Guard) -> bool {
    true
}

#[cfg(test)]
pub use switch::{keeps, without};

#[cfg(test)]
mod switch {
    use super::Guard;
    use std::cell::Cell;

    thread_local! {
        static LEFT_OUT: Cell<Option<Guard>> = const { Cell::new(None) };
    }

    /// Is the guard in place, in this thread?
    pub fn keeps(guard: Guard) -> bool {
        LEFT_OUT.get() != Some(guard)
    }

    /// Runs with the guard left out, in this thread.
    pub fn without<T>(guard: Option<Guard>, run: impl FnOnce() -> T) -> T {
        LEFT_OUT.set(guard);
        let result = run();
        LEFT_OUT.set(None);
        result
    }
}
