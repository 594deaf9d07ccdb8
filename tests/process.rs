//! What the library brings into a host's process: the C library, and nothing that waits for a
//! network. A host that does not load the fleet's library gets no async runtime and no socket.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::collections::BTreeSet;
use std::process::Command;
use support::{library, root, run};

/// Crates of async runtimes, networks and TLS.
const FOREIGN: &[&str] = &[
    "async-io",
    "async-std",
    "etcd-client",
    "futures",
    "futures-util",
    "h2",
    "hyper",
    "mio",
    "openssl",
    "polling",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tonic",
    "tower",
];
/// Functions of the C library that reach a network or wait for one.
const NETWORK: &[&str] = &[
    "socket",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "getaddrinfo",
    "send",
    "sendto",
    "recv",
    "recvfrom",
    "epoll_create1",
    "epoll_wait",
];

fn lines(command: &mut Command) -> Vec<String> {
    String::from_utf8(run(command).stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_library_needs_the_c_library_only() {
    let needed: BTreeSet<String> = lines(Command::new("readelf").args(["--dynamic", "--wide"]).arg(library()))
        .iter()
        .filter_map(|line| Some(line.split_once("Shared library: [")?.1.trim_end_matches(']').to_owned()))
        .collect();
    assert!(needed.contains("libc.so.6"), "the list was not read: {needed:?}");
    let of_c = |name: &String| ["libc.so.", "libm.so.", "libgcc_s.so.", "ld-linux"].iter().any(|known| name.starts_with(known));
    let others: Vec<_> = needed.iter().filter(|name| !of_c(name)).collect();
    assert!(others.is_empty(), "the library needs {others:?}");
}

#[test]
fn the_library_calls_no_function_of_the_network() {
    let undefined = lines(Command::new("nm").args(["--dynamic", "--undefined-only", "--format=posix"]).arg(library()));
    let names: BTreeSet<&str> = undefined.iter().filter_map(|line| line.split(['@', ' ']).next()).collect();
    assert!(names.contains("malloc"), "the list was not read: {names:?}");
    let found: Vec<_> = NETWORK.iter().filter(|name| names.contains(**name)).collect();
    assert!(found.is_empty(), "the library calls {found:?}");
}

#[test]
fn no_dependency_is_an_async_runtime_or_a_network() {
    let tree = |package: &str, edges: &str| -> BTreeSet<String> {
        let arguments = ["tree", "--offline", "--locked", "--package", package, "--edges", edges, "--prefix", "none", "--format", "{p}"];
        let lines = lines(Command::new(env!("CARGO")).args(arguments).current_dir(root()));
        lines.iter().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
    };
    let of_library = tree("rocks-gc", "normal");
    assert!(of_library.contains("prost"), "the tree was not read: {of_library:?}");
    let foreign: Vec<_> = FOREIGN.iter().filter(|name| of_library.contains(**name)).collect();
    assert!(foreign.is_empty(), "the library depends on {foreign:?}");
    assert!(!of_library.contains("rocks-gc-fleet"), "the fleet calls the library, not the other way round");
    assert!(!tree("rocks-gc-fleet", "normal").contains("rocks-gc"), "the fleet has no second copy of the library");
}
