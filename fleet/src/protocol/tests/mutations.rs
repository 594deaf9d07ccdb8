//! Each guard is left out once. The exploration must find what it is for.

use super::explore::{STUCK, WORLDS, explore, scope_1_is_collected};
use crate::protocol::guard::{Guard, without};

fn finds(guard: Guard, world: &str, expected: &str) {
    let world = WORLDS.iter().find(|candidate| candidate.name == world).unwrap();
    let found = without(Some(guard), || explore(world, None));
    let (what, trace) = found.broken.unwrap_or_else(|| panic!("{guard:?} in {}: nothing in {}", world.name, found.states));
    println!("{guard:?}: {what}, {} steps, {} states", trace.len(), found.states);
    trace.iter().for_each(|(what, who, number)| println!("    {what} {who} {number}"));
    assert!(what.starts_with(expected), "{guard:?}: {what}, not {expected}");
}

#[test]
fn safety() {
    finds(Guard::RevisionIsCompared, "barrier", "F1: T is above a live");
    finds(Guard::RevisionIsCompared, "barrier of all", "F1: T is above a live");
    finds(Guard::PdGoesFirst, "PD", "F0: only PD");
    finds(Guard::MinStartsAreCompared, "TiDB", "F1: T is above a start");
    finds(Guard::NodesAreCompared, "locks", "F4: G passes");
    finds(Guard::LeaderIsCompared, "barrier", "F0");
    finds(Guard::TxnNeverGoesBack, "barrier", "F2");
    finds(Guard::GcNeverGoesBack, "locks", "F2");
    finds(Guard::BarriersBlock, "barrier", "F1: T is above a live");
    finds(Guard::GlobalBarriersBlock, "barrier of all", "F1: T is above a live");
    finds(Guard::MinStartsBlock, "TiDB", "F1: T is above a start");
    finds(Guard::LastSecondIsAlive, "barrier", "F1: T is above a live");
    finds(Guard::GcStopsAtTxn, "no node", "F1: G is above T");
    finds(Guard::NodesAreWaitedFor, "locks", "F4: G passes");
    finds(Guard::AnswersAreOfTheEpoch, "locks", "F4: G passes");
    finds(Guard::BarriersAreNotBelowTxn, "barrier", "F1: T is above a live");
    finds(Guard::LocksAreRefused, "locks", "F4");
    finds(Guard::LocksAreResolvedFirst, "locks", "F4: G passes");
    finds(Guard::FiltersStopAtResolved, "locks", "F4: filters");
}

#[test]
fn a_scope_that_waits_for_another_is_found() {
    let found = without(Some(Guard::ScopesAreApart), || explore(&STUCK, Some(scope_1_is_collected)));
    println!("ScopesAreApart: {} of {} states never collect scope 1", found.lost, found.states);
    assert!(found.lost > 0);
}
