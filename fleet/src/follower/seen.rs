//! The keys that a node knows etcd to hold, so that a new listing becomes changes: what a watch
//! would have brought, deletions included.

use crate::etcd::{Batch, Change, Entry, Part};
use std::collections::HashMap;

/// Keys, with the revision that wrote each, and the listing that saw it last.
#[derive(Debug, Default)]
pub struct Seen {
    keys: HashMap<Box<[u8]>, (i64, u32)>,
    listing: u32,
}

impl Seen {
    /// Notes changes that a watch brought.
    pub fn note(&mut self, batch: &Batch) {
        for change in &batch.changes {
            match change.value {
                Some(_) => drop(self.keys.insert(change.key.as_slice().into(), (change.mod_revision, self.listing))),
                None => drop(self.keys.remove(change.key.as_slice())),
            }
        }
    }

    /// What is new in a part of a listing. After the last part: [`Seen::vanished`].
    pub fn take(&mut self, part: Part) -> Vec<Change> {
        match part {
            Part::Begin => {
                self.listing = self.listing.wrapping_add(1);
                Vec::new()
            }
            Part::Page(entries) => entries.into_iter().filter_map(|entry| self.see(entry)).collect(),
        }
    }

    fn see(&mut self, Entry { key, value, mod_revision, .. }: Entry) -> Option<Change> {
        let seen = (mod_revision, self.listing);
        match self.keys.get_mut(key.as_slice()) {
            Some(known) if known.0 == mod_revision => {
                known.1 = self.listing;
                None
            }
            Some(known) => {
                *known = seen;
                Some(Change { key, value: Some(value), mod_revision })
            }
            None => {
                self.keys.insert(key.as_slice().into(), seen);
                Some(Change { key, value: Some(value), mod_revision })
            }
        }
    }

    /// The keys that the listing at this revision does not have any more.
    pub fn vanished(&mut self, revision: i64) -> Vec<Change> {
        let gone = self.keys.extract_if(|_, (_, listing)| *listing != self.listing);
        gone.map(|(key, _)| Change { key: key.into(), value: None, mod_revision: revision }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: &[(&str, i64)]) -> Part {
        let entry = |(key, mod_revision): &(&str, i64)| Entry {
            key: key.as_bytes().to_vec(),
            value: mod_revision.to_string().into_bytes(),
            lease: 0,
            create_revision: 1,
            mod_revision: *mod_revision,
        };
        Part::Page(keys.iter().map(entry).collect())
    }

    fn listed(seen: &mut Seen, parts: Vec<Part>) -> Vec<String> {
        let mut changes: Vec<Change> = parts.into_iter().flat_map(|part| seen.take(part)).collect();
        changes.extend(seen.vanished(100));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        changes.into_iter().map(|change| format!("{}={}", text(change.key), change.value.map_or("-".into(), text))).collect()
    }

    #[test]
    fn a_listing_becomes_what_a_watch_would_have_brought() {
        let mut seen = Seen::default();
        assert_eq!(listed(&mut seen, vec![Part::Begin, page(&[("a", 1), ("b", 2)]), page(&[("c", 3)])]), ["a=1", "b=2", "c=3"]);
        let deleted = Change { key: b"a".to_vec(), value: None, mod_revision: 6 };
        let written = Change { key: b"d".to_vec(), value: Some(b"7".to_vec()), mod_revision: 7 };
        seen.note(&Batch { revision: 7, changes: vec![deleted, written] });
        // b was deleted, c written; a was deleted and made again.
        let now = [("a", 8), ("c", 9), ("d", 7)];
        assert_eq!(listed(&mut seen, vec![Part::Begin, page(&now)]), ["a=8", "c=9", "b=-"]);
        assert_eq!(listed(&mut seen, vec![Part::Begin, page(&now)]), [""; 0]);
        // The listing begins anew after its first page; what that page had is gone since.
        let again = vec![Part::Begin, page(&[("a", 8), ("b", 10)]), Part::Begin, page(&[("a", 8), ("d", 7)])];
        let changes = listed(&mut seen, again);
        assert_eq!(changes.first().map(String::as_str), Some("b=10"));
        assert_eq!(changes[1..].iter().collect::<std::collections::BTreeSet<_>>(), [&"b=-".to_owned(), &"c=-".to_owned()].into());
    }
}
