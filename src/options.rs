//! Options are strings by name, so that a new one does not change the ABI. One table has their
//! names, defaults and meaning.

use crate::error::{Error, hex};
use crate::layout::{KeyForm, Layout, PlainKeys};
use crate::rule::raw::History;
use crate::safe_point::UnknownKeyspace;

/// The way in which filters remove versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveMode {
    /// The way that costs less.
    Auto,
    /// Only removes.
    Remove,
    /// Skips wherever they are allowed.
    Skip,
}

/// The options of deletes, by the worker and by destroys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleting {
    /// The size in bytes at which a batch is written.
    pub batch_bytes: usize,
    /// The most bytes that the worker writes per second; 0 means no limit.
    pub bytes_per_second: u64,
    /// The number of keys from which one range tombstone replaces them; 0 means never.
    pub range_min_keys: u64,
    /// Whether the worker rechecks destroyed ranges.
    pub rechecks: bool,
    /// The time between the end of a destroy and its recheck, in seconds.
    pub recheck_seconds: u64,
}

/// The options of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    plain: bool,
    data_prefix: Vec<u8>,
    plain_keys: Option<PlainKeys>,
    schema_ids: bool,
    ledger_prefix: Vec<u8>,
    /// The reads that the host serves; `None` means that the host did not set it.
    history: Option<History>,
    /// The safe point of unregistered keyspaces.
    pub unknown_keyspace: UnknownKeyspace,
    /// The way in which filters remove versions.
    pub remove_mode: RemoveMode,
    /// The time between a value's expiry and its removal, in seconds.
    pub ttl_grace_seconds: u64,
    /// The most seconds that a safe point may be ahead of the clock; 0 means no limit.
    pub max_safe_point_ahead_seconds: u64,
    /// The most rows that may wait for the worker.
    pub worker_queue_max_rows: usize,
    /// The most bytes that waiting rows may use.
    pub worker_queue_max_bytes: usize,
    /// The options of deletes.
    pub deleting: Deleting,
}

struct Entry {
    name: &'static str,
    default: &'static str,
    values: &'static str,
    meaning: &'static str,
    set: fn(&mut Options, &str) -> Option<()>,
}

const TABLE: [Entry; 17] = [
    Entry {
        name: "key_layout",
        default: "api_v2",
        values: "api_v2 or plain",
        meaning: "TiKV's API V2 keys, or user key + timestamp under the global safe point",
        set: |options, value| {
            options.plain = choose(value, [("api_v2", false), ("plain", true)])?;
            Some(())
        },
    },
    Entry {
        name: "data_prefix",
        default: "",
        values: "text, or hex if it begins with 0x and is even",
        meaning: "what stands before every stored key (TiKV: z)",
        set: |options, value| {
            options.data_prefix = text_or_hex(value)?;
            Some(())
        },
    },
    Entry {
        name: "plain_keys",
        default: "none",
        values: "none, a number of bytes from 1 to 1048576, or prefix_free",
        meaning: "for plain: the length of every user key, or the host's promise that none is a prefix of another",
        set: |options, value| {
            options.plain_keys = match value {
                "none" => None,
                "prefix_free" => Some(PlainKeys::PrefixFree),
                length => Some(PlainKeys::Fixed(number(length).filter(|n| (1..=1 << 20).contains(n))? as usize)),
            };
            Some(())
        },
    },
    Entry {
        name: "history",
        default: "latest",
        values: "latest or snapshot",
        meaning: "RawKV readers want the newest version, or one at a timestamp from the safe point on; plain must say which",
        set: |options, value| {
            options.history = Some(choose(value, [("latest", History::Latest), ("snapshot", History::Snapshot)])?);
            Some(())
        },
    },
    Entry {
        name: "unknown_keyspace",
        default: "keep",
        values: "keep or global",
        meaning: "keyspaces never named: keep everything, or use the global safe point",
        set: |options, value| {
            options.unknown_keyspace = choose(value, [("keep", UnknownKeyspace::Keep), ("global", UnknownKeyspace::Global)])?;
            Some(())
        },
    },
    Entry {
        name: "schema_id",
        default: "off",
        values: "off or prefix",
        meaning: "prefix: the first 4 bytes of a user key are the id of its schema, where schemas are given",
        set: |options, value| {
            options.schema_ids = choose(value, [("off", false), ("prefix", true)])?;
            Some(())
        },
    },
    Entry {
        name: "remove_mode",
        default: "auto",
        values: "auto, remove or skip",
        meaning: "hosts that can skip: whatever costs less, only removes (tombstones), or skips wherever they lose nothing",
        set: |options, value| {
            options.remove_mode = choose(value, [("auto", RemoveMode::Auto), ("remove", RemoveMode::Remove), ("skip", RemoveMode::Skip)])?;
            Some(())
        },
    },
    Entry {
        name: "ttl_grace_seconds",
        default: "0",
        values: "a number of seconds",
        meaning: "expired means expire_ts <= now - grace",
        set: |options, value| {
            options.ttl_grace_seconds = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "max_safe_point_ahead_seconds",
        default: "0",
        values: "a number of seconds, 0 = off",
        meaning: "refuse a safe point whose physical part (ts >> 18, ms) is further ahead of the clock",
        set: |options, value| {
            options.max_safe_point_ahead_seconds = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "worker_queue_max_rows",
        default: "1000000",
        values: "a number of rows, 1 to 4294967295",
        meaning: "how many rows may wait for the worker; more are left for later runs",
        set: |options, value| {
            options.worker_queue_max_rows = number(value).filter(|n| (1..=u64::from(u32::MAX)).contains(n))? as usize;
            Some(())
        },
    },
    Entry {
        name: "worker_queue_max_bytes",
        default: "67108864",
        values: "a number of bytes, 4096 to 1099511627776",
        meaning: "how much memory rows that wait for the worker may take; more are left for later runs",
        set: |options, value| {
            options.worker_queue_max_bytes = number(value).filter(|n| (4096..=1 << 40).contains(n))? as usize;
            Some(())
        },
    },
    Entry {
        name: "delete_batch_bytes",
        default: "32768",
        values: "a number of bytes, 1 to 1073741824",
        meaning: "the worker writes a batch when it has so many bytes",
        set: |options, value| {
            options.deleting.batch_bytes = number(value).filter(|n| (1..=1 << 30).contains(n))? as usize;
            Some(())
        },
    },
    Entry {
        name: "delete_bytes_per_second",
        default: "0",
        values: "a number of bytes, 0 = off",
        meaning: "how fast the worker deletes",
        set: |options, value| {
            options.deleting.bytes_per_second = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "delete_range_min_keys",
        default: "10000",
        values: "a number of keys, 0 = never",
        meaning: "from so many versions of a row, or keys of a destroyed range, on one range tombstone takes their place",
        set: |options, value| {
            options.deleting.range_min_keys = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "recheck",
        default: "auto",
        values: "auto or manual",
        meaning: "destroyed ranges are looked at once more by the worker, or by rgc_recheck_destroyed only",
        set: |options, value| {
            options.deleting.rechecks = choose(value, [("auto", true), ("manual", false)])?;
            Some(())
        },
    },
    Entry {
        name: "recheck_seconds",
        default: "86400",
        values: "a number of seconds",
        meaning: "how long after they were done destroyed ranges are looked at once more",
        set: |options, value| {
            options.deleting.recheck_seconds = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "ledger_prefix",
        default: "0x01726f636b735f67632f",
        values: "text, or hex if it begins with 0x and is even; not empty",
        meaning: "keys that begin with it are the library's own records and always kept",
        set: |options, value| {
            options.ledger_prefix = text_or_hex(value).filter(|prefix| !prefix.is_empty())?;
            Some(())
        },
    },
];

impl Default for Options {
    fn default() -> Self {
        Self {
            plain: false,
            data_prefix: Vec::new(),
            plain_keys: None,
            schema_ids: false,
            ledger_prefix: b"\x01rocks_gc/".to_vec(),
            history: None,
            unknown_keyspace: UnknownKeyspace::Keep,
            remove_mode: RemoveMode::Auto,
            ttl_grace_seconds: 0,
            max_safe_point_ahead_seconds: 0,
            worker_queue_max_rows: 1_000_000,
            worker_queue_max_bytes: 64 << 20,
            deleting: Deleting { batch_bytes: 32768, bytes_per_second: 0, range_min_keys: 10_000, rechecks: true, recheck_seconds: 86_400 },
        }
    }
}

impl Options {
    /// Sets one option.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let Some(entry) = TABLE.iter().find(|entry| entry.name == name) else {
            let names = TABLE.map(|entry| entry.name).join(", ");
            return Err(Error::invalid(format!("unknown option {name:?}; the options are {names}")));
        };
        (entry.set)(self, value)
            .ok_or_else(|| Error::invalid(format!("option {name} does not accept {value:?}; it accepts {}", entry.values)))
    }

    /// Sets options from `name=value;name=value`, all or none.
    pub fn parse(&mut self, text: &str) -> Result<(), Error> {
        let mut parsed = self.clone();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(Error::invalid(format!("{part:?} is not an option; write name=value;name=value")));
            };
            parsed.set(name.trim(), value.trim())?;
        }
        *self = parsed;
        Ok(())
    }

    /// The reads that the host serves.
    pub fn history(&self) -> History {
        self.history.unwrap_or(History::Latest)
    }

    /// One line for each option: name, default, values, meaning.
    pub fn describe() -> String {
        TABLE.map(|e| format!("{}={} ({}): {}\n", e.name, e.default, e.values, e.meaning)).concat()
    }

    /// The key layout, if its options are consistent.
    pub fn layout(&self) -> Result<Layout, Error> {
        let form = match (self.plain, self.plain_keys) {
            (false, None) => KeyForm::ApiV2,
            (true, Some(keys)) => KeyForm::Plain(keys),
            (false, Some(_)) => return Err(Error::invalid("plain_keys needs key_layout=plain and a history; leave it none")),
            (true, None) => {
                return Err(Error::invalid(
                    "key_layout=plain needs plain_keys=N or plain_keys=prefix_free: rows of keys where one is a prefix of another interleave",
                ));
            }
        };
        if self.plain && self.history.is_none() {
            return Err(Error::invalid(
                "key_layout=plain needs history: say history=latest if readers want the newest version only, or history=snapshot if they \
                 read at a timestamp at or above the safe point",
            ));
        }
        if let (true, KeyForm::Plain(PlainKeys::Fixed(len @ ..4))) = (self.schema_ids, form) {
            return Err(Error::invalid(format!(
                "schema_id=prefix reads 4 bytes of a user key, plain_keys={len} has fewer; leave schema_id=off"
            )));
        }
        let (data, ledger) = (&self.data_prefix, &self.ledger_prefix);
        if self.schema_ids && form == KeyForm::ApiV2 && data.is_empty() && ledger.starts_with(b"r") | ledger.starts_with(b"x") {
            return Err(Error::invalid(format!(
                "ledger_prefix {} is among the keys of schemas, which are dropped as whole ranges; choose one that begins with neither r nor x",
                hex(ledger)
            )));
        }
        if !data.is_empty() && (data.starts_with(ledger) || ledger.starts_with(data)) {
            return Err(Error::invalid(format!(
                "one of data_prefix {} and ledger_prefix {} is a prefix of the other; choose another ledger_prefix",
                hex(data),
                hex(ledger)
            )));
        }
        Ok(Layout { form, data_prefix: data.clone(), ledger_prefix: ledger.clone(), schema_ids: self.schema_ids })
    }
}

fn choose<T: Copy, const N: usize>(value: &str, choices: [(&str, T); N]) -> Option<T> {
    choices.iter().find(|(name, _)| *name == value).map(|&(_, choice)| choice)
}

/// Decimal digits only: `parse` alone would accept a plus sign.
fn number(value: &str) -> Option<u64> {
    value.parse().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()))
}

fn text_or_hex(value: &str) -> Option<Vec<u8>> {
    match value.strip_prefix("0x") {
        Some(digits) if digits.len() % 2 == 0 => {
            let (pairs, _) = digits.as_bytes().as_chunks::<2>();
            let digit = |byte: u8| char::from(byte).to_digit(16);
            pairs.iter().map(|&[high, low]| Some((digit(high)? * 16 + digit(low)?) as u8)).collect()
        }
        _ => Some(value.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_the_table_says() {
        let mut options = Options::default();
        for entry in &TABLE {
            options.set(entry.name, entry.default).unwrap();
        }
        assert_eq!(options, Options { history: Some(History::Latest), ..Options::default() });
        assert_eq!(Options::default().history(), History::Latest);
        assert_eq!(Options::describe().lines().count(), TABLE.len());
    }

    #[test]
    fn bad_names_and_values_are_named() {
        let mut options = Options::default();
        for (name, value) in [
            ("key_layout", "v3"),
            ("plain_keys", "0"),
            ("plain_keys", "-1"),
            ("plain_keys", "+5"),
            ("plain_keys", "9999999999"),
            ("history", ""),
            ("unknown_keyspace", "Keep"),
            ("remove_mode", "delete"),
            ("ttl_grace_seconds", "-1"),
            ("ttl_grace_seconds", "+1"),
            ("max_safe_point_ahead_seconds", "1s"),
            ("worker_queue_max_rows", "0"),
            ("worker_queue_max_bytes", "4095"),
            ("delete_batch_bytes", "0"),
            ("delete_bytes_per_second", "1.5"),
            ("delete_range_min_keys", "-1"),
            ("recheck", "never"),
            ("recheck_seconds", "1h"),
            ("ledger_prefix", ""),
            ("ledger_prefix", "0x"),
            ("data_prefix", "0xzz"),
        ] {
            let error = options.set(name, value).unwrap_err().to_string();
            assert!(error.starts_with("Invalid argument: ") && error.contains(name) && error.contains(&format!("{value:?}")), "{error}");
        }
        assert!(options.set("no_such", "1").unwrap_err().to_string().contains("\"no_such\""));
        assert_eq!(options, Options::default());
    }

    #[test]
    fn parse_is_all_or_nothing() {
        let mut options = Options::default();
        assert!(options.parse("history=snapshot;data_prefix=z;nonsense").is_err());
        assert_eq!(options, Options::default());
        options.parse(" history = snapshot ; data_prefix=0x7a ;; ").unwrap();
        assert_eq!((options.history(), options.data_prefix.as_slice()), (History::Snapshot, &b"z"[..]));
        options.parse("").unwrap();
    }

    #[test]
    fn prefixes_are_text_or_hex() {
        for (value, bytes) in [("z", &b"z"[..]), ("0x7A00", b"z\0"), ("0x7", b"0x7"), ("", b"")] {
            assert_eq!(text_or_hex(value).as_deref(), Some(bytes), "{value}");
        }
    }

    #[test]
    fn plain_demands_that_its_readers_are_named() {
        let layout = |text: &str| {
            let mut options = Options::default();
            options.parse(text).unwrap();
            options.layout().map_err(|error| error.to_string())
        };
        let error = layout("key_layout=plain;plain_keys=8").unwrap_err();
        assert!(error.contains("say history=latest if") && error.contains("or history=snapshot if"), "{error}");
        for history in ["latest", "snapshot"] {
            assert!(layout(&format!("key_layout=plain;plain_keys=8;history={history}")).is_ok());
        }
    }

    #[test]
    fn options_that_do_not_go_together() {
        let layout = |text: &str| {
            let mut options = Options::default();
            options.parse(text).unwrap();
            options.layout()
        };
        for text in
            ["key_layout=plain", "plain_keys=8", "data_prefix=0x01", "ledger_prefix=zgc;data_prefix=z", "ledger_prefix=z;data_prefix=zz"]
        {
            assert!(layout(text).is_err(), "{text}");
        }
        for text in [
            "schema_id=prefix;ledger_prefix=r_gc",
            "schema_id=prefix;ledger_prefix=0x7800000100000007ff6763",
            "schema_id=prefix;key_layout=plain;history=latest;plain_keys=3",
        ] {
            assert!(layout(text).is_err(), "{text}");
        }
        for text in [
            "ledger_prefix=r_gc",
            "schema_id=prefix;ledger_prefix=r_gc;data_prefix=z",
            "schema_id=prefix;key_layout=plain;history=latest;plain_keys=4",
        ] {
            assert!(layout(text).is_ok(), "{text}");
        }
        assert!(layout("key_layout=plain;history=latest;plain_keys=8;data_prefix=z").is_ok());
    }
}
