//! The dashboard for Grafana asks only for metrics that the library exports, and explains itself.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use regex::Regex;
use rocks_gc::ffi::c;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::gc::Gc;
use support::root;
use support::store::{RAW, Store, Via};
use tempfile::tempdir;

const NOW: u64 = 1_700_000_100;
const GARBAGE: &str = "rocks_gc_keyspace_garbage_bytes";

/// A timestamp of PD at a Unix time.
fn at(seconds: u64) -> u64 {
    (seconds * 1000) << 18
}

fn dashboard() -> Value {
    let text = fs::read_to_string(root().join("examples/grafana/rocks_gc.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn panels(dashboard: &Value) -> &Vec<Value> {
    dashboard["panels"].as_array().unwrap()
}

/// The expressions of all panels.
fn expressions(dashboard: &Value) -> Vec<String> {
    let targets = panels(dashboard).iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().expect("an expression").to_owned()).collect()
}

fn metrics_in(text: &str) -> BTreeSet<String> {
    Regex::new(r"\brocks_gc_\w+").unwrap().find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

/// The metrics of a host whose store is attached and holds garbage of keyspace 7.
fn exported() -> String {
    let (gc, folder) = (Gc::new("", NOW), tempdir().unwrap());
    gc.name(7, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
    let store = Store::attached(folder.path(), &gc, Via::Adaptor, RAW);
    for seconds in 1..=5 {
        store.put(0, &gc.raw_key(7, b"row", at(NOW - 100 - seconds)), b"value\0");
    }
    store.compact(0);
    assert!(gc.advance(7, at(NOW - 50)).unwrap());
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let text = gc.metrics();
        if text.contains(GARBAGE) || Instant::now() > deadline {
            return text;
        }
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn every_metric_of_the_dashboard_is_exported() {
    let text = exported();
    let samples = || text.lines().filter(|line| !line.starts_with('#'));
    let name = |line: &str| line.split(['{', ' ']).next().unwrap().to_owned();
    let known: BTreeSet<String> = samples().map(name).collect();
    let per_keyspace: BTreeSet<String> = samples().filter(|line| line.contains("{keyspace=\"7\"}")).map(name).collect();
    assert!(per_keyspace.contains(GARBAGE) && known.len() > per_keyspace.len(), "{text}");

    let dashboard = dashboard();
    let asked = metrics_in(&dashboard.to_string());
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "the library does not export {unknown:?}");
    for expression in expressions(&dashboard) {
        let names = metrics_in(&expression);
        assert!(!names.is_empty(), "{expression}");
        assert!(!expression.contains("(keyspace)") || names.is_subset(&per_keyspace), "no label keyspace: {expression}");
    }
    // A new reason must get a line in the dashboard.
    let is_reason = |name: &&String| name.starts_with("rocks_gc_not_needed_") || name.starts_with("rocks_gc_kept_");
    let missing: Vec<_> = known.iter().filter(is_reason).filter(|name| !asked.contains(*name)).collect();
    assert!(missing.is_empty(), "the dashboard lacks {missing:?}");
}

#[test]
fn every_panel_explains_itself() {
    let dashboard = dashboard();
    let mut titles = BTreeSet::new();
    let sentence = Regex::new(r"^[A-Z][^.]+ [^.]+ [^.]+\..*$").unwrap();
    for panel in panels(&dashboard) {
        let text = |name: &str| panel[name].as_str().unwrap_or_default().to_owned();
        let (title, description) = (text("title"), text("description"));
        assert!(!title.is_empty() && titles.insert(title.clone()), "a title that is empty, or there twice: {title:?}");
        assert!(sentence.is_match(&description) && description.ends_with('.'), "{title}: {description:?}");
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
            assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{title}");
        }
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|variable| variable["name"] == "datasource" && variable["query"] == "prometheus"));
}
