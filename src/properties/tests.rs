//! The collector against worked examples, and its property against damage.

use super::collector::{Collector, Entry};
use super::figures::Span;
use super::file_figures::{FileFigures, Property};
use super::owner::OwnerNumber;
use super::{stored, tikv};
use crate::layout::{KeyMode, KeyOwner, KeyspaceId};
use crate::options::Options;
use crate::shared::{FilterKind, Shared};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Properties = BTreeMap<Vec<u8>, Vec<u8>>;

fn shared(options: &str) -> Shared {
    let mut chosen = Options::default();
    chosen.parse(options).unwrap();
    let shared = Shared::new(&chosen).unwrap();
    shared.clock.set_host(Box::new(|| 100));
    shared
}

fn collect(shared: &Shared, kind: FilterKind, entries: &[(Vec<u8>, Option<&[u8]>)]) -> Properties {
    let mut collector = Collector::new(shared, kind);
    for (key, value) in entries {
        collector.add(key, value.map_or(Entry::Tombstone, Entry::Value));
    }
    let mut properties = Properties::new();
    collector.finish(|name, value| _ = properties.insert(name.to_vec(), value.to_vec()));
    properties
}

fn each(properties: &Properties) -> impl Iterator<Item = Property<'_>> + Clone {
    properties.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
}

fn read(shared: &Shared, kind: FilterKind, properties: &Properties) -> Option<FileFigures> {
    FileFigures::read(&shared.layout, kind, each(properties))
}

fn number(properties: &Properties, name: &str) -> u64 {
    u64::from_be_bytes(properties[name.as_bytes()].as_slice().try_into().unwrap())
}

fn key(shared: &Shared, mode: KeyMode, keyspace: u32, user_key: &str, ts: u64) -> Vec<u8> {
    shared.layout.encode(Some(mode), KeyspaceId::new(keyspace), user_key.as_bytes(), ts).unwrap()
}

fn keyspace(mode: KeyMode, id: u32) -> OwnerNumber {
    OwnerNumber::of(KeyOwner::Keyspace(mode, KeyspaceId::new(id).unwrap())).unwrap()
}

/// TiKV's own example of transactions, in its order in a file.
#[test]
fn transactions_are_counted_as_tikv_counts_them() {
    let shared = shared("data_prefix=z");
    let table = |user_key: &str, ts| shared.layout.encode(Some(KeyMode::TidbTable), None, user_key.as_bytes(), ts).unwrap();
    let entries = [
        (table("ab", 2), Some(&b"P\x01v\x01a"[..])),
        (table("ab", 1), None),
        (table("ab", 1), Some(b"D\x01")),
        (table("cd", 5), Some(b"D\x01")),
        (table("cd", 4), Some(b"P\x01v\x01a")),
        (table("cd", 3), Some(b"P\x01")),
        (table("ef", 6), None),
        (table("ef", 6), Some(b"P\x01v\x01a")),
        (table("gh", 7), Some(b"D\x01")),
    ];
    let properties = collect(&shared, FilterKind::Write, &entries);
    for (name, expected) in [
        ("tikv.min_ts", 1),
        ("tikv.max_ts", 7),
        ("tikv.num_rows", 4),
        ("tikv.num_puts", 4),
        ("tikv.num_deletes", 3),
        ("tikv.num_versions", 7),
        ("tikv.max_row_versions", 3),
        ("tikv.num_errors", 0),
        ("tikv.oldest_stale_version_ts", 1),
        ("tikv.newest_stale_version_ts", 4),
        ("tikv.oldest_delete_ts", 1),
        ("tikv.newest_delete_ts", 7),
    ] {
        assert_eq!(number(&properties, name), expected, "{name}");
    }
    let row = |user_key: &str| table(user_key, 0).split_last_chunk::<8>().unwrap().0.to_vec();
    let point = |user_key: &str, size: u64, offset: u64| {
        let row = row(user_key);
        [&(row.len() as u64).to_be_bytes()[..], &row, &size.to_be_bytes(), &offset.to_be_bytes()].concat()
    };
    assert_eq!(properties[b"tikv.rows_index".as_slice()], [point("ab", 1, 1), point("gh", 3, 4)].concat());

    let figures = read(&shared, FilterKind::Write, &properties).unwrap();
    let table = OwnerNumber::of(KeyOwner::Tidb(KeyMode::TidbTable)).unwrap();
    let [(owner, tenant)] = figures.owners.each[..] else { panic!("{figures:?}") };
    assert_eq!(owner, table);
    assert_eq!((tenant.rows, tenant.versions, tenant.delete_marks, tenant.long_values, tenant.tombstones), (4, 7, 3, 1, 2));
    assert_eq!((tenant.timestamps, tenant.max_row_versions), (Span::new(1, 7), 3));
    // ab@1 since 2, cd@5 and gh@7 since their own, cd@4 since 5, cd@3 since 4.
    assert_eq!((tenant.stale, tenant.stale_since), (5, Span::new(2, 7)));
    assert_eq!((tenant.deleted_rows, tenant.deleted_since), (2, Span::new(5, 7)));
    assert!(!figures.all_values_are_in_records());
}

/// A skip to a row's end passes everything in the row.
#[test]
fn a_record_or_key_that_does_not_parse_must_not_be_passed() {
    let shared = shared("");
    let txn = |user_key: &str, ts| key(&shared, KeyMode::Txn, 1, user_key, ts);
    let row: Vec<_> = [(txn("a", 9), Some(&b"P\x01v\x01a"[..])), (txn("a", 8), Some(b"D\x01")), (txn("a", 7), None)].into();
    let all_known = |more: &[(Vec<u8>, Option<&[u8]>)]| {
        let properties = collect(&shared, FilterKind::Write, &[&row, more].concat());
        read(&shared, FilterKind::Write, &properties).unwrap().all_values_are_in_records()
    };
    assert!(all_known(&[]));
    assert!(!all_known(&[(txn("a", 6), Some(b"P\x01"))]), "a value elsewhere");
    assert!(!all_known(&[(txn("a", 6), Some(b"?"))]));
    let longer = [txn("a", 6), b"more".to_vec()].concat();
    assert!(!all_known(&[(longer, Some(b"P\x01v\x01a"))]), "a key that is not of the layout");
}

/// TiKV's own example of RawKV. Rows of another mode do not count.
#[test]
fn raw_rows_are_counted_as_tikv_counts_them() {
    let shared = shared("data_prefix=z");
    let raw = |user_key: &str, ts| key(&shared, KeyMode::Raw, 1, user_key, ts);
    let never = [&[0xff; 8][..], b"\x01"].concat();
    let dead = [&10_u64.to_be_bytes()[..], b"\x03"].concat();
    let entries = [
        (raw("a", 7), Some(&never[..])),
        (raw("a", 5), Some(&never)),
        (raw("a", 1), Some(&never)),
        (raw("b", 1), Some(b"\x02")),
        (raw("b", 1), Some(&never)),
        (raw("c", 1), Some(&dead)),
        (raw("d", 1), Some(&dead)),
        (key(&shared, KeyMode::Txn, 9, "long value", 900), Some(b"anything")),
        (b"z".to_vec(), Some(b"no key of the layout")),
    ];
    let properties = collect(&shared, FilterKind::Default, &entries);
    for (name, expected) in [
        ("tikv.min_ts", 1),
        ("tikv.max_ts", 7),
        ("tikv.num_rows", 4),
        ("tikv.num_puts", 4),
        ("tikv.num_deletes", 3),
        ("tikv.num_versions", 7),
        ("tikv.max_row_versions", 3),
        ("tikv.min_expire_ts", 10),
        ("tikv.max_expire_ts", u64::MAX),
        ("tikv.num_errors", 1),
        ("tikv.newest_delete_ts", 0),
        ("tikv.oldest_delete_ts", u64::MAX),
    ] {
        assert_eq!(number(&properties, name), expected, "{name}");
    }
    let figures = read(&shared, FilterKind::Default, &properties).unwrap();
    assert_eq!((figures.owners.each.len(), figures.foreign), (2, 1));
    let find = |owner| figures.owners.each.iter().find(|(found, _)| *found == owner).unwrap().1;
    let tenant = find(keyspace(KeyMode::Raw, 1));
    let (row_a, row_b) = (raw("a", 7).len() as u64, raw("b", 1).len() as u64);
    let value = never.len() as u64;
    assert_eq!((tenant.stale, tenant.stale_since), (6, Span::new(1, 7)), "two of a, both of b, c and d");
    assert_eq!(tenant.stale_bytes, 2 * (row_a + value) + (row_b + 1) + (row_b + value) + 2 * (row_b + value));
    assert_eq!((tenant.deleted_rows, tenant.expiring_rows), (3, 1));
    let others = find(keyspace(KeyMode::Txn, 9));
    assert_eq!((others.versions, others.stale, others.timestamps), (1, 0, Span::new(900, 900)));
}

#[test]
fn ttl_values_have_only_an_expiry() {
    let shared = shared("data_prefix=z");
    let value = |expire_ts: u64| expire_ts.to_be_bytes();
    let values = [0, 100, 1, u64::MAX, 0].map(value);
    let keys = ["zr1", "zr2", "zr3", "zr4", "zr5"].map(|key| key.as_bytes().to_vec());
    let entries: Vec<_> = keys.into_iter().zip(values.iter().map(|value| Some(&value[..]))).collect();
    let properties = collect(&shared, FilterKind::TtlV1, &entries);
    assert_eq!((number(&properties, "tikv.min_expire_ts"), number(&properties, "tikv.max_expire_ts")), (1, u64::MAX));
    assert!(!properties.contains_key(b"tikv.min_ts".as_slice()));
    let none = collect(&shared, FilterKind::TtlV1, &entries[..1]);
    assert!(!none.contains_key(b"tikv.min_expire_ts".as_slice()));
}

#[test]
fn a_file_of_tikv_is_one_unnamed_owner() {
    let shared = shared("data_prefix=z");
    let mut properties = collect(&shared, FilterKind::Default, &[(key(&shared, KeyMode::Raw, 1, "a", 7), Some(b"v\0"))]);
    properties.remove(stored::NAME);
    properties.remove(b"tikv.num_deletes".as_slice());
    let figures = read(&shared, FilterKind::Default, &properties).unwrap();
    assert!(figures.owners.each.is_empty() && figures.has_unnamed() && !figures.all_values_are_in_records());
    let whole = figures.owners.rest.unwrap();
    assert_eq!((whole.rows, whole.versions, whole.timestamps), (1, 1, Span::new(7, 7)));
    let mut of_blobs = collect(&shared, FilterKind::Write, &[]);
    of_blobs.remove(stored::NAME);
    assert!(!read(&shared, FilterKind::Write, &of_blobs).unwrap().all_values_are_in_records(), "TiKV does not count blob indexes");
    properties.insert(b"tikv.num_rows".to_vec(), u64::MAX.to_be_bytes().to_vec());
    assert_eq!(tikv::read(each(&properties)), None, "more rows than versions");
    properties.remove(b"tikv.num_rows".as_slice());
    assert_eq!(tikv::read(each(&properties)), None);
}

#[test]
fn schemas_have_figures_of_their_own() {
    let shared = shared("schema_id=prefix");
    let entries: Vec<_> = [("\0\0\0\x07a", 9), ("\0\0\0\x07b", 8), ("\0\0\0\x09c", 7), ("ab", 6)]
        .map(|(user_key, ts)| (key(&shared, KeyMode::Raw, 3, user_key, ts), Some(&b"v\0"[..])))
        .into();
    let properties = collect(&shared, FilterKind::Default, &entries);
    let figures = read(&shared, FilterKind::Default, &properties).unwrap();
    let owner = keyspace(KeyMode::Raw, 3);
    let schemas: Vec<_> = figures.schemas.each.iter().map(|(schema, figures)| (*schema, figures.versions)).collect();
    assert_eq!(schemas, [((owner, 7), 2), ((owner, 9), 1)]);
    assert_eq!(figures.owners.sum().versions, 4);
}

#[test]
fn what_is_not_certain_is_unknown() {
    let shared = shared("data_prefix=z");
    let entries = [(key(&shared, KeyMode::Raw, 1, "a", 7), Some(&b"v\0"[..])), (key(&shared, KeyMode::Raw, 2, "a", 7), Some(b"v\0"))];
    let properties = collect(&shared, FilterKind::Default, &entries);
    assert!(read(&shared, FilterKind::Default, &properties).is_some());
    assert_eq!(read(&shared, FilterKind::Write, &properties), None, "of another kind");
    assert_eq!(read(&self::shared(""), FilterKind::Default, &properties), None, "of another layout");
    let [first, second] = entries;
    let disordered = collect(&shared, FilterKind::Default, &[second, first]);
    assert!(!disordered.contains_key(stored::NAME));
    let good = &properties[stored::NAME];
    let damaged = |bytes: Vec<u8>| read(&shared, FilterKind::Default, &Properties::from([(stored::NAME.to_vec(), bytes)]));
    for len in 0..good.len() {
        assert_eq!(damaged(good[..len].to_vec()), None, "cut to {len} bytes");
    }
    let message = good.strip_suffix(good.last_chunk::<4>().unwrap()).unwrap();
    assert!(damaged(with_checksum(message)).is_some());
    assert_eq!(damaged(with_checksum(&[&[8, 2][..], &message[2..]].concat())), None, "of a later version");
    for keyspaces in [2000, 1 << 20] {
        assert_eq!(damaged(with_checksum(&[message, &[0x2a, 0].repeat(keyspaces)].concat())), None, "{keyspaces} keyspaces");
    }
}

fn with_checksum(message: &[u8]) -> Vec<u8> {
    [message, &crc32fast::hash(message).to_le_bytes()].concat()
}

proptest! {
    /// A hostile property is read as unknown, or as figures that do not contradict themselves.
    #[test]
    fn a_hostile_property_never_makes_a_contradiction(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let shared = shared("data_prefix=z");
        let entries: Vec<_> = (1..40_u32).map(|id| (key(&shared, KeyMode::Raw, id / 3, "a", u64::from(100 - id)), Some(&b"v\0"[..]))).collect();
        let mut bytes = collect(&shared, FilterKind::Default, &entries)[stored::NAME].clone();
        bytes.truncate(bytes.len() - 4);
        for (place, value) in flips {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(figures) = read(&shared, FilterKind::Default, &Properties::from([(stored::NAME.to_vec(), with_checksum(&bytes))])) {
            let all = figures.owners.each.iter().map(|(_, figures)| figures).chain(&figures.owners.rest);
            for figures in all {
                prop_assert!(figures.stale <= figures.versions && figures.rows <= figures.versions);
                prop_assert!(figures.stale_at(u64::MAX, false).0 == figures.stale);
            }
        }
    }
}
