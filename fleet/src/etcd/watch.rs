//! Changes from a revision on, until the watch ends.
//!
//! A connection may die without a word: a stopped member, a cut cable. So the watch asks for
//! progress every second. Four seconds without any message are a dead connection.

use super::client::{Client, Connected, watch, within};
use super::failure::Failure;
use super::list::Keys;
use crate::error::{Error, Result};
use etcd_client::{EventType, WatchOptions, WatchResponse, WatchStream};
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

const ASK: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(4);

/// A key that was written or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Vec<u8>,
    /// `None`: it was deleted.
    pub value: Option<Vec<u8>>,
    /// The revision that did it.
    pub mod_revision: i64,
}

/// Changes, never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The newest revision among the changes. A transaction that wrote keys of several prefixes
    /// comes in several batches.
    pub revision: i64,
    /// Of one prefix, in the order of revisions.
    pub changes: Vec<Change>,
}

/// Why a watch ended. In all cases: list everything anew and compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The changes up to this revision are gone.
    Compacted(i64),
    /// etcd cancelled the watch: a permission was taken away, or the member lost its quorum.
    Cancelled(Error),
    /// The connection is gone, or silent.
    Disconnected(Error),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compacted(revision) => write!(f, "etcd has compacted the changes before revision {revision}"),
            Self::Cancelled(error) => write!(f, "etcd cancelled the watch: {error}"),
            Self::Disconnected(error) => write!(f, "the watch lost its connection: {error}"),
        }
    }
}

/// A watch. Dropping it ends it.
pub struct Watch {
    client: Client,
    connected: Connected,
    stream: WatchStream,
    /// For errors: what is watched.
    what: String,
    /// When something was heard last, and when progress was asked for last.
    heard: Instant,
    asked: Instant,
}

impl Client {
    /// Watches from this revision on: the one after a listing's. Returns before etcd has confirmed
    /// anything; [`Watch::next`] says what went wrong.
    pub async fn watch(&self, of: &[Keys], from_revision: i64) -> Result<Watch> {
        let connected = self.connected().await?;
        let mut requests = of.iter().map(|keys| request(keys, from_revision));
        let Some((key, options)) = requests.next() else { return Err(Error("a watch of no key".into())) };
        let begin = async {
            let mut stream = watch(&connected.client).watch(key, Some(options)).await?;
            for (key, options) in requests {
                stream.watch(key, Some(options)).await?;
            }
            Ok(stream)
        };
        let texts: Vec<&str> = of.iter().map(Keys::text).collect();
        let what = format!("watch {}", texts.join(", "));
        match within(self.call_timeout(), begin).await {
            Ok(stream) => Ok(Watch { client: self.clone(), connected, stream, what, heard: Instant::now(), asked: Instant::now() }),
            Err(failure) => {
                if failure.is_of_the_member() {
                    self.leave(&connected).await;
                }
                Err(failure.explain(self.name(connected.endpoint), &what))
            }
        }
    }
}

impl Watch {
    /// The next changes. May be dropped while it waits, as in `select!`; nothing is lost.
    pub async fn next(&mut self) -> Result<Batch, Ended> {
        loop {
            let message = match timeout_at(self.asked + ASK, self.stream.message()).await {
                Err(_) => {
                    self.ask().await?;
                    continue;
                }
                Ok(Ok(Some(message))) => message,
                Ok(Ok(None)) => return Err(self.lost(&Failure::Said("the member ended the watch".into())).await),
                Ok(Err(error)) => {
                    return Err(self.lost(&Failure::Etcd(error)).await);
                }
            };
            self.heard = Instant::now();
            if message.canceled() {
                return Err(self.cancelled(&message).await);
            }
            if let Some(batch) = batch(&message) {
                return Ok(batch);
            }
        }
    }

    /// Asks for progress; a connection that was silent too long is dead.
    async fn ask(&mut self) -> Result<(), Ended> {
        if self.heard.elapsed() >= SILENCE {
            return Err(self.lost(&Failure::Timeout(SILENCE)).await);
        }
        self.asked = Instant::now();
        match within(SILENCE, self.stream.request_progress()).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.lost(&failure).await),
        }
    }

    fn endpoint(&self) -> &str {
        self.client.name(self.connected.endpoint)
    }

    async fn lost(&self, failure: &Failure) -> Ended {
        self.client.leave(&self.connected).await;
        Ended::Disconnected(failure.explain(self.endpoint(), &self.what))
    }

    async fn cancelled(&self, message: &WatchResponse) -> Ended {
        if message.compact_revision() > 0 {
            return Ended::Compacted(message.compact_revision());
        }
        let why = if message.cancel_reason().is_empty() { "the member gives no reason" } else { message.cancel_reason() };
        let failure = Failure::Said(why.to_owned());
        if failure.is_of_the_member() {
            self.client.leave(&self.connected).await;
        }
        Ended::Cancelled(failure.explain(self.endpoint(), &self.what))
    }
}

fn request(keys: &Keys, from_revision: i64) -> (Vec<u8>, WatchOptions) {
    let (from, end) = keys.bounds();
    let options = WatchOptions::new().with_start_revision(from_revision).with_fragment();
    (from, end.into_iter().fold(options, WatchOptions::with_range))
}

fn batch(message: &WatchResponse) -> Option<Batch> {
    let changes = message.events().iter().filter_map(|event| {
        let kv = event.kv()?;
        let value = (event.event_type() == EventType::Put).then(|| kv.value().to_vec());
        Some(Change { key: kv.key().to_vec(), value, mod_revision: kv.mod_revision() })
    });
    let changes: Vec<Change> = changes.collect();
    let revision = changes.iter().map(|change| change.mod_revision).max()?;
    Some(Batch { revision, changes })
}
