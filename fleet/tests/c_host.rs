//! `librocks_gc_fleet.so` as C sees it: every function with good and bad arguments, under
//! sanitizers; the header against the library; what the library of the database process links.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::layout::keyspace_meta::{Identity, KeyspaceMeta};
use rocks_gc_fleet::layout::pd_key::PdKey;
use rocks_gc_fleet::layout::pd_value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{CLUSTER, Etcd};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_does_what_the_header_says() {
    use prost::Message;
    let etcd = Etcd::start(1).await;
    let client = etcd.client().await;
    let id = KeyspaceId::new(1).unwrap();
    let config = [("gc_management_type".to_owned(), "keyspace_level".to_owned())].into_iter().collect();
    let meta = KeyspaceMeta { identity: Some(Identity::Id(1)), name: "k1".into(), config, ..KeyspaceMeta::default() };
    support::put(&client, &PdKey::KeyspaceMeta(id).build(CLUSTER), meta.encode_to_vec()).await;
    support::put(&client, &PdKey::TxnSafePoint(Scope::Keyspace(id)).build(CLUSTER), "20").await;
    support::put(&client, &PdKey::GcSafePoint(Scope::Keyspace(id)).build(CLUSTER), pd_value::safe_point(id, 10).unwrap()).await;

    let host = etcd.folder().join("every_export");
    let mut compile = Command::new("cc");
    compile.args(["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-Iinclude"]);
    compile.args(["c_tests/fleet/every_export.c", "-ldl", "-o"]).arg(&host).current_dir(root());
    assert!(compile.status().unwrap().success());
    let free_port = format!("http://127.0.0.1:{}", support::free_port());
    let mut run = Command::new(&host);
    run.arg(support::library()).arg(support::fleet_library()).args([etcd.endpoint(0), free_port]).arg(etcd.folder());
    // LeakSanitizer reports the static objects of both libraries as leaks.
    let output = tokio::task::spawn_blocking(move || run.env("ASAN_OPTIONS", "detect_leaks=0").output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && output.stdout.ends_with(b"every_export: ok\n"), "{text}");
}

/// Names `rgc_fleet_...(` of a declaration, or of a dynamic symbol.
fn names(text: &str, of: impl Fn(&str) -> Option<String>) -> BTreeSet<String> {
    text.lines().filter_map(of).collect()
}

#[test]
fn the_library_has_the_functions_of_its_header_and_no_others() {
    let header = std::fs::read_to_string(root().join("include/rocks_gc_fleet.h")).unwrap();
    let declared = names(&header, |line| {
        let is_code = ![" *", "/*", "typedef", "  "].iter().any(|other| line.starts_with(other));
        let before = line.split('(').next().filter(|before| is_code && before.len() < line.len())?;
        before.split([' ', '*']).next_back().filter(|name| name.starts_with("rgc_fleet_")).map(str::to_owned)
    });
    let symbols = Command::new("nm").args(["-D", "--defined-only"]).arg(support::fleet_library()).output().unwrap();
    let exported = names(&String::from_utf8(symbols.stdout).unwrap(), |line| line.split(" T ").nth(1).map(str::to_owned));
    assert_eq!(declared, exported);
    assert_eq!(declared.len(), 15);
    for name in &declared {
        assert!(header.contains(&format!("/* {name}: ")), "{name} has no manual");
    }
}

#[test]
fn the_database_process_gets_no_runtime_and_no_socket() {
    let tree = Command::new("cargo").args(["tree", "--offline", "-p", "rocks-gc", "-e", "normal"]).current_dir(root()).output().unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.starts_with("rocks-gc v"), "{tree}");
    for name in ["tokio", "hyper", "tonic", "mio", "socket2", "h2", "rustls", "etcd-client", "libloading"] {
        assert!(!tree.lines().any(|line| line.contains(&format!(" {name} v"))), "{name} is in\n{tree}");
    }
    let symbols = Command::new("nm").args(["-D", "--undefined-only"]).arg(support::library()).output().unwrap();
    let symbols = String::from_utf8(symbols.stdout).unwrap();
    for name in ["socket", "connect", "epoll_create1", "getaddrinfo"] {
        assert!(!symbols.lines().any(|line| line.trim().trim_start_matches("U ").split('@').next() == Some(name)), "{name} is used");
    }
    // And the library of the fleet links the other one only by name, at run time.
    let linked = Command::new("ldd").arg(support::fleet_library()).output().unwrap();
    assert!(!String::from_utf8(linked.stdout).unwrap().contains("librocks"));
}
