//! The options of a context, and whether they are consistent.

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
    /// The most bytes of deletes that are written per second; 0 means no limit.
    pub bytes_per_second: u64,
    /// The most bytes of files that are compacted per second; 0 means no limit.
    pub compact_bytes_per_second: u64,
    /// If at least this many keys must be deleted, one range tombstone deletes them; 0 means never.
    pub range_min_keys: u64,
    /// Whether the worker rechecks destroyed ranges.
    pub rechecks: bool,
    /// The time between the end of a destroy and its recheck, in seconds.
    pub recheck_seconds: u64,
}

/// The options of a context.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub(super) plain: bool,
    pub(super) data_prefix: Vec<u8>,
    pub(super) plain_keys: Option<PlainKeys>,
    pub(super) schema_ids: bool,
    pub(super) ledger_prefix: Vec<u8>,
    /// The reads that the host serves; `None` means that the host did not set it.
    pub(super) history: Option<History>,
    /// The safe point of unregistered keyspaces.
    pub unknown_keyspace: UnknownKeyspace,
    /// The way in which filters remove versions.
    pub remove_mode: RemoveMode,
    /// The versions per row from which a compaction above the bottommost level gets a filter.
    pub ratio_threshold: f64,
    /// The time between a value's expiry and its removal, in seconds.
    pub ttl_grace_seconds: u64,
    /// The most seconds that a safe point may be ahead of the clock; 0 means no limit.
    pub max_safe_point_ahead_seconds: u64,
    /// The most rows that may wait for the worker.
    pub worker_queue_max_rows: usize,
    /// The most bytes that waiting rows may use.
    pub worker_queue_max_bytes: usize,
    /// The number of keyspaces that the metrics name one by one.
    pub metrics_keyspaces: usize,
    /// Whether the metrics also have the names that TiKV's dashboards use.
    pub metrics_tikv: bool,
    /// The options of deletes.
    pub deleting: Deleting,
}

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
            ratio_threshold: 1.1,
            ttl_grace_seconds: 0,
            max_safe_point_ahead_seconds: 0,
            worker_queue_max_rows: 1_000_000,
            worker_queue_max_bytes: 64 << 20,
            metrics_keyspaces: 100,
            metrics_tikv: false,
            deleting: Deleting {
                batch_bytes: 32768,
                bytes_per_second: 0,
                compact_bytes_per_second: 0,
                range_min_keys: 10_000,
                rechecks: true,
                recheck_seconds: 86_400,
            },
        }
    }
}

impl Options {
    /// The reads that the host serves.
    pub fn history(&self) -> History {
        self.history.unwrap_or(History::Latest)
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
