//! The GC worker: it moves T and G of every scope, while it leads.
//!
//! | module | content |
//! |---|---|
//! | [`clock`] | the clock, and how far it is trusted |
//! | [`run`] | the loop: a lease, the election, a round now and then |
//! | [`round`] | one round of the worker that leads |
//! | [`batch`] | transactions of several scopes in one |
//! | [`ranges`] | ranges that all nodes have swept are done |
//! | [`lingering`] | fenced processes that may still serve |
//! | [`orders`] | orders about schemas that all nodes have carried out go |
//! | [`metrics`] | what a scrape sees |
//!
//! Any number of workers may run. Each holds a lease and writes its clock under it. The one whose
//! lease lies under `worker/leader` leads. Each of its transactions compares this lease, so a
//! worker that slept longer than its lease writes nothing:
//!
//! | worker A | worker B | etcd |
//! |---|---|---|
//! | leads under lease 1; reads; computes T = 9 | | leader: lease 1 |
//! | sleeps | | lease 1 ends; no leader |
//! | | leads under lease 2; sets a T of 12 | leader: lease 2 |
//! | wakes up; writes T = 9: **refused**, the leader's lease is not 1 | | leader: lease 2 |

pub mod batch;
pub mod clock;
pub mod lingering;
pub mod metrics;
pub mod orders;
pub mod ranges;
pub mod round;
pub mod run;

pub use clock::{Clock, SystemClock};
pub use metrics::Metrics;
pub use run::{Options, Worker};
