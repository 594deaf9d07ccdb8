//! The reasons to make no filter, with figures that a collector counted.

use super::*;
use crate::layout::KeyMode;
use crate::layout::KeyspaceId;
use crate::options::Options;
use crate::properties::{Collector, Entry, Property};
use crate::safe_point::GcType;
use std::collections::BTreeMap;

type Version<'v> = (KeyMode, u32, &'v str, u64, &'v [u8]);

const LIVE: &[u8] = b"v\0";
const DELETE: &[u8] = b"\x02";

fn shared(options: &str) -> Shared {
    let mut chosen = Options::default();
    chosen.parse(options).unwrap();
    let shared = Shared::new(&chosen).unwrap();
    shared.clock.set_host(Box::new(|| 100));
    shared
}

fn id(keyspace: u32) -> KeyspaceId {
    KeyspaceId::new(keyspace).unwrap()
}

/// Registers keyspaces with safe points of their own.
fn advance(shared: &Shared, keyspaces: &[(u32, u64)]) {
    for &(keyspace, ts) in keyspaces {
        shared.safe_points.register(std::iter::once(id(keyspace)), GcType::KeyspaceLevel).unwrap();
        shared.safe_points.advance([(id(keyspace), ts)]);
    }
}

fn properties(shared: &Shared, kind: FilterKind, versions: &[Version<'_>]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut collector = Collector::new(shared, kind);
    for &(mode, keyspace, user_key, ts, value) in versions {
        let key = shared.layout.encode(Some(mode), Some(id(keyspace)), user_key.as_bytes(), ts).unwrap();
        collector.add(&key, Entry::Value(value));
    }
    let mut properties = BTreeMap::new();
    collector.finish(|name, value| _ = properties.insert(name.to_vec(), value.to_vec()));
    properties
}

fn file(shared: &Shared, kind: FilterKind, versions: &[Version<'_>]) -> FileFigures {
    let properties = properties(shared, kind, versions);
    let each = properties.iter().map(|(name, value)| -> Property<'_> { (name, value) });
    FileFigures::read(&shared.layout, kind, each).unwrap()
}

fn raw(shared: &Shared, versions: &[(u32, &str, u64, &[u8])]) -> FileFigures {
    let versions: Vec<_> = versions.iter().map(|&(keyspace, key, ts, value)| (KeyMode::Raw, keyspace, key, ts, value)).collect();
    file(shared, FilterKind::Default, &versions)
}

fn above_bottommost() -> CompactionContext {
    CompactionContext { bottommost: Some(false), ..CompactionContext::default() }
}

#[test]
fn only_the_keyspaces_of_the_files_count() {
    let shared = shared("");
    advance(&shared, &[(1, 40), (2, 80), (3, 1000)]);
    let one = raw(&shared, &[(1, "a", 60, LIVE), (1, "a", 50, LIVE), (2, "b", 90, LIVE)]);
    let two = raw(&shared, &[(2, "c", 95, LIVE)]);
    let refused = |inputs: &Inputs| refusal(FilterKind::Default, &shared, CompactionContext::default(), inputs);
    assert_eq!(refused(&[one.clone(), two.clone()]), Some(NoFilterReason::TooNew));
    assert_eq!(refused(&[]), None, "nothing is known of the inputs");
    advance(&shared, &[(2, 92)]);
    assert_eq!(refused(&[one.clone(), two.clone()]), None, "keyspace 2 is old enough in one file");
    assert_eq!(refused(&[two]), Some(NoFilterReason::TooNew));
    shared.pause_keyspace(id(2));
    assert_eq!(refused(std::slice::from_ref(&one)), Some(NoFilterReason::TooNew), "a paused keyspace has no safe point");
    advance(&shared, &[(1, 50)]);
    assert_eq!(refused(&[one]), None, "a version at its safe point");
}

#[test]
fn values_of_another_mode_do_not_count() {
    let shared = shared("");
    advance(&shared, &[(1, 100)]);
    let long_values = file(&shared, FilterKind::Default, &[(KeyMode::Txn, 1, "a", 5, b"any"), (KeyMode::Txn, 1, "a", 4, b"any")]);
    let refused = refusal(FilterKind::Default, &shared, CompactionContext::default(), &[long_values]);
    assert_eq!(refused, Some(NoFilterReason::TooNew));
}

/// Ratio 1.1, as in TiKV's examples.
#[test]
fn little_garbage_above_the_bottommost_level() {
    let shared = shared("");
    advance(&shared, &[(1, 1000), (2, 1000)]);
    let rows = |keyspace: u32, rows: usize, stale: u64| {
        let keys: Vec<String> = (0..rows).map(|row| format!("{row:04}")).collect();
        let mut versions: Vec<_> = (0..=stale).rev().map(|ts| (keyspace, "", 10 + ts, LIVE)).collect();
        versions.extend(keys.iter().skip(1).map(|key| (keyspace, key.as_str(), 10, LIVE)));
        raw(&shared, &versions)
    };
    let refused = |inputs: &Inputs| refusal(FilterKind::Default, &shared, above_bottommost(), inputs);
    let little = Some(NoFilterReason::LittleGarbage);
    assert_eq!(refused(&[rows(1, 10, 1)]), little, "11 versions are not above 11.0");
    assert_eq!(refused(&[rows(1, 10, 2)]), None, "12 versions are");
    assert_eq!(refused(&[rows(1, 10, 2), rows(1, 10, 0)]), None, "one of two files is half");
    assert_eq!(refused(&[rows(1, 10, 2), rows(1, 100, 0), rows(2, 100, 0)]), little, "one of three, and little in all");
    assert_eq!(refused(&[rows(1, 2000, 1025)]), None, "a row with more than 1024 versions; the ratio is above 1.1");
    assert_eq!(refused(&[rows(1, 20_000, 1023)]), little);
    assert_eq!(refused(&[rows(1, 20_000, 1024)]), None, "a row with 1025 versions");
    let unknown = CompactionContext::default();
    assert_eq!(refusal(FilterKind::Default, &shared, unknown, &[rows(1, 10, 0)]), None, "unknown counts as bottommost");
    let eager = self::shared("ratio_threshold=0.9");
    advance(&eager, &[(1, 1000)]);
    let one = raw(&eager, &[(1, "a", 10, LIVE)]);
    assert_eq!(refusal(FilterKind::Default, &eager, above_bottommost(), &[one]), None, "below 1.0 every old file is worth it");
}

#[test]
fn a_delete_mark_or_an_expiry_is_worth_a_filter() {
    let shared = shared("");
    advance(&shared, &[(1, 1000)]);
    let expires = |at: u64| [&at.to_be_bytes()[..], b"\x01"].concat();
    let of = |value: &[u8]| {
        let file = raw(&shared, &[(1, "a", 10, value), (1, "b", 10, LIVE)]);
        refusal(FilterKind::Default, &shared, above_bottommost(), &[file])
    };
    assert_eq!(of(LIVE), Some(NoFilterReason::LittleGarbage));
    assert_eq!(of(DELETE), None);
    assert_eq!(of(&expires(100)), None, "it has expired by the clock, which says 100");
    assert_eq!(of(&expires(101)), Some(NoFilterReason::LittleGarbage));
    assert_eq!(of(&expires(u64::MAX)), Some(NoFilterReason::LittleGarbage), "it never expires");
}

#[test]
fn values_with_a_ttl_need_an_expiry_that_is_due() {
    let shared = shared("");
    let ttl = |at: u64| {
        let file = file(&shared, FilterKind::TtlV1, &[(KeyMode::Raw, 1, "a", 0, &at.to_be_bytes())]);
        refusal(FilterKind::TtlV1, &shared, CompactionContext::default(), &[file])
    };
    assert_eq!([0, 101].map(ttl), [Some(NoFilterReason::NothingExpired); 2]);
    assert_eq!(ttl(100), None);
    assert_eq!(refusal(FilterKind::TtlV1, &shared, CompactionContext::default(), &[]), None);
}

#[test]
fn a_dropped_key_that_may_be_there_is_worth_a_filter() {
    let shared = shared("schema_id=prefix");
    advance(&shared, &[(1, 5), (2, 5)]);
    let one = raw(&shared, &[(1, "\0\0\0\x07a", 10, LIVE)]);
    let two = raw(&shared, &[(2, "\0\0\0\x07a", 10, LIVE)]);
    let refused = |file: &FileFigures| refusal(FilterKind::Default, &shared, CompactionContext::default(), std::slice::from_ref(file));
    let too_new = Some(NoFilterReason::TooNew);
    shared.change_schemas(Some(id(1)), |schemas| schemas.load(vec![7], 9));
    assert_eq!([refused(&one), refused(&two)], [too_new; 2], "other schemas of keyspace 1 are dropped");
    shared.change_schemas(Some(id(1)), |schemas| schemas.load(vec![8], 9));
    assert_eq!([refused(&one), refused(&two)], [None, too_new], "schema 7 of keyspace 1 is dropped");
    assert_eq!(refusal(FilterKind::DroppedOnly, &shared, CompactionContext::default(), &[]), None, "nothing is known of the inputs");
    let foreign = FileFigures { foreign: 1, ..two };
    assert_eq!(refused(&foreign), None, "a key that the figures do not name");
}

#[test]
fn keyspaces_without_names_may_be_any() {
    let shared = shared("");
    let versions: Vec<_> = (0..2000).map(|keyspace| (keyspace, "a", 50, LIVE)).collect();
    let file = raw(&shared, &versions);
    assert!(file.owners.rest.is_some());
    let refused = || refusal(FilterKind::Default, &shared, CompactionContext::default(), std::slice::from_ref(&file));
    advance(&shared, &[(1_000_000, 49)]);
    assert_eq!(refused(), Some(NoFilterReason::TooNew), "no safe point reaches any version");
    advance(&shared, &[(1_000_000, 50)]);
    assert_eq!(refused(), None);
}

#[test]
fn refusals_are_counted_by_reason_and_keyspace() {
    let shared = shared("");
    advance(&shared, &[(1, 5)]);
    let files = [raw(&shared, &[(1, "a", 10, LIVE), (2, "b", 10, LIVE), (2, "b", 9, LIVE)]), raw(&shared, &[(1, "c", 10, LIVE)])];
    let reason = refusal(FilterKind::Default, &shared, CompactionContext::default(), &files).unwrap();
    count_refusal(&shared, FilterKind::Default, reason, &files);
    let sums = shared.stats.sums();
    assert_eq!((sums.filters_not_needed.get(), sums.not_needed_too_new.get(), sums.not_needed_no_safe_point.get()), (1, 1, 0));
    assert_eq!(sums.kept_unknown_keyspace.get(), 2, "keyspace 2 was never registered");
    assert_eq!([1, 2, 3].map(|keyspace| shared.of_keyspaces.of(id(keyspace)).filters_not_needed), [1, 1, 0]);
}
