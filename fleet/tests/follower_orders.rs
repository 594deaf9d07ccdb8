//! The follower on a real etcd: schemas and ranges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "remembering/fleet.rs"]
mod fleet;
mod remembering;
mod support;

use fleet::*;
use rocks_gc_fleet::etcd::{Compare, Keys, Put, Txn};
use rocks_gc_fleet::follower::local::Left;
use rocks_gc_fleet::layout::own_key::OwnKey;
use rocks_gc_fleet::layout::own_value::{Action, Answer, Node, Order, OwnValue, Progress, Range, Role, SchemaId, Truncation};
use std::collections::BTreeMap;
use std::time::Duration;
use support::CLUSTER;

/// The follower has looked at its ranges three times since now: what it had to tell is told.
fn three_ticks(fleet: &Fleet) {
    let before = fleet.known.get().walks_of_ranges.len();
    fleet.eventually("three ticks", |known| known.walks_of_ranges.len() >= before + 3);
}

#[test]
fn orders_are_carried_out_and_answered() {
    let fleet = Fleet::start(1);
    let order = |id| OwnKey::SchemaOrder(self::id(1), id);
    let answer = |id| fleet.get_own::<Answer>(&OwnKey::SchemaAnswer(self::id(1), id, "n1".into()));
    fleet.put_own(&OwnKey::SchemaHighest(id(1)), &SchemaId { id: 9 });
    for schema in [3, 5, 9] {
        fleet.put_schema(schema, None);
    }
    let follower = fleet.load_as("n1", false).unwrap();
    assert_eq!(fleet.known.get().lists[&id(1)], (vec![3, 5, 9], 9));
    follower.follow(LIMIT).unwrap();
    let epoch = fleet.epoch("n1").unwrap();

    fleet.known.change(|known| known.left_of_schemas = Left::InFiles);
    let drop_order = Order { action: Action::Drop, nodes: BTreeMap::from([("n1".into(), epoch)]) };
    fleet.commit(&Txn {
        compares: vec![Compare::Absent(order(5).build(CLUSTER).unwrap())],
        puts: vec![Put::new(order(5).build(CLUSTER).unwrap(), drop_order.build().unwrap())],
        deletes: vec![Keys::One(schema_keys(5).0), Keys::One(schema_keys(5).1)],
    });
    eventually("removed", || answer(5) == Some(Answer { progress: Progress::Removed, epoch }));
    let known = fleet.known.get();
    assert!(known.dropped.contains(&schema(5)));
    assert_eq!(known.lists[&id(1)], (vec![3, 9], 9));
    fleet.known.change(|known| known.left_of_schemas = Left::Nothing);
    eventually("swept", || answer(5) == Some(Answer { progress: Progress::Swept, epoch }));
    // The same order once more is another order.
    fleet.delete(&OwnKey::SchemaAnswer(id(1), 5, "n1".into()).build(CLUSTER).unwrap());
    fleet.put_own(&order(5), &drop_order);
    eventually("answered again", || answer(5) == Some(Answer { progress: Progress::Swept, epoch }));

    fleet.known.change(|known| known.left_of_schemas = Left::Visible);
    fleet.put_own(&order(3), &Order { action: Action::Truncate { timestamp: 77, sequence: 0 }, nodes: BTreeMap::new() });
    fleet.eventually("truncated", |known| known.truncated == [(schema(3), 77)]);
    assert_eq!(answer(3), None, "the truncation runs");
    fleet.known.change(|known| known.left_of_schemas = Left::Nothing);
    eventually("truncated everywhere", || answer(3) == Some(Answer { progress: Progress::Swept, epoch }));

    let todo = OwnKey::RangeTodo("job".into(), "1".into());
    let answer = || fleet.get_own::<Answer>(&OwnKey::RangeAnswer("job".into(), "1".into(), "n1".into()));
    fleet.put_own(&todo, &Range { start: b"a".to_vec(), end: b"b".to_vec(), timestamp: 50, swept_by: std::collections::BTreeSet::new() });
    fleet.eventually("the library has the range", |known| known.ranges.contains_key(&(b"a".to_vec(), b"b".to_vec())));
    three_ticks(&fleet);
    assert_eq!(answer(), None);
    fleet.known.change(|known| *known.ranges.get_mut(&(b"a".to_vec(), b"b".to_vec())).unwrap() = (50, Left::Nothing));
    eventually("destroyed", || answer() == Some(Answer { progress: Progress::Swept, epoch }));
}

#[test]
fn a_list_restored_from_a_backup_drops_nothing() {
    let fleet = Fleet::start(1);
    let highest = |id| fleet.put_own(&OwnKey::SchemaHighest(self::id(1)), &SchemaId { id });
    highest(9);
    for schema in [3, 9] {
        fleet.put_schema(schema, None);
    }
    // A truncation that runs: each look at it is a tick.
    let order = Order { action: Action::Truncate { timestamp: 77, sequence: 0 }, nodes: BTreeMap::new() };
    fleet.put_own(&OwnKey::SchemaOrder(id(1), 3), &order);
    let _follower = fleet.follow(false);
    let nothing_happens = || {
        let before = fleet.known.get().walks_of_schemas.len();
        fleet.eventually("three ticks", |known| known.walks_of_schemas.len() >= before + 3);
        let known = fleet.known.get();
        assert_eq!((known.lists[&id(1)].clone(), known.dropped.len()), ((vec![3, 9], 9), 0));
    };
    highest(4);
    // An id of which the backup does not know that it was used.
    fleet.put_schema(4, None);
    nothing_happens();
    fleet.delete_schema(4);
    fleet.delete_schema(9);
    nothing_happens();
    highest(9);
    nothing_happens();
}

#[test]
fn what_was_truncated_and_destroyed_while_the_node_was_away_is_done_now() {
    let fleet = Fleet::start(1);
    fleet.put_own(&OwnKey::SchemaHighest(id(1)), &SchemaId { id: 3 });
    let truncated = Some(Truncation { timestamp: 77, sequence: 0 });
    fleet.put_schema(3, truncated);
    let done = OwnKey::RangeDone("job".into(), "1".into());
    let range = Range { start: b"a".to_vec(), end: b"b".to_vec(), timestamp: 50, swept_by: ["n2".to_owned()].into() };
    fleet.put_own(&done, &range);
    let follower = fleet.follow(false);
    fleet.eventually("truncated", |known| known.truncated == [(schema(3), 77)]);
    let bounds = (b"a".to_vec(), b"b".to_vec());
    fleet.eventually("the library has the range", |known| known.ranges.contains_key(&bounds));
    let swept_by = || fleet.get_own::<Range>(&done).unwrap().swept_by;
    fleet.known.change(|known| *known.ranges.get_mut(&bounds).unwrap() = (50, Left::InFiles));
    three_ticks(&fleet);
    assert_eq!(swept_by(), ["n2".to_owned()].into(), "files hold some of it");
    fleet.known.change(|known| *known.ranges.get_mut(&bounds).unwrap() = (50, Left::Nothing));
    eventually("it adds its name", || swept_by() == ["n1".to_owned(), "n2".to_owned()].into());
    drop(follower);
    // The next process finds both done.
    let _follower = fleet.follow(false);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(fleet.known.get().truncated, [(schema(3), 77)]);
}

#[test]
fn an_id_that_was_dropped_and_is_valid_again_is_told() {
    let fleet = Fleet::start(1);
    fleet.put_own(&OwnKey::SchemaHighest(id(1)), &SchemaId { id: 3 });
    fleet.put_schema(3, None);
    fleet.known.change(|known| known.dropped.extend([schema(3)]));
    let follower = fleet.load_as("n1", false).unwrap();
    assert_eq!(follower.status().counts.unwrap().schemas_in_conflict, 1);
    // An id that the ledger knows, and that is above etcd's, is not vended again.
    follower.follow(LIMIT).unwrap();
    let seen = || fleet.get_own::<SchemaId>(&OwnKey::SchemaSeen(id(1), "n1".into())).map(|seen| seen.id);
    assert_eq!(seen(), None, "etcd knows");
    fleet.known.change(|known| known.dropped.extend([schema(7)]));
    drop(follower);
    let _follower = fleet.follow(false);
    eventually("what the ledger knows is told", || seen() == Some(7));
}

#[test]
fn a_valid_schema_whose_value_cannot_be_read_stays_valid() {
    let fleet = Fleet::start(1);
    fleet.put_own(&OwnKey::SchemaHighest(id(1)), &SchemaId { id: 3 });
    fleet.put_schema(3, None);
    fleet.put(&schema_keys(3).0, "{");
    let _follower = fleet.load_as("n1", false).unwrap();
    assert_eq!(fleet.known.get().lists[&id(1)], (vec![3], 3));
}

#[test]
fn a_list_that_is_not_whole_drops_nothing_and_an_empty_one_drops_all() {
    let fleet = Fleet::start(1);
    fleet.put_own(&OwnKey::SchemaHighest(id(1)), &SchemaId { id: 3 });
    fleet.put_schema(2, None);
    fleet.put_schema(3, None);
    // A key is lost.
    fleet.delete(&schema_keys(2).0);
    let follower = fleet.load_as("n1", false).unwrap();
    assert_eq!(fleet.known.get().lists, BTreeMap::new());
    follower.follow(LIMIT).unwrap();
    fleet.put_schema(2, None);
    fleet.eventually("the list is whole", |known| known.lists.get(&id(1)) == Some(&(vec![2, 3], 3)));
    fleet.delete(&schema_keys(3).0);
    std::thread::sleep(Duration::from_millis(1200));
    let known = fleet.known.get();
    assert_eq!((known.lists[&id(1)].clone(), known.dropped.len()), ((vec![2, 3], 3), 0));
    fleet.delete(&schema_keys(3).1);
    fleet.eventually("dropped", |known| known.dropped.contains(&schema(3)) && known.lists[&id(1)] == (vec![2], 3));
    // The library takes an empty list for none.
    fleet.delete_schema(2);
    fleet.eventually("all are dropped", |known| known.lists[&id(1)] == (vec![4], 4));
}

#[test]
fn a_standby_truncates_when_it_has_replicated_what_came_before() {
    let fleet = Fleet::start(1);
    fleet.put_own(&OwnKey::SchemaHighest(id(1)), &SchemaId { id: 3 });
    fleet.put_schema(3, None);
    let follower = fleet.load("n1", Role::Standby, true).unwrap();
    follower.follow(LIMIT).unwrap();
    let order = Order { action: Action::Truncate { timestamp: 77, sequence: 500 }, nodes: BTreeMap::new() };
    fleet.put_own(&OwnKey::SchemaOrder(id(1), 3), &order);
    follower.has_replicated(499);
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(fleet.known.get().truncated, [], "what it has not replicated would survive");
    follower.has_replicated(500);
    follower.has_replicated(3);
    fleet.eventually("truncated", |known| known.truncated == [(schema(3), 77)]);
    let node: Node = fleet.get_own(&OwnKey::Node("n1".into())).unwrap();
    assert!(!node.is_waited_for() && !follower.may_lock(None, 1000));
}
