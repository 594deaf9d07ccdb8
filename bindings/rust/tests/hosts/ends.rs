//! The order in which a DB, its context and its options end.

use crate::support::{attach, compact, context, open, options, versions, write};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rocks_gc::{AttachedDb, Flags, Mode};
use rocksdb::{DB, IteratorMode};
use std::{env, thread};
use tempfile::tempdir;

#[test]
fn the_order_of_ends_does_not_matter() {
    let process = u64::from(std::process::id());
    let seed = env::var("SEED").map_or(process, |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let directory = tempdir().unwrap();
    for round in 1..=200 {
        let gc = context();
        let options = options(&gc);
        let db = DB::open(&options, directory.path()).unwrap();
        let (mut gc, mut options) = (Some(gc), Some(options));
        if random.random_bool(0.2) {
            drop((gc, options, db));
            continue;
        }
        let mut db = Some(attach(gc.as_ref().unwrap(), db));
        if let (Some(gc), Some(db)) = (&gc, &db) {
            write(gc, db, 7, 5, &[2 * round, 2 * round + 1]);
            gc.advance_keyspace_safe_point(7, 2 * round + 1).unwrap();
        }
        let mut ends = vec!["gc", "options", "db", "compact", "destroy"];
        while !ends.is_empty() {
            match (ends.swap_remove(random.random_range(0..ends.len())), &db) {
                ("gc", _) => drop(gc.take()),
                ("options", _) => drop(options.take()),
                ("db", _) if random.random_bool(0.5) => db = None,
                ("db", _) => drop(db.take().map(AttachedDb::detach)),
                ("compact", Some(db)) => compact(db),
                ("destroy", Some(db)) => {
                    let range = db.gc().keyspace_range(Mode::Raw, 8).unwrap();
                    let (start, end) = (range.start, range.end.unwrap());
                    db.gc().destroy_range(&start, &end, Flags::REUSABLE).unwrap();
                }
                _ => {}
            }
        }
    }
    let gc = context();
    let db = open(&gc, directory.path());
    assert!(versions(&gc, &db, 7) >= 5);
}

#[test]
fn a_panic_of_the_host_ends_everything_in_order() {
    for step in 0..6 {
        let directory = tempdir().unwrap();
        let path = directory.path().to_owned();
        let panics = thread::spawn(move || {
            let at = |now| assert!(now != step, "at step {step}");
            at(0);
            let gc = context();
            at(1);
            let options = options(&gc);
            at(2);
            let db = DB::open(&options, &path).unwrap();
            at(3);
            let db = attach(&gc, db);
            write(&gc, &db, 7, 5, &[10, 20]);
            at(4);
            let _entries = db.iterator(IteratorMode::Start);
            gc.destroy_keyspace(8, Flags::NONE).unwrap();
            at(5);
        });
        assert!(panics.join().is_err());
        let gc = context();
        let db = DB::open(&options(&gc), directory.path()).expect("it was closed");
        assert_eq!(versions(&gc, &db, 7), if step < 4 { 0 } else { 10 });
    }
}

#[test]
fn a_context_that_is_dropped_lives_as_long_as_the_db() {
    let (gc, directory) = (context(), tempdir().unwrap());
    let db = open(&gc, directory.path());
    write(&gc, &db, 7, 10, &[10, 20, 30]);
    gc.advance_keyspace_safe_point(7, 100).unwrap();
    drop(gc);
    compact(&db);
    assert_eq!(versions(db.gc(), &db, 7), 10);
}
