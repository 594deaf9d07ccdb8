//! The names, defaults and meanings of all options.

use super::chosen::{Options, RemoveMode};
use super::values::{choose, number, positive, text_or_hex};
use crate::error::Error;
use crate::layout::PlainKeys;
use crate::rule::raw::History;
use crate::safe_point::UnknownKeyspace;

struct Entry {
    name: &'static str,
    default: &'static str,
    values: &'static str,
    meaning: &'static str,
    set: fn(&mut Options, &str) -> Option<()>,
}

const TABLE: [Entry; 21] = [
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
        meaning: "the prefix of every stored key (TiKV: z)",
        set: |options, value| {
            options.data_prefix = text_or_hex(value)?;
            Some(())
        },
    },
    Entry {
        name: "plain_keys",
        default: "none",
        values: "none, a number of bytes from 1 to 1048576, or prefix_free",
        meaning: "for plain: the length of all user keys, or the promise that none is a prefix of another",
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
        meaning: "readers read the newest version, or at a timestamp not below the safe point; plain needs it",
        set: |options, value| {
            options.history = Some(choose(value, [("latest", History::Latest), ("snapshot", History::Snapshot)])?);
            Some(())
        },
    },
    Entry {
        name: "unknown_keyspace",
        default: "keep",
        values: "keep or global",
        meaning: "unregistered keyspaces: keep all versions, or use the global safe point",
        set: |options, value| {
            options.unknown_keyspace = choose(value, [("keep", UnknownKeyspace::Keep), ("global", UnknownKeyspace::Global)])?;
            Some(())
        },
    },
    Entry {
        name: "schema_id",
        default: "off",
        values: "off or prefix",
        meaning: "prefix: the first 4 bytes of a user key are the id of its schema",
        set: |options, value| {
            options.schema_ids = choose(value, [("off", false), ("prefix", true)])?;
            Some(())
        },
    },
    Entry {
        name: "remove_mode",
        default: "auto",
        values: "auto, remove or skip",
        meaning: "for hosts that can skip: the cheaper way, only tombstones, or skips wherever they are safe",
        set: |options, value| {
            options.remove_mode = choose(value, [("auto", RemoveMode::Auto), ("remove", RemoveMode::Remove), ("skip", RemoveMode::Skip)])?;
            Some(())
        },
    },
    Entry {
        name: "ratio_threshold",
        default: "1.1",
        values: "a number above 0",
        meaning: "the versions per row from which a compaction above the bottommost level gets a filter",
        set: |options, value| {
            options.ratio_threshold = positive(value)?;
            Some(())
        },
    },
    Entry {
        name: "ttl_grace_seconds",
        default: "0",
        values: "a number of seconds",
        meaning: "a value has expired if expire_ts <= now - this",
        set: |options, value| {
            options.ttl_grace_seconds = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "max_safe_point_ahead_seconds",
        default: "0",
        values: "a number of seconds, 0 = off",
        meaning: "a safe point is refused if its physical part (ts >> 18, in ms) is further ahead of the clock",
        set: |options, value| {
            options.max_safe_point_ahead_seconds = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "worker_queue_max_rows",
        default: "1000000",
        values: "a number of rows, 1 to 4294967295",
        meaning: "the most rows that wait for the worker; others are left to later filters",
        set: |options, value| {
            options.worker_queue_max_rows = number(value).filter(|n| (1..=u64::from(u32::MAX)).contains(n))? as usize;
            Some(())
        },
    },
    Entry {
        name: "worker_queue_max_bytes",
        default: "67108864",
        values: "a number of bytes, 4096 to 1099511627776",
        meaning: "the most memory of rows that wait for the worker; others are left to later filters",
        set: |options, value| {
            options.worker_queue_max_bytes = number(value).filter(|n| (4096..=1 << 40).contains(n))? as usize;
            Some(())
        },
    },
    Entry {
        name: "delete_batch_bytes",
        default: "32768",
        values: "a number of bytes, 1 to 1073741824",
        meaning: "the size at which the worker writes a batch of deletes",
        set: |options, value| {
            options.deleting.batch_bytes = number(value).filter(|n| (1..=1 << 30).contains(n))? as usize;
            Some(())
        },
    },
    Entry {
        name: "delete_bytes_per_second",
        default: "0",
        values: "a number of bytes, 0 = off",
        meaning: "the most bytes of deletes that the worker and the calls write per second",
        set: |options, value| {
            options.deleting.bytes_per_second = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "compact_bytes_per_second",
        default: "0",
        values: "a number of bytes, 0 = off",
        meaning: "the most bytes of files that the worker and the calls compact per second",
        set: |options, value| {
            options.deleting.compact_bytes_per_second = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "delete_range_min_keys",
        default: "10000",
        values: "a number of keys, 0 = never",
        meaning: "from this number of keys, one range tombstone replaces the tombstones of a row or range",
        set: |options, value| {
            options.deleting.range_min_keys = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "recheck",
        default: "auto",
        values: "auto or manual",
        meaning: "who rechecks destroyed ranges: the worker, or only rgc_recheck_destroyed",
        set: |options, value| {
            options.deleting.rechecks = choose(value, [("auto", true), ("manual", false)])?;
            Some(())
        },
    },
    Entry {
        name: "recheck_seconds",
        default: "86400",
        values: "a number of seconds",
        meaning: "the time between the end of a destroy and its recheck",
        set: |options, value| {
            options.deleting.recheck_seconds = number(value)?;
            Some(())
        },
    },
    Entry {
        name: "metrics_keyspaces",
        default: "100",
        values: "a number of keyspaces, 0 to 10000",
        meaning: "the keyspaces that rgc_metrics names one by one, those with the most garbage; the rest is one sum",
        set: |options, value| {
            options.metrics_keyspaces = number(value).filter(|n| *n <= 10_000)? as usize;
            Some(())
        },
    },
    Entry {
        name: "metrics_tikv",
        default: "off",
        values: "off or on",
        meaning: "whether rgc_metrics also has the metrics that TiKV's dashboards read, with TiKV's names",
        set: |options, value| {
            options.metrics_tikv = choose(value, [("off", false), ("on", true)])?;
            Some(())
        },
    },
    Entry {
        name: "ledger_prefix",
        default: "0x01726f636b735f67632f",
        values: "text, or hex if it begins with 0x and is even; not empty",
        meaning: "the prefix of the library's own records, which filters always keep",
        set: |options, value| {
            options.ledger_prefix = text_or_hex(value).filter(|prefix| !prefix.is_empty())?;
            Some(())
        },
    },
];

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

    /// One line for each option: name, default, values, meaning.
    pub fn describe() -> String {
        TABLE.map(|e| format!("{}={} ({}): {}\n", e.name, e.default, e.values, e.meaning)).concat()
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
            ("ratio_threshold", "0"),
            ("ratio_threshold", "-0.0"),
            ("ratio_threshold", "-1"),
            ("ratio_threshold", "inf"),
            ("ratio_threshold", "NaN"),
            ("ratio_threshold", "1e400"),
            ("ttl_grace_seconds", "-1"),
            ("ttl_grace_seconds", "+1"),
            ("max_safe_point_ahead_seconds", "1s"),
            ("worker_queue_max_rows", "0"),
            ("worker_queue_max_bytes", "4095"),
            ("delete_batch_bytes", "0"),
            ("delete_bytes_per_second", "1.5"),
            ("compact_bytes_per_second", "10M"),
            ("delete_range_min_keys", "-1"),
            ("recheck", "never"),
            ("recheck_seconds", "1h"),
            ("metrics_keyspaces", "10001"),
            ("metrics_tikv", "1"),
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
