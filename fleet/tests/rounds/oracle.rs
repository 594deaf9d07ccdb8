//! The oracle: it has seen every write, and says of every read whether it is right.

use super::{NodeHost, ROWS};
use rocks_gc_fleet::etcd::Client;
use rocks_gc_fleet::layout::gc_management::GcManagement;
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::protocol::etcd::{Key, Value};
use rocks_gc_fleet::translate::{Reading, number};
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::Runtime;

/// A reader that stays at a timestamp.
struct Reader {
    node: usize,
    keyspace: u32,
    name: String,
    ts: u64,
}

/// Whose T and G count.
fn scope_of(reading: &Reading, keyspace: u32) -> u32 {
    match reading.keyspaces[&KeyspaceId::new(keyspace).unwrap()].gc_management() {
        GcManagement::Keyspace => keyspace,
        _ => number(Scope::Global),
    }
}

#[derive(Default)]
pub struct Oracle {
    /// By node, keyspace and row: each version.
    versions: BTreeMap<(usize, u32, usize), BTreeMap<u64, String>>,
    readers: Vec<Reader>,
    /// The highest T and G of each keyspace.
    highest: BTreeMap<u32, (u64, u64)>,
    epochs: BTreeSet<u64>,
    locks: u64,
    refused: u64,
    reads_held: u64,
    readers_lost: u64,
    reads_at_the_safe_point: u64,
}

impl Oracle {
    pub fn wrote(&mut self, node: usize, keyspace: u32, row: usize, ts: u64, value: String) {
        self.versions.entry((node, keyspace, row)).or_default().insert(ts, value);
    }

    pub fn asked_for_a_lock(&mut self, answer: &str) {
        match answer {
            "ok" => self.locks += 1,
            "refused" => self.refused += 1,
            other => panic!("{other}"),
        }
    }

    pub fn begins(&mut self, node: usize, keyspace: u32, name: String, ts: u64) {
        self.readers.push(Reader { node, keyspace, name, ts });
    }

    /// The readers of a node that was killed are gone with it.
    pub fn died(&mut self, node: usize) {
        self.readers.retain(|reader| reader.node != node);
    }

    /// Ends all readers.
    pub fn end_readers(&mut self, nodes: &mut [NodeHost]) {
        for reader in self.readers.drain(..) {
            nodes[reader.node].ok(&format!("release {} {}", reader.keyspace, reader.name));
        }
    }

    /// The value that a reader must see.
    fn expected(&self, node: usize, keyspace: u32, row: usize, ts: u64) -> String {
        let versions = self.versions.get(&(node, keyspace, row));
        let newest = versions.and_then(|versions| versions.range(..=ts).next_back());
        newest.map_or_else(|| "none".to_owned(), |(_, value)| value.clone())
    }

    pub fn look(&mut self, runtime: &Runtime, client: &Client, nodes: &mut [NodeHost], keyspaces: &[u32], now: u64) {
        let reading = runtime.block_on(Reading::take(client)).unwrap();
        assert!(reading.unreadable.is_empty() && reading.unreadable_everywhere.is_empty(), "{reading:?}");
        self.epochs.extend(reading.nodes.values().map(|registered| registered.node.epoch));
        for keyspace in keyspaces {
            self.look_at_etcd(&reading, *keyspace);
            for (place, node) in nodes.iter_mut().enumerate() {
                self.look_at_locks(&reading, node, *keyspace);
                self.read(runtime, client, place, node, *keyspace, now);
            }
        }
        let readers = std::mem::take(&mut self.readers);
        for reader in readers {
            if self.reads_on(&reader, &mut nodes[reader.node]) {
                self.readers.push(reader);
            }
        }
        // The oldest reader ends.
        if self.readers.len() > 3 {
            let reader = self.readers.remove(0);
            nodes[reader.node].ok(&format!("release {} {}", reader.keyspace, reader.name));
        }
    }

    /// F1 and F2.
    fn look_at_etcd(&mut self, reading: &Reading, keyspace: u32) {
        let (of, scope) = (|key| reading.snapshot.number(key), scope_of(reading, keyspace));
        let (t, g) = (of(Key::Txn(scope)), of(Key::Gc(scope)));
        let highest = self.highest.entry(keyspace).or_default();
        assert!(t >= highest.0 && g >= highest.1, "keyspace {keyspace} went back from {highest:?} to {:?}", (t, g));
        assert!(g <= t, "keyspace {keyspace}: G {g} is above T {t}");
        *highest = (t, g);
        for (key, barrier, _) in reading.snapshot.barriers(scope) {
            assert!(t <= barrier, "keyspace {keyspace}: T {t} is above {key:?} at {barrier}");
        }
    }

    /// F4: filters never pass a lock of their node, and an answer is true.
    fn look_at_locks(&mut self, reading: &Reading, node: &mut NodeHost, keyspace: u32) {
        let safe = node.number(&format!("safe {keyspace}"));
        let registered = reading.nodes.get(&node.name).map_or(0, |registered| registered.node.epoch);
        let scope = scope_of(reading, keyspace);
        let answer = reading.names.find(&node.name).and_then(|name| reading.snapshot.get(Key::Resolved(name, scope)));
        let resolved = if let Some(Value::Answer(resolved, epoch)) = answer { resolved * u64::from(epoch == registered) } else { 0 };
        for lock in node.ask("locks").split_whitespace() {
            let (of, rest) = lock.split_once('/').unwrap();
            let start: u64 = rest.split_once(':').unwrap().1.parse().unwrap();
            if of == keyspace.to_string() {
                assert!(start > safe, "{}: filters are at {safe}, and a lock is at {start}", node.name);
                assert!(start > resolved, "{}: it answered {resolved}, and has a lock at {start}", node.name);
            }
        }
    }

    /// Reads at the present, and at the safe point of this node's filters: what is older may be gone.
    fn read(&mut self, runtime: &Runtime, client: &Client, place: usize, node: &mut NodeHost, keyspace: u32, now: u64) {
        for row in 0..ROWS {
            let safe = node.number(&format!("safe {keyspace}"));
            for ts in [now, safe] {
                let value = node.ask_serving(&format!("get {keyspace} row{row} {ts}"));
                if ts >= node.number(&format!("safe {keyspace}")) {
                    assert_eq!(value, self.expected(place, keyspace, row, ts), "{}: row {row} of keyspace {keyspace} at {ts}", node.name);
                    self.reads_at_the_safe_point += u64::from(ts == safe && safe > 0);
                }
            }
        }
        let safe = node.number(&format!("safe {keyspace}"));
        let reading = runtime.block_on(Reading::take(client)).unwrap();
        let g = reading.snapshot.number(Key::Gc(scope_of(&reading, keyspace)));
        assert!(safe <= g, "{}: filters are at {safe}, and G is {g}", node.name);
    }

    /// A reader reads everything again. If its hold stands after that, all of it is right.
    fn reads_on(&mut self, reader: &Reader, node: &mut NodeHost) -> bool {
        let Reader { keyspace, name, ts, .. } = reader;
        let values: Vec<String> = (0..ROWS).map(|row| node.ask_serving(&format!("get {keyspace} row{row} {ts}"))).collect();
        if node.ask(&format!("held {keyspace} {name}")) == "no" {
            self.readers_lost += 1;
            return false;
        }
        for (row, value) in values.iter().enumerate() {
            assert_eq!(*value, self.expected(reader.node, *keyspace, row, *ts), "{name} on {}: row {row} at {ts}", node.name);
            self.reads_held += 1;
        }
        true
    }

    /// An oracle that saw nothing proves nothing.
    pub fn has_seen_enough(&self) {
        let Self { locks, refused, reads_held, readers_lost, reads_at_the_safe_point, .. } = self;
        println!(
            "{locks} locks, {refused} refused; {reads_held} reads under holds, {readers_lost} holds lost; {reads_at_the_safe_point} reads at a \
             safe point; {} registrations",
            self.epochs.len()
        );
        assert!(*locks > 0 && *refused > 0 && *reads_held > 0 && *reads_at_the_safe_point > 0 && self.epochs.len() >= 3);
    }
}
