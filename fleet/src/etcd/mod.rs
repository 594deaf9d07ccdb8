//! The client of etcd. No other module knows the crate `etcd-client`.
//!
//! | module | content |
//! |---|---|
//! | [`settings`] | endpoints, user, TLS; [`settings::Secret`] never shows itself |
//! | [`client`] | [`Client`]: one connection, to one member at a time |
//! | [`list`] | all keys of prefixes at one revision, page by page |
//! | [`watch`] | changes from a revision on, until the watch ends |
//! | [`txn`] | compares and writes, all at once or nothing |
//! | [`lease`] | a lease that a task renews, and the moment at which it must count as lost |
//! | [`backoff`] | how long to wait before the next attempt |
//! | `failure` | errors of etcd as text: the endpoint, the key, what to do |
//!
//! Why one member at a time: a channel over all members sends each call to any of them. A member
//! that is dead or stopped then fails some calls of each kind again and again. Here a call that
//! fails for such a reason drops the connection, and the next call goes to the next endpoint.
//!
//! A watch never goes on by itself after it ended. Its reader lists everything anew and compares,
//! so that it finds what was deleted meanwhile, whatever etcd has compacted.

pub mod backoff;
pub mod client;
mod failure;
pub mod lease;
pub mod list;
pub mod settings;
pub mod txn;
pub mod watch;

pub use client::Client;
pub use lease::Lease;
pub use list::{Entry, Keys, Listing, Part};
pub use settings::{Secret, Settings, Tls};
pub use txn::{Compare, Put, Txn};
pub use watch::{Batch, Change, Ended, Watch};
