//! A node: the C++ host of `examples/fleet_node.cc` as a process that answers commands.

use super::LEASE;
use crate::support::proxy::Proxy;
use crate::support::{CLUSTER, Etcd, fleet_library, library, signal};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long a command may take: a compaction behind a stopped member waits for nothing.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct NodeHost {
    pub name: String,
    command: Vec<String>,
    folder: PathBuf,
    network: Vec<Proxy>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl NodeHost {
    /// Compiles the host.
    pub fn compile(folder: &Path) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let host = folder.join("fleet_node");
        let mut compile = Command::new("c++");
        match std::env::var("ROCKS_GC_TEST_ROCKSDB").ok().filter(|prefix| !prefix.is_empty()) {
            None => compile.arg("-std=c++17"),
            Some(prefix) => compile.args(["-std=c++20", "-isystem", &format!("{prefix}/include"), &format!("-L{prefix}/lib")]),
        };
        compile.args(["-O1", "-Iinclude", "examples/fleet_node.cc", "-o"]).arg(&host);
        if let Some(prefix) = std::env::var("ROCKS_GC_TEST_ROCKSDB").ok().filter(|prefix| !prefix.is_empty()) {
            compile.arg(format!("-L{prefix}/lib")).arg(format!("-Wl,-rpath,{prefix}/lib"));
        }
        compile.args(["-lrocksdb", "-ldl", "-lpthread"]).current_dir(root);
        assert!(compile.status().unwrap().success());
        host
    }

    /// Starts a node, and waits until it serves.
    pub fn start(name: &str, host: &Path, etcd: &Etcd, runtime: &Runtime) -> Self {
        let folder = etcd.folder();
        let network: Vec<Proxy> = (0..3).map(|member| Proxy::start(runtime, &etcd.endpoint(member))).collect();
        let endpoints: Vec<&str> = network.iter().map(|proxy| proxy.endpoint.as_str()).collect();
        let text = |path: PathBuf| path.display().to_string();
        let command = vec![
            text(host.to_owned()),
            text(library()),
            text(fleet_library()),
            text(folder.join(name)),
            format!("endpoints={}", endpoints.join(",")),
            format!("cluster={CLUSTER}"),
            format!("node={name}"),
            format!("lease_seconds={}", LEASE.as_secs()),
            "call_timeout_ms=1500".to_owned(),
        ];
        let mut node = Self { name: name.to_owned(), command, folder, network, running: None };
        node.run();
        node
    }

    /// Starts the process again.
    pub fn run(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join(format!("{}.log", self.name))).unwrap();
        // A test that is killed takes its nodes with it.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).args(&self.command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let running = Running { child, input, lines };
        let ready = running.lines.recv_timeout(PATIENCE);
        assert_eq!(ready.as_deref(), Ok("ready"), "{} did not start:\n{}", self.name, self.log());
        self.running = Some(running);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join(format!("{}.log", self.name))).unwrap_or_default()
    }

    /// The answer to a command.
    pub fn ask(&mut self, command: &str) -> String {
        let running = self.running.as_mut().unwrap();
        writeln!(running.input, "{command}").unwrap();
        let answer = running.lines.recv_timeout(PATIENCE);
        answer.unwrap_or_else(|_| panic!("{}: no answer to {command:?}:\n{}", self.name, self.log()))
    }

    /// The answer of a node that serves.
    pub fn ask_serving(&mut self, command: &str) -> String {
        loop {
            match self.ask(command) {
                answer if answer == "not serving" => self.eventually_serves(),
                answer => return answer,
            }
        }
    }

    /// A command that must succeed.
    pub fn ok(&mut self, command: &str) {
        let answer = self.ask_serving(command);
        assert_eq!(answer, "ok", "{}: {command}", self.name);
    }

    /// A number.
    pub fn number(&mut self, command: &str) -> u64 {
        self.ask(command).parse().unwrap()
    }

    /// Kills the process.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
        }
    }

    /// Sends STOP or CONT.
    pub fn signal(&self, name: &str) {
        signal(self.running.as_ref().unwrap().child.id(), name);
    }

    /// Cuts the node off from etcd. It runs on.
    pub fn cut_off(&self) {
        self.network.iter().for_each(Proxy::cut);
    }

    /// Ends that.
    pub fn mend(&self) {
        self.network.iter().for_each(Proxy::mend);
    }

    /// Waits until the node serves.
    pub fn eventually_serves(&mut self) {
        let begin = Instant::now();
        while self.ask("serves") == "no" {
            if begin.elapsed() > PATIENCE {
                panic!("{} does not serve: {}\n{}", self.name.clone(), self.ask("status"), self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until filters may collect all that was written.
    pub fn eventually_safe(&mut self, keyspaces: &[u32], last: u64) {
        let begin = Instant::now();
        for keyspace in keyspaces {
            while self.number(&format!("safe {keyspace}")) < last {
                if begin.elapsed() > PATIENCE {
                    panic!("{} is behind: {}\n{}", self.name.clone(), self.ask("status"), self.log());
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

impl Drop for NodeHost {
    fn drop(&mut self) {
        self.kill();
    }
}
