//! Two workers, as processes.

use super::LEASE;
use crate::support::{CLUSTER, Etcd, signal};
use std::process::{Child, Command, Stdio};

/// A worker's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Right,
    /// An hour ahead of, or behind, the others.
    Off(&'static str),
}

pub struct Workers {
    arguments: Vec<String>,
    folder: std::path::PathBuf,
    children: [Option<Child>; 2],
}

impl Workers {
    pub fn start(etcd: &Etcd) -> Self {
        let endpoints: Vec<String> = (0..3).map(|member| etcd.endpoint(member)).collect();
        let lease = format!("{}s", LEASE.as_secs());
        let cluster = CLUSTER.to_string();
        let arguments = ["--endpoints", &endpoints.join(","), "--cluster", &cluster, "--timeout", "1500ms", "worker"];
        let options = ["--gc-life-time", "1s", "--interval", "200ms", "--lease", &lease, "--name"];
        let arguments = arguments.iter().chain(&options).map(|argument| (*argument).to_owned()).collect();
        let mut workers = Self { arguments, folder: etcd.folder(), children: [None, None] };
        (0..2).for_each(|worker| workers.run(worker, Clock::Right));
        workers
    }

    pub fn run(&mut self, worker: usize, clock: Clock) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join(format!("w{worker}.log"))).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        if let Clock::Off(by) = clock {
            // Only what date(1) shows is wrong: leases and pauses go by the monotonic clock.
            command.args(["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_DONT_RESET=1"]);
            command.arg(format!("FAKETIME={by}")).arg("LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");
        }
        command.arg(env!("CARGO_BIN_EXE_rocks-gc")).args(&self.arguments).arg(format!("w{worker}"));
        self.children[worker] = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    pub fn kill(&mut self, worker: usize) {
        if let Some(mut child) = self.children[worker].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn signal(&self, worker: usize, name: &str) {
        signal(self.children[worker].as_ref().unwrap().id(), name);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        (0..2).for_each(|worker| self.kill(worker));
    }
}
