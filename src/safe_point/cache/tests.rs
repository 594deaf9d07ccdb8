//! The cache of safe points against an obvious one.

use super::super::outcome::{Loaded, TypeConflict, Unused};
use super::super::page::KeepReason;
use super::*;
use GcType::{Global, KeyspaceLevel};
use std::iter::once;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;

fn id(id: u32) -> KeyspaceId {
    KeyspaceId::new(id).unwrap()
}

fn effective(safe_points: &SafePoints, keyspace: u32) -> u64 {
    safe_points.effective(id(keyspace)).safe_point
}

#[test]
fn each_keyspace_has_its_own_effective_safe_point() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    assert!(!sp.any_effective());
    assert_eq!(sp.advance([(id(7), 70)]).moved, 1);
    assert!(!sp.any_effective(), "not named yet");
    assert_eq!(sp.register([id(7), id(16_777_215)].into_iter(), KeyspaceLevel), Ok(0));
    assert_eq!(sp.register(once(id(0)), Global), Ok(0));
    assert!(sp.any_effective());
    sp.advance_global(50);
    sp.advance([(id(0), 99)]);
    assert_eq!([0, 1, 7, 16_777_215].map(|keyspace| effective(&sp, keyspace)), [50, 0, 70, 0]);
    assert!(sp.effective(id(1)).unknown && !sp.effective(id(16_777_215)).unknown);
}

#[test]
fn safe_points_only_move_forward() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    assert_eq!(
        [5, 5, 4, 6].map(|ts| sp.advance_global(ts).0),
        [AdvanceOutcome::Moved, AdvanceOutcome::Same, AdvanceOutcome::Refused, AdvanceOutcome::Moved]
    );
    let batch = [(id(1), 10), (id(1), 9), (id(1), 10), (id(2), 1)];
    let unregistered = Unused { n: 2, first: Some(id(1)) };
    assert_eq!(sp.advance(batch), Advanced { moved: 2, refused: 1, unregistered, ..Advanced::default() });
}

#[test]
fn the_first_type_stands_and_another_one_keeps_everything_until_it_is_named() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    sp.advance_global(50);
    sp.register([id(3), id(5)].into_iter(), KeyspaceLevel).unwrap();
    sp.advance([(id(3), 70), (id(5), 70)]);
    let conflict = sp.register([id(4), id(3), id(5)].into_iter(), Global).unwrap_err();
    assert_eq!(conflict, TypeConflict { n: 2, index: 1, keyspace: id(3), in_force: KeyspaceLevel }.into());
    assert!(sp.effective(id(4)).unknown, "a refused batch registers no keyspace");
    assert_eq!([3, 5].map(|keyspace| effective(&sp, keyspace)), [0, 0], "all that conflict are kept");
    assert!(sp.any_effective(), "by the global one");
    assert_eq!(sp.load(id(3), KeyspaceLevel), Ok(Loaded::StaysKept(KeepReason::Conflict, KeyspaceLevel)));
    assert!(sp.load(id(3), Global).is_err() && sp.register(once(id(3)), Global).is_err(), "only the type in force");
    sp.register(once(id(3)), KeyspaceLevel).unwrap();
    assert_eq!(sp.advance([(id(3), 60)]).moved, 1);
    assert_eq!(effective(&sp, 3), 60);
}

#[test]
fn a_load_ends_what_an_unknown_type_keeps_and_nothing_else() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    sp.advance_global(50);
    let keeps = |keyspace, why: &[KeepReason]| why.iter().for_each(|&why| sp.keep(id(keyspace), why));
    keeps(1, &[KeepReason::UnknownType]);
    assert_eq!(sp.load(id(1), Global), Ok(Loaded::Registered { late: false }));
    assert_eq!(effective(&sp, 1), 50);
    for (keyspace, why) in [(2, &[KeepReason::Paused, KeepReason::UnknownType][..]), (3, &[KeepReason::UnknownType, KeepReason::Paused])] {
        keeps(keyspace, why);
        assert_eq!(sp.load(id(keyspace), Global), Ok(Loaded::StaysKept(KeepReason::Paused, Global)));
        assert!(sp.register(once(id(keyspace)), KeyspaceLevel).is_err(), "the loaded type is in force");
        assert_eq!(sp.load(id(keyspace), Global), Ok(Loaded::StaysKept(KeepReason::Paused, Global)));
        assert_eq!(effective(&sp, keyspace), 0);
        sp.register(once(id(keyspace)), Global).unwrap();
        assert_eq!(effective(&sp, keyspace), 50);
    }
}

#[test]
fn the_first_own_safe_point_of_whom_nothing_is_collected_by_it_is_told() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    sp.register(once(id(1)), Global).unwrap();
    sp.register(once(id(2)), KeyspaceLevel).unwrap();
    let told = |ts| {
        let advanced = sp.advance([1, 2, 3, 4].map(|keyspace| (id(keyspace), ts)));
        (advanced.global, advanced.unregistered)
    };
    assert_eq!(told(5), (Unused { n: 1, first: Some(id(1)) }, Unused { n: 2, first: Some(id(3)) }));
    assert_eq!(told(6), Default::default(), "once");
}

#[test]
fn a_removed_keyspace_keeps_everything_until_it_is_named_again() {
    let sp = SafePoints::new(UnknownKeyspace::Global);
    sp.register(once(id(1)), KeyspaceLevel).unwrap();
    sp.register(once(id(2)), Global).unwrap();
    sp.advance_global(50);
    sp.advance([(id(1), 80)]);
    (1..=3).for_each(|keyspace| sp.keep(id(keyspace), KeepReason::Paused));
    sp.keep(id(1), KeepReason::Paused);
    assert_eq!([1, 2, 3].map(|keyspace| effective(&sp, keyspace)), [0, 0, 0]);
    assert_eq!(sp.advance([(id(1), 90)]), Advanced { refused: 1, ..Advanced::default() });
    assert!(sp.register(once(id(1)), Global).is_err(), "the same type only");
    sp.register(once(id(1)), KeyspaceLevel).unwrap();
    sp.register(once(id(2)), Global).unwrap();
    sp.register(once(id(3)), KeyspaceLevel).unwrap();
    assert_eq!([1, 2, 3].map(|keyspace| effective(&sp, keyspace)), [0, 50, 0]);
    assert_eq!(sp.advance([(id(1), 60)]).moved, 1, "an own safe point starts at 0 again");
}

#[test]
fn any_effective_follows_removals() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    sp.register(once(id(1)), KeyspaceLevel).unwrap();
    sp.advance([(id(1), 5), (id(1), 6)]);
    assert!(sp.any_effective());
    sp.keep(id(1), KeepReason::Paused);
    assert!(!sp.any_effective());
    sp.register(once(id(1)), KeyspaceLevel).unwrap();
    assert!(!sp.any_effective());
    sp.advance([(id(1), 5)]);
    assert!(sp.any_effective());
}

#[test]
fn a_type_that_comes_after_the_global_safe_point_judged_is_told() {
    let sp = SafePoints::new(UnknownKeyspace::Global);
    assert_eq!(sp.register(once(id(1)), KeyspaceLevel), Ok(0), "nothing was judged yet");
    sp.advance_global(5);
    assert_eq!(effective(&sp, 2), 5);
    assert_eq!(sp.register([id(1), id(2)].into_iter(), KeyspaceLevel), Ok(1));
    assert_eq!(effective(&sp, 2), 0);
    sp.keep(id(3), KeepReason::Paused);
    assert_eq!(sp.register(once(id(3)), KeyspaceLevel), Ok(1), "it was judged before it was paused");
}

#[test]
fn memory_stays_within_bounds() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    sp.register((100_000..110_000).map(id), KeyspaceLevel).unwrap();
    assert!(sp.bytes() <= 1 << 20, "10,000 neighbours take {} bytes", sp.bytes());
    sp.register((0..=KeyspaceId::MAX).map(id), KeyspaceLevel).unwrap();
    assert!(sp.bytes() <= 160 << 20, "all keyspaces take {} bytes", sp.bytes());
    assert!(sp.bytes() >= PAGES * SLOTS * 9, "the figure counts the pages");
}

#[test]
fn readers_never_see_a_safe_point_go_back() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    sp.register((0..64).map(id), KeyspaceLevel).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut seen = [0; 64];
                while !done.load(SeqCst) {
                    for (keyspace, seen) in (0..).zip(&mut seen) {
                        let now = effective(&sp, keyspace);
                        assert!(now >= *seen);
                        *seen = now;
                    }
                }
            });
        }
        let writers = [1u64, 2].map(|step| {
            let sp = &sp;
            scope.spawn(move || {
                for ts in (1..20_000).step_by(step as usize) {
                    sp.advance((0..64).map(|keyspace| (id(keyspace), ts)));
                }
            })
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, SeqCst);
    });
    assert_eq!(effective(&sp, 63), 19_999);
}

#[test]
fn readers_go_on_while_a_writer_stands_still() {
    let sp = SafePoints::new(UnknownKeyspace::Keep);
    sp.register((0..10).map(id), KeyspaceLevel).unwrap();
    let (halfway, is_halfway) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let sp = &sp;
        scope.spawn(move || {
            sp.advance((0..10).map(|keyspace| {
                if keyspace == 5 {
                    halfway.send(()).unwrap();
                    may_go_on.recv().unwrap();
                }
                (id(keyspace), 77)
            }));
        });
        is_halfway.recv().unwrap();
        assert_eq!((effective(sp, 4), effective(sp, 5)), (77, 0));
        assert!(sp.any_effective() && sp.effective(id(4096)).unknown);
        go_on.send(()).unwrap();
    });
    assert_eq!(effective(&sp, 9), 77);
}
