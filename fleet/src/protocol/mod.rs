//! Who may write what, and when: pure steps over what was read from etcd.
//!
//! | module | content |
//! |---|---|
//! | [`etcd`] | keys and values without their bytes; a snapshot; a transaction |
//! | [`barrier`] | setting and deleting barriers |
//! | [`worker`] | moving T (no reader begins below it) and G (what filters use) |
//! | [`node`] | a node learns T, refuses and resolves locks, answers, takes G |
//! | [`guard`] | the list of all guards: a test leaves each out once, and finds what breaks |
//!
//! **A step is a read, then a write.** Each actor reads a snapshot, computes a transaction, and
//! commits it later. Anything may happen between. Without the compared revision T passes a
//! barrier:
//!
//! | worker | barrier's holder | T | barrier |
//! |---|---|---|---|
//! | reads: no barrier, target 2 | | 0 | |
//! | | reads: T is 0 | 0 | |
//! | | commits barrier 1, revision 1 | 0 | 1 |
//! | commits T = 2: **refused**, the revision is not 0 any more | | 0 | 1 |
//!
//! **Three numbers of a node, in this order:** it refuses locks up to a T; its host resolves the
//! locks up to there; its filters take at most that T. When the lease of a node has run out, no
//! worker waits for it. Even then it never collects what a lock of its own needs:
//!
//! | node | etcd |
//! |---|---|
//! | holds a lock at 1; has resolved up to 0 | T = 0, G = 0 |
//! | its lease runs out; its watch still works | T = 2; no node is waited for: G = 2 |
//! | reads G = 2; takes min(2, 0) = 0 | |
//! | registers as a new epoch; reads T = 2; resolves the lock; takes G = 2 | |

pub mod barrier;
pub mod etcd;
pub mod guard;
pub mod node;
pub mod worker;

#[cfg(test)]
mod tests;
