//! Stored keys: valid ones taken apart, and damaged ones refused.

use super::*;

fn api_v2(data_prefix: &[u8]) -> Layout {
    Layout { form: KeyForm::ApiV2, data_prefix: data_prefix.to_vec(), ledger_prefix: b"\x01rocks_gc/".to_vec(), schema_ids: false }
}

fn stored(data_prefix: &[u8], raw: &[u8], ts: u64) -> Vec<u8> {
    let mut key = data_prefix.to_vec();
    memcomparable::encode(raw, &mut key);
    append_timestamp(&mut key, ts);
    key
}

#[test]
fn a_bound_behind_a_whole_row_cuts_it() {
    let ledger_prefix = b"\x01rocks_gc/".to_vec();
    let layout = |form| Layout { form, data_prefix: b"z".to_vec(), ledger_prefix: ledger_prefix.clone(), schema_ids: false };
    let api_v2 = layout(KeyForm::ApiV2);
    let key = api_v2.encode(Some(KeyMode::Raw), KeyspaceId::new(1), b"a long user key", 7).unwrap();
    let row = &key[..key.len() - TIMESTAMP_LEN];
    for (bound, cut) in
        [(&key[..], Some(row)), (&key[..row.len() + 1], Some(row)), (row, None), (&row[..row.len() - 1], None), (b"z", None)]
    {
        assert_eq!(api_v2.cut_row(bound), cut, "{bound:02x?}");
    }
    let fixed = layout(KeyForm::Plain(PlainKeys::Fixed(3)));
    assert_eq!((fixed.cut_row(b"zabc"), fixed.cut_row(b"zabc\0")), (None, Some(&b"zabc"[..])));
    let prefix_free = layout(KeyForm::Plain(PlainKeys::PrefixFree));
    assert_eq!((prefix_free.cut_row(b"za12345678"), prefix_free.cut_row(b"z12345678")), (Some(&b"za"[..]), None));
}

#[test]
fn takes_keys_apart() {
    let layout = api_v2(b"z");
    let key = stored(b"z", b"x\0\0\x01t123_114", 411_225_436_913_926_252);
    assert_eq!(key, b"zx\0\0\x01t123\xff_114\0\0\0\0\xfb\xfa\x4b\x08\xa4\xd6\x23\xff\x93");
    let decoded = layout.decode(&key).unwrap();
    assert_eq!(decoded.mode, Some(KeyMode::Txn));
    assert_eq!(decoded.keyspace.map(KeyspaceId::get), Some(1));
    assert_eq!((decoded.user_key.as_slice(), decoded.ts), (&b"t123_114"[..], 411_225_436_913_926_252));
    assert_eq!(layout.owner(&key), KeyOwner::Keyspace(KeyMode::Txn, KeyspaceId::from_bytes([0, 0, 1])));
    for ts in [0, 1, u64::MAX] {
        assert_eq!(layout.decode(&stored(b"z", b"r\xff\xff\xffk", ts)).unwrap().ts, ts);
    }
    assert_eq!(layout.owner(&stored(b"z", b"t_a", 1)), KeyOwner::Tidb(KeyMode::TidbTable));
    assert_eq!(layout.decode(&stored(b"z", b"m", 1)).unwrap().user_key, b"");
}

#[test]
fn a_three_byte_raw_key_is_in_no_keyspace() {
    let key = stored(b"", b"r\0\0", 5);
    assert_eq!(api_v2(b"").owner(&key), KeyOwner::Foreign);
    assert_eq!(api_v2(b"").row(&key), Err(KeyError::NoKeyspace));
    // The bare prefix is in a keyspace: it is the empty user key.
    assert!(api_v2(b"").row(&stored(b"", b"r\0\0\0", 5)).is_ok());
}

#[test]
fn refuses_what_is_not_of_the_layout() {
    let layout = api_v2(b"z");
    let good = stored(b"z", b"r\0\0\0key", 5);
    for len in 0..good.len() {
        assert!(layout.row(&good[..len]).is_err(), "cut to {len}");
    }
    assert_eq!(layout.row(&[good.as_slice(), b"!"].concat()), Err(KeyError::Trailing));
    assert_eq!(layout.row(&good[1..]), Err(KeyError::Prefix));
    assert_eq!(layout.row(&stored(b"z", b"o\0\0\0key", 5)), Err(KeyError::Mode));
    let mut bad_marker = good.clone();
    bad_marker[9] = 0xf6;
    assert_eq!(layout.row(&bad_marker), Err(KeyError::Encoding(Malformed::Padding)));
    let mut bad_padding = good.clone();
    bad_padding[8] = 1;
    assert_eq!(layout.row(&bad_padding), Err(KeyError::Encoding(Malformed::Padding)));
    let mut marker_ff_at_the_end = good.clone();
    marker_ff_at_the_end[9] = 0xff;
    assert_eq!(layout.row(&marker_ff_at_the_end), Err(KeyError::Encoding(Malformed::CutOff)));
}

#[test]
fn a_keyspace_at_once_is_the_one_of_a_whole_key() {
    let mut found = 0;
    for (data_prefix, mode, len) in [("", "r", 44), ("z", "x", 44), ("", "m", 20), ("zz", "r", 20)] {
        let layout = api_v2(data_prefix.as_bytes());
        for len in 0..len {
            let raw = [mode.as_bytes(), &[0, 0, 7], &vec![b'k'; len]].concat();
            let good = stored(data_prefix.as_bytes(), &raw, 5);
            let expected = |key: &[u8]| match layout.owner(key) {
                KeyOwner::Keyspace(_, keyspace) if layout.row(key).is_ok() => Some(keyspace),
                _ => None,
            };
            if data_prefix.len() < 2 && len >= 4 {
                assert_eq!(layout.keyspace_at_once(&good), expected(&good), "{good:02x?}");
            }
            for (place, byte) in (0..good.len()).flat_map(|place| [0, 1, b'r', 0xf6, 0xf7, 0xfa, 0xff].map(|byte| (place, byte))) {
                let mut key = good.clone();
                key[place] = byte;
                for key in [&key[..], &key[..place]] {
                    if let Some(keyspace) = layout.keyspace_at_once(key) {
                        assert_eq!(Some(keyspace), expected(key), "{key:02x?}");
                        found += 1;
                    }
                }
            }
        }
    }
    assert!(found > 1000, "{found}");
}

#[test]
fn plain_keys_are_checked() {
    let plain = |keys| Layout { form: KeyForm::Plain(keys), ..api_v2(b"") };
    let key = b"user\xff\xff\xff\xff\xff\xff\xff\xfe";
    assert_eq!(plain(PlainKeys::Fixed(4)).row(key), Ok((&b"user"[..], 1)));
    assert_eq!(plain(PlainKeys::Fixed(5)).row(key), Err(KeyError::PlainLength));
    assert_eq!(plain(PlainKeys::PrefixFree).row(key), Ok((&b"user"[..], 1)));
    assert_eq!(plain(PlainKeys::PrefixFree).row(&key[4..]), Err(KeyError::TooShort));
    let record = b"\x01rocks_gc/destroyed1";
    assert_eq!(plain(PlainKeys::PrefixFree).owner(record), KeyOwner::Ledger);
    assert_eq!(plain(PlainKeys::PrefixFree).row(record), Err(KeyError::Ledger));
    let completed_by_some_timestamp = b"\x01rocks_gc.\0\0\0\0\0\0\0";
    assert_eq!(plain(PlainKeys::Fixed(9)).owner(completed_by_some_timestamp), KeyOwner::Plain);
    assert_eq!(plain(PlainKeys::Fixed(9)).row(completed_by_some_timestamp), Err(KeyError::Ledger));
}
