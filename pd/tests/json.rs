//! The reader of JSON values against serde's, on random values.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Helpers of tests are not in `#[test]` functions.

use proptest::prelude::*;
use rocks_gc_pd::value::{Expiry, parse_barrier, parse_global_barrier, parse_safe_point};
use serde::Deserialize;

#[derive(Deserialize)]
struct StoredSafePoint {
    #[serde(rename = "keyspace_id")]
    _keyspace_id: Option<u32>,
    safe_point: u64,
}

#[derive(Deserialize)]
struct StoredBarrier {
    #[serde(rename = "service_id")]
    _service_id: String,
    expired_at: i64,
    safe_point: u64,
    #[serde(rename = "keyspace_id")]
    _keyspace_id: Option<u32>,
}

#[derive(Deserialize)]
struct StoredGlobalBarrier {
    #[serde(rename = "barrier_id")]
    _barrier_id: String,
    barrier_ts: u64,
    expiration_time: i64,
}

fn check(text: &str) -> Result<bool, TestCaseError> {
    // An array of the fields is JSON of the struct for serde, and never PD's. And serde looks into the
    // strings of fields that it skips only for a `Value`: it refuses half a pair of surrogates there.
    let is_json = text.trim_start().starts_with('{') && serde_json::from_str::<serde_json::Value>(text).is_ok();
    let serde = |text: &str| is_json.then(|| text.to_owned());
    let seconds = |expiry: Expiry| if let Expiry::At(second) = expiry { second as i64 } else { 0 };
    let finite = |stored: i64| if stored == i64::MAX { 0 } else { stored.max(0) };
    let safe_point = serde(text).and_then(|text| serde_json::from_str::<StoredSafePoint>(&text).ok());
    prop_assert_eq!(parse_safe_point(text.as_bytes()).ok(), safe_point.as_ref().map(|stored| stored.safe_point), "{}", text);
    let barrier = serde(text).and_then(|text| serde_json::from_str::<StoredBarrier>(&text).ok());
    let ours = parse_barrier(text.as_bytes()).ok().map(|barrier| (barrier.timestamp, seconds(barrier.expiry)));
    prop_assert_eq!(ours, barrier.as_ref().map(|stored| (stored.safe_point, finite(stored.expired_at))), "{}", text);
    let global = serde(text).and_then(|text| serde_json::from_str::<StoredGlobalBarrier>(&text).ok());
    let ours = parse_global_barrier(text.as_bytes()).ok().map(|barrier| (barrier.timestamp, seconds(barrier.expiry)));
    prop_assert_eq!(ours, global.as_ref().map(|stored| (stored.barrier_ts, finite(stored.expiration_time))), "{}", text);
    Ok(safe_point.is_some() || barrier.is_some() || global.is_some())
}

/// A value as it is written, right and wrong.
fn written() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<u64>().prop_map(|number| number.to_string()),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        2 => (-3i64..3).prop_map(|number| number.to_string()),
        1 => any::<u32>().prop_map(|number| number.to_string()),
        2 => "[a-z\u{e4}\u{1f600} ]{0,6}".prop_map(|text| format!("{text:?}")),
        2 => prop::sample::select(vec![
            "-0", "00", "01", "1.5", "1e3", "-", ".5", "1.", "+1", "null", "true", "nul", "[]", "[1,[2]]", "{\"a\":{}}", "[1,]", "\"\\u00e4\"",
            "\"\\ud83d\\ude00\"", "\"\\n\\/\"", "\"\\x\"", "\"a\tb\"", "18446744073709551616", "9223372036854775807", "-9223372036854775809",
        ]).prop_map(str::to_owned),
    ]
}

fn object() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "service_id",
        "expired_at",
        "safe_point",
        "keyspace_id",
        "barrier_id",
        "barrier_ts",
        "expiration_time",
        "other",
        "service\\u005fid",
    ]);
    let space = prop::sample::select(vec!["", "", " ", "\n\t"]);
    prop::collection::vec((name, written(), space), 0..8).prop_map(|fields| {
        let fields: Vec<_> =
            fields.into_iter().map(|(name, value, space)| format!("{space}\"{name}\"{space}:{space}{value}{space}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

/// Objects with all fields of a shape, so that many are right.
fn whole() -> impl Strategy<Value = String> {
    (any::<u64>(), any::<i64>(), "[a-z]{1,5}", prop::option::of(any::<u32>()), written(), any::<u8>()).prop_map(
        |(ts, end, name, keyspace, other, shape)| {
            let keyspace = keyspace.map_or(String::new(), |id| format!(",\"keyspace_id\":{id}"));
            match shape % 3 {
                0 => format!("{{\"safe_point\":{ts}{keyspace},\"more\":{other}}}"),
                1 => format!("{{\"service_id\":\"{name}\",\"expired_at\":{end},\"safe_point\":{ts}{keyspace}}}"),
                _ => format!("{{\"barrier_id\":\"{name}\",\"barrier_ts\":{ts},\"expiration_time\":{end}}}"),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn objects_are_read_as_serde_reads_them(text in object()) {
        check(&text)?;
    }

    #[test]
    fn whole_objects_too(text in whole(), cut in any::<prop::sample::Index>(), by in "[{}\\[\\]\",:0-9a]?") {
        check(&text)?;
        // Damaged at one place.
        let mut characters: Vec<char> = text.chars().collect();
        let at = cut.index(characters.len());
        characters.splice(at..=at, by.chars());
        check(&characters.into_iter().collect::<String>())?;
    }

    #[test]
    fn any_text_is_read_or_refused(text: String) {
        check(&text)?;
    }
}

#[test]
fn the_vectors_of_pd() {
    let right = [
        r#"{"keyspace_id":1111,"safe_point":456139133457530881}"#,
        r#"{"service_id":"svc1","expired_at":1740127928,"safe_point":456139133457530885}"#,
        r#"{"barrier_id":"1","barrier_ts":1,"expiration_time":1740127928}"#,
    ];
    for text in right {
        assert!(check(text).unwrap(), "{text}");
    }
    let deep = format!("{{\"safe_point\":1,\"deep\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    assert!(parse_safe_point(deep.as_bytes()).is_err(), "no stack overflow");
}
