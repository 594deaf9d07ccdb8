//! A worker in this process, whose clock a test moves.

use rocks_gc_fleet::etcd::{Client, Keys, Txn};
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::protocol::etcd::Key;
use rocks_gc_fleet::translate::{Reading, number};
use rocks_gc_fleet::worker::{Clock, Metrics, Options, Worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long old versions are kept.
pub const LIFE_MS: u64 = 600_000;
/// A time.
pub const NOON: u64 = 1_700_000_000_000;
/// T when the clock says noon.
pub const AT_NOON: u64 = (NOON - LIFE_MS) << 18;
/// The meta of a keyspace with safe points of its own.
pub const KEYSPACE_LEVEL: &[u8] = b"\x3a\x24\x0a\x12gc_management_type\x12\x0ekeyspace_level";

/// A clock that a test moves.
pub struct Hand(pub AtomicU64);

impl Clock for Hand {
    fn unix_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A worker in this process.
pub struct Running {
    /// Its clock.
    pub clock: Arc<Hand>,
    /// What a scrape sees.
    pub metrics: Arc<Metrics>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    /// Starts it.
    pub fn start(client: &Client, name: &str, unix_ms: u64) -> Self {
        let (clock, metrics) = (Arc::new(Hand(AtomicU64::new(unix_ms))), Arc::new(Metrics::new()));
        let life_time = Duration::from_millis(LIFE_MS);
        let options =
            Options { name: name.into(), gc_life_time: life_time, interval: Duration::from_millis(100), lease: Duration::from_secs(2) };
        let worker = Worker::new(client.clone(), options, clock.clone(), metrics.clone()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move { worker.run(async { stopped.await.unwrap() }).await.unwrap() });
        Self { clock, metrics, stop: Some(stop), task }
    }

    /// Is this line in the metrics?
    pub fn metric(&self, line: &str) -> bool {
        self.metrics.text().unwrap().lines().any(|it| it == line)
    }

    /// Waits for a line.
    pub async fn until_metric(&self, line: &str) {
        let waits = async {
            while !self.metric(line) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(timeout(Duration::from_secs(10), waits).await.is_ok(), "no {line} in {}", self.metrics.text().unwrap());
    }

    /// Ends it, and waits until it has ended.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap();
    }
}

/// A keyspace's scope.
pub fn keyspace(id: u32) -> Scope {
    Scope::Keyspace(KeyspaceId::new(id).unwrap())
}

/// T and G.
pub async fn points(client: &Client, scope: Scope) -> (u64, u64) {
    let read = Reading::take(client).await.unwrap();
    (read.snapshot.number(Key::Txn(number(scope))), read.snapshot.number(Key::Gc(number(scope))))
}

/// Waits for T and G.
pub async fn until(client: &Client, scope: Scope, expected: (u64, u64)) {
    for _ in 0..500 {
        if points(client, scope).await == expected {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(points(client, scope).await, expected);
}

/// Deletes a key without a compare.
pub async fn delete(client: &Client, key: &str) {
    let deletes = vec![Keys::One(key.into())];
    assert!(client.commit(&Txn { deletes, ..Txn::default() }).await.unwrap());
}
