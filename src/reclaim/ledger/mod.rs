//! The ledger: durable records of destroyed ranges, schema orders and keyspace types. They are in
//! the host's own store, under `ledger_prefix`.
//!
//! ```text
//! key   ledger_prefix | 'd' a destroyed range, 's' a schema, 'i' dropped ids of schemas,
//!       'k' keyspaces' types | its name
//! value version 2 | its fields | families: count u32, each id u32 (ffffffff unknown), name len
//!       u32, name | length of the families u32 | crc32 of the key and of all bytes before
//! ```
//!
//! Numbers are big-endian.

mod covered_families;
mod destroyed;
mod destroyed_ranges;
mod done_drops;
mod dropped_ids;
mod entries;
mod keyspace_types;
mod order_book;
mod owner;
mod pending_ranges;
mod record;
mod schema;
mod schema_orders;
mod storage;
mod types;

pub use covered_families::{CoveredFamilies, named, names};
pub use destroyed::{Destroyed, Progress};
pub use destroyed_ranges::{DestroyedRange, DestroyedRanges};
pub use keyspace_types::KeyspaceTypes;
pub use order_book::SchemaKey;
pub use record::NamedFamily;
pub use schema::{Order, OrderProgress, SchemaRecord};
pub use schema_orders::SchemaOrders;
pub use storage::{own_keys, probe};

use super::store::Store;
use crate::error::Error;
use crate::layout::prefix_range;
use owner::Ownership;
use storage::Storage;

/// The ledger of an attached store.
pub struct Ledger {
    /// The destroyed ranges.
    pub destroyed: DestroyedRanges,
    /// The orders to drop or truncate schemas.
    pub schemas: SchemaOrders,
    /// The types of keyspaces.
    pub types: KeyspaceTypes,
    storage: Storage,
    _ownership: Ownership,
}

impl Ledger {
    /// Reads the ledger of a store, and makes filters remove the destroyed keys. It is an error if
    /// the ledger belongs to another context, or contradicts what the host registered.
    pub fn open(store: &Store) -> Result<Self, Error> {
        let storage = Storage::new(&store.families, &store.shared.layout.ledger_prefix);
        let ownership = owner::take(&store.engine, &storage)?;
        let records = storage.load(&store.engine, store.families.len())?;
        owner::check_families(&records, &store.families)?;
        keyspace_types::check(&store.shared, &records)?;
        let ledger = Self {
            destroyed: DestroyedRanges::new(storage.clone(), records.destroyed.into_values(), store),
            schemas: SchemaOrders::open(storage.clone(), &store.engine, records.schemas.into_values(), records.dropped_ids.into_values())?,
            types: KeyspaceTypes::new(storage.clone(), records.types.into_values()),
            storage,
            _ownership: ownership,
        };
        ledger.destroyed.publish(store);
        Ok(ledger)
    }

    /// Reads the ledger anew, after replication has changed it. What the ledger no longer has is
    /// forgotten, so that filters keep it. Nothing is written. Returns when the worker's rows in
    /// hand are finished.
    ///
    /// Meanwhile no other thread changes the ledger: a record that is written after the read must not
    /// be forgotten.
    pub fn reload(&self, store: &Store) -> Result<(), Error> {
        let _turn = store.range_lock.take(&[prefix_range(b"")]);
        let mut types = self.types.stop();
        let mut orders = self.schemas.stop();
        let (records, _) = self.storage.read_all(&store.engine, store.families.len())?;
        owner::check_families(&records, &store.families)?;
        keyspace_types::check(&store.shared, &records)?;
        types.replace(records.types.into_values());
        orders.replace(store, records.schemas.into_values(), records.dropped_ids.into_values());
        // The worker may wait for these locks with rows in hand.
        drop((orders, types));
        self.destroyed.replace(store, records.destroyed.into_values());
        Ok(())
    }

    /// Whether all visible writes to the store would survive a crash.
    pub fn all_is_logged(&self, store: &Store) -> Result<bool, Error> {
        store.engine.all_is_logged(self.storage.home)
    }
}

#[cfg(test)]
mod tests {
    use super::dropped_ids::DroppedIds;
    use super::record::{NamedFamily, Record};
    use super::types::TypesPage;
    use super::*;
    use crate::layout::{KeyspaceId, SchemaId};
    use crate::safe_point::GcType;
    use crate::shared::IdPage;
    use proptest::prelude::*;

    const PREFIX: &[u8] = b"\x01gc/";
    const PROGRESS: [OrderProgress; 3] = [OrderProgress::Deleting, OrderProgress::Deleted, OrderProgress::Done];

    fn destroyed() -> impl Strategy<Value = Destroyed> {
        let bytes = || proptest::collection::vec(any::<u8>(), 1..20);
        (bytes(), bytes(), proptest::option::of(0..=KeyspaceId::MAX), any::<(u8, bool, bool, u64, u64)>()).prop_filter_map(
            "a range is not empty",
            |(one, other, keyspace, (state, reusable, forced, started_at, cleared_at))| {
                let keyspace = keyspace.and_then(KeyspaceId::new);
                let families = vec![NamedFamily { id: keyspace.map(KeyspaceId::get), name: "a family".into() }];
                let progress = match state % 4 {
                    0 => Progress::Started,
                    1 => Progress::Cleared(families.clone()),
                    2 => Progress::Pending(cleared_at),
                    _ => Progress::Done,
                };
                let range = (one.clone().min(other.clone()), one.max(other));
                (range.0 != range.1).then_some(Destroyed { range, keyspace, progress, reusable, forced, started_at, cleared_at, families })
            },
        )
    }

    fn schema() -> impl Strategy<Value = SchemaRecord> {
        let tenant = proptest::option::of(0..=KeyspaceId::MAX).prop_map(|id| id.and_then(KeyspaceId::new));
        (tenant, any::<(SchemaId, bool, u8, u64)>(), proptest::collection::vec(any::<u8>(), 0..20)).prop_map(
            |(tenant, (id, dropped, progress, up_to), position)| {
                let order = if dropped { Order::Drop } else { Order::Truncate };
                let progress = PROGRESS[usize::from(progress) % 3];
                SchemaRecord { tenant, id, order, progress, up_to, position, families: Vec::new() }
            },
        )
    }

    fn dropped_ids() -> impl Strategy<Value = DroppedIds> {
        let tenant = proptest::option::of(0..=KeyspaceId::MAX).prop_map(|id| id.and_then(KeyspaceId::new));
        let ids = (proptest::collection::vec(any::<u16>(), 1..20), any::<bool>());
        let families = proptest::collection::vec(("[a-z]{0,9}", proptest::option::of(0..u32::MAX)), 0..4);
        (tenant, any::<u16>(), ids, families).prop_map(|(tenant, page, (few, is_many), families)| {
            let many = (0..u16::MAX).step_by(2).filter(|_| is_many);
            let ids = IdPage::default().with(few.into_iter().chain(many)).into();
            let families = families.into_iter().map(|(name, id)| NamedFamily { id, name }).collect();
            DroppedIds { tenant, page, ids, families }
        })
    }

    /// An undamaged record is read as it was written; a damaged one is not read.
    fn check(
        record: &(impl Record + std::fmt::Debug),
        place: prop::sample::Index,
        bit: u8,
        cut: prop::sample::Index,
    ) -> Result<(), TestCaseError> {
        let key = record.key(PREFIX);
        let value = record.value(&key);
        let parse = |key: &[u8], value: &[u8]| same_kind(record, Record::parse(key, value, PREFIX));
        prop_assert!(parse(&key, &value).as_ref() == Some(record));
        let mut damaged = value.clone();
        damaged[place.index(value.len())] ^= 1u8 << bit;
        prop_assert_eq!(parse(&key, &damaged), None);
        prop_assert_eq!(parse(&key, &value[..cut.index(value.len())]), None);
        let at = place.index(key.len());
        let mut other_key = key;
        other_key[at] ^= 1u8 << bit;
        prop_assert_eq!(parse(&other_key, &value), None);
        Ok(())
    }

    fn same_kind<R>(_: &R, parsed: Option<R>) -> Option<R> {
        parsed
    }

    fn types() -> impl Strategy<Value = TypesPage> {
        let types = proptest::collection::btree_map(0u32..4096, any::<bool>(), 1..20);
        (0u32..4096, types).prop_map(|(page, types)| {
            let first = page * 4096;
            let gc_type = |own| if own { GcType::KeyspaceLevel } else { GcType::Global };
            let types = types.into_iter().filter_map(|(place, own)| Some((KeyspaceId::new(first + place)?, gc_type(own)))).collect();
            TypesPage { first, types, families: Vec::new() }
        })
    }

    proptest! {
        #[test]
        fn records_come_back_as_they_were(
            destroyed in destroyed(), schema in schema(), ids in dropped_ids(), types in types(), place: prop::sample::Index, bit in 0u8..8, cut: prop::sample::Index
        ) {
            check(&destroyed, place, bit, cut)?;
            check(&schema, place, bit, cut)?;
            check(&ids, place, bit, cut)?;
            check(&types, place, bit, cut)?;
        }
    }

    /// The bytes are a format: later versions must read the records of a store.
    #[test]
    fn the_format_stays() {
        let record = Destroyed {
            range: (b"a".into(), b"b".into()),
            keyspace: KeyspaceId::new(7),
            progress: Progress::Done,
            reusable: false,
            forced: false,
            started_at: 1,
            cleared_at: 2,
            families: vec![NamedFamily { id: Some(5), name: "f".into() }],
        };
        let key = record.key(PREFIX);
        assert_eq!(key, [&b"\x01gc/da"[..], &[0; 7], b"\xf8b", &[0; 7], b"\xf8"].concat());
        let value = record.value(&key);
        let (body, _) = value.split_last_chunk::<4>().unwrap();
        let fields = [&[2, 1, 0, 0, 0, 0, 7][..], &1u64.to_be_bytes(), &2u64.to_be_bytes(), b"\0\0\0\x01a", b"\0\0\0\x01b"].concat();
        let families = b"\0\0\0\x01\0\0\0\x05\0\0\0\x01f";
        assert_eq!(body, [&fields[..], families, b"\0\0\0\x0d"].concat());
        let cleared = Destroyed { reusable: true, ..record.clone().with(Progress::Cleared(record.families.clone())) };
        assert_eq!(cleared.body(), [&[2, 1], &fields[3..], &families[..]].concat());
        let pending = Destroyed { forced: true, ..record.with(Progress::Pending(9)) };
        assert_eq!(pending.body(), [&[3, 2], &fields[3..], &9u64.to_be_bytes()].concat());
    }

    /// Records of the first version have no families: they cover all.
    #[test]
    fn records_of_the_first_version_are_read() {
        let key = [&b"\x01gc/da"[..], &[0; 7], b"\xf8b", &[0; 7], b"\xf8"].concat();
        let mut value = [&[1, 1, 0, 0, 0, 0, 7][..], &1u64.to_be_bytes(), &2u64.to_be_bytes(), b"\0\0\0\x01a", b"\0\0\0\x01b"].concat();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&key);
        hasher.update(&value);
        value.extend_from_slice(&hasher.finalize().to_be_bytes());
        let record = Destroyed::parse(&key, &value, PREFIX).unwrap();
        assert!(record.is_done() && record.cleared_at == 2 && record.families.is_empty());
    }

    #[test]
    fn the_format_of_schemas_stays() {
        let record = SchemaRecord {
            tenant: KeyspaceId::new(7),
            id: 0x0102_0304,
            order: Order::Truncate,
            progress: OrderProgress::Deleting,
            up_to: 9,
            position: b"at".into(),
            families: Vec::new(),
        };
        let key = record.key(PREFIX);
        assert_eq!(key, b"\x01gc/s\0\0\0\x07\x01\x02\x03\x04");
        let value = record.value(&key);
        let (body, _) = value.split_last_chunk::<4>().unwrap();
        assert_eq!(body, [&[2, 0][..], &9u64.to_be_bytes(), b"\0\0\0\x02at", &[0; 4], &[0, 0, 0, 4]].concat());
        let states = [Order::Truncate, Order::Drop]
            .map(|order| PROGRESS.map(|progress| SchemaRecord { order, progress, ..record.clone() }.body()[0]));
        assert_eq!(states, [[0, 4, 1], [2, 5, 3]]);
    }

    #[test]
    fn the_format_of_dropped_ids_stays() {
        let page = |ids: &[u16]| DroppedIds {
            tenant: KeyspaceId::new(7),
            page: 0x0102,
            ids: IdPage::default().with(ids.iter().copied()).into(),
            families: vec![NamedFamily { id: Some(5), name: "f".into() }],
        };
        let record = page(&[3, 4, 9]);
        let key = record.key(PREFIX);
        let families = b"\0\0\0\x01\0\0\0\x05\0\0\0\x01f";
        assert_eq!(key, [b"\x01gc/i\0\0\0\x07\x01\x02", &families[..]].concat());
        let value = record.value(&key);
        let (body, _) = value.split_last_chunk::<4>().unwrap();
        assert_eq!(body, [&[2, 1, 0, 3, 0, 4, 0, 9, 0, 9], &families[..], b"\0\0\0\x0d"].concat());
        let mut merged = record;
        merged.merge(page(&[1, 5]));
        assert_eq!(merged, page(&[1, 3, 4, 5, 9]));
        let none = page(&[]);
        assert_eq!(DroppedIds::parse(&key, &none.value(&key), PREFIX), None);
    }

    #[test]
    fn of_two_records_the_one_that_goes_further_stands() {
        let record = |order, done, up_to, position: &str| SchemaRecord {
            tenant: None,
            id: 1,
            order,
            progress: if done { OrderProgress::Done } else { OrderProgress::Deleting },
            up_to,
            position: position.into(),
            families: Vec::new(),
        };
        let merged = |mut one: SchemaRecord, other: SchemaRecord| {
            one.merge(other);
            one
        };
        let (dropped, truncated) = (record(Order::Drop, true, 0, ""), record(Order::Truncate, false, 9, "b"));
        assert_eq!(merged(truncated.clone(), dropped.clone()), dropped);
        assert_eq!(merged(dropped.clone(), truncated.clone()), dropped);
        assert_eq!(merged(record(Order::Truncate, true, 8, "x"), truncated.clone()), truncated);
        assert_eq!(merged(record(Order::Truncate, true, 9, "a"), truncated), record(Order::Truncate, false, 9, "a"));
    }
}
