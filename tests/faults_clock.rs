//! A clock that leaps: what it lets expire or pass for a moment would be lost.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{SystemTime, UNIX_EPOCH};
use support::gc::Gc;
use support::log::Log;
use support::rocksdb::{Db, Settings, Write};

const TEN_YEARS: u64 = 10 * 365 * 86_400;
const YEAR: u64 = 365 * 86_400;

fn gc(options: &str, clock: &'static AtomicU64) -> Gc {
    let gc = Gc::new(options, 0);
    gc.set_moving_time(clock);
    gc
}

fn clock(now: u64) -> &'static AtomicU64 {
    Box::leak(Box::new(AtomicU64::new(now)))
}

fn system_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn value(expire_ts: u64) -> Vec<u8> {
    [b"value", &expire_ts.to_be_bytes()[..]].concat()
}

#[test]
fn a_clock_that_leaps_for_one_run_removes_nothing_that_lives() {
    for (now, leap, life) in [(system_now(), TEN_YEARS, 7200), (1001, 3999, 200)] {
        let time = clock(now);
        let gc = gc("", time);
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), &Settings::default(), gc.factory(c::RGC_KIND_TTL_V1));
        let put = |key: &[u8], expire_ts| db.write(&[Write::Put(key, &value(expire_ts))]);
        let keys = || db.scan().into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        put(b"dead", now - 1);
        put(b"lives", now + life);
        db.flush();
        db.compact(None, true);
        // A run looks at the clock as it begins.
        time.store(now + leap, SeqCst);
        db.compact(None, true);
        time.store(now, SeqCst);
        assert_eq!(keys(), [b"lives"], "now {now}");
        put(b"later", now + life);
        db.flush();
        db.compact(None, true);
        assert_eq!(keys(), [&b"later"[..], b"lives"], "now {now}");
        assert_eq!(gc.stats().expired, 1, "the one that was dead");
    }
}

#[test]
fn the_clock_is_followed_down_and_up_again() {
    let now = system_now();
    let time = clock(now);
    let gc = gc("", time);
    let expires = |expire_ts| {
        let run = gc.run(c::RGC_KIND_TTL_V1, -1).unwrap();
        run.decide(c::RGC_VALUE, b"key", &value(expire_ts)) == c::RGC_REMOVE
    };
    assert!(expires(now) && !expires(now + 1));
    let log = Log::new(c::RGC_LOG_WARN);
    time.store(now - 1000, SeqCst);
    assert!(expires(now - 1000) && !expires(now - 999));
    time.store(now - 10, SeqCst);
    assert!(expires(now - 10) && !expires(now - 9));
    assert_eq!(log.with("the clock went back").len(), 1, "one line a step");
    time.store(now + TEN_YEARS, SeqCst);
    for _ in 0..5 {
        assert!(expires(now - 1000) && !expires(now + 3600));
    }
    assert_eq!(log.with("seconds ahead of the expected").len(), 1);
    // Set anew it is compared with the system's.
    gc.set_time(now + TEN_YEARS);
    assert!(!expires(now + 3600));
    gc.set_time(1000);
    assert!(expires(1000) && !expires(1001));
}

#[test]
fn a_leap_lets_no_safe_point_a_year_ahead_pass() {
    let now = system_now();
    let time = clock(now);
    let gc = gc("max_safe_point_ahead_seconds=10", time);
    let at = |seconds: u64| (seconds * 1000) << 18;
    assert!(gc.advance_global(at(now)));
    time.store(now + TEN_YEARS, SeqCst);
    assert!(!gc.advance_global(at(now + YEAR)));
    assert!(gc.advance(1, at(now + YEAR)).unwrap_err().contains("max_safe_point_ahead_seconds"));
    time.store(now, SeqCst);
    assert!(gc.advance_global(at(now + 5)), "nothing of it is left");
    assert!(!gc.advance_global(at(now + YEAR)));
}

#[test]
fn milliseconds_for_seconds_are_refused_and_named() {
    let log = Log::new(c::RGC_LOG_ERROR);
    let milliseconds = system_now() * 1000;
    let gc = gc("max_safe_point_ahead_seconds=10", clock(milliseconds));
    for _ in 0..3 {
        let run = gc.run(c::RGC_KIND_TTL_V1, -1).unwrap();
        assert_eq!(run.decide(c::RGC_VALUE, b"key", &value(1)), c::RGC_KEEP, "the time is unknown");
        assert!(!gc.advance_global(5 << 18), "no bound can be met");
    }
    let told = log.with(&format!("the clock answers {milliseconds}; that looks like milliseconds; return seconds"));
    assert_eq!(told.iter().map(|(level, _)| *level).collect::<Vec<_>>(), [c::RGC_LOG_ERROR]);
}
