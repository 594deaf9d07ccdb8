//! What a follower tells etcd, on a real etcd: to which order, how often, and again after a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "remembering/fleet.rs"]
mod fleet;
mod remembering;
mod support;

use fleet::*;
use rocks_gc_fleet::follower::local::Left;
use rocks_gc_fleet::layout::keyspace_meta::State;
use rocks_gc_fleet::layout::own_key::OwnKey;
use rocks_gc_fleet::layout::own_value::{Action, Answer, Clock, Order, OwnValue, Progress, Range, Resolved, SchemaId};
use rocks_gc_fleet::layout::pd_key::PdKey;
use rocks_gc_fleet::layout::pd_value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::{CLUSTER, put};

fn order_of(schema: u64) -> OwnKey {
    OwnKey::SchemaOrder(id(1), schema)
}

fn truncate(timestamp: u64) -> Order {
    Order { action: Action::Truncate { timestamp, sequence: 0 }, nodes: BTreeMap::new() }
}

fn answer(fleet: &Fleet, schema: u64) -> Option<Answer> {
    fleet.get_own(&OwnKey::SchemaAnswer(id(1), schema, "n1".into()))
}

/// A keyspace with schemas 1 to `highest`.
fn with_schemas(highest: u64) -> Fleet {
    let fleet = Fleet::start(1);
    fleet.put_own(&OwnKey::SchemaHighest(id(1)), &SchemaId { id: highest });
    (1..=highest).for_each(|schema| fleet.put_schema(schema, None));
    fleet
}

/// The follower has looked at its orders twice since now: what it had to tell is told.
fn two_ticks(fleet: &Fleet) {
    let before = fleet.known.get().walks_of_schemas.len();
    fleet.eventually("two ticks", |known| known.walks_of_schemas.len() >= before + 2);
}

#[test]
fn an_answer_to_an_old_order_does_not_count_for_a_newer_one() {
    let fleet = with_schemas(3);
    let _follower = fleet.follow(false);
    let epoch = fleet.epoch("n1").unwrap();
    fleet.known.change(|known| known.left_of_schemas = Left::Nothing);
    // The node is about to answer the first order, when another one takes its place.
    let (client, runtime, known) = (fleet.client.clone(), fleet.runtime.handle().clone(), fleet.known.clone());
    fleet.known.before_next_answer(move || {
        runtime.block_on(put(&client, &order_of(3).build(CLUSTER).unwrap(), truncate(99).build().unwrap()));
        known.change(|known| known.left_of_schemas = Left::Visible);
    });
    fleet.put_own(&order_of(3), &truncate(77));
    fleet.eventually("both are carried out", |known| known.truncated == [(schema(3), 77), (schema(3), 99)]);
    two_ticks(&fleet);
    assert_eq!(answer(&fleet, 3), None, "the second truncation runs");
    fleet.known.change(|known| known.left_of_schemas = Left::Nothing);
    eventually("the second one is answered", || answer(&fleet, 3) == Some(Answer { progress: Progress::Swept, epoch }));
}

#[test]
fn the_ledger_is_walked_once_a_tick_for_all_orders_and_all_ranges() {
    const MANY: u64 = 100;
    let fleet = with_schemas(MANY);
    for number in 1..=MANY {
        fleet.put_own(&order_of(number), &truncate(77));
        let range = Range { start: vec![1, number as u8], end: vec![2], timestamp: 50, swept_by: BTreeSet::new() };
        fleet.put_own(&OwnKey::RangeTodo("job".into(), number.to_string()), &range);
    }
    let _follower = fleet.follow(false);
    fleet.eventually("ticks", |known| known.walks_of_ranges.len() >= 4);
    let known = fleet.known.get();
    assert!(known.walks_of_schemas.iter().chain(&known.walks_of_ranges).all(|asked| *asked == MANY as usize), "{known:?}");
    // The first walk of schemas comes before the first one of ranges.
    let ticks = known.walks_of_ranges.len();
    assert!((ticks..=ticks + 1).contains(&known.walks_of_schemas.len()), "{known:?}");
}

#[test]
fn an_answer_that_could_not_be_written_is_told_again() {
    let fleet = with_schemas(3);
    fleet.known.change(|known| known.left_of_schemas = Left::InFiles);
    let follower = fleet.follow(false);
    let epoch = fleet.epoch("n1").unwrap();
    fleet.put_own(&order_of(3), &Order { action: Action::Drop, nodes: BTreeMap::new() });
    let range = Range { start: b"a".to_vec(), end: b"b".to_vec(), timestamp: 50, swept_by: BTreeSet::new() };
    fleet.put_own(&OwnKey::RangeTodo("job".into(), "1".into()), &range);
    let swept = Answer { progress: Progress::Swept, epoch };
    eventually("removed", || answer(&fleet, 3) == Some(Answer { progress: Progress::Removed, epoch }));
    fleet.eventually("the library has the range", |known| !known.ranges.is_empty());
    fleet.set_full(true);
    fleet.known.change(|known| {
        known.left_of_schemas = Left::Nothing;
        known.ranges.values_mut().for_each(|range| range.1 = Left::Nothing);
    });
    let says_full = || follower.status().last_error.is_some_and(|error| error.contains("orders/3/answers/n1") && error.contains("NOSPACE"));
    eventually("the write fails", says_full);
    fleet.set_full(false);
    eventually("the order is answered", || answer(&fleet, 3) == Some(swept.clone()));
    eventually("the range is answered", || {
        fleet.get_own(&OwnKey::RangeAnswer("job".into(), "1".into(), "n1".into())) == Some(swept.clone())
    });
}

#[test]
fn what_is_resolved_and_could_not_be_told_is_told_again_under_the_same_registration_only() {
    let mut fleet = Fleet::start(1);
    // The clock is told twice in this time, and must not be what cannot be written.
    fleet.lease = Duration::from_secs(600);
    let resolved = |number| fleet.get_own::<Resolved>(&OwnKey::Resolved("n1".into(), keyspace(number)));
    for number in [1, 2] {
        fleet.put(&meta_key(number), meta(number, State::Enabled, "keyspace_level"));
        fleet.put_txn(keyspace(number), 100);
        fleet.host.set_stuck(keyspace(number), true);
    }
    let follower = fleet.follow(true);
    let epoch = fleet.epoch("n1").unwrap();
    let resolve_while_full = |number: u32| {
        fleet.set_full(true);
        fleet.host.set_stuck(keyspace(number), false);
        let key = format!("resolved/n1/{number}");
        let fails = || follower.status().last_error.is_some_and(|error| error.contains(&key) && error.contains("NOSPACE"));
        eventually("the write fails", fails);
        fleet.host.set_stuck(keyspace(number), true);
    };
    resolve_while_full(1);
    fleet.set_full(false);
    eventually("it is told", || resolved(1) == Some(Resolved { txn_safe_point: 100, epoch }));
    // The other one, and the registration ends before it is told.
    resolve_while_full(2);
    fleet.delete(&OwnKey::Node("n1".into()).build(CLUSTER).unwrap());
    eventually("it does not serve", || !follower.may_serve());
    fleet.set_full(false);
    eventually("a new epoch serves", || fleet.epoch("n1").is_some_and(|next| next != epoch) && follower.may_serve());
    assert_eq!((resolved(1), resolved(2)), (None, None), "the new registration has resolved nothing yet");
    fleet.host.set_stuck(keyspace(2), false);
    let epoch = fleet.epoch("n1").unwrap();
    eventually("it resolves anew", || resolved(2) == Some(Resolved { txn_safe_point: 100, epoch }));
}

#[test]
fn a_new_registration_tells_everything_anew() {
    let fleet = with_schemas(3);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.put_txn(keyspace(1), 100);
    fleet.put_gc(keyspace(1), 90);
    fleet.host.set_stuck(keyspace(1), true);
    fleet.known.change(|known| known.left_of_schemas = Left::Nothing);
    let range = Range { start: b"a".to_vec(), end: b"b".to_vec(), timestamp: 50, swept_by: BTreeSet::new() };
    fleet.known.change(|known| known.ranges = [((b"a".to_vec(), b"b".to_vec()), (50, Left::Nothing))].into());
    fleet.put_own(&OwnKey::RangeTodo("job".into(), "1".into()), &range);
    fleet.put_own(&order_of(3), &truncate(77));
    let follower = fleet.follow(true);
    let swept_range = || fleet.get_own::<Answer>(&OwnKey::RangeAnswer("job".into(), "1".into(), "n1".into()));
    let (clock, behind) = (OwnKey::NodeClock("n1".into()), OwnKey::Applied("n1".into(), keyspace(1)).build(CLUSTER).unwrap());
    let all_told = |epoch| {
        let swept = Some(Answer { progress: Progress::Swept, epoch });
        eventually("the order is answered", || answer(&fleet, 3) == swept);
        eventually("the range is answered", || swept_range() == swept);
        eventually("where filters are behind", || fleet.get(&behind).is_some());
        eventually("the clock", || fleet.get_own::<Clock>(&clock).is_some());
    };
    let first = fleet.epoch("n1").unwrap();
    all_told(first);
    let told_first = fleet.get_own::<Clock>(&clock).map(|clock| clock.unix_ms);
    eventually("the clock is told again and again", || fleet.get_own::<Clock>(&clock).map(|clock| clock.unix_ms) > told_first);
    // As if its lease had run out: all keys under it are gone.
    fleet.runtime.block_on(fleet.client.revoke(first.cast_signed())).unwrap();
    eventually("a new epoch serves", || fleet.epoch("n1").is_some_and(|next| next != first) && follower.may_serve());
    assert!(!follower.may_lock(Some(id(1)), 100), "T has not changed, and is known");
    all_told(fleet.epoch("n1").unwrap());
    assert!(follower.may_lock(Some(id(1)), 101) && !follower.may_lock(Some(id(1)), 100));
}

#[test]
fn a_change_right_after_the_listing_is_not_missed() {
    let fleet = with_schemas(3);
    fleet.put(&meta_key(1), meta(1, State::Enabled, "keyspace_level"));
    fleet.put_own(&order_of(3), &truncate(77));
    let follower = fleet.load_as("n1", false).unwrap();
    // The node has listed, and does not watch yet.
    let (client, runtime) = (fleet.client.clone(), fleet.runtime.handle().clone());
    let (key, value) = (PdKey::GcSafePoint(keyspace(1)).build(CLUSTER), pd_value::safe_point(id(1), 30).unwrap());
    fleet.known.before_next_answer(move || runtime.block_on(put(&client, &key, value)));
    follower.follow(LIMIT).unwrap();
    fleet.eventually("it is known", |known| known.own.get(&id(1)) == Some(&30));
}
