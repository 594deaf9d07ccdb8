//! H1 for transactions: a transaction whose primary is committed, and whose secondary's lock still
//! stands, is never half collected if the host moves the safe point only past resolved locks. On a
//! real RocksDB, with what the host loses otherwise.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod support;

use rocks_gc::ffi::c;
use support::gc::Gc;
use support::store::{EVERY_WAY, Store, TXN, Via};
use tempfile::{TempDir, tempdir};

const START: u8 = 10;
const COMMIT: u64 = 20;
const LATER: u64 = 30;
const DEFAULT: usize = 0;
const WRITE: usize = 1;
const LOCK: usize = 2;
/// The state of a transaction, for a reader that meets its lock on the secondary and asks the
/// primary.
#[derive(Debug, PartialEq)]
enum Fate {
    Committed(u64),
    /// The primary has neither a lock nor a record of it.
    RolledBack,
}

struct Host<'g> {
    gc: &'g Gc,
    store: Store<'g>,
    _dir: TempDir,
}

impl<'g> Host<'g> {
    /// The primary is committed and was written again since; the secondary is locked.
    fn new(gc: &'g Gc, via: Via) -> Self {
        gc.name(1, c::RGC_GC_KEYSPACE_LEVEL).unwrap();
        let dir = tempdir().unwrap();
        let host = Self { gc, store: Store::attached(dir.path(), gc, via, TXN), _dir: dir };
        host.commit(b"primary", START, COMMIT);
        host.store.put(LOCK, &host.lock_key(b"secondary"), &[b"P\x0eprimary", &[START, 60][..]].concat());
        host.commit(b"primary", START + 15, LATER);
        host
    }

    fn record_key(&self, row: &[u8], commit_ts: u64) -> Vec<u8> {
        self.gc.key(c::RGC_MODE_TXN, 1, row, commit_ts)
    }

    /// A lock's key has no timestamp.
    fn lock_key(&self, row: &[u8]) -> Vec<u8> {
        let key = self.record_key(row, 0);
        key[..key.len() - 8].to_vec()
    }

    fn commit(&self, row: &[u8], start_ts: u8, commit_ts: u64) {
        self.store.put(WRITE, &self.record_key(row, commit_ts), &[b'P', start_ts, b'v', 1, b'x']);
    }

    fn fate(&self) -> Fate {
        let row = self.lock_key(b"primary");
        let records = self.store.scan(WRITE).into_iter().filter(|(key, _)| key.starts_with(&row));
        let of_it = records.filter(|(_, record)| record[..2] == [b'P', START]).map(|(key, _)| key).next();
        of_it.map_or(Fate::RolledBack, |key| Fate::Committed(!u64::from_be_bytes(*key.last_chunk().unwrap())))
    }

    /// What a reader or the host does with the lock.
    fn resolve(&self) {
        if let Fate::Committed(commit_ts) = self.fate() {
            self.commit(b"secondary", START, commit_ts);
        }
        self.store.delete(LOCK, &self.lock_key(b"secondary"));
    }

    fn move_safe_point(&self, to: u64) {
        assert_eq!(self.gc.advance(1, to), Ok(true));
        for _ in 0..2 {
            [DEFAULT, WRITE, LOCK].iter().for_each(|family| self.store.compact(*family));
            assert_eq!(self.gc.drain(60_000), Ok(0));
        }
    }

    fn has_secondary(&self) -> bool {
        let row = self.lock_key(b"secondary");
        self.store.keys(WRITE).iter().any(|key| key.starts_with(&row))
    }
}

#[test]
fn a_safe_point_past_resolved_locks_only_collects_no_half_of_a_transaction() {
    for via in EVERY_WAY {
        let gc = Gc::new("", 1000);
        let host = Host::new(&gc, via);
        // The lock tells the host how far it may go.
        assert_eq!(gc.oldest_lock(1, 50), Ok(u64::from(START)), "{via:?}");
        host.move_safe_point(u64::from(START) - 1);
        assert_eq!(host.fate(), Fate::Committed(COMMIT), "{via:?}");
        host.resolve();
        assert_eq!(gc.oldest_lock(1, 50), Ok(0), "{via:?}");
        host.move_safe_point(50);
        assert!(host.has_secondary(), "{via:?}");
        // The record that told of the commit may go now: nothing asks for it.
        assert_eq!(host.fate(), Fate::RolledBack, "{via:?}: it was shadowed");
    }
}

#[test]
fn a_safe_point_past_a_lock_loses_the_secondary() {
    for via in EVERY_WAY {
        let gc = Gc::new("", 1000);
        let host = Host::new(&gc, via);
        host.move_safe_point(50);
        assert_eq!(gc.oldest_lock(1, 50), Ok(u64::from(START)), "{via:?}: the lock tells what is wrong");
        host.resolve();
        assert!(!host.has_secondary(), "{via:?}: the header warns of nothing");
    }
}

#[test]
fn a_damaged_lock_in_a_real_store_is_an_error_that_names_it() {
    let gc = Gc::new("", 1000);
    let host = Host::new(&gc, Via::Adaptor);
    for n in 0..3000u32 {
        host.store.put(LOCK, &host.lock_key(&n.to_be_bytes()), b"P\x02p\x64\x00");
    }
    assert_eq!((gc.oldest_lock(1, 50), gc.oldest_lock(1, 100)), (Ok(u64::from(START)), Ok(u64::from(START))));
    let damaged = host.lock_key(b"zzz");
    host.store.put(LOCK, &damaged, b"P\x02");
    let hex: String = damaged.iter().map(|byte| format!("{byte:02x}")).collect();
    let error = gc.oldest_lock(1, 5).unwrap_err();
    assert!(error.starts_with("Corruption: ") && error.contains(&hex), "{error}");
}
