//! What is written is what is read, for all values.

#![allow(clippy::unwrap_used)] // Strategies are not in `#[test]` functions.

use proptest::prelude::*;
use rocks_gc_fleet::layout::id::{KeyspaceId, Scope};
use rocks_gc_fleet::layout::keyspace_meta::{Identity, KeyspaceMeta, Qualified};
use rocks_gc_fleet::layout::own_key::OwnKey;
use rocks_gc_fleet::layout::own_value::{Action, Order, OwnValue, Range};
use rocks_gc_fleet::layout::pd_key::PdKey;
use rocks_gc_fleet::layout::pd_value::{self, Barrier, Expiry};

prop_compose! {
    fn id()(id in 0..=KeyspaceId::MAX) -> KeyspaceId { KeyspaceId::new(id).unwrap() }
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::Global), id().prop_map(Scope::Keyspace)]
}

fn barrier() -> impl Strategy<Value = Barrier> {
    let expiry = prop_oneof![Just(Expiry::Never), (1..i64::MAX as u64).prop_map(Expiry::At)];
    (any::<u64>(), expiry).prop_map(|(timestamp, expiry)| Barrier { timestamp, expiry })
}

fn pd_key() -> impl Strategy<Value = PdKey> {
    let name = "[a-z/]{1,8}";
    prop_oneof![
        id().prop_map(PdKey::KeyspaceMeta),
        name.prop_map(PdKey::KeyspaceName),
        scope().prop_map(PdKey::GcSafePoint),
        scope().prop_map(PdKey::TxnSafePoint),
        (scope(), name).prop_map(|(scope, name)| PdKey::Barrier(scope, name)),
        name.prop_map(PdKey::GlobalBarrier),
        (scope(), name).prop_map(|(scope, name)| PdKey::MinStart(scope, name)),
    ]
}

fn own_key() -> impl Strategy<Value = OwnKey> {
    let name = "[-A-Za-z0-9_.]{1,64}";
    prop_oneof![
        name.prop_map(OwnKey::Node),
        (name, scope()).prop_map(|(node, scope)| OwnKey::Resolved(node, scope)),
        (name, scope()).prop_map(|(node, scope)| OwnKey::Applied(node, scope)),
        (id(), any::<u64>()).prop_map(|(keyspace, schema)| OwnKey::SchemaValid(keyspace, schema)),
        (id(), any::<u64>(), name).prop_map(|(keyspace, schema, node)| OwnKey::SchemaAnswer(keyspace, schema, node)),
        (name, name).prop_map(|(job, element)| OwnKey::RangeDone(job, element)),
    ]
}

proptest! {
    #[test]
    fn keys(cluster: u64, pd in pd_key(), own in own_key()) {
        prop_assert_eq!(PdKey::parse(cluster, pd.build(cluster).as_bytes()).unwrap(), Some(pd));
        prop_assert_eq!(OwnKey::parse(cluster, own.build(cluster).unwrap().as_bytes()).unwrap(), Some(own));
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error(bytes: Vec<u8>, tail in "[a-z0-9/]{0,20}") {
        for prefix in ["/pd/7/keyspaces/", "/pd/7/gc/", "/keyspaces/tidb/", "/rocks-gc/7/nodes/"] {
            let key = format!("{prefix}{tail}");
            let pd = PdKey::parse(7, key.as_bytes()).ok().flatten();
            prop_assert!(pd.is_none_or(|pd| pd.build(7) == key));
            let own = OwnKey::parse(7, key.as_bytes()).ok().flatten();
            prop_assert!(own.is_none_or(|own| own.build(7).unwrap() == key));
        }
        let _ = (KeyspaceMeta::parse(&bytes), pd_value::parse_barrier(&bytes), pd_value::parse_hex(&bytes));
    }

    #[test]
    fn values(value: u64, id in id(), barrier in barrier(), start: Vec<u8>) {
        prop_assert_eq!(pd_value::parse_hex(pd_value::hex(value).as_bytes()).unwrap(), value);
        prop_assert_eq!(pd_value::parse_decimal(value.to_string().as_bytes()).unwrap(), value);
        prop_assert_eq!(pd_value::parse_allocator(&value.to_be_bytes()).unwrap(), value);
        prop_assert_eq!(pd_value::parse_safe_point(&pd_value::safe_point(id, value).unwrap()).unwrap(), value);
        let stored = pd_value::barrier("a", Some(id), &barrier).unwrap();
        prop_assert_eq!(&pd_value::parse_barrier(&stored).unwrap(), &barrier);
        let stored = pd_value::global_barrier("a", &barrier).unwrap();
        prop_assert_eq!(&pd_value::parse_global_barrier(&stored).unwrap(), &barrier);
        let range = Range { start, end: vec![0, 255], timestamp: value, swept_by: ["n".into()].into() };
        prop_assert_eq!(Range::parse(&range.build().unwrap()).unwrap(), range);
        let order = Order { action: Action::Truncate { timestamp: value, sequence: value }, nodes: [("n".into(), value)].into() };
        prop_assert_eq!(Order::parse(&order.build().unwrap()).unwrap(), order);
    }

    #[test]
    fn metas(id in 0..=KeyspaceId::MAX, namespace: u32, qualified: bool, name: String, created_at: i64,
             config in proptest::collection::hash_map(".{0,9}", ".{0,9}", 0..4)) {
        let identity = if qualified { Identity::Qualified(Qualified { namespace, keyspace: id }) } else { Identity::Id(id) };
        let meta = KeyspaceMeta { identity: Some(identity), name, state: 1, created_at, state_changed_at: 5, config };
        prop_assert_eq!(KeyspaceMeta::parse(&prost::Message::encode_to_vec(&meta)).unwrap(), meta);
    }
}
