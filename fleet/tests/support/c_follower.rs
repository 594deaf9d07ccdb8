//! A follower of `librocks_gc_fleet.so` as a process: a test may stop it, and read all that it says.

use super::worker::KEYSPACE_LEVEL;
use super::{CLUSTER, Etcd, fleet_library, library, signal};
use std::fs::{File, read_to_string};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The metadata of keyspace `k{id}`, which has safe points of its own. The library wants a name.
pub fn meta(id: u8) -> Vec<u8> {
    [format!("\x12\x02k{id}").as_bytes(), KEYSPACE_LEVEL].concat()
}

/// The process, killed at drop.
pub struct CFollower {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    log: PathBuf,
}

impl CFollower {
    /// Compiles the host.
    pub fn compile(folder: &Path) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let host = folder.join("follower");
        let mut compile = Command::new("cc");
        compile.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-Iinclude", "fleet/tests/support/follower.c", "-ldl", "-o"]);
        assert!(compile.arg(&host).current_dir(root).status().unwrap().success());
        host
    }

    /// Starts node `n1`. Returns what it says first too: `follows`, or an error.
    pub fn start(host: &Path, etcd: &Etcd, options: &[(&str, &str)]) -> (Self, String) {
        Self::start_within(host, etcd, options, 30_000)
    }

    /// As [`CFollower::start`]; the registration may take so long.
    pub fn start_within(host: &Path, etcd: &Etcd, options: &[(&str, &str)], follow_ms: u32) -> (Self, String) {
        let log = etcd.folder().join("follower.log");
        // A test that is killed takes its follower with it.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(host).arg(library()).arg(fleet_library()).arg(follow_ms.to_string());
        command.args([format!("endpoints={}", etcd.settings().endpoints.join(",")), format!("cluster={CLUSTER}"), "node=n1".into()]);
        command.args(options.iter().map(|(name, value)| format!("{name}={value}")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().expect("setpriv is installed");
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut follower = Self { child, input, output, log };
        let first = follower.line();
        (follower, first)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The answer to a command.
    pub fn ask(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}").unwrap();
        self.line()
    }

    /// Asks until the answer fits.
    pub fn until(&mut self, command: &str, fits: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        loop {
            let answer = self.ask(command);
            if fits(&answer) {
                return answer;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "{command}: {answer}\n{}\n{}", self.ask("status"), self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All messages of the library.
    pub fn log(&self) -> String {
        read_to_string(&self.log).unwrap()
    }

    /// Stops the process.
    pub fn stop(&self) {
        signal(self.child.id(), "STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        signal(self.child.id(), "CONT");
    }
}

impl Drop for CFollower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
