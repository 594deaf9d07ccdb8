//! The codec against client-go's vectors, and its properties.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn codec(mode: KeyMode, id: u32) -> Codec {
    Codec::new(mode, KeyspaceId::new(id).unwrap()).unwrap()
}

fn raw_4242() -> Codec {
    codec(KeyMode::Raw, 4242)
}

fn range(start: &[u8], end: Option<&[u8]>) -> KeyRange {
    KeyRange { start: start.to_vec(), end: end.map(<[u8]>::to_vec) }
}

#[test]
fn keyspaces_agree_with_client_go_and_pd() {
    for (mode, id, prefix, end) in [
        (KeyMode::Raw, 0, *b"r\0\0\0", *b"r\0\0\x01"),
        (KeyMode::Txn, 0, *b"x\0\0\0", *b"x\0\0\x01"),
        (KeyMode::Txn, 1, *b"x\0\0\x01", *b"x\0\0\x02"),
        (KeyMode::Txn, 255, *b"x\0\0\xff", *b"x\0\x01\0"),
        (KeyMode::Raw, 4242, *b"r\0\x10\x92", *b"r\0\x10\x93"),
        (KeyMode::Txn, 4242, *b"x\0\x10\x92", *b"x\0\x10\x93"),
        (KeyMode::Txn, 65535, *b"x\0\xff\xff", *b"x\x01\0\0"),
        (KeyMode::Raw, 0x0102ff, *b"r\x01\x02\xff", *b"r\x01\x03\0"),
        (KeyMode::Raw, 16_777_214, *b"r\xff\xff\xfe", *b"r\xff\xff\xff"),
        (KeyMode::Raw, 16_777_215, *b"r\xff\xff\xff", *b"s\0\0\0"),
        (KeyMode::Txn, 16_777_215, *b"x\xff\xff\xff", *b"y\0\0\0"),
    ] {
        let codec = codec(mode, id);
        assert_eq!(codec.encode_range(b"", b"").unwrap(), range(&prefix, Some(&end)), "{codec}");
        let group = |bound: [u8; 4]| [&bound[..], b"\0\0\0\0\xfb"].concat();
        assert_eq!(codec.encode_region_range(b"", b"").unwrap(), range(&group(prefix), Some(&group(end))), "{codec}");
        assert_eq!(parse_keyspace(&prefix).unwrap(), (mode, KeyspaceId::new(id).unwrap()));
    }
    for mode in [KeyMode::TidbMeta, KeyMode::TidbTable] {
        assert_eq!(Codec::new(mode, KeyspaceId::new(1).unwrap()), None);
    }
    for key in [&b""[..], b"x\0\0", b"r\0\0", b"s\0\0", b"t\0\0", b"t\0\0\x01\x01\x02\x03", b"t123_111"] {
        assert!(parse_keyspace(key).unwrap_err().to_string().contains(&hex(key)));
    }
}

#[test]
fn region_ranges_agree_with_client_go() {
    let own = raw_4242();
    for (start, end, found) in [
        (&b"r\0\x10\x92"[..], &b"r\0\x10\x93"[..], Some((&b""[..], None))),
        (b"r\0\0\x01", b"r\x01\0\0", Some((b"", None))),
        (b"r\0\0\x01", b"r\0\x10\x92d", Some((b"", Some(&b"d"[..])))),
        (b"r\0\x10\x92d", b"r\0\x10\x92\xc8", Some((b"d", Some(b"\xc8")))),
        (b"r\0\x10\x92d", b"", Some((b"d", None))),
        (b"", b"", Some((b"", None))),
        (b"", b"r\0\x10\x92\0", Some((b"", Some(b"\0")))),
        (b"r\0\0\x01", b"r\0\x10\x92", None),
        (b"", b"r\0\x10\x92", None),
        (b"r\0\x10\x93", b"r\x01\0\0", None),
        (b"r\0\x10\x93", b"", None),
    ] {
        let encode = |bound: &[u8]| if bound.is_empty() { Vec::new() } else { region_key(bound) };
        for decoded in [own.decode_range(start, end), own.decode_region_range(&encode(start), &encode(end))] {
            match found {
                Some((start, end)) => assert_eq!(decoded, Ok(range(start, end))),
                None => assert!(decoded.unwrap_err().to_string().contains("lies outside keyspace 4242 of mode r")),
            }
        }
    }
    let inverted = own.decode_range(b"r\0\x10\x93", b"r\0\0\x01").unwrap_err().to_string();
    assert!(inverted.contains("inverted") && !inverted.contains("outside"), "{inverted}");
}

#[test]
fn what_is_shorter_than_the_end_can_lie_behind() {
    let (raw_255, last) = (codec(KeyMode::Raw, 255), codec(KeyMode::Raw, KeyspaceId::MAX));
    for (codec, behind) in [(raw_255, &b"r\0\x01"[..]), (last, b"s"), (last, b"s\0\0")] {
        assert!(codec.decode_range(behind, b"").unwrap_err().to_string().contains("outside"));
        assert_eq!(codec.decode_range(&codec.encode_key(b"k"), behind).unwrap(), range(b"k", None));
        assert_eq!(codec.decode_bucket_keys(&[&codec.encode_region_key(b"k"), &region_key(behind)]).unwrap(), [&b"k"[..], b""]);
    }
}

#[test]
fn the_lowest_region_key_is_a_bound() {
    let lowest = region_key(b"");
    assert_eq!(raw_4242().decode_region_range(&lowest, b"").unwrap(), range(b"", None));
    assert!(raw_4242().decode_region_range(b"", &lowest).unwrap_err().to_string().contains("outside"));
    assert!(raw_4242().decode_region_key(&lowest).unwrap_err().to_string().contains("outside"));
}

#[test]
fn bucket_keys_agree_with_client_go() {
    let own = raw_4242();
    let prev = codec(KeyMode::Raw, 4241);
    let behind = codec(KeyMode::Raw, 4243);
    let keys = |of: &Codec, keys: &[&[u8]]| keys.iter().map(|key| of.encode_region_key(key)).collect::<Vec<_>>();
    let decode = |parts: &[Vec<Vec<u8>>]| {
        let keys = parts.concat();
        own.decode_bucket_keys(&keys.iter().map(Vec::as_slice).collect::<Vec<_>>())
    };
    let (before, within) = (keys(&prev, &[b"a", b"b", b"c"]), keys(&own, &[b"a", b"b", b"c"]));
    let after = keys(&behind, &[b"", b"a", b"b", b"c"]);
    let none = vec![Vec::new()];
    let (a_b_c, a_b_c_in_all) = ([&b"a"[..], b"b", b"c"], [&b""[..], b"a", b"b", b"c", b""]);
    assert_eq!(decode(&[before.clone(), within.clone(), after.clone()]).unwrap(), a_b_c_in_all);
    assert_eq!(decode(&[none.clone(), within.clone(), none.clone()]).unwrap(), a_b_c_in_all);
    assert_eq!(decode(std::slice::from_ref(&within)).unwrap(), a_b_c);
    assert_eq!(decode(&[before.clone(), keys(&own, &[b""]), within.clone()]).unwrap(), a_b_c_in_all[..4]);
    assert_eq!(decode(&[before.clone(), after.clone()]).unwrap(), [b"", b""]);
    assert_eq!(decode(std::slice::from_ref(&before)).unwrap(), [b""]);
    assert_eq!(decode(std::slice::from_ref(&after)).unwrap(), [b""]);
    assert_eq!(decode(std::slice::from_ref(&none)).unwrap(), [b""]);
    assert!(decode(&[]).unwrap().is_empty());
    for (parts, index) in [
        (vec![within.clone(), before.clone()], 3),
        (vec![after, within.clone()], 4),
        (vec![before, none, within.clone()], 3),
        (vec![within, vec![b"c".to_vec()]], 3),
    ] {
        assert!(decode(&parts).unwrap_err().to_string().contains(&format!("keys[{index}]")));
    }
}

fn modes() -> impl Strategy<Value = KeyMode> {
    prop_oneof![Just(KeyMode::Raw), Just(KeyMode::Txn)]
}

fn codecs() -> impl Strategy<Value = Codec> {
    let id = prop_oneof![0..4_u32, 253..258_u32, KeyspaceId::MAX - 3..=KeyspaceId::MAX, 0..=KeyspaceId::MAX];
    (modes(), id).prop_map(|(mode, id)| codec(mode, id))
}

fn user_keys() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0_u8), Just(0xff), any::<u8>()], 0..20)
}

/// Keys in and around the codec's keyspace, shorter ones too.
fn request_keys(codec: Codec) -> impl Strategy<Value = Vec<u8>> {
    let around = prop_oneof![Just(codec.prefix), Just(codec.end), codecs().prop_map(|other| other.prefix)];
    (around, user_keys(), any::<bool>(), 0..4_usize)
        .prop_map(|(prefix, user_key, cut, len)| if cut { prefix[..len].to_vec() } else { [&prefix, user_key.as_slice()].concat() })
}

fn with<T: std::fmt::Debug>(made: impl Fn(Codec) -> BoxedStrategy<T>) -> impl Strategy<Value = (Codec, T)> {
    codecs().prop_flat_map(move |codec| (Just(codec), made(codec)))
}

proptest! {
    #[test]
    fn keys_come_back_in_order(codec in codecs(), a in user_keys(), b in user_keys()) {
        prop_assert_eq!(a.cmp(&b), codec.encode_key(&a).cmp(&codec.encode_key(&b)));
        prop_assert_eq!(a.cmp(&b), codec.encode_region_key(&a).cmp(&codec.encode_region_key(&b)));
        let request_key = codec.encode_key(&a);
        prop_assert_eq!(codec.decode_key(&request_key), Ok(a.as_slice()));
        prop_assert_eq!(parse_keyspace(&request_key).map(|(mode, id)| id.prefix(mode)), Ok(codec.prefix));
        prop_assert_eq!(codec.decode_region_key(&codec.encode_region_key(&a)), Ok(a));
    }

    #[test]
    fn ranges_come_back(codec in codecs(), a in user_keys(), b in user_keys()) {
        let (start, end) = if b.is_empty() || a <= b { (a, b) } else { (b, a) };
        let expected = range(&start, (!end.is_empty()).then_some(&end));
        let encoded = codec.encode_range(&start, &end).unwrap();
        prop_assert_eq!(codec.decode_range(&encoded.start, &encoded.end.unwrap()), Ok(expected.clone()));
        let encoded = codec.encode_region_range(&start, &end).unwrap();
        prop_assert_eq!(codec.decode_region_range(&encoded.start, &encoded.end.unwrap()), Ok(expected));
        prop_assert_eq!(codec.encode_range(&end, &start).is_err(), start < end && !start.is_empty());
    }

    /// The user keys in a decoded range are those whose request keys are in the encoded one.
    #[test]
    fn a_decoded_range_has_the_same_keys(
        (codec, (start, end)) in with(|codec| (request_keys(codec), request_keys(codec)).boxed()),
        user_key in user_keys(),
    ) {
        let request_key = codec.encode_key(&user_key);
        let inside = start <= request_key && (end.is_empty() || request_key < end);
        match codec.decode_range(&start, &end) {
            Ok(found) => prop_assert_eq!(found.start <= user_key && found.end.is_none_or(|end| user_key < end), inside),
            Err(error) => prop_assert!(!inside, "{}", error),
        }
    }

    #[test]
    fn what_holds_the_keyspace_is_the_whole(codec in codecs(), before in user_keys(), behind in user_keys()) {
        let start = if before.as_slice() < codec.prefix.as_slice() { before } else { codec.prefix.to_vec() };
        let end = [&codec.end, behind.as_slice()].concat();
        for end in [region_key(&end), Vec::new()] {
            prop_assert_eq!(codec.decode_region_range(&region_key(&start), &end), Ok(range(b"", None)));
            prop_assert_eq!(codec.decode_region_range(b"", &end), Ok(range(b"", None)));
        }
    }

    #[test]
    fn foreign_keys_are_refused(codec in codecs(), other in codecs(), user_key in user_keys(), len in 1..4_usize) {
        prop_assume!(codec != other);
        let foreign = other.encode_key(&user_key);
        let other_mode = [&[codec.prefix[0] ^ (b'r' ^ b'x')], &codec.prefix[1..], &user_key].concat();
        for key in [foreign, other_mode, codec.prefix[..len].to_vec()] {
            let text = format!("{} lies outside {codec}", hex(&key));
            prop_assert!(codec.decode_key(&key).unwrap_err().to_string().contains(&text));
            prop_assert!(codec.decode_region_key(&region_key(&key)).unwrap_err().to_string().contains(&text));
        }
    }

    #[test]
    fn random_bytes_are_judged(codec in codecs(), a: Vec<u8>, b: Vec<u8>) {
        let _ = (parse_keyspace(&a), codec.decode_key(&a), codec.decode_range(&a, &b), codec.encode_range(&a, &b));
        match codec.decode_region_key(&a) {
            Ok(user_key) => prop_assert!(a.is_empty() || codec.encode_region_key(&user_key) == a),
            Err(error) => prop_assert_eq!(error.kind() == ErrorKind::Corruption, memcomparable::decode(&a).is_err()),
        }
        let _ = (codec.decode_region_range(&a, &b), codec.decode_bucket_keys(&[&a, &b, &a]));
    }

    /// Neighbouring decoded bounds are the ranges of the buckets that hold keys of the keyspace.
    #[test]
    fn buckets_are_what_their_ranges_are((codec, keys) in with(|codec| vec(request_keys(codec), 0..8).boxed()), open: (bool, bool)) {
        let mut keys = keys;
        keys.sort();
        keys.dedup();
        let mut keys: Vec<_> = keys.iter().map(|key| region_key(key)).collect();
        if open.0 {
            keys.insert(0, Vec::new());
        }
        if open.1 {
            keys.push(Vec::new());
        }
        let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
        let expected: Vec<_> = keys.windows(2).filter_map(|pair| codec.decode_region_range(pair[0], pair[1]).ok()).collect();
        let found = codec.decode_bucket_keys(&keys).unwrap();
        let no_bound = |end: &Vec<u8>| if end.is_empty() { None } else { Some(end.clone()) };
        let pairs: Vec<_> = found.windows(2).map(|pair| KeyRange { start: pair[0].clone(), end: no_bound(&pair[1]) }).collect();
        prop_assert_eq!(pairs, expected);
        prop_assert_eq!(found.is_empty(), keys.is_empty());
    }
}
