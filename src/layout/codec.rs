//! Between a client of one keyspace and the store, as client-go's codec v2 does it.
//!
//! ```text
//! user key      6b6579                 "key"
//! request key   72001092 6b6579        r, keyspace 4242, "key"
//! region key    720010926b657900 fe    the memcomparable encoding of the request key
//! ```

use super::key_mode::KEYSPACE_PREFIX_LEN;
use super::range::{count_up, refuse_inverted};
use super::{KeyMode, KeyRange, KeyspaceId, memcomparable};
use crate::error::{Error, Kind, hex};
use std::fmt;

/// The codec of one keyspace, for keys of one mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    prefix: [u8; KEYSPACE_PREFIX_LEN],
    /// The first request key behind the keyspace.
    end: [u8; KEYSPACE_PREFIX_LEN],
}

impl Codec {
    /// The codec of a keyspace; `None` for a mode that has none.
    pub fn new(mode: KeyMode, keyspace: KeyspaceId) -> Option<Self> {
        let prefix = keyspace.prefix(mode);
        let mut end = prefix;
        count_up(&mut end);
        mode.has_keyspace().then_some(Self { prefix, end })
    }

    /// What its request keys begin with.
    pub const fn prefix(&self) -> &[u8; KEYSPACE_PREFIX_LEN] {
        &self.prefix
    }

    /// The request key of a user key.
    pub fn encode_key(&self, user_key: &[u8]) -> Vec<u8> {
        [&self.prefix, user_key].concat()
    }

    /// The user key of a request key; an empty key stays one.
    #[inline]
    pub fn decode_key<'k>(&self, request_key: &'k [u8]) -> Result<&'k [u8], Error> {
        if request_key.is_empty() { Ok(request_key) } else { self.user_key(request_key) }
    }

    #[inline]
    fn user_key<'k>(&self, request_key: &'k [u8]) -> Result<&'k [u8], Error> {
        request_key.strip_prefix(&self.prefix).ok_or_else(|| self.foreign_key(request_key))
    }

    #[cold]
    fn foreign_key(&self, request_key: &[u8]) -> Error {
        Error::invalid(format!("key {} lies outside {self}; give it to the codec of its own keyspace", hex(request_key)))
    }

    /// The request keys of the user keys in `[start, end)`; `end` empty = up to the end of the keyspace.
    pub fn encode_range(&self, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        refuse_inverted(start, end)?;
        let end = if end.is_empty() { self.end.to_vec() } else { self.encode_key(end) };
        Ok(KeyRange { start: self.encode_key(start), end: Some(end) })
    }

    /// The user keys whose request keys lie in `[start, end)`; `end` empty = no bound.
    pub fn decode_range(&self, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        self.cut_to_keyspace(start, (!end.is_empty()).then_some(end))
    }

    fn cut_to_keyspace(&self, start: &[u8], end: Option<&[u8]>) -> Result<KeyRange, Error> {
        refuse_inverted(start, end.unwrap_or_default())?;
        let first = match self.side(start) {
            Side::Before => Some(&b""[..]),
            Side::Within(user_key) => Some(user_key),
            Side::Behind => None,
        };
        let behind_last = match end.map(|end| self.side(end)) {
            Some(Side::Before | Side::Within(b"")) => None,
            Some(Side::Within(user_key)) => Some(Some(user_key.to_vec())),
            Some(Side::Behind) | None => Some(None),
        };
        if let (Some(first), Some(end)) = (first, behind_last) {
            return Ok(KeyRange { start: first.to_vec(), end });
        }
        let end = end.map_or_else(|| "no bound".into(), hex);
        Err(Error::invalid(format!("range [{}, {end}) lies outside {self}; it has none of its keys, drop it", hex(start))))
    }

    /// Where a request key lies. The first key behind a keyspace may be shorter than its end: behind r/0xff come 720001, 72000100.
    fn side<'k>(&self, request_key: &'k [u8]) -> Side<'k> {
        match request_key.strip_prefix(&self.prefix) {
            Some(user_key) => Side::Within(user_key),
            None if request_key < self.prefix.as_slice() => Side::Before,
            None => Side::Behind,
        }
    }

    /// The region key of a user key.
    pub fn encode_region_key(&self, user_key: &[u8]) -> Vec<u8> {
        region_key(&self.encode_key(user_key))
    }

    /// The user key of a region key; an empty key stays one.
    pub fn decode_region_key(&self, region_key: &[u8]) -> Result<Vec<u8>, Error> {
        let Some(mut key) = request_key(region_key)? else { return Ok(Vec::new()) };
        self.user_key(&key)?;
        key.drain(..self.prefix.len());
        Ok(key)
    }

    /// The region keys of the user keys in `[start, end)`; `end` empty = up to the end of the keyspace.
    pub fn encode_region_range(&self, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        let range = self.encode_range(start, end)?;
        Ok(KeyRange { start: region_key(&range.start), end: range.end.as_deref().map(region_key) })
    }

    /// The user keys of a region; an empty bound is none.
    pub fn decode_region_range(&self, start: &[u8], end: &[u8]) -> Result<KeyRange, Error> {
        self.cut_to_keyspace(&request_key(start)?.unwrap_or_default(), request_key(end)?.as_deref())
    }

    /// The bounds between a region's buckets, cut to the keyspace: those before it are its beginning, an empty first key, and
    /// those at or behind its end are its end, an empty last key.
    pub fn decode_bucket_keys(&self, region_keys: &[&[u8]]) -> Result<Vec<Vec<u8>>, Error> {
        let mut user_keys: Vec<Vec<u8>> = Vec::with_capacity(region_keys.len());
        let mut ended = false;
        for (i, key) in region_keys.iter().enumerate() {
            // The one before has been read, so that it is well-formed; the encoding keeps the order.
            let before = i.checked_sub(1).and_then(|before| region_keys.get(before)).copied().unwrap_or_default();
            let no_upper_bound = key.is_empty() && i > 0;
            if no_upper_bound && i + 1 < region_keys.len() {
                return Err(Error::invalid(format!("keys[{i}] is empty; only the first and the last one may be, as no bound")));
            }
            if !no_upper_bound && *key < before {
                let what = format!("keys[{i}] {} is below the one before it, {}; give them in order", hex(key), hex(before));
                return Err(Error::invalid(what));
            }
            let key = request_key(key).map_err(|error| error.while_doing(format_args!("keys[{i}]")))?.unwrap_or_default();
            let (behind, user_key) = match self.side(&key) {
                Side::Before => (no_upper_bound, &b""[..]),
                Side::Within(user_key) => (false, user_key),
                Side::Behind => (true, &b""[..]),
            };
            // An empty key is the beginning, once and before all others, or the end, once and behind them.
            if !user_key.is_empty() || user_keys.is_empty() || (behind && !ended) {
                user_keys.push(user_key.to_vec());
            }
            ended = behind;
        }
        Ok(user_keys)
    }
}

enum Side<'k> {
    Before,
    /// With its user key.
    Within(&'k [u8]),
    Behind,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [mode, id @ ..] = self.prefix;
        write!(f, "keyspace {} of mode {}", KeyspaceId::from_bytes(id), char::from(mode))
    }
}

/// The mode and the keyspace that a request key names.
pub fn parse_keyspace(request_key: &[u8]) -> Result<(KeyMode, KeyspaceId), Error> {
    let foreign = |what| Error::invalid(format!("key {} names no keyspace: {what}", hex(request_key)));
    let Some((&[mode, id @ ..], _)) = request_key.split_first_chunk::<KEYSPACE_PREFIX_LEN>() else {
        return Err(foreign("it is shorter than the 4 bytes of mode and keyspace; give a whole request key"));
    };
    let mode = KeyMode::from_byte(mode).filter(|mode| mode.has_keyspace());
    let mode = mode.ok_or_else(|| foreign("its first byte is not r (72) or x (78); give a request key of such a mode"))?;
    Ok((mode, KeyspaceId::from_bytes(id)))
}

fn region_key(request_key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(memcomparable::len_of_encoded(request_key.len()));
    memcomparable::encode(request_key, &mut out);
    out
}

/// What a region key encodes; nothing if it is empty, which is none.
fn request_key(region_key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    if region_key.is_empty() {
        return Ok(None);
    }
    memcomparable::decode(region_key).map(Some).map_err(|error| {
        Error::new(Kind::Corruption, format!("{} is no region key: {error}; give it as PD has it, without data prefix", hex(region_key)))
    })
}

#[cfg(test)]
mod tests {
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
                Err(error) => prop_assert_eq!(error.kind() == Kind::Corruption, memcomparable::decode(&a).is_err()),
            }
            let _ = (codec.decode_region_range(&a, &b), codec.decode_bucket_keys(&[&a, &b, &a]));
        }

        /// Neighbours among the decoded bounds are the ranges of the buckets that have keys of the keyspace.
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
}
