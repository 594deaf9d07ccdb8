//! The metadata that PD stores of a keyspace: the fields of `keyspacepb.KeyspaceMeta` that are used
//! here. The id is in a oneof, so that 0 is written; older releases left it out.

use crate::error::{Error, ErrorKind, hex};
use prost::{Message, Oneof};
use std::collections::HashMap;

/// A keyspace's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyspaceMeta {
    /// The id, not yet checked.
    pub id: u32,
    /// The number of the state, not yet checked.
    pub state: i32,
    /// The name, not yet checked.
    pub name: String,
    /// The text of the GC type; `None` means absent.
    pub gc_management_type: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Stored {
    #[prost(oneof = "Identity", tags = "1, 8")]
    identity: Option<Identity>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(int32, tag = "3")]
    state: i32,
    #[prost(map = "string, string", tag = "7")]
    config: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Identity {
    #[prost(uint32, tag = "1")]
    Id(u32),
    #[prost(message, tag = "8")]
    OfNamespace(OfNamespace),
}

#[derive(Clone, Copy, PartialEq, Message)]
struct OfNamespace {
    #[prost(uint32, tag = "1")]
    namespace_id: u32,
    #[prost(uint32, tag = "2")]
    keyspace_id: u32,
}

impl KeyspaceMeta {
    /// Decodes the bytes that PD stores.
    pub fn from_protobuf(bytes: &[u8]) -> Result<Self, Error> {
        if let Some(what) = looks_like(bytes) {
            return Err(Error::new(
                ErrorKind::Corruption,
                format!("{} looks like {what}; give the protobuf bytes of keyspacepb.KeyspaceMeta as PD stores them", shown(bytes)),
            ));
        }
        let mut stored = Stored::decode(bytes).map_err(|error| {
            Error::new(
                ErrorKind::Corruption,
                format!("{} is no keyspacepb.KeyspaceMeta: {error}; give the bytes that PD stores", shown(bytes)),
            )
        })?;
        let id = match stored.identity {
            None => 0,
            Some(Identity::Id(id)) => id,
            Some(Identity::OfNamespace(OfNamespace { namespace_id, keyspace_id })) => {
                return Err(Error::new(
                    ErrorKind::NotSupported,
                    format!(
                        "keyspace {keyspace_id} of namespace {namespace_id} has a later API version than 2; only plain ids are supported"
                    ),
                ));
            }
        };
        let gc_management_type = stored.config.remove("gc_management_type");
        Ok(Self { id, state: stored.state, name: stored.name, gc_management_type })
    }
}

/// Describes input that is text instead of protobuf. Text is not decoded: the stored bytes always
/// include field tags, which no text contains.
fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_all = |is: fn(&u8) -> bool| !digits.is_empty() && digits.bytes().all(|byte| is(&byte));
    if text.starts_with(['{', '[']) && text.ends_with(['}', ']']) {
        Some("JSON, as PD's HTTP API answers it")
    } else if digits.len().is_multiple_of(2) && is_all(u8::is_ascii_hexdigit) {
        Some("bytes as hex text")
    } else if is_all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte)) {
        Some("bytes as base64 text")
    } else {
        None
    }
}

/// The first bytes, for errors.
fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    let rest = if bytes.len() > SHOWN { format!("... ({} bytes)", bytes.len()) } else { String::new() };
    hex(bytes.get(..SHOWN).unwrap_or(bytes)) + &rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    fn meta(id: u32, name: &str, state: i32, gc: Option<&str>) -> KeyspaceMeta {
        KeyspaceMeta { id, state, name: name.into(), gc_management_type: gc.map(str::to_owned) }
    }

    #[test]
    fn reads_what_pd_stores() {
        for (bytes, expected) in [
            ("0800120744454641554c542080e2cfaa062880e2cfaa06", meta(0, "DEFAULT", 0, None)),
            ("120744454641554c542080e2cfaa062880e2cfaa06", meta(0, "DEFAULT", 0, None)),
            (
                "080112036b73312080e2cfaa062880e2cfaa063a240a1267635f6d616e6167656d656e745f74797065120e6b657973706163655f6c6576656c",
                meta(1, "ks1", 0, Some("keyspace_level")),
            ),
            (
                "080212036b733218012080e2cfaa062881e2cfaa063a1d0a1267635f6d616e6167656d656e745f747970651207756e6966696564",
                meta(2, "ks2", 1, Some("unified")),
            ),
            ("08922112016118022805", meta(4242, "a", 2, None)),
            (
                "080312017418033a270a1267635f6d616e6167656d656e745f7479706512116b657973706163655f6c6576656c5f6763",
                meta(3, "t", 3, Some("keyspace_level_gc")),
            ),
            ("08feffff07120653595354454d20012801", meta(0x00ff_fffe, "SYSTEM", 0, None)),
        ] {
            assert_eq!(KeyspaceMeta::from_protobuf(&hex(bytes)), Ok(expected), "{bytes}");
        }
    }

    #[test]
    fn a_later_id_wins_and_unknown_fields_are_skipped() {
        let with_unknown = hex("0807c23e02c8019a0603616263080912016b");
        assert_eq!(KeyspaceMeta::from_protobuf(&with_unknown), Ok(meta(9, "k", 0, None)));
        let identity = KeyspaceMeta::from_protobuf(&hex("080942040801100212016b")).unwrap_err();
        assert_eq!(identity.kind(), ErrorKind::NotSupported);
        assert!(identity.to_string().contains("keyspace 2 of namespace 1"), "{identity}");
        assert_eq!(KeyspaceMeta::from_protobuf(&hex("420408011002080912016b")), Ok(meta(9, "k", 0, None)));
    }

    #[test]
    fn text_is_named_and_not_read() {
        for (given, what) in [
            (&br#"{"id":1,"name":"a","state":0}"#[..], "JSON"),
            (b" [{\"id\":1}]\n", "JSON"),
            (b"0800120744454641554c54", "hex"),
            (b"0x0800120744454641554c54", "hex"),
            (b"CAASB0RFRkFVTFQggOLPqgYogOLPqgY=", "base64"),
        ] {
            let error = KeyspaceMeta::from_protobuf(given).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corruption);
            let text = error.to_string();
            assert!(text.contains(&format!("looks like {what}")) || text.contains(&format!("as {what} text")), "{text}");
            assert!(text.contains("protobuf bytes") && text.contains(": 0x"), "{text}");
        }
        let error = KeyspaceMeta::from_protobuf(&[0xff; 100]).unwrap_err().to_string();
        assert!(error.contains(": 0xffff") && error.contains("(100 bytes)") && error.len() < 300, "{error}");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(bytes: Vec<u8>) {
            if let Err(error) = KeyspaceMeta::from_protobuf(&bytes) {
                prop_assert!(matches!(error.kind(), ErrorKind::Corruption | ErrorKind::NotSupported));
            }
        }
    }
}
