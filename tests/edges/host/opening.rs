//! Opening and attaching the DB, backups, and a dropped family.

use super::{Host, Reopen};
use crate::model::{DEFAULT, EXTRA, KEYSPACES, NOW};
use crate::support::gc::Gc;
use crate::support::rocksdb::Settings;
use crate::support::store::{Family, Store, Via, copy_folder, install};
use rand::RngExt;
use rocks_gc::ffi::c;
use std::cell::Cell;
use std::fs;
use tempfile::tempdir;

impl Host {
    pub(super) fn open(&mut self) {
        let (gc, second) = (self.contexts[0].gc, self.contexts.get(1).map(|context| context.gc));
        let mut families: Vec<Family> = vec![("default", c::RGC_CF_DEFAULT, Some(c::RGC_KIND_RAW))];
        if !self.model.extra_is_dropped {
            // H8: a C host gives no family that it does not attach a filter.
            let is_judged = second.is_none() && (self.has_extra || self.via == Via::Adaptor);
            families.push(("extra", c::RGC_CF_OTHER, is_judged.then_some(c::RGC_KIND_RAW)));
        }
        if self.has_ledger {
            families.push(("ledger", c::RGC_CF_LEDGER, None));
        }
        let seen = Cell::new(0);
        let store = Store::open_with(self.dir.path(), gc, self.via, &families, &Settings::default(), |options| {
            if let (Some(second), "extra") = (second, families[seen.replace(seen.get() + 1)].0) {
                install(self.via, second, c::RGC_KIND_RAW, options);
            }
        });
        self.store = Some(store);
    }

    /// A keyspace that the ledger says is destroyed must not be named; the host then pauses it.
    pub(super) fn attach(&mut self, told_all: bool) {
        let single = self.contexts.len() == 1;
        for place in 0..self.contexts.len() {
            let ledger = self.store().place("ledger").map(|ledger| (ledger, c::RGC_CF_LEDGER));
            let families: Vec<_> = match (place, self.model.extra_is_dropped) {
                (0, dropped) => {
                    let extra = (single && !dropped && self.has_extra).then_some((EXTRA, c::RGC_CF_OTHER));
                    [Some((DEFAULT, c::RGC_CF_DEFAULT)), extra, ledger].into_iter().flatten().collect()
                }
                (_, true) => continue,
                _ => vec![(EXTRA, c::RGC_CF_DEFAULT)],
            };
            let (gc, destroyed) =
                (self.contexts[place].gc, KEYSPACES.into_iter().filter(|keyspace| self.is_destroyed(place, *keyspace)).collect::<Vec<_>>());
            let mut attached = self.store().attach_to(gc, &families);
            let must_refuse = told_all && destroyed.iter().any(|keyspace| !self.contexts[place].paused.contains(keyspace));
            assert!(!must_refuse || attached.is_err(), "a destroyed keyspace is named");
            if let Err(text) = &attached {
                assert!(text.contains("registered keyspace") && !destroyed.is_empty(), "{text}");
                destroyed.iter().for_each(|keyspace| gc.remove(*keyspace));
                self.contexts[place].paused.extend(destroyed);
                attached = self.store().attach_to(gc, &families);
                self.note("attach refused a destroyed keyspace");
            }
            attached.expect("attaches");
            self.contexts[place].is_attached = true;
        }
    }

    pub(super) fn close(&mut self) {
        for context in &mut self.contexts {
            context.gc.detach();
            context.is_attached = false;
        }
        self.store = None;
    }

    pub(super) fn reopen(&mut self, how: Reopen) -> bool {
        if how == Reopen::PutBack && self.backup.is_none() {
            return false;
        }
        self.close();
        let fresh = how == Reopen::Plain && self.rng.random();
        if let (Reopen::PutBack, Some((copy, model))) = (how, &self.backup) {
            let more = self.model.records.keys().any(|record| !model.records.contains_key(record));
            fs::remove_dir_all(self.dir.path()).unwrap();
            copy_folder(copy.path(), self.dir.path());
            self.model = model.clone();
            if more {
                self.note("put back under the same context, which had destroyed more since");
            }
        }
        let told_all = fresh && self.rng.random();
        for place in 0..if fresh { self.contexts.len() } else { 0 } {
            self.contexts[place].gc = self.new_gc(place);
            self.tell(place, told_all);
        }
        let copy = (how == Reopen::BackUp).then(|| tempdir().unwrap());
        if let Some(copy) = &copy {
            copy_folder(self.dir.path(), copy.path());
        }
        self.has_extra = self.contexts.len() > 1 || self.rng.random_ratio(2, 3);
        self.open();
        self.check(false);
        self.backup = copy.map(|copy| (copy, self.model.clone())).or(self.backup.take());
        if self.rng.random() {
            self.compact_everything();
            self.note("compacted before attach");
            self.check(false);
        }
        self.attach(told_all);
        true
    }

    pub(super) fn share_the_ledger(&mut self) -> bool {
        let stranger = Gc::new("recheck=manual", NOW);
        stranger.bind();
        let families: Vec<_> = match self.store().place("ledger") {
            Some(ledger) if !self.model.extra_is_dropped => vec![(EXTRA, c::RGC_CF_OTHER), (ledger, c::RGC_CF_LEDGER)],
            Some(ledger) => vec![(DEFAULT, c::RGC_CF_DEFAULT), (ledger, c::RGC_CF_LEDGER)],
            None => vec![(DEFAULT, c::RGC_CF_DEFAULT)],
        };
        let refused = self.store().attach_to(&stranger, &families).expect_err("a ledger is one context's");
        assert!(refused.contains("ledger"), "{refused}");
        true
    }

    pub(super) fn drop_extra(&mut self) -> bool {
        if self.model.extra_is_dropped || self.rng.random() {
            return false;
        }
        self.store().drop_family(EXTRA);
        self.model.extra_is_dropped = true;
        self.model.families[EXTRA].clear();
        self.model.records.retain(|record, _| record.context == 0);
        true
    }
}
