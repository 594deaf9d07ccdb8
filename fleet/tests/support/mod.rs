//! A real etcd on loopback: one member or three, in a temporary folder, killed at drop.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // Each test file uses a part.

pub mod access;
pub mod c_follower;
pub mod control;
pub mod proxy;
pub mod worker;
pub mod worker_process;

use rocks_gc_fleet::etcd::{Client, Put, Settings, Txn};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The cluster's id in keys, in tests.
pub const CLUSTER: u64 = 7;

/// An etcd cluster.
pub struct Etcd {
    folder: TempDir,
    members: Vec<Member>,
    arguments: Vec<String>,
    scheme: &'static str,
}

struct Member {
    client_port: u16,
    peer_port: u16,
    child: Option<Child>,
}

impl Etcd {
    /// Starts one member or three, and waits until they have a leader.
    pub async fn start(members: usize) -> Self {
        Self::start_with(members, &[]).await
    }

    /// As [`Etcd::start`], with more arguments for `etcd`.
    pub async fn start_with(members: usize, arguments: &[&str]) -> Self {
        let etcd = Self::spawn(members, "http", arguments);
        etcd.wait(&etcd.settings()).await;
        etcd
    }

    /// Starts members whose clients speak TLS or not. The caller waits by [`Etcd::wait`].
    pub fn spawn(members: usize, scheme: &'static str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let members = (0..members).map(|_| Member { client_port: free_port(), peer_port: free_port(), child: None }).collect();
        let mut etcd = Self { folder: TempDir::new().unwrap(), members, arguments, scheme };
        (0..etcd.members.len()).for_each(|member| etcd.run(member));
        etcd
    }

    /// Starts a member that does not run.
    pub fn run(&mut self, member: usize) {
        let peers: Vec<String> = self.members.iter().enumerate().map(|(i, m)| format!("m{i}=http://127.0.0.1:{}", m.peer_port)).collect();
        let Member { client_port, peer_port, .. } = self.members[member];
        let (client, peer) = (format!("{}://127.0.0.1:{client_port}", self.scheme), format!("http://127.0.0.1:{peer_port}"));
        let log = std::fs::File::create(self.folder.path().join(format!("m{member}.log"))).unwrap();
        // A test that is killed takes its members with it.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "etcd", "--name", &format!("m{member}"), "--data-dir"]);
        command.arg(self.folder.path().join(format!("m{member}")));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &peers.join(","), "--logger", "zap"]);
        command.args(&self.arguments).stdout(Stdio::null()).stderr(log);
        self.members[member].child = Some(command.spawn().expect("setpriv and etcd are installed"));
    }

    /// Waits until a client with these settings gets an answer from a quorum.
    pub async fn wait(&self, settings: &Settings) -> Client {
        let begin = Instant::now();
        loop {
            let answer = match Client::connect(settings).await {
                Ok(client) => client.list(&[rocks_gc_fleet::etcd::Keys::One("/".into())]).await.map(|_| client),
                Err(error) => Err(error),
            };
            match answer {
                Ok(client) => return client,
                Err(error) => assert!(begin.elapsed() < Duration::from_secs(60), "{error}\n{}", self.log(0)),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a member logged.
    pub fn log(&self, member: usize) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("m{member}.log"))).unwrap_or_default()
    }

    /// A folder that lives as long as the cluster.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The URL of a member.
    pub fn endpoint(&self, member: usize) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.members[member].client_port)
    }

    /// All members, no user, no TLS.
    pub fn settings(&self) -> Settings {
        settings((0..self.members.len()).map(|member| self.endpoint(member)).collect())
    }

    /// A client of all members.
    pub async fn client(&self) -> Client {
        self.wait(&self.settings()).await
    }

    /// The crate's own client, for what the module does not offer.
    pub async fn raw(&self) -> etcd_client::Client {
        etcd_client::Client::connect([self.endpoint(0)], None).await.unwrap()
    }

    /// A member's process.
    pub fn process(&self, member: usize) -> u32 {
        self.members[member].child.as_ref().unwrap().id()
    }

    /// Kills a member.
    pub fn kill(&mut self, member: usize) {
        if let Some(mut child) = self.members[member].child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops a member: its connections stay, and are silent.
    pub fn stop(&self, member: usize) {
        signal(self.members[member].child.as_ref().unwrap().id(), "STOP");
    }

    /// Lets a stopped member go on.
    pub fn go_on(&self, member: usize) {
        signal(self.members[member].child.as_ref().unwrap().id(), "CONT");
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        (0..self.members.len()).for_each(|member| self.kill(member));
    }
}

/// Settings without user and TLS.
pub fn settings(endpoints: Vec<String>) -> Settings {
    Settings { endpoints, user: None, tls: None, cluster: CLUSTER, call_timeout: Duration::from_secs(3) }
}

/// Sends a signal to a process of the test.
pub fn signal(process: u32, signal: &str) {
    assert!(Command::new("kill").args([format!("-{signal}"), process.to_string()]).status().unwrap().success());
}

/// A port on which nothing listens.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Writes a key without a compare.
pub async fn put(client: &Client, key: &str, value: impl Into<Vec<u8>>) {
    let txn = Txn { puts: vec![Put::new(key.into(), value)], ..Txn::default() };
    assert!(client.commit(&txn).await.unwrap());
}

/// `librocks_gc.so`: of `make`, or of `cargo build --release`.
pub fn library() -> PathBuf {
    let built = || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/librocks_gc.so");
    std::env::var_os("ROCKS_GC_TEST_LIBRARY").map_or_else(built, PathBuf::from)
}

/// `librocks_gc_fleet.so`, beside this test.
pub fn fleet_library() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("librocks_gc_fleet.so")
}
