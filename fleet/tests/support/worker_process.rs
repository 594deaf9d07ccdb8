//! The worker of the command `rocks-gc`, as a process.

use super::Etcd;
use rocks_gc_fleet::etcd::Client;
use rocks_gc_fleet::translate::Reading;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A command for this etcd.
pub fn rocks_gc(etcd: &Etcd, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rocks-gc"));
    command.args(arguments).args(["--cluster", "7", "--endpoints", &etcd.settings().endpoints.join(",")]);
    command.stdin(Stdio::null());
    command
}

/// A worker, killed at drop.
pub struct Worker(pub Child);

impl Worker {
    /// Starts it. Its rounds are 0.1 s apart, its lease is 2 s. It says nothing.
    pub fn start(etcd: &Etcd, name: &str, arguments: &[&str]) -> Self {
        Self::start_with_log(etcd, name, arguments, Stdio::null())
    }

    /// As [`Worker::start`]; what it says goes to `log`.
    pub fn start_with_log(etcd: &Etcd, name: &str, arguments: &[&str], log: impl Into<Stdio>) -> Self {
        let mut command = rocks_gc(etcd, &["worker", "--name", name, "--interval", "100ms", "--lease", "2s", "--timeout", "1s"]);
        Self(command.args(arguments).stderr(log).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The worker that leads.
pub async fn leader(client: &Client) -> Option<String> {
    Reading::take(client).await.unwrap().leader.map(|(leader, _)| leader.worker)
}

/// Waits until this worker leads, or with `None` until no worker does.
pub async fn until_leader(client: &Client, name: Option<&str>) {
    let begin = Instant::now();
    while leader(client).await.as_deref() != name {
        assert!(begin.elapsed() < Duration::from_secs(30), "{name:?} does not lead");
        sleep(Duration::from_millis(50)).await;
    }
}
